// SPDX-License-Identifier: Apache-2.0
#include "jobs/recovery.h"

#include <algorithm>

#include "jobs/erasure_desk.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/witness_notes.h"

namespace holdfast {
namespace {

using nlohmann::json;

RunClosing lost_closing(const json& body) {
  return {.outcome = body.at("outcome"),
          .error_reason = body.at("error_reason"),
          .error_message = body.at("error_reason").get<std::string>().empty()
                               ? ""
                               : "a restored backup has forgotten the rest",
          .closed_at = instant_of(body, "closed_at"),
          .deleted = body.at("deleted"),
          .run_hash = body.at("run_hash"),
          .previous_hash = body.at("previous_run_hash")};
}

bool is_same_run(const RunClosing& one, const RunClosing& other) {
  return one.run_hash == other.run_hash && one.closed_at == other.closed_at &&
         one.outcome == other.outcome;
}

/// Where another run has the number of the one before, the chain goes on from that other one.
RunClosing in_chain_of(RunLedger& ledger, std::int64_t id, RunClosing closing) {
  const auto before = ledger.find(id - 1);
  if (before && before->closing && !before->closing->run_hash.empty() &&
      !closing.previous_hash.empty()) {
    closing.previous_hash = before->closing->run_hash;
  }
  return closing;
}

json add_lost_run(Database& database, const json& body) {
  RunLedger& ledger = database.ledger();
  const std::int64_t id = whole_number(body.at("run_id"));
  const RunClosing closing = in_chain_of(ledger, id, lost_closing(body));
  const auto known = ledger.find(id);
  bool taken = false;
  if (!known) {
    ledger.add_lost({.id = id,
                     .opening = {.opened_at = instant_of(body, "system_now"),
                                 .as_of = instant_of(body, "as_of"),
                                 .started_by = body.at("started_by"),
                                 .host = body.at("host")},
                     .phase = "closing",
                     .closing = closing});
  } else if (!known->closing) {
    ledger.close(id, closing);
  } else {
    taken = !is_same_run(*known->closing, closing);
  }
  std::int64_t gone = 0;
  if (!taken) {
    for (const RunSlice& slice : ledger.slices(id)) {
      gone += slice.deleted;
    }
  }
  return {{"run_id", id},
          {"outcome", closing.outcome},
          {"deleted", closing.deleted},
          {"rows_back", closing.deleted - gone},
          {"number_taken", taken}};
}

/// Erases again whoever came back. Errors: JobError(failed) where somebody could not be erased.
void erase_again(const Desk& desk, const std::vector<WitnessLine>& lines, json& result) {
  result["erasures_unmatched"] = put_back_erasures(desk, lines);
  const json again = reapply_erasures(desk);
  json& unmatched = result["erasures_unmatched"];
  for (const json& line : again.at("unmatched")) {
    if (std::none_of(unmatched.begin(), unmatched.end(), [&](const json& known) {
          return known.at("tenant") == line.at("tenant") && known.at("token") == line.at("token");
        })) {
      unmatched.push_back(line);
    }
  }
  result["erased_again"] = again.at("erased_again");
  result["erasures_held"] = again.at("held");
  if (!again.at("failed").empty()) {
    throw JobError(ExitStatus::failed,
                   std::to_string(again.at("failed").size()) +
                       " erasures could not be carried out again, the first because: " +
                       again.at("failed").front().at("why").get<std::string>() +
                       "; the holds are back, runs stay refused: put that right and type "
                       "\"holdfast recover\" again");
  }
  result["keys_forgotten"] = forget_lost_keys(desk, lines);
}

/// The clock that the last of these lines leaves: runs move it on, a person may set it back.
std::optional<RunClock> witnessed_clock(std::optional<RunClock> clock,
                                        const std::vector<WitnessLine>& lines) {
  for (const WitnessLine& line : lines) {
    if (line.kind != "run" && line.kind != "clock") {
      continue;
    }
    const json body = witness_body(line);
    const json& told = line.kind == "run" ? body.at("clock") : body;
    if (told.is_null()) {
      continue;
    }
    const RunClock then{.system_now = instant_of(told, "system_now"),
                        .as_of = instant_of(told, "as_of")};
    if (!clock || line.kind == "clock") {
      clock = then;
    } else {
      clock = RunClock{.system_now = std::max(clock->system_now, then.system_now),
                       .as_of = std::max(clock->as_of, then.as_of)};
    }
  }
  return clock;
}

void move_clock(const Desk& desk, const std::vector<WitnessLine>& lines, json& result) {
  const auto before = desk.database.ledger().last_clock();
  const auto after = witnessed_clock(before, lines);
  if (after &&
      (!before || before->as_of != after->as_of || before->system_now != after->system_now)) {
    desk.database.ledger().store_clock(*after, "recover by " + desk.who);
  }
  result["run_clock_before"] = json_time(before ? std::optional{before->as_of} : std::nullopt);
  result["run_clock"] = json_time(after ? std::optional{after->as_of} : std::nullopt);
}

void list_approvals(const std::vector<WitnessLine>& lines, json& result) {
  for (const WitnessLine& line : lines) {
    if (line.kind == "approval") {
      result["approvals_lost"].push_back(witness_body(line).at("plan"));
    }
  }
}

/// The backup knows of an approval that a lost run may have used up since.
void end_open_approval(const Desk& desk, json& result) {
  PlanStore& plans = desk.database.plans();
  if (const auto open = plans.open_approval()) {
    plans.spend(open->id, desk.now);
    result["approvals_lost"].push_back(open->plan.digest);
  }
}

/// Lost runs whose number another run has in the ledger.
json numbers_taken(const json& runs_lost) {
  json numbers = json::array();
  for (const json& run : runs_lost) {
    if (run.at("number_taken") == true) {
      numbers.push_back(run.at("run_id"));
    }
  }
  return numbers;
}

/// Runs that stand in the ledger without a record because these lines were all there was of them.
json runs_without_record(RunLedger& ledger, const std::vector<WitnessLine>& lines) {
  json numbers = json::array();
  for (const WitnessLine& line : lines) {
    if (line.kind != "run") {
      continue;
    }
    const json body = witness_body(line);
    const auto known = ledger.find(whole_number(body.at("run_id")));
    if (known && known->closing && known->closing->record.empty() &&
        is_same_run(*known->closing, lost_closing(body))) {
      numbers.push_back(known->id);
    }
  }
  return numbers;
}

/// Notes that it was done, in journal and witness. Call it inside the write that takes lines over.
void note_recovery(const Desk& desk, const WitnessComparison& found, const json& result) {
  const bool anew = found.state != WitnessState::restored_backup;
  const json detail = {
      {"by", utf8_text(desk.who)},
      {"state", result.at("state")},
      {"lines", anew ? found.in_file : static_cast<std::int64_t>(found.lost.size())},
      {"holds_put_back", result.at("holds_put_back").size()},
      {"erased_again", result.at("erased_again").size()},
      {"lost_runs", runs_without_record(desk.database.ledger(), found.lost)},
      {"numbers_taken", numbers_taken(result.at("runs_lost"))},
      {"new_witness", anew}};
  note_in_journal(desk, "recovered", compact(detail), "");
  witness_note(desk.database, {.at = desk.now, .kind = "recovered", .body = detail});
}

/// The runs that took the numbers of lost ones, which no line tells of yet.
void note_takers(const Desk& desk, const json& runs_lost) {
  for (const json& number : numbers_taken(runs_lost)) {
    const auto id = whole_number(number);
    const auto line = desk.database.ledger().find(id);
    if (line && line->closing) {
      witness_note(
          desk.database,
          {.at = desk.now,
           .kind = "run",
           .body = run_witness_body(desk.database, {.id = id, .closing = *line->closing})});
    }
  }
}

/// The last step, in one transaction: before it every run is refused, after it none is.
void take_lines_in(const Desk& desk, const WitnessComparison& found, json& result) {
  const auto write = desk.database.begin_write(Durability::full);
  WitnessOutbox& outbox = desk.database.witness_outbox();
  const auto last = outbox.last();
  if ((last ? last->seq : 0) + 1 != found.lost.front().seq) {
    throw JobError(
        ExitStatus::failed,
        "something was noted in the database meanwhile: type \"holdfast recover\" again");
  }
  for (const WitnessLine& line : found.lost) {
    outbox.add(line);  // a withheld one too: its hash is what counts
  }
  result["runs_lost"] = add_lost_runs(desk.database, found.lost);
  move_clock(desk, found.lost, result);
  end_open_approval(desk, result);
  note_recovery(desk, found, result);
  note_takers(desk, result.at("runs_lost"));
  write->commit();
}

/// The file is made anew from what the database knows.
void begin_new_file(const Desk& desk, const WitnessComparison& found, json& result) {
  const auto write = desk.database.begin_write(Durability::full);
  note_recovery(desk, found, result);
  write->commit();
  // Killed here, the file is as it was and runs stay refused: the next call does it again.
  std::vector<std::string> lines;
  for (WitnessLine& line : desk.database.witness_outbox().since(0)) {
    lines.push_back(std::move(line.line));
  }
  const std::string kept = desk.witness->replace(lines);
  result["new_witness"] = utf8_text(desk.witness->name());
  result["old_witness"] = kept.empty() ? json(nullptr) : json(utf8_text(kept));
}

json empty_result(const WitnessComparison& found) {
  json result = {{"outcome", found.agrees() ? "nothing_lost" : "recovered"},
                 {"state", to_token(found.state)},
                 {"lines_lost", found.lost.size()},
                 {"lost_since", nullptr},
                 {"run_clock_before", nullptr},
                 {"run_clock", nullptr},
                 {"new_witness", nullptr},
                 {"old_witness", nullptr}};
  for (const char* list : {"holds_put_back",
                           "holds_released_since",
                           "policies_put_back",
                           "erased_again",
                           "erasures_held",
                           "erasures_unmatched",
                           "keys_forgotten",
                           "runs_lost",
                           "approvals_lost"}) {
    result[list] = json::array();
  }
  if (!found.lost.empty()) {
    result["lost_since"] = to_rfc3339(found.lost.front().at);
  }
  return result;
}

}  // namespace

json add_lost_runs(Database& database, const std::vector<WitnessLine>& lines) {
  json runs = json::array();
  for (const WitnessLine& line : lines) {
    if (line.kind == "run") {
      runs.push_back(add_lost_run(database, witness_body(line)));
    }
  }
  return runs;
}

json recover(const Desk& desk, NewWitness wish) {
  require_administrator(desk, "recover");
  if (desk.witness == nullptr || !desk.database.is_set_up()) {
    throw JobError(ExitStatus::failed, "there is no witness file to recover from");
  }
  const WitnessComparison found = compare_witness(desk.database, *desk.witness);
  if (found.state == WitnessState::unreadable) {
    throw JobError(ExitStatus::failed, found.sentence);
  }
  const bool restored = found.state == WitnessState::restored_backup;
  if (!found.agrees() && !restored && wish == NewWitness::no) {
    throw JobError(ExitStatus::refused, found.sentence);
  }
  json result = empty_result(found);
  if (!found.agrees()) {
    put_back_holds(desk, found, result);
    put_back_policies(desk, found.lost, result);
    list_approvals(found.lost, result);
  }
  if (restored) {
    erase_again(desk, found.lost, result);
    take_lines_in(desk, found, result);
  } else if (!found.agrees()) {
    if (!found.lost.empty()) {
      // What the old file knows of persons who were erased is gone with it.
      erase_again(desk, found.lost, result);
    }
    begin_new_file(desk, found, result);
  }
  WitnessNotes notes = witness_notes(desk);
  notes.catch_up(desk.now);
  notes.flush();
  return result;
}

}  // namespace holdfast

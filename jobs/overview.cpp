// SPDX-License-Identifier: Apache-2.0
#include "jobs/overview.h"

#include <limits>

#include "jobs/erasure_check.h"
#include "jobs/erasure_desk.h"
#include "jobs/export_columns.h"
#include "jobs/hold_desk.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/row_desk.h"
#include "jobs/run_plan.h"
#include "jobs/server_clock.h"
#include "jobs/tenant_keys.h"
#include "jobs/witness_check.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::int64_t kListedRuns = 100;
constexpr std::size_t kNamedCodes = 10;

/// Findings as they come together.
class Findings {
 public:
  void wrong(const std::string& sentence) { add("wrong", sentence); }
  void doubtful(const std::string& sentence) { add("doubtful", sentence); }
  void good_to_know(const std::string& sentence) { add("good to know", sentence); }
  [[nodiscard]] json take() { return std::move(list_); }

 private:
  void add(const char* weight, const std::string& sentence) {
    list_.push_back({{"weight", weight}, {"message", utf8_text(sentence)}});
  }
  json list_ = json::array();
};

std::string place_name(const TallyPlace& place) {
  return (place.tenant ? "tenant " + *place.tenant + ", " : std::string{}) +
         (place.category.empty() ? "unknown codes" : "category " + place.category);
}

void check_policy(const PolicyState& policy, Findings& findings) {
  for (const PolicyProblem& problem : validate(policy.current().snapshot)) {
    const std::string sentence = problem.where + ": " + problem.message;
    if (problem.weight == PolicyProblem::Weight::refused) {
      findings.wrong(sentence);
    } else {
      findings.doubtful(sentence);
    }
  }
  if (!policy.pending.empty()) {
    findings.good_to_know(std::to_string(policy.pending.size()) +
                          " entries differ from the policy that the last run recorded; what "
                          "loosens waits policy_shorten_delay");
  }
}

void check_codes(const RunPlan& plan, Findings& findings) {
  std::size_t named = 0;
  std::size_t unnamed = 0;
  for (const auto& [code, counts] : plan.figures.tally.codes()) {
    if (counts[Reason::unknown_code] == 0) {
      continue;
    }
    if (++named > kNamedCodes) {
      ++unnamed;
      continue;
    }
    findings.doubtful("code \"" + code + "\" is in " +
                      std::to_string(counts[Reason::unknown_code]) +
                      " rows and not in the catalogue: they are kept; add it with "
                      "[catalogue].extend or [catalogue].aliases");
  }
  if (unnamed > 0) {
    findings.doubtful(std::to_string(unnamed) +
                      " more codes are not in the catalogue; \"holdfast plan --json\" lists them "
                      "under unknown_codes");
  }
}

void check_data(const RunPlan& plan, const DecisionContext& context, Findings& findings) {
  for (const auto* entry : plan.figures.tally.places_in_order()) {
    const auto& [place, counts] = *entry;
    if (counts[Reason::no_policy] > 0) {
      findings.doubtful(place_name(place) + " has " + std::to_string(counts[Reason::no_policy]) +
                        " rows and no retention window: they are kept for ever");
    }
    if (counts.total() == 0) {
      findings.good_to_know(place_name(place) + " has a retention window and no rows");
    }
  }
  check_codes(plan, findings);
  if (plan.figures.bad_times > 0) {
    const std::string sentence =
        std::to_string(plan.figures.bad_times) + " of " + std::to_string(plan.figures.rows_before) +
        " rows have a time that is missing, unreadable, in the future or before "
        "[events].earliest_plausible; their window counts from the first run that meets them";
    if (too_many_bad_times(plan.figures, context.safety())) {
      findings.wrong(sentence +
                     "; that is more than [safety].max_bad_time_share, so a run would be "
                     "refused: look at [events].time_format");
    } else {
      findings.doubtful(sentence);
    }
  }
  if (plan.figures.category_mismatches > 0) {
    findings.doubtful(
        std::to_string(plan.figures.category_mismatches) +
        " rows carry another category than the catalogue gives their code: the longer "
        "window counts");
  }
}

void check_clocks(const Desk& desk, const PolicyState& policy, Findings& findings) {
  const ClockStep step = next_clock(desk, policy);
  if (const WitnessedClock clocks = witness_clock(desk.database, desk.now); clocks.apart()) {
    findings.wrong("a run would be refused: " + clocks.sentence());
  } else if (step.outcome == ClockStep::Outcome::refused) {
    findings.wrong("the system clock says " + to_rfc3339(desk.now) +
                   ", before the last run (run clock " + to_rfc3339(step.clock.as_of) +
                   "): a run would be refused");
  } else if (step.outcome == ClockStep::Outcome::clamped) {
    findings.doubtful("the system clock says " + to_rfc3339(desk.now) +
                      " and the next run counts with " + to_rfc3339(step.clock.as_of) +
                      "; \"holdfast approve --clock\" sets the run clock right");
  }
}

void check_database(const Desk& desk, Findings& findings) {
  const LogShape& shape = desk.database.audit_log().shape();
  if (!desk.database.is_set_up()) {
    findings.good_to_know("Holdfast's own tables are not there yet: \"holdfast init\" adds them");
  }
  if (!shape.index_advice.empty()) {
    findings.doubtful(
        "no index serves the prune query, so every run reads the whole table; this "
        "would help: " +
        shape.index_advice);
  }
  for (const std::string& doubt : shape.doubts) {
    findings.doubtful(doubt);
  }
  if (desk.settings.archive && !desk.settings.archive->fault.empty()) {
    findings.wrong(archive_warning(desk.settings));
  }
  if (desk.settings.administrators.empty()) {
    findings.doubtful("[admins].principals is empty: nobody can approve a plan or release a hold");
  }
  if (desk.keys != nullptr && desk.database.is_set_up()) {
    if (const std::string fault = key_fault(desk.database, *desk.keys); !fault.empty()) {
      findings.wrong(fault);
    }
  }
  const std::vector<std::string> faults = erasure_faults(desk);
  for (const std::string& fault : faults) {
    findings.wrong(fault);
  }
  const bool fits = faults.empty();
  for (const std::string& doubt : left_by_erasures(desk)) {
    findings.doubtful(doubt);
  }
  const std::string withheld =
      fits ? withheld_columns_doubt(desk.database, desk.settings) : std::string{};
  if (!withheld.empty()) {
    findings.doubtful(withheld);
  }
}

void check_guards(const Desk& desk, Findings& findings) {
  LogGuard& guard = desk.database.guard();
  if (!guard.present()) {
    return;
  }
  const std::vector<std::string> faults = guard.faults();
  for (const std::string& fault : faults) {
    findings.wrong(fault + "; \"holdfast init --guard\" sets the guards anew");
  }
  if (faults.empty()) {
    findings.good_to_know(
        "the guards are there, whole and unchanged: nobody but Holdfast deletes or changes rows "
        "that are held, stamped or not due");
  }
}

void check_witness(const Desk& desk, Findings& findings) {
  const json witness = witness_status(desk);
  const std::string state = witness.at("state");
  if (state == to_token(WitnessState::repaired)) {
    findings.doubtful(state + ": " + witness.at("message").get<std::string>());
  } else if (!witness.at("message").is_null()) {
    findings.wrong(state + ": " + witness.at("message").get<std::string>() +
                   " (a run would be refused)");
  }
  if (desk.settings.witness_beside_database) {
    findings.good_to_know(
        "the witness file lies beside the database: a restored backup of the whole folder takes it "
        "back too and is not noticed; [witness] file in another place, on another disk, is safer");
  }
}

}  // namespace

json check_everything(const Desk& desk) {
  Findings findings;
  check_database(desk, findings);
  check_guards(desk, findings);
  check_witness(desk, findings);
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  check_policy(policy, findings);
  check_clocks(desk, policy, findings);
  DecisionContext context(desk.database,
                          desk.settings,
                          policy,
                          {.system_now = desk.now, .as_of = desk.now},
                          DecisionContext::WithoutApproval{});
  const RunPlan plan = plan_at(desk, context);
  check_data(plan, context, findings);
  const auto& newest = plan.figures.newest_time;
  if (newest && *newest + std::chrono::hours{24 * 7} < desk.now) {
    findings.doubtful("log_idle_or_clock_ahead: the newest row that is not Holdfast's own is of " +
                      to_rfc3339(*newest) +
                      ": either nothing is being logged, or the system clock (" +
                      to_rfc3339(desk.now) + ") is ahead");
  }
  return {{"findings", findings.take()},
          {"rows", plan.figures.rows_before},
          {"set_up", desk.database.is_set_up()}};
}

json run_line_json(const RunLine& line) {
  json entry = {{"run", line.id},
                {"opened_at", to_rfc3339(line.opening.opened_at)},
                {"as_of", to_rfc3339(line.opening.as_of)},
                {"phase", line.phase},
                {"started_by", utf8_text(line.opening.started_by)}};
  entry["outcome"] = line.closing ? json(line.closing->outcome) : json(nullptr);
  entry["deleted"] = line.closing ? json(line.closing->deleted) : json(nullptr);
  entry["error"] = line.closing && !line.closing->error_reason.empty()
                       ? json(line.closing->error_reason)
                       : json(nullptr);
  return entry;
}

json run_record(const Desk& desk, std::int64_t run) {
  const auto line = run == 0 ? desk.database.ledger().last() : desk.database.ledger().find(run);
  if (!line) {
    throw JobError(
        ExitStatus::invalid,
        run == 0
            ? std::string(R"(no run has been recorded yet: "holdfast run" makes the first)")
            : "there is no run " + std::to_string(run) + ": \"holdfast report list\" lists them");
  }
  if (!line->closing) {
    json open = run_line_json(*line);
    open["outcome"] = "open";
    return open;
  }
  const auto full = desk.database.ledger().find(line->id);
  if (full->closing->record.empty()) {
    // A restored backup has forgotten it: what the witness file knew stands in the ledger's line.
    json lost = run_line_json(*line);
    lost["run_id"] = line->id;
    lost["run_hash"] = line->closing->run_hash;
    lost["record_lost"] = true;
    return lost;
  }
  return json::parse(full->closing->record);
}

json export_registers(const Desk& desk) {
  Database& database = desk.database;
  json runs = json::array();
  for (const RunLine& line : database.ledger().newest(std::numeric_limits<std::int64_t>::max())) {
    json entry = run_line_json(line);
    const auto full = database.ledger().find(line.id);
    entry["record"] = full && full->closing && !full->closing->record.empty()
                          ? json::parse(full->closing->record)
                          : json(nullptr);
    runs.push_back(std::move(entry));
  }
  json policies = json::array();
  for (const StoredPolicy& policy : database.policies().versions()) {
    policies.push_back({{"version", policy.version},
                        {"in_force_from", to_rfc3339(policy.in_force_from)},
                        {"changed_by", utf8_text(policy.changed_by)},
                        {"reason", utf8_text(policy.reason)},
                        {"document", json::parse(policy.document)}});
  }
  json journal = json::array();
  for (const JournalEntry& entry : database.journal().since(0)) {
    journal.push_back({{"id", entry.id},
                       {"at", to_rfc3339(entry.by.at)},
                       {"who", utf8_text(entry.by.who)},
                       {"what", entry.what},
                       {"reason", utf8_text(entry.by.reason)},
                       {"detail", utf8_text(entry.detail)}});
  }
  return {{"exported_at", to_rfc3339(desk.now)},
          {"database_identity", database.identity()},
          {"holds", list_holds(desk, /*released_too=*/true).at("holds")},
          {"bookmarks", list_bookmarks(desk).at("bookmarks")},
          {"erasures", list_erasures(desk, /*ended_too=*/true).at("erasures")},
          {"runs", std::move(runs)},
          {"policies", std::move(policies)},
          {"journal", std::move(journal)}};
}

json list_runs(const Desk& desk) {
  json list = json::array();
  for (const RunLine& line : desk.database.ledger().newest(kListedRuns)) {
    list.push_back(run_line_json(line));
  }
  return {{"runs", std::move(list)}};
}

}  // namespace holdfast

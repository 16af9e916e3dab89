// SPDX-License-Identifier: Apache-2.0
// What happens to erasures long after they were carried out: once more after a restored backup, and
// the end of a tenant's key.

#include <algorithm>
#include <map>
#include <set>

#include "jobs/archive_keeper.h"
#include "jobs/erasure_desk.h"
#include "jobs/export_upkeep.h"
#include "jobs/hold_sources.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/run_errors.h"
#include "jobs/tenant_keys.h"
#include "jobs/witness_hold.h"
#include "policy/instant_shift.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// Somebody whose data is there although their erasure was completed.
struct Returned {
  std::string token;
  bool asked_anew = false;  ///< there is a later request: its own guards decide, not this verb
};

/// By tenant and person. Nobody is matched to a token whose key is gone.
std::map<std::pair<std::string, std::string>, Returned> persons_who_came_back(
    const Desk& desk, const std::set<std::string>& without_key) {
  std::map<std::pair<std::string, std::string>, Returned> back;
  std::set<std::pair<std::string, std::string>> seen;
  const auto look = [&](const Subject& subject) {
    const std::string tenant = subject.tenant.value_or(std::string{});
    if (without_key.contains(tenant) || !seen.emplace(tenant, subject.person).second) {
      return;
    }
    const auto token = token_of(desk.database, *desk.keys, subject);
    if (!token) {
      return;
    }
    const auto request = desk.database.erasures().find_newest({subject.tenant, *token});
    if (request && request->state == ErasureState::completed) {
      // A completion renames every request of the person: one that has the name is a later one.
      const bool asked_anew = desk.database.erasures().find_newest(subject).has_value();
      back.emplace(std::pair{tenant, subject.person},
                   Returned{.token = *token, .asked_anew = asked_anew});
    }
  };
  for (const ErasureModule& module : desk.settings.erasure.modules) {
    for (const ModuleTable& table : module.tables) {
      desk.database.subjects().for_each_subject(table, look);
    }
  }
  desk.database.subjects().for_each_subject(LogPlace::log, look);
  desk.database.subjects().for_each_subject(LogPlace::own_events, look);
  return back;
}

/// One person, erased again in a transaction of its own; returns the receipt, or none where a hold
/// stands in the way.
std::optional<ErasureReceipt> erase_again(const Desk& desk,
                                          const PolicyState& policy,
                                          const Subject& subject,
                                          const std::string& token) {
  const auto programs = ask_programs(desk.settings, *desk.programs, subject);
  SubjectRows rows(desk.database, subject);
  rows.search_ahead();
  const auto write = desk.database.begin_write(Durability::full);
  DecisionContext context(desk.database,
                          desk.settings,
                          policy,
                          next_clock(desk, policy).clock,
                          DecisionContext::WithoutApproval{});
  const std::vector<RowKey> found = rows.current();
  const HoldAnswer holds = ask_everybody({.database = desk.database,
                                          .settings = desk.settings,
                                          .context = context,
                                          .policy = policy,
                                          .rows = found,
                                          .programs = programs,
                                          .subject = subject,
                                          .token = token});
  if (!holds.all_clear()) {
    return std::nullopt;
  }
  ErasureReceipt receipt =
      erase_subject({.database = desk.database,
                     .settings = desk.settings,
                     .context = context,
                     .rows_may_go = rows_may_go(desk.database, policy, context, 0),
                     .subject = subject,
                     .token = token,
                     .rows = found,
                     .archives = remaining_archives(desk.database, desk.settings, desk.archives),
                     .exports = desk.exports,
                     .again = true});
  json detail = receipt_json(receipt);
  detail["token"] = token;
  detail["deleted_keys"] = json::array();
  for (const RowKey& key : receipt.deleted) {
    detail["deleted_keys"].push_back(utf8_text(key.display()));
  }
  note_in_journal(desk, "erasure_reapplied", compact(detail), "data that was erased was back");
  write->commit();
  return receipt;
}

/// Tokens of a tenant that stand on completed requests.
std::set<std::string> tokens_of(const Desk& desk, const std::string& tenant) {
  std::set<std::string> tokens;
  for (const ErasureRequest& request : desk.database.erasures().all()) {
    if (request.state == ErasureState::completed &&
        request.tenant.value_or(std::string{}) == tenant) {
      tokens.insert(request.subject);
    }
  }
  return tokens;
}

bool names_any(const std::vector<std::string>& words, const std::set<std::string>& tokens) {
  return std::any_of(
      words.begin(), words.end(), [&](const std::string& word) { return tokens.contains(word); });
}

/// What was erased of tenants whose key is gone: whether it came back nobody can tell.
json erasures_without_key(const Desk& desk, const std::set<std::string>& tenants) {
  json unmatched = json::array();
  for (const ErasureRequest& request : desk.database.erasures().all()) {
    if (request.state == ErasureState::completed &&
        tenants.contains(request.tenant.value_or(std::string{}))) {
      unmatched.push_back(
          {{"tenant", json_or_null(request.tenant)},
           {"token", utf8_text(request.subject)},
           {"completed_at", request.ended_at ? json(to_rfc3339(*request.ended_at)) : json(nullptr)},
           {"why", "key_missing"}});
    }
  }
  return unmatched;
}

/// Also where its file is gone: the folder may only be away, and what is forgotten stays so.
void require_nobody_needs_key(const Desk& desk, const std::string& tenant) {
  for (const ErasureRequest& request : desk.database.erasures().all()) {
    if (request.open() && request.tenant.value_or(std::string{}) == tenant) {
      throw JobError(ExitStatus::refused,
                     "erasure request " + std::to_string(request.id) +
                         " is open: its tenant's key is still needed");
    }
  }
  const std::set<std::string> tokens = tokens_of(desk, tenant);
  const HoldGrace grace = hold_grace(desk);
  for (const LegalHold& hold : desk.database.holds().all()) {
    if (!grace.over(hold) &&
        (names_any(hold.scope.persons, tokens) || names_any(hold.scope.actors, tokens) ||
         names_any(hold.scope.subjects, tokens))) {
      throw JobError(ExitStatus::refused,
                     "hold " + std::to_string(hold.id) + " of matter \"" + hold.matter +
                         "\" needs the key: it holds rows of a person who was erased; the key can "
                         "go once that hold is released and its grace is over");
    }
  }
}

/// A hold that is over would still join a name to its token: the name goes from it.
void part_names_from_tokens(const Desk& desk, const ErasureKeyLine& line) {
  const auto key = desk.keys->read(line);
  if (!key) {
    return;
  }
  const HoldGrace grace = hold_grace(desk);
  for (const LegalHold& hold : desk.database.holds().all()) {
    if (!grace.over(hold)) {
      continue;
    }
    for (const auto& [kind, words] : {std::pair{PersonTerm::person, &hold.scope.persons},
                                      std::pair{PersonTerm::actor, &hold.scope.actors},
                                      std::pair{PersonTerm::subject, &hold.scope.subjects}}) {
      const std::set<std::string> listed(words->begin(), words->end());
      for (const std::string& name : *words) {
        if (listed.contains(erasure_token(*key, name))) {
          desk.database.holds().drop_person_term(hold.id, kind, name);
        }
      }
    }
  }
}

/// True where a hold that is released by now names somebody whose token is among these.
bool joins_a_name(const json& body,
                  const std::string& key,
                  const std::set<std::string>& tokens,
                  const std::set<std::int64_t>& active) {
  const LegalHold hold = hold_of_witness(body.at("hold"));
  const auto names = [&](const std::vector<std::string>& words) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return tokens.contains(erasure_token(key, word));
    });
  };
  return !active.contains(hold.id) &&
         (names(hold.scope.persons) || names(hold.scope.actors) || names(hold.scope.subjects));
}

/// The same for what the outbox says of released holds. The file outside is not rewritten.
void withhold_names(const Desk& desk, const ErasureKeyLine& line) {
  const auto key = desk.keys->read(line);
  if (!key) {
    return;
  }
  const std::set<std::string> tokens = tokens_of(desk, line.tenant.value_or(std::string{}));
  std::set<std::int64_t> active;
  for (const LegalHold& hold : desk.database.holds().all()) {
    if (hold.active()) {
      active.insert(hold.id);
    }
  }
  for (const WitnessLine& noted : desk.database.witness_outbox().since(0)) {
    const json body = noted.kind == "hold" ? witness_body(noted) : json::object();
    if (!body.empty() && joins_a_name(body, *key, tokens, active)) {
      desk.database.witness_outbox().replace_text(noted.seq, withheld_line(noted));
    }
  }
}

/// A call that was killed between its commit and the end of the file left a file behind.
void require_forgotten_files_gone(const Desk& desk, const std::string& tenant) {
  for (const ErasureKeyLine& line : desk.database.erasures().keys()) {
    if (line.forgotten_at && line.tenant.value_or(std::string{}) == tenant &&
        desk.keys->destroy(line)) {
      const auto write = desk.database.begin_write(Durability::full);
      note_in_journal(desk,
                      "erasure_key_file_removed",
                      compact({{"key", line.id}}),
                      "its file was still there after it was forgotten");
      write->commit();
    }
  }
}

/// Somebody whose data a hold keeps from being erased again: as an open request, whose answer is
/// due, it is told of until it is done.
void ask_again(const Desk& desk, const Subject& subject) {
  const auto write = desk.database.begin_write(Durability::full);
  const std::int64_t request = desk.database.erasures().open({.tenant = subject.tenant,
                                                              .subject = subject.person,
                                                              .requested_by = desk.who,
                                                              .requested_at = desk.now,
                                                              .deadline = desk.now});
  note_in_journal(desk,
                  "erasure_asked_again",
                  compact({{"request", request}}),
                  "data that was erased was back, and a hold stood in the way");
  write->commit();
}

}  // namespace

json reapply_erasures(const Desk& desk) {
  require_administrator(desk, "carry erasures out again");
  require_clock_not_behind(desk);
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  json done = json::array();
  json held = json::array();
  json failed = json::array();
  std::set<std::string> without_key;
  for (const ErasureKeyLine& line : keys_without_file(desk.database, *desk.keys)) {
    without_key.insert(line.tenant.value_or(std::string{}));
  }
  for (const auto& [whose, returned] : persons_who_came_back(desk, without_key)) {
    const Subject subject{
        .tenant = whose.first.empty() ? std::optional<std::string>{} : std::optional{whose.first},
        .person = whose.second};
    json line = {{"tenant", json_or_null(subject.tenant)}, {"token", returned.token}};
    if (returned.asked_anew) {
      line["why"] = "newer_request";
      held.push_back(std::move(line));
      continue;
    }
    try {
      if (const auto receipt = erase_again(desk, policy, subject, returned.token)) {
        line["receipt"] = receipt_json(*receipt);
        done.push_back(std::move(line));
      } else {
        ask_again(desk, subject);
        line["why"] = "holds";
        held.push_back(std::move(line));
      }
    } catch (const std::exception& error) {
      // Taken back whole; one person's trouble does not keep the others' data there.
      line["why"] = run_error(error, desk.database.path()).message;
      failed.push_back(std::move(line));
    }
  }
  if (!done.empty()) {
    (void)desk.database.checkpoint_all();
    drop_salts_of_archives(desk);
    remove_erased_exports(desk);
  }
  return {{"erased_again", std::move(done)},
          {"held", std::move(held)},
          {"failed", std::move(failed)},
          {"unmatched", erasures_without_key(desk, without_key)}};
}

json forget_key(const Desk& desk, const std::string& tenant, const std::string& reason) {
  if (reason.empty()) {
    throw JobError(ExitStatus::invalid, "--reason may not be empty: an auditor will ask for it");
  }
  require_administrator(desk, "destroy a key");
  require_clock_not_behind(desk);
  const auto line = key_line_of(desk.database.erasures(), tenant);
  if (!line) {
    require_forgotten_files_gone(desk, tenant);
    throw JobError(ExitStatus::invalid,
                   "tenant \"" + tenant + "\" has no key: none was made yet, or it is forgotten");
  }
  WitnessNotes notes = witness_notes(desk);
  {
    const auto write = desk.database.begin_write(Durability::full);
    require_nobody_needs_key(desk, tenant);
    part_names_from_tokens(desk, *line);
    withhold_names(desk, *line);
    if (!desk.database.erasures().forget_key(line->id,
                                             {.who = desk.who, .at = desk.now, .reason = reason})) {
      throw JobError(ExitStatus::refused, "the key was forgotten meanwhile by somebody else");
    }
    note_in_journal(desk, "erasure_key_forgotten", compact({{"key", line->id}}), reason);
    json forgotten = key_witness_body(*line);
    forgotten["forgotten_by"] = utf8_text(desk.who);
    forgotten["reason"] = utf8_text(reason);
    notes.note(desk.now, "key_forgotten", forgotten);
    write->commit();
  }
  notes.flush();
  // After the commit: a crash in between leaves a file that the register calls forgotten, and
  // nothing joins a token to a name through it any more; the next call removes nothing it needs.
  const bool destroyed = desk.keys->destroy(*line);
  (void)desk.database.checkpoint_all();
  return {{"tenant", tenant.empty() ? json(nullptr) : json(utf8_text(tenant))},
          {"key", line->id},
          {"file_destroyed", destroyed},
          {"forgotten_at", to_rfc3339(desk.now)}};
}

}  // namespace holdfast

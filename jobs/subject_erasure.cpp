// SPDX-License-Identifier: Apache-2.0
#include "jobs/subject_erasure.h"

#include <algorithm>
#include <map>

#include "jobs/archive_keeper.h"
#include "jobs/archive_presence.h"
#include "jobs/export_upkeep.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/kept_metadata.h"
#include "jobs/metadata_filter.h"
#include "storage/value_form.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// What one row of the log becomes; none where it stays as it is.
struct RowFate {
  bool names_person = false;  ///< still: somebody may have given it to another since it was found
  bool goes = false;
  bool had_bad_time = false;
  bool evidence = false;
  std::optional<PersonalFields> fields;
  std::vector<std::int64_t> holds;  ///< that cover the row because they name the person
};

RowFate fate_of(const SubjectErasure& erasure, const PersonalRow& row) {
  RowFate fate;
  const RowFacts& facts = row.facts;
  const bool acted = facts.actor == erasure.subject.person;
  const bool is_subject = facts.subject == erasure.subject.person;
  fate.names_person = acted || is_subject;
  if (!fate.names_person) {
    return fate;
  }
  // Who approved or completed the erasure of somebody else stays named: that row is the evidence.
  const bool of_somebody = facts.subject && !facts.subject->empty();
  if (about_an_erasure(facts) && of_somebody && !is_subject) {
    fate.evidence = true;
    return fate;
  }
  PersonalFields fields;
  if (acted) {
    fields.actor = erasure.token;
  }
  if (is_subject) {
    fields.subject = erasure.token;
  }
  if (!std::holds_alternative<std::monostate>(row.metadata)) {
    fields.metadata =
        filter_metadata(row.metadata,
                        {.keep = kept_metadata_keys(erasure.settings, facts),
                         .person = erasure.subject.person,
                         .token = erasure.token,
                         .own_row = about_an_erasure(facts) || about_an_export(facts)});
  }
  fate.fields = std::move(fields);
  return fate;
}

bool names_a_person(const HoldScope& scope) {
  return !scope.persons.empty() || !scope.actors.empty() || !scope.subjects.empty();
}

std::vector<std::int64_t> person_holds_over(const SubjectErasure& erasure, const RowFacts& row) {
  std::vector<std::int64_t> found;
  const DecisionFrame& frame = erasure.context.frame();
  erasure.context.holds().for_each_match(as_hold_candidate(row, frame),
                                         [&found](const LegalHold& hold) {
                                           if (names_a_person(hold.scope)) {
                                             found.push_back(hold.id);
                                           }
                                           return true;
                                         });
  return found;
}

/// Whether metadata says what was written: databases spell JSON in their own way, and a column that
/// cannot have the text has nothing in it.
bool is_as_written(const StoredView& stored, const std::optional<std::string>& written) {
  if (std::holds_alternative<std::monostate>(stored)) {
    return true;
  }
  TextForm form;
  const std::string text{form.of(stored).value_or("")};
  if (text == written.value_or("{}")) {
    return true;
  }
  const auto now = parse_foreign(text);
  return !now.is_discarded() && now == parse_foreign(written.value_or("{}"));
}

/// Writes one row and reads it again: a trigger can undo what was written, and the database still
/// tells of a row that was changed. Returns true where the row says the token now: a column of
/// numbers cannot, and is NULL instead. Errors: JobError where it says what it said before.
bool pseudonymise(const SubjectErasure& erasure,
                  LogPlace place,
                  const RowKey& key,
                  const PersonalFields& fields) {
  SubjectStore& subjects = erasure.database.subjects();
  subjects.rewrite(place, key, fields);
  const std::string& person = erasure.subject.person;
  bool done = false;
  bool says = false;
  const bool there = subjects.read_row(place, key, [&](const PersonalRow& row) {
    const RowFacts& facts = row.facts;
    done = (!fields.actor || facts.actor != person) &&
           (!fields.subject || facts.subject != person) &&
           (!fields.metadata || is_as_written(row.metadata, *fields.metadata));
    says = (!fields.actor || facts.actor == *fields.actor) &&
           (!fields.subject || facts.subject == *fields.subject);
  });
  if (!there || !done) {
    throw JobError(ExitStatus::failed,
                   erasure.database.path() + ": row " + key.display() +
                       " of the log does not say what was written to it when a person was "
                       "pseudonymised, so the erasure is taken back: look for a trigger of the "
                       "table that undoes changes, and let it except those of Holdfast");
  }
  return says;
}

/// Rows that no token can join to a hold any more, by the hold that has to keep them.
using LooseRows = std::map<std::int64_t, std::vector<std::string>>;

/// Such rows are held by their ids instead, for the same matter, and released with the hold that
/// they come from where that one is in its grace.
void pin_loose_rows(const SubjectErasure& erasure, const LooseRows& loose) {
  for (const LegalHold& hold : erasure.context.holds().holds()) {
    const auto rows = loose.find(hold.id);
    if (rows == loose.end()) {
      continue;
    }
    LegalHold pinned = hold;
    pinned.scope = {.event_ids = rows->second};
    pinned.reason = "rows of hold " + std::to_string(hold.id) +
                    " whose person was erased, by their ids: " + hold.reason;
    pinned.placed_at = erasure.context.frame().clock.system_now;
    const std::int64_t id = erasure.database.holds().place(pinned);
    if (hold.released_at) {
      (void)erasure.database.holds().release(
          id, {.who = hold.released_by, .at = pinned.placed_at, .reason = hold.release_reason});
    }
  }
}

void erase_from_log(const SubjectErasure& erasure, ErasureReceipt& receipt) {
  SubjectStore& subjects = erasure.database.subjects();
  LooseRows loose;
  for (const RowKey& key : erasure.rows) {
    RowFate fate;
    const bool there = subjects.read_row(LogPlace::log, key, [&](const PersonalRow& row) {
      fate = fate_of(erasure, row);
      const Decision decision = erasure.context.decide_row(row.facts);
      fate.goes = decision.deletes() && erasure.rows_may_go && !fate.evidence;
      fate.had_bad_time = decision.bad_time;
      fate.holds = person_holds_over(erasure, row.facts);
    });
    if (!there || !fate.names_person) {
      continue;
    }
    if (fate.goes) {
      erasure.database.audit_log().dispose_one(key);
      erasure.database.restored_rows().drop(key);
      receipt.deleted.push_back(key);
      if (fate.had_bad_time) {
        erasure.database.first_seen().drop(key);
      }
    } else if (fate.fields) {
      const bool says_token = pseudonymise(erasure, LogPlace::log, key, *fate.fields);
      ++receipt.pseudonymised;
      if (!fate.holds.empty() && !says_token) {
        for (const std::int64_t hold : fate.holds) {
          loose[hold].push_back(key.display());
        }
      }
    } else {
      ++receipt.evidence;
    }
  }
  pin_loose_rows(erasure, loose);
}

void erase_from_own_events(const SubjectErasure& erasure, ErasureReceipt& receipt) {
  SubjectStore& subjects = erasure.database.subjects();
  for (const RowKey& key : subjects.rows_of(LogPlace::own_events, erasure.subject, std::nullopt)) {
    RowFate fate;
    (void)subjects.read_row(
        LogPlace::own_events, key, [&](const PersonalRow& row) { fate = fate_of(erasure, row); });
    if (fate.fields) {
      (void)pseudonymise(erasure, LogPlace::own_events, key, *fate.fields);
      ++receipt.own_events;
    } else {
      ++receipt.evidence;
    }
  }
}

void erase_from_modules(const SubjectErasure& erasure, ErasureReceipt& receipt) {
  for (const ErasureModule& module : erasure.settings.erasure.modules) {
    for (const ModuleTable& table : module.tables) {
      erasure.database.subjects().require_module_table(table);
      receipt.tables.push_back(
          {.module = module.name,
           .table = table.table,
           .action = table.action,
           .counts = erasure.database.subjects().erase(table, erasure.subject, erasure.token)});
    }
  }
}

/// Pseudonymising may not cut rows loose from a hold on the person: where a hold names the person
/// it names the token too.
void extend_holds(const SubjectErasure& erasure, ErasureReceipt& receipt) {
  const std::string tenant = erasure.subject.tenant.value_or(std::string{});
  for (const LegalHold& hold : erasure.context.holds().holds()) {
    const auto& tenants = hold.scope.tenants;
    if (!tenants.empty() && std::find(tenants.begin(), tenants.end(), tenant) == tenants.end()) {
      continue;
    }
    bool extended = false;
    for (const auto& [kind, words] : {std::pair{PersonTerm::person, &hold.scope.persons},
                                      std::pair{PersonTerm::actor, &hold.scope.actors},
                                      std::pair{PersonTerm::subject, &hold.scope.subjects}}) {
      const auto has = [words = words](const std::string& word) {
        return std::find(words->begin(), words->end(), word) != words->end();
      };
      if (has(erasure.subject.person) && !has(erasure.token)) {
        erasure.database.holds().add_person_term(hold.id, kind, erasure.token);
        extended = true;
      }
    }
    if (extended) {
      receipt.holds.push_back(hold.id);
    }
  }
}

/// The register's own lines: this request, earlier ones of the same subject, and their attempts.
void rename_in_register(const SubjectErasure& erasure) {
  ErasureRegister& erasures = erasure.database.erasures();
  const std::string& person = erasure.subject.person;
  const auto renamed = [&](std::string& name) {
    if (name == person) {
      name = erasure.token;
    }
  };
  for (ErasureRequest& request : erasures.all()) {
    if (request.subject != person ||
        request.tenant.value_or(std::string{}) != erasure.subject.tenant.value_or(std::string{})) {
      continue;
    }
    request.subject = erasure.token;
    renamed(request.requested_by);
    renamed(request.ended_by);
    request.end_reason = without_person(std::move(request.end_reason), person, erasure.token);
    erasures.store(request);
    erasures.rename_in_attempts(request.id, person, erasure.token);
  }
}

json archives_json(const std::vector<RemainingArchive>& archives) {
  json list = json::array();
  for (const RemainingArchive& archive : archives) {
    list.push_back({{"run_id", archive.run},
                    {"file", archive.file},
                    {"destroyed_from", json_time(archive.destroyed_from)},
                    {"problem", archive.problem.empty() ? json(nullptr) : json(archive.problem)}});
  }
  return list;
}

}  // namespace

std::vector<RemainingArchive> remaining_archives(Database& database,
                                                 const Settings& settings,
                                                 ArchiveStore* store) {
  std::vector<RemainingArchive> found;
  ArchiveStore* const folder = settings.archive ? store : nullptr;
  std::vector<std::int64_t> elsewhere;
  try {
    if (folder != nullptr) {
      const ArchiveShelf shelf{.store = *folder, .database = database};
      for (const ArchiveEntry& entry : archives_of(shelf)) {
        // A destruction that was cut short has left its file.
        if (entry.state != ArchiveState::destroyed || entry.file_there) {
          found.push_back({.run = entry.run,
                           .file = shelf.file_of(entry.run),
                           .destroyed_from = destroyed_from(entry.made_at, settings.archive->keep),
                           .problem = utf8_text(entry.problem)});
        }
      }
    }
    elsewhere = archives_not_there(database, folder);
  } catch (const ArchiveError& error) {
    // The erasure goes on: what the receipt cannot list it says.
    found.push_back({.problem = utf8_text(error.what())});
    elsewhere = archives_not_there(database, nullptr);
  }
  for (const std::int64_t run : elsewhere) {
    found.push_back(
        {.run = run,
         .file = archive_name({.database = database.identity(), .run = run}),
         .problem = folder == nullptr
                        ? "[archive] is not set: the archive is not found, nor its tombstone"
                        : utf8_text(folder->folder()) +
                              ": the archive is not found there, nor its tombstone"});
  }
  return found;
}

bool rows_may_go(Database& database,
                 const PolicyState& policy,
                 const DecisionContext& context,
                 std::int64_t run) {
  if (policy.first_run && context.safety().first_run_needs_approval) {
    return false;
  }
  if (run != 0) {
    return true;
  }
  const auto last = database.ledger().last();
  const auto success = database.ledger().last_success();
  return !last || (success && last->id == success->id);
}

ErasureReceipt erase_subject(const SubjectErasure& erasure) {
  ErasureReceipt receipt;
  erasure.database.subjects().require_rewritable_log();
  extend_holds(erasure, receipt);
  erase_from_modules(erasure, receipt);
  // Children were probed when the database was opened.
  erasure.database.require_same_schema();
  (void)erasure.database.audit_log().take_children();
  erase_from_log(erasure, receipt);
  receipt.children_deleted = erasure.database.audit_log().take_children();
  erase_from_own_events(erasure, receipt);
  rename_in_register(erasure);
  receipt.exports = erase_exports(erasure.database.exports(),
                                  erasure.exports,
                                  erasure.subject,
                                  erasure.token,
                                  erasure.context.frame().clock.system_now,
                                  erasure.again);
  (void)erasure.database.ledger().destroy_salts(kEndOfTime);
  receipt.archives = erasure.archives;
  receipt.left = left_as_it_is(erasure.database, erasure.settings);
  return receipt;
}

json receipt_json(const ErasureReceipt& receipt) {
  json tables = json::array();
  for (const ErasureReceipt::Table& table : receipt.tables) {
    tables.push_back({{"module", utf8_text(table.module)},
                      {"table", utf8_text(table.table)},
                      {"action", table.action == ModuleAction::remove ? "delete" : "redact"},
                      {"before", table.counts.before},
                      {"changed", table.counts.changed},
                      {"after", table.counts.after}});
  }
  json document = {{"modules", std::move(tables)},
                   {"audit_log",
                    {{"deleted", receipt.deleted.size()},
                     {"pseudonymised", receipt.pseudonymised},
                     {"own_events", receipt.own_events},
                     {"evidence_kept", receipt.evidence}}},
                   {"holds_extended", receipt.holds},
                   {"archives", archives_json(receipt.archives)},
                   {"exports_destroyed", receipt.exports},
                   {"left_as_it_is", left_json(receipt.left)}};
  if (!receipt.children_deleted.empty()) {
    document["children_deleted"] = children_json(receipt.children_deleted);
  }
  return document;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/row_desk.h"

#include "jobs/archive_format.h"
#include "jobs/archive_keeper.h"
#include "jobs/hold_document.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/run_plan.h"
namespace holdfast {
namespace {

using nlohmann::json;

json trace_json(const DecisionTrace& trace) {
  json tests = json::array();
  for (const TestTrace& test : trace.tests) {
    tests.push_back(
        {{"reason", to_token(test.reason)},
         {"keeps", test.keeps},
         {"figures", utf8_text(test.figures)},
         {"earliest", test.earliest == kEndOfTime ? json("never") : json_time(test.earliest)}});
  }
  json holds = json::array();
  for (const LegalHold* hold : trace.holds) {
    holds.push_back(hold_json(*hold, HoldDetail::without_names));
  }
  return {
      {"reason", to_token(trace.decision.reason)},
      {"meaning", meaning(trace.decision.reason)},
      {"deletes", trace.decision.deletes()},
      {"category", trace.decision.category.empty() ? json(nullptr) : json(trace.decision.category)},
      {"earliest", json_time(trace.earliest)},
      {"tests", std::move(tests)},
      {"holds", std::move(holds)}};
}

/// Where the deleted rows of a slice are, null where they were not archived.
json archive_of_slice(const Desk& desk, const RunSlice& slice) {
  if (slice.archive_end.value_or(0) == 0) {
    return nullptr;
  }
  json archive = {{"file", archive_name({desk.database.identity(), slice.run})},
                  {"state", nullptr},
                  {"destroyed_at", nullptr}};
  if (desk.archives == nullptr) {
    return archive;
  }
  for (const ArchiveEntry& entry :
       archives_of({.store = *desk.archives, .database = desk.database})) {
    if (entry.run == slice.run) {
      archive["state"] = entry.state == ArchiveState::whole && !entry.file_there
                             ? json("missing")
                             : json(to_token(entry.state));
      archive["destroyed_at"] =
          json_time(entry.manifest ? entry.manifest->destroyed_at : std::nullopt);
    }
  }
  return archive;
}

json explain_gone(const Desk& desk, const std::string& id) {
  const std::optional<RunSlice> slice = desk.database.ledger().slice_that_deleted(id);
  if (!slice) {
    throw JobError(ExitStatus::invalid,
                   "no row has the id " + id +
                       ", and no run of the ledger has deleted it: it never "
                       "was there, or somebody else removed it");
  }
  const auto run = desk.database.ledger().find(slice->run);
  return {{"id", id},
          {"deletes", false},
          {"gone",
           {{"run", slice->run},
            {"slice", slice->number},
            {"as_of", json_time(run ? std::optional{run->opening.as_of} : std::nullopt)},
            {"archive", archive_of_slice(desk, *slice)}}}};
}

}  // namespace

json explain_id(const Desk& desk, const std::string& id) {
  const std::optional<RowKey> key = desk.database.audit_log().find_key(id);
  if (!key) {
    return explain_gone(desk, id);
  }
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const ClockStep step = next_clock(desk, policy);
  DecisionContext context(desk.database, desk.settings, policy, step.clock);
  json result;
  bool would_go = false;
  const auto tell = [&](const RowFacts& row) {
    const DecisionTrace trace = context.explain_row(row);
    would_go = trace.decision.deletes();
    result = trace_json(trace);
    result["tenant"] = row.tenant ? json(utf8_text(*row.tenant)) : json(nullptr);
    result["code"] = row.code ? json(utf8_text(*row.code)) : json(nullptr);
  };
  if (!desk.database.audit_log().read_row(*key, tell)) {
    return explain_gone(desk, id);
  }
  if (would_go && !context.approval()) {
    // Whether its category is over the limit depends on all other rows.
    const RunPlan plan = plan_at(desk, context);
    context.close_limit_gate(places_over_limit(plan.figures));
    (void)desk.database.audit_log().read_row(*key, tell);
  }
  result["id"] = utf8_text(key->display());
  result["as_of"] = to_rfc3339(context.frame().clock.as_of);
  return result;
}

json set_bookmark(const Desk& desk, const std::string& name, std::int64_t event_id) {
  if (name.empty()) {
    throw JobError(ExitStatus::invalid,
                   "NAME may not be empty: say which consumer has read so far");
  }
  if (!desk.database.audit_log().shape().ordered_keys) {
    throw JobError(ExitStatus::invalid,
                   "bookmarks need keys that go upwards, and this table's key does not: a consumer "
                   "of it can be waited for with a hold");
  }
  if (desk.database.audit_log().shape().rows_come_late) {
    throw JobError(ExitStatus::invalid,
                   "bookmarks need a database that commits rows in the order of their keys, and "
                   "this one may commit a row below a key that the consumer has read, so a key "
                   "does not say what it has read: a consumer can be waited for with a hold");
  }
  const auto write = desk.database.begin_write(Durability::full);
  desk.database.bookmarks().set(
      {.name = name, .event_id = event_id, .set_by = desk.who, .set_at = desk.now});
  note_in_journal(
      desk, "bookmark_set", compact({{"name", utf8_text(name)}, {"event_id", event_id}}), "");
  write->commit();
  const std::optional<std::int64_t> highest = desk.database.audit_log().highest_key();
  return {{"name", utf8_text(name)},
          {"event_id", event_id},
          {"highest_id", highest ? json(*highest) : json(nullptr)}};
}

json drop_bookmark(const Desk& desk, const std::string& name) {
  const auto write = desk.database.begin_write(Durability::full);
  if (!desk.database.bookmarks().drop(name)) {
    throw JobError(ExitStatus::invalid,
                   "there is no bookmark \"" + name + R"(": "holdfast bookmark list" lists them)");
  }
  note_in_journal(desk, "bookmark_dropped", compact({{"name", utf8_text(name)}}), "");
  write->commit();
  return {{"dropped", utf8_text(name)}};
}

json list_bookmarks(const Desk& desk) {
  json list = json::array();
  for (const Bookmark& bookmark : desk.database.bookmarks().all()) {
    list.push_back({{"name", utf8_text(bookmark.name)},
                    {"event_id", bookmark.event_id},
                    {"set_by", utf8_text(bookmark.set_by)},
                    {"set_at", to_rfc3339(bookmark.set_at)}});
  }
  return {{"bookmarks", std::move(list)}};
}

}  // namespace holdfast

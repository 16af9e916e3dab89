// SPDX-License-Identifier: Apache-2.0
#include "jobs/own_events.h"

#include <algorithm>
#include <utility>

#include "jobs/json_text.h"
#include "jobs/record_groups.h"
#include "jobs/run_record.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kMostChanges =
    200;  // keeps the metadata under 64 KB; the register has them all
constexpr std::size_t kLongestText = 80;

std::string shortened(const std::string& text) {
  return text.size() <= kLongestText ? text : utf8_text(text.substr(0, kLongestText)) + "...";
}

json change_json(const PolicyChange& change) {
  return {{"where", shortened(change.where)},
          {"from", change.from.empty() ? json(nullptr) : json(shortened(change.from))},
          {"to", change.to.empty() ? json(nullptr) : json(shortened(change.to))}};
}

/// One line of a slice's tally, where it is about deleted rows.
void add_deletion(const json& entry, Tally& deletions) {
  if (parse_reason(entry.at("reason").get<std::string>()) != Reason::expired) {
    return;
  }
  const json& tenant = entry.at("tenant");
  const auto name =
      tenant.is_null() ? std::optional<std::string>{} : std::optional{tenant.get<std::string>()};
  deletions.add(name,
                entry.at("category").get<std::string>(),
                Reason::expired,
                whole_number(entry.at("rows")));
}

/// What the committed slices of a run deleted, from their tallies; rows of children apart.
Tally deletions_of(const std::vector<RunSlice>& slices,
                   std::map<std::string, std::int64_t>& children) {
  Tally deletions;
  for (const RunSlice& slice : slices) {
    try {
      Tally of_slice;
      const json tally = json::parse(slice.tally);
      for (const json& entry : tally) {
        add_deletion(entry, of_slice);
      }
      add_children_of(tally, children);
      deletions.add(of_slice);
    } catch (const json::exception&) {
      // What a damaged tally said is lost; how many rows went is not.
      deletions.add(std::nullopt, "", Reason::expired, slice.deleted);
    }
  }
  return deletions;
}

}  // namespace

AuditEvent run_event(const RunReport& report) {
  const bool failed = audit_code(report.outcome) == "AUDIT_PRUNE_RUN_FAILED";
  return {.occurred_at = report.clock.system_now,
          .code = std::string(audit_code(report.outcome)),
          .severity = failed ? "Warning" : "Info",
          .actor = "holdfast",
          .metadata = event_metadata(report)};
}

AuditEvent policy_event(const PolicyChangeNote& note, const std::vector<PolicyChange>& changes) {
  json list = json::array();
  for (const PolicyChange& change : changes) {
    if (list.size() < kMostChanges) {
      list.push_back(change_json(change));
    }
  }
  const json metadata = {{"policy_version", note.version},
                         {"reason", utf8_text(note.reason)},
                         {"source", utf8_text(note.source)},
                         {"changed", changes.size()},
                         {"changes", std::move(list)}};
  return {.occurred_at = note.at,
          .code = "TENANT_AUDIT_RETENTION_POLICY_UPDATED",
          .severity = "Notice",
          .actor = note.actor,
          .metadata = compact(metadata)};
}

namespace {

/// Closes a line of the ledger as failed, with its audit event, inside the caller's transaction.
/// Returns the rows that its slices deleted.
std::int64_t close_as_failed(Database& database,
                             const RunLine& line,
                             const std::vector<RunSlice>& slices,
                             const RunError& error,
                             Instant now,
                             WitnessNotes* notes) {
  RunReport report;
  report.run_id = line.id;
  report.outcome = Outcome::failed;
  report.clock = {.system_now = now, .as_of = line.opening.as_of};
  report.started_by = line.opening.started_by;
  report.host = line.opening.host;
  report.slices = static_cast<std::int64_t>(slices.size());
  report.figures = make_figures(deletions_of(slices, report.children_deleted), nullptr);
  report.error = error;
  report.database_id = database.identity();
  report.database_path = database.path();
  report.ended_at = now;
  report.groups["integrity"] = integrity_group(database, report);
  for (const char* unknown : {"rows_before", "kept", "kept_by_reason"}) {
    report.groups[unknown] = nullptr;
  }
  const SealedRecord sealed = seal_report(report, database.ledger().last_hash());
  report.run_hash = sealed.hash;
  database.audit_log().append(run_event(report));
  const RunClosing closing{.outcome = std::string(to_token(Outcome::failed)),
                           .error_reason = error.reason,
                           .error_message = error.message,
                           .closed_at = now,
                           .deleted = report.figures.totals.deleted(),
                           .record = sealed.text,
                           .run_hash = sealed.hash,
                           .previous_hash = sealed.previous_hash};
  database.ledger().close(line.id, closing);
  if (notes != nullptr) {
    notes->note(now, "run", run_witness_body(database, {.id = line.id, .closing = closing}));
  }
  return closing.deleted;
}

}  // namespace

std::optional<std::int64_t> record_missed_run(Database& database,
                                              const MissedRun& missed,
                                              const RunOpening& opening,
                                              Instant now,
                                              WitnessNotes* notes) {
  // Noted again after a crash between the ledger's commit and the end of the note.
  constexpr std::int64_t kLookBack = 64;
  const std::vector<RunLine> newest = database.ledger().newest(kLookBack);
  const bool there = std::any_of(newest.begin(), newest.end(), [&missed](const RunLine& line) {
    return line.opening.opened_at == missed.at && line.closing &&
           line.closing->error_reason == missed.error.reason;
  });
  if (there) {
    return std::nullopt;
  }
  const auto write = database.begin_write(Durability::full);
  RunLine line{.opening = opening, .phase = "opening"};
  line.id = database.ledger().open(opening);
  const RunError error{
      .reason = missed.error.reason,
      .message = "this run failed and could not be recorded then; the next run did: " +
                 missed.error.message};
  (void)close_as_failed(database, line, {}, error, now, notes);
  write->commit();
  return line.id;
}

std::int64_t close_dead_run(Database& database,
                            const RunLine& line,
                            Instant now,
                            WitnessNotes* notes) {
  const auto write = database.begin_write(Durability::full);
  const std::vector<RunSlice> slices = database.ledger().slices(line.id);
  std::map<std::string, std::int64_t> children;  // that the record counts by itself
  const std::int64_t deleted = deletions_of(slices, children).totals().deleted();
  const RunError error{
      .reason = "found_dead",
      .message = "run " + std::to_string(line.id) + " ended without a word in phase \"" +
                 line.phase + "\" (killed, or the machine went down); " + std::to_string(deleted) +
                 " rows were deleted in " + std::to_string(slices.size()) +
                 " committed slices, what was kept is not known; the next run goes on from there"};
  (void)close_as_failed(database, line, slices, error, now, notes);
  write->commit();
  return deleted;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/evidence_documents.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "jobs/digest.h"
#include "jobs/json_text.h"
#include "jobs/record_groups.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// The member of an object, null where there is none.
json member(const json& value, const char* name) {
  return value.is_object() && value.contains(name) ? value.at(name) : json(nullptr);
}

std::int64_t count_in(const json& value, const char* name) {
  const json found = member(value, name);
  return found.is_number_integer() ? found.get<std::int64_t>() : 0;
}

json parsed(const std::string& text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? json(nullptr) : value;
}

json run_json(RunLedger& ledger, const RunLine& line) {
  const auto full = ledger.find(line.id);
  const bool closed = full && full->closing;
  json record = closed ? parsed(full->closing->record) : json(nullptr);
  return {{"run_id", line.id},
          {"opened_at", to_rfc3339(line.opening.opened_at)},
          {"outcome", closed ? json(full->closing->outcome) : json("open")},
          {"closed_at", closed ? json(to_rfc3339(full->closing->closed_at)) : json(nullptr)},
          {"deleted", closed ? json(full->closing->deleted) : json(nullptr)},
          {"run_hash", closed ? json(full->closing->run_hash) : json(nullptr)},
          {"record", std::move(record)}};
}

/// Deleted rows by category over all records.
json deleted_by_category(const json& runs) {
  std::map<std::string, std::int64_t> sums;
  for (const json& run : runs) {
    const json lines = member(member(run, "record"), "categories");
    for (const json& line : lines) {
      const json category = member(line, "category");
      sums[category.is_string() ? category.get<std::string>() : std::string{}] +=
          count_in(line, "deleted");
    }
  }
  json list = json::array();
  for (const auto& [category, rows] : sums) {
    list.push_back(
        {{"category", category.empty() ? json(nullptr) : json(category)}, {"deleted", rows}});
  }
  return list;
}

json run_line(const json& run) {
  const json& record = run.at("record");
  json line = {{"run_id", run.at("run_id")},
               {"opened_at", run.at("opened_at")},
               {"closed_at", run.at("closed_at")},
               {"outcome", run.at("outcome")},
               {"deleted", run.at("deleted")},
               {"run_hash", run.at("run_hash")}};
  for (const char* name : {"rows_before", "rows_after", "kept", "erased", "previous_run_hash"}) {
    line[name] = member(record, name);
  }
  return line;
}

void add_exception(json& list, const json& run, const char* kind, const json& detail) {
  list.push_back({{"run_id", run.at("run_id")}, {"kind", kind}, {"detail", detail}});
}

/// The members of a record that are exceptions where they are not empty or zero.
constexpr std::array<const char*, 6> kTroubles = {
    "limited", "unknown_codes", "bad_times", "category_mismatches", "vanished", "closed_dead_runs"};

bool is_trouble(const json& value) {
  return value.is_array() ? !value.empty() : value.is_number_integer() && value != 0;
}

void add_exceptions(json& list, const json& run) {
  const json& record = run.at("record");
  if (run.at("outcome") != "completed") {
    add_exception(list, run, "outcome", run.at("outcome"));
  }
  if (const json error = member(record, "error"); !error.is_null()) {
    add_exception(list, run, "error", error);
  }
  for (const json& warning : member(record, "warnings")) {
    add_exception(list, run, "warning", warning);
  }
  for (const char* name : kTroubles) {
    if (const json value = member(record, name); is_trouble(value)) {
      add_exception(list, run, name, value);
    }
  }
  for (const char* name : {"first_seen", "modules_failed"}) {
    if (const json value = member(member(record, "exceptions"), name); is_trouble(value)) {
      add_exception(list, run, name, value);
    }
  }
}

}  // namespace

json period_runs(const Desk& desk, const EvidencePeriod& period) {
  RunLedger& ledger = desk.database.ledger();
  std::vector<RunLine> lines = ledger.newest(std::numeric_limits<std::int64_t>::max());
  std::reverse(lines.begin(), lines.end());
  json runs = json::array();
  for (const RunLine& line : lines) {
    if (line.opening.opened_at >= period.from && line.opening.opened_at < period.until) {
      runs.push_back(run_json(ledger, line));
    }
  }
  return {{"runs", std::move(runs)}};
}

json disposition_certificate(const Desk& desk, const EvidencePeriod& period, const json& runs) {
  json lines = json::array();
  std::int64_t deleted = 0;
  std::int64_t erased = 0;
  std::int64_t open = 0;
  for (const json& run : runs.at("runs")) {
    json line = run_line(run);
    deleted += count_in(line, "deleted");
    erased += count_in(line, "erased");
    open += run.at("outcome") == "open" ? 1 : 0;
    lines.push_back(std::move(line));
  }
  return {
      {"format", "holdfast-evidence/1"},
      {"database_id", desk.database.identity()},
      {"from", to_rfc3339(period.from)},
      {"until", to_rfc3339(period.until)},
      {"made_at", to_rfc3339(desk.now)},
      {"made_by", utf8_text(desk.who)},
      {"statement",
       "no active hold known to the system matched a deleted row at the time of its slice"},
      {"residue",
       deletion_words(desk.database) +
           "; wear levelling of solid-state disks, snapshots, backups, replicas and receivers are "
           "out of reach"},
      {"rows_deleted", deleted},
      {"rows_erased", erased},
      {"runs_open", open},
      {"deleted_by_category", deleted_by_category(runs.at("runs"))},
      {"runs", std::move(lines)}};
}

json policy_register_document(const Desk& desk, const EvidencePeriod& period) {
  json list = json::array();
  for (const StoredPolicy& policy : desk.database.policies().versions()) {
    if (policy.in_force_from >= period.until) {
      continue;
    }
    list.push_back({{"version", policy.version},
                    {"in_force_from", to_rfc3339(policy.in_force_from)},
                    {"sha256", policy.digest},
                    {"changed_by", utf8_text(policy.changed_by)},
                    {"reason", utf8_text(policy.reason)},
                    {"source", utf8_text(policy.source)},
                    {"policy", parsed(policy.document)}});
  }
  return {{"policies", std::move(list)}};
}

json exceptions_document(const json& runs) {
  json list = json::array();
  for (const json& run : runs.at("runs")) {
    add_exceptions(list, run);
  }
  return {{"exceptions", std::move(list)}};
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_report.h"

#include <algorithm>

#include "jobs/category_lines.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kMetadataLimit = std::size_t{64} * 1024;
constexpr std::size_t kLongestMessage = 4096;  // bytes of an error that the event carries
constexpr std::int64_t kMicrosPerMilli = 1000;

json counted(const std::map<std::string, std::int64_t>& entries, const char* name) {
  json list = json::array();
  for (const auto& [code, rows] : entries) {
    list.push_back({{name, utf8_text(code)}, {"rows", rows}});
  }
  return list;
}

json unknown_json(const Figures& figures) {
  json list = counted(figures.unknown_codes, "code");
  std::size_t place = 0;
  for (const auto& [code, rows] : figures.unknown_codes) {
    const auto oldest = figures.oldest_unknown.find(code);
    list[place++]["oldest"] =
        oldest == figures.oldest_unknown.end() ? json(nullptr) : json(to_rfc3339(oldest->second));
  }
  return list;
}

json categories_json(const Figures& figures) {
  json list = json::array();
  for (const CategoryLine& line : figures.categories) {
    list.push_back(category_line(line));
  }
  return list;
}

json error_json(const RunError& error) {
  return {{"reason", error.reason}, {"message", utf8_text(error.message)}};
}

json changes_json(const std::vector<PolicyChange>& changes) {
  json list = json::array();
  for (const PolicyChange& change : changes) {
    list.push_back({{"where", utf8_text(change.where)},
                    {"from", utf8_text(change.from)},
                    {"to", utf8_text(change.to)}});
  }
  return list;
}

/// Deleted rows and cut-offs per category over all tenants: what the catalogue promises of the
/// event.
json categories_of_event(const Figures& figures) {
  std::map<std::string, ReasonCounts> sums;
  std::map<std::string, json> cutoffs;
  for (const CategoryLine& line : figures.categories) {
    sums[line.place.category] += line.counts;
    if (!line.place.tenant) {
      cutoffs[line.place.category] = json_time(line.cutoff);
    }
  }
  json list = json::array();
  for (const auto& [category, counts] : sums) {
    list.push_back({{"category", category.empty() ? json(nullptr) : json(category)},
                    {"deleted", counts.deleted()},
                    {"kept", counts.kept()},
                    {"disposition_cutoff", cutoffs[category]}});
  }
  return list;
}

json clock_json(const RunReport& report) {
  json clock = {
      {"system_now", to_rfc3339(report.clock.system_now)},
      {"as_of", to_rfc3339(report.clock.as_of)},
      {"clamped", report.clock_clamped},
      {"last_system_now",
       report.last_clock ? json(to_rfc3339(report.last_clock->system_now)) : json(nullptr)},
      {"last_as_of",
       report.last_clock ? json(to_rfc3339(report.last_clock->as_of)) : json(nullptr)}};
  if (report.server_now) {
    clock["server_now"] = to_rfc3339(*report.server_now);
  }
  return clock;
}

json identity_json(const RunReport& report) {
  return {
      {"run_id", report.run_id},
      {"host", utf8_text(report.host)},
      {"database_id", report.database_id},
      {"database_path", utf8_text(report.database_path)},
      {"program", std::string("holdfast ") + HOLDFAST_VERSION},
      {"started_by", utf8_text(report.started_by)},
      {"mode", "run"},
      {"approved_plan", report.approved_plan.empty() ? json(nullptr) : json(report.approved_plan)},
      {"approved_by", report.approved_by.empty() ? json(nullptr) : json(report.approved_by)},
      {"started_at", to_rfc3339(report.clock.system_now)},
      {"ended_at", json_time(report.ended_at)}};
}

json policy_json(const RunReport& report) {
  return {{"version", report.policy_version},
          {"digest", report.policy_digest},
          {"source", utf8_text(report.policy_source)},
          {"changes", changes_json(report.policy_changes)},
          {"conflicts", report.conflicts}};
}

json partitions_json(const PartitionTotals& partitions) {
  json dropped = json::array();
  json row_by_row = json::array();
  for (const PartitionLine& line : partitions.lines) {
    const json name = utf8_text(line.name);
    if (line.why.empty()) {
      dropped.push_back({{"name", name}, {"rows", line.rows}});
    } else {
      row_by_row.push_back({{"name", name}, {"why", utf8_text(line.why)}});
    }
  }
  return {{"dropped", std::move(dropped)},
          {"row_by_row", std::move(row_by_row)},
          {"longest_lock_ms", partitions.everybody.count() / kMicrosPerMilli},
          {"longest_writers_lock_ms", partitions.writers.count() / kMicrosPerMilli}};
}

json storage_json(const RunReport& report) {
  const auto& before = report.space_before;
  return {{"slices", report.slices},
          {"partitions", partitions_json(report.partitions)},
          {"longest_lock_ms", report.longest_lock.count() / kMicrosPerMilli},
          {"planning_ms", report.planning.count() / kMicrosPerMilli},
          {"counting_ms", report.counting.count() / kMicrosPerMilli},
          {"reconciling_ms", report.reconciling.count() / kMicrosPerMilli},
          {"duration_ms", report.duration.count() / kMicrosPerMilli},
          {"wal_emptied", report.wal_emptied},
          {"file_bytes_before", before ? json(before->file_bytes) : json(nullptr)},
          {"free_bytes_before", before ? json(before->free_bytes) : json(nullptr)},
          {"file_bytes", report.file_bytes},
          {"free_bytes", report.free_bytes},
          {"vacuum", report.vacuum.empty() ? json(nullptr) : json(utf8_text(report.vacuum))},
          {"incremental_vacuum", report.incremental_vacuum},
          {"given_back_bytes", report.given_back_bytes},
          {"longest_vacuum_lock_ms", report.longest_vacuum_lock.count() / kMicrosPerMilli}};
}

json exceptions_json(const json& result) {
  return {{"bad_times", result.at("bad_times")},
          {"category_mismatches", result.at("category_mismatches")},
          {"limits", result.at("limited")},
          {"warnings", result.at("warnings")}};
}

/// The figures without their categories, of which there may be very many.
json sums_json(const Figures& figures) {
  json holds = json::array();
  for (const auto& [id, rows] : figures.kept_by_hold) {
    holds.push_back({{"hold", id}, {"rows", rows}});
  }
  return {{"as_of", json_time(figures.as_of)},
          {"rows_before", figures.rows_before},
          {"deleted", figures.totals.deleted()},
          {"kept", figures.totals.kept()},
          {"kept_by_reason", kept_json(figures.totals, Zeros::shown)},
          {"deleted_by_code", counted(figures.deleted_by_code, "code")},
          {"unknown_codes", unknown_json(figures)},
          {"kept_by_hold", std::move(holds)},
          {"bad_times", figures.bad_times},
          {"category_mismatches", figures.category_mismatches}};
}

/// What was collected beside the figures: parts of groups that are there already join those.
void add_groups(const RunReport& report, json& result) {
  result["exceptions"] = exceptions_json(result);
  for (const auto& [name, group] : report.groups.items()) {
    if (result.contains(name) && result.at(name).is_object() && group.is_object()) {
      result[name].update(group);
    } else {
      result[name] = group;
    }
  }
}

/// The report but for its two long lists.
json without_lists(const RunReport& report) {
  json result = sums_json(report.figures);
  result["run_id"] = report.run_id;
  result["outcome"] = to_token(report.outcome);
  result["digest"] = report.plan_digest.empty() ? json(nullptr) : json(report.plan_digest);
  result["rows_after"] = report.rows_after ? json(*report.rows_after) : json(nullptr);
  result["appended"] = report.appended;
  result["erased"] = report.erased;
  result["erasures"] = due_erasures_json(report.erasures);
  result["rows_remaining"] = report.rows_remaining;
  result["run_hash"] = report.run_hash.empty() ? json(nullptr) : json(report.run_hash);
  result["identity"] = identity_json(report);
  result["clock"] = clock_json(report);
  result["policy"] = policy_json(report);
  result["storage"] = storage_json(report);
  result["approved_plan"] =
      report.approved_plan.empty() ? json(nullptr) : json(report.approved_plan);
  result["approved_by"] = report.approved_by.empty() ? json(nullptr) : json(report.approved_by);
  result["limited"] = json::array();
  for (const LimitExcess& excess : report.over_limit) {
    result["limited"].push_back(excess_json(excess));
  }
  result["warnings"] = json::array();
  for (const std::string& warning : report.warnings) {
    result["warnings"].push_back(utf8_text(warning));
  }
  result["closed_dead_runs"] = report.closed_dead_runs;
  result["reconciliation"] = report.differences;
  result["between_runs"] = between_runs_json(report.between_runs);
  result["log_after"] = log_state_json(report.log_after);
  result["vanished"] = report.vanished;
  if (!report.children_deleted.empty()) {
    result["children_deleted"] = children_json(report.children_deleted);
  }
  result["started_by"] = utf8_text(report.started_by);
  result["host"] = utf8_text(report.host);
  if (report.error) {
    result["error"] = error_json(*report.error);
  }
  add_groups(report, result);
  return result;
}

}  // namespace

Figures make_figures(const Tally& tally, const RuleBook* rules) {
  Figures figures;
  figures.totals = tally.totals();
  figures.rows_before = figures.totals.total();
  for (const auto* entry : tally.places_in_order()) {
    const auto& [place, counts] = *entry;
    CategoryLine line{.place = place, .counts = counts};
    const DatedWindow* window =
        rules == nullptr ? nullptr : rules->category_window(place.tenant, place.category);
    if (window != nullptr) {
      line.window = to_string(window->window);
      line.cutoff = window->cutoff;
    }
    figures.categories.push_back(std::move(line));
  }
  for (const auto& [code, counts] : tally.codes()) {
    if (counts[Reason::expired] != 0) {
      figures.deleted_by_code[code] = counts[Reason::expired];
    }
    if (counts[Reason::unknown_code] != 0) {
      figures.unknown_codes[code] = counts[Reason::unknown_code];
    }
  }
  return figures;
}

void add_place_times(Figures& figures, const PlanFigures& plan) {
  const auto time_at = [](const auto& times, const TallyPlace& place) {
    const auto found = times.find(place);
    return found == times.end() ? std::optional<Instant>{} : std::optional{found->second};
  };
  figures.oldest_unknown = plan.oldest_unknown;
  for (CategoryLine& line : figures.categories) {
    line.oldest_kept = time_at(plan.oldest_kept, line.place);
    line.newest_deleted = time_at(plan.newest_deleted, line.place);
  }
}

std::vector<CategoryAge> category_ages(const Figures& figures,
                                       const PlanFigures& plan,
                                       const RuleBook* rules) {
  std::map<std::string, CategoryAge, std::less<>> ages;
  std::map<std::string, std::int64_t, std::less<>> not_reached;
  for (const CategoryLine& line : figures.categories) {
    CategoryAge& age = ages[line.place.category];
    age.category = line.place.category;
    not_reached[age.category] += line.counts[Reason::not_reached];
    const std::int64_t left = line.counts[Reason::not_reached] + line.counts[Reason::limit];
    age.waiting += left;
    const auto overdue = plan.longest_overdue.find(line.place);
    if (left > 0 && overdue != plan.longest_overdue.end()) {
      age.overdue = std::max(age.overdue, overdue->second);
    }
  }
  std::vector<CategoryAge> list;
  for (auto& [category, age] : ages) {
    const DatedWindow* window =
        rules == nullptr ? nullptr : rules->category_window(std::nullopt, category);
    age.cutoff = window == nullptr ? std::nullopt : std::optional{window->cutoff};
    const auto times = plan.oldest_time.find(category);
    if (times != plan.oldest_time.end()) {
      age.oldest = not_reached[category] > 0 ? std::optional{times->second.oldest}
                                             : times->second.oldest_staying;
      age.oldest_due = age.waiting > 0 ? times->second.oldest_due : std::nullopt;
    }
    list.push_back(std::move(age));
  }
  return list;
}

json excess_json(const LimitExcess& excess) {
  return {{"why", "limit"},
          {"tenant", json_or_null(excess.place.tenant)},
          {"category", excess.place.category},
          {"rows", excess.rows},
          {"due", excess.due}};
}

json figures_json(const Figures& figures) {
  json result = sums_json(figures);
  result["categories"] = categories_json(figures);
  return result;
}

json report_json(const RunReport& report) {
  json result = without_lists(report);
  result["categories"] = categories_json(report.figures);
  if (!report.holds.empty()) {
    result["holds"] = json::parse(report.holds);
  }
  return result;
}

SealedRecord seal_report(const RunReport& report, const std::string& previous_hash) {
  RecordList lines;
  for (const CategoryLine& line : report.figures.categories) {
    lines.add_text(category_line_text(line));
  }
  const std::string categories = std::move(lines).finish();
  RecordLists lists{{"categories", categories}};
  if (!report.holds.empty()) {
    lists["holds"] = report.holds;
  }
  return seal_record(without_lists(report), previous_hash, lists);
}

std::string event_metadata(const RunReport& report) {
  json metadata = {{"run_id", report.run_id},
                   {"outcome", to_token(report.outcome)},
                   {"as_of", json_time(report.figures.as_of)},
                   {"policy_digest", report.policy_digest},
                   {"rows_before", report.figures.rows_before},
                   {"deleted", report.figures.totals.deleted()},
                   {"erased", report.erased},
                   {"kept", report.figures.totals.kept()},
                   {"kept_by_reason", kept_json(report.figures.totals, Zeros::left_out)},
                   {"rows_remaining", report.rows_remaining},
                   {"categories", categories_of_event(report.figures)},
                   {"run_hash", report.run_hash.empty() ? json(nullptr) : json(report.run_hash)}};
  if (report.error) {
    RunError error = *report.error;
    if (error.message.size() > kLongestMessage) {
      error.message =
          error.message.substr(0, kLongestMessage) + " ... (the run's report has it all)";
    }
    metadata["error"] = error_json(error);
  }
  if (!report.children_deleted.empty()) {
    metadata["children_deleted"] = children_json(report.children_deleted);
  }
  if (!report.over_limit.empty()) {
    metadata["limited"] = json::array();
    for (const LimitExcess& excess : report.over_limit) {
      metadata["limited"].push_back(excess_json(excess));
    }
    metadata["to_do"] = "holdfast plan --save, then holdfast approve DIGEST";
  }
  std::string text = compact(metadata);
  for (const char* bulky : {"limited", "categories"}) {
    if (text.size() > kMetadataLimit && metadata.contains(bulky)) {
      metadata[bulky] = nullptr;
      metadata["shortened"] = true;
      text = compact(metadata);
    }
  }
  return text;
}

}  // namespace holdfast

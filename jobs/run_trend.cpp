// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_trend.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "jobs/json_text.h"
#include "jobs/policy_document.h"
#include "policy/disposition_cutoff.h"
#include "policy/rule_book.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// When rows of a group may go, as far as windows and floors say. A group is asked about for many
/// days one after the other, so its rule is looked up once.
class DueNight {
 public:
  explicit DueNight(const RuleBook& rules) : rules_(rules) {}

  /// None where nothing lets the rows go.
  std::optional<Instant> of(const LogDay& day) {
    if (!known_ || day.code != code_ || day.tenant != tenant_ || day.stored_category != category_) {
      code_ = day.code;
      tenant_ = day.tenant;
      category_ = day.stored_category;
      rule_ = rules_.rule_for(day.tenant, day.code, day.stored_category);
      known_ = true;
    }
    if (!rule_.code_known || !rule_.has_window) {
      return std::nullopt;
    }
    Instant due = kBeginningOfTime;
    later(rule_.window, day.first, due);
    later(rule_.own_window, day.first, due);
    later(rule_.code_floor, day.first, due);
    for (const CategoryFloors* floors : {rule_.floors, rule_.own_floors}) {
      if (floors != nullptr) {
        for (const DatedWindow& floor : floors->floors) {
          later(&floor, day.first, due);
        }
      }
    }
    return due == kBeginningOfTime ? std::nullopt : std::optional{due};
  }

 private:
  static void later(const DatedWindow* window, Instant event, Instant& due) {
    if (window != nullptr) {
      due = std::max(due, deletable_from(event, window->window));
    }
  }

  const RuleBook& rules_;
  bool known_ = false;
  std::optional<std::string> code_;
  std::optional<std::string> tenant_;
  std::optional<std::string> category_;
  Rule rule_;
};

std::string day_text(date::sys_days day) {
  return to_rfc3339(day).substr(0, std::string_view{"YYYY-MM-DD"}.size());
}

json night_json(const RunLine& line, const json& record) {
  const auto of = [](const json& value, const char* name) {
    return value.is_object() && value.contains(name) ? value.at(name) : json(nullptr);
  };
  return {{"run", line.id},
          {"opened_at", to_rfc3339(line.opening.opened_at)},
          {"outcome", line.closing->outcome},
          {"deleted", line.closing->deleted},
          {"rows_after", of(record, "rows_after")},
          {"file_bytes", of(of(record, "storage"), "file_bytes")},
          {"kept_by_reason", of(record, "kept_by_reason")}};
}

json run_json(const RunLine& line) {
  const auto& closing = line.closing;
  return {{"run", line.id},
          {"opened_at", to_rfc3339(line.opening.opened_at)},
          {"started_by", utf8_text(line.opening.started_by)},
          {"outcome", closing ? json(closing->outcome) : json("open")},
          {"deleted", closing ? json(closing->deleted) : json(nullptr)},
          {"error",
           closing && !closing->error_reason.empty() ? json(utf8_text(closing->error_reason))
                                                     : json(nullptr)}};
}

/// The oldest row that each line of a record kept.
json oldest_json(const json& record) {
  json list = json::array();
  for (const json& line : record.at("categories")) {
    if (line.contains("oldest_kept") && !line.at("oldest_kept").is_null()) {
      list.push_back({{"tenant", line.at("tenant")},
                      {"category", line.at("category")},
                      {"window", line.at("window")},
                      {"disposition_cutoff", line.at("disposition_cutoff")},
                      {"oldest", line.at("oldest_kept")}});
    }
  }
  return list;
}

/// The record of a closed run, null where it has none that can be read.
json record_of(RunLedger& ledger, std::int64_t run) {
  const auto line = ledger.find(run);
  if (!line || !line->closing) {
    return nullptr;
  }
  json record = json::parse(line->closing->record, nullptr, /*allow_exceptions=*/false);
  return record.is_object() ? record : json(nullptr);
}

bool has_decided(const json& record) {
  return record.is_object() && record.contains("categories") &&
         record.at("categories").is_array() && !record.at("categories").empty();
}

}  // namespace

json forecast_nights(const Desk& desk) {
  AuditLog& log = desk.database.audit_log();
  const PolicySnapshot snapshot = make_snapshot(desk.settings, log.shape());
  const RuleBook rules(snapshot, desk.now);
  const auto today = date::floor<date::days>(desk.now);
  const auto last_night = today + date::days{kForecastNights};
  std::map<date::sys_days, std::int64_t> nights;
  std::int64_t due_now = 0;
  std::int64_t rows = 0;
  DueNight due_night(rules);
  log.count_days(log.highest_key(), [&](const LogDay& day) {
    if (day.first < desk.settings.earliest_plausible || day.first > desk.now) {
      return;
    }
    rows += day.rows;
    const auto due = due_night.of(day);
    if (!due || *due > last_night) {
      return;
    }
    if (*due <= desk.now) {
      due_now += day.rows;
    } else {
      nights[date::ceil<date::days>(*due)] += day.rows;
    }
  });
  json list = json::array();
  for (date::sys_days night = today + date::days{1}; night <= last_night; night += date::days{1}) {
    const auto found = nights.find(night);
    list.push_back(
        {{"night", day_text(night)}, {"rows", found == nights.end() ? 0 : found->second}});
  }
  return {{"nights", std::move(list)},
          {"from", day_text(today)},
          {"until", day_text(last_night)},
          {"due_now", due_now},
          {"rows", rows}};
}

json run_trend(const Desk& desk, const json& forecast) {
  RunLedger& ledger = desk.database.ledger();
  json runs = json::array();
  json nights = json::array();
  json oldest = json::array();
  bool decided = false;
  for (const RunLine& line : ledger.newest(std::numeric_limits<std::int64_t>::max())) {
    runs.push_back(run_json(line));
    if (line.closing && nights.size() < static_cast<std::size_t>(kTrendRecords)) {
      const json record = record_of(ledger, line.id);
      nights.push_back(night_json(line, record));
      if (!decided && has_decided(record)) {
        oldest = oldest_json(record);
        decided = true;
      }
    }
  }
  std::reverse(nights.begin(), nights.end());
  return {{"database_id", desk.database.identity()},
          {"runs", std::move(runs)},
          {"nights", std::move(nights)},
          {"oldest", std::move(oldest)},
          {"forecast", forecast}};
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
// What `status` says: what a person or a monitor asks in the morning.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jobs/due_erasures.h"
#include "jobs/json_text.h"
#include "jobs/lost_runs.h"
#include "jobs/monitor_figures.h"
#include "jobs/overview.h"
#include "jobs/plan_desk.h"
#include "jobs/run_plan.h"
#include "jobs/run_report.h"
#include "jobs/server_clock.h"
#include "jobs/witness_check.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// A row waits up to a day for the next night, and a night may be missed by an hour.
constexpr std::int64_t kOverdueDays = 2;

std::int64_t days_between(Instant later, Instant earlier) {
  return std::chrono::duration_cast<std::chrono::hours>(later - earlier).count() / 24;
}

json success_age(const std::optional<RunLine>& success, Instant now) {
  if (!success) {
    return nullptr;
  }
  return std::chrono::duration_cast<std::chrono::seconds>(now - success->opening.opened_at).count();
}

json past_review(const Desk& desk, std::int64_t& active) {
  json list = json::array();
  for (const LegalHold& hold : desk.database.holds().all()) {
    active += hold.active() ? 1 : 0;
    if (hold.active() && hold.review_by && *hold.review_by < desk.now) {
      list.push_back({{"hold", hold.id},
                      {"matter", utf8_text(hold.matter)},
                      {"review_by", to_rfc3339(*hold.review_by)}});
    }
  }
  return list;
}

json missed_json(const LostRuns& lost) {
  json list = json::array();
  for (const MissedRun& run : lost.missed) {
    list.push_back({{"at", json_time(run.at)},
                    {"reason", utf8_text(run.error.reason)},
                    {"message", utf8_text(run.error.message)},
                    {"left_out", run.left_out}});
  }
  return list;
}

/// Due rows over all tenants, by category.
std::map<std::string, std::int64_t, std::less<>> waiting_rows(const RunPlan& plan) {
  std::map<std::string, std::int64_t, std::less<>> waiting;
  for (const CategoryLine& line : make_figures(plan.figures.tally, nullptr).categories) {
    if (line.counts.deleted() > 0) {
      waiting[line.place.category] += line.counts.deleted();
    }
  }
  return waiting;
}

json oldest_line(const RuleBook& rules, const std::string& category) {
  const DatedWindow* window = rules.category_window(std::nullopt, category);
  return {{"category", category.empty() ? json(nullptr) : json(category)},
          {"window", window == nullptr ? json(nullptr) : json(to_string(window->window))},
          {"disposition_cutoff", window == nullptr ? json(nullptr) : json_time(window->cutoff)},
          {"oldest", nullptr},
          {"age_days", nullptr},
          {"waiting", 0},
          {"oldest_due", nullptr},
          {"overdue_days", nullptr}};
}

/// By how many days one of the category's rows that wait is past the window that it goes by.
json overdue_days(const RunPlan& plan, const std::string& category) {
  std::chrono::milliseconds longest{0};
  for (const auto& [place, overdue] : plan.figures.longest_overdue) {
    if (place.category == category) {
      longest = std::max(longest, overdue);
    }
  }
  return std::chrono::duration_cast<std::chrono::hours>(longest).count() / 24;
}

json oldest_json(const Desk& desk, const RunPlan& plan, const RuleBook& rules) {
  std::map<std::string, json> lines;
  const auto line_of = [&](const std::string& category) -> json& {
    return lines.try_emplace(category, oldest_line(rules, category)).first->second;
  };
  for (const auto& [category, times] : plan.figures.oldest_time) {
    json& line = line_of(category);
    line["oldest"] = to_rfc3339(times.oldest);
    line["age_days"] = days_between(desk.now, times.oldest);
    if (times.oldest_due) {
      line["oldest_due"] = to_rfc3339(*times.oldest_due);
      line["overdue_days"] = overdue_days(plan, category);
    }
  }
  for (const auto& [category, rows] : waiting_rows(plan)) {
    line_of(category)["waiting"] = rows;
  }
  json list = json::array();
  for (auto& [category, line] : lines) {
    list.push_back(std::move(line));
  }
  return list;
}

json overdue_json(const json& oldest) {
  json list = json::array();
  for (const json& line : oldest) {
    if (!line.at("overdue_days").is_null() && line.at("overdue_days") >= kOverdueDays) {
      list.push_back({{"category", line.at("category")},
                      {"waiting", line.at("waiting")},
                      {"oldest_due", line.at("oldest_due")},
                      {"overdue_days", line.at("overdue_days")}});
    }
  }
  return list;
}

}  // namespace

json status_now(const Desk& desk) {
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const ClockStep step = next_clock(desk, policy);
  DecisionContext context(desk.database, desk.settings, policy, step.clock);
  const RunPlan plan = plan_at(desk, context);
  const auto success = desk.database.ledger().last_success();
  const auto last = desk.database.ledger().last();
  const auto clock = desk.database.ledger().last_clock();
  const LostRuns lost = read_lost_runs(desk.database);
  const RunStreak streak = continued(read_streak(desk.database.ledger(), std::nullopt), lost);
  std::int64_t active = 0;
  json reviews = past_review(desk, active);
  json result = {
      {"last_run", last ? run_line_json(*last) : json(nullptr)},
      {"last_success", success ? run_line_json(*success) : json(nullptr)},
      {"last_success_age_days",
       success ? json(days_between(desk.now, success->opening.opened_at)) : json(nullptr)},
      {"last_success_age_seconds", success_age(success, desk.now)},
      {"partial_in_a_row", streak.partial},
      {"failed_in_a_row", streak.failed},
      {"rows", plan.figures.rows_before},
      {"rows_waiting", plan.keys->size()},
      {"oldest", oldest_json(desk, plan, context.rules())},
      {"holds_active", active},
      {"holds_past_review", std::move(reviews)},
      {"system_now", to_rfc3339(desk.now)},
      {"run_clock", json_time(clock ? std::optional{clock->as_of} : std::nullopt)},
      {"clock_refused",
       step.outcome == ClockStep::Outcome::refused ||
           witness_clock(desk.database, desk.now).apart()},
      {"first_run_pending", policy.first_run}};
  result["died_run"] = lost.died ? json(lost.died->id) : json(nullptr);
  result["missed_runs"] = missed_json(lost);
  result["overdue_categories"] = overdue_json(result.at("oldest"));
  DueErasures due;
  list_due(desk.database.erasures(), desk.now, due);
  result["erasures"] = {{"open", due.open}, {"due_soon", due.due_soon}, {"overdue", due.overdue}};
  result["witness"] = witness_status(desk);
  result["over_limit"] = json::array();
  for (const LimitExcess& excess : plan.figures.over_limit) {
    result["over_limit"].push_back(excess_json(excess));
  }
  return result;
}

}  // namespace holdfast

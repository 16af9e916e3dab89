// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string_view>
#include <utility>

#include "jobs/json_text.h"
#include "policy/reason.h"

namespace holdfast {
namespace {

using Label = prometheus::ClientMetric::Label;

constexpr const char* kUnknownCategory = "(unknown code)";
constexpr const char* kOtherCategories = "(other)";
constexpr double kMillisecondsPerSecond = 1000.0;

double seconds_since_1970(Instant instant) {
  return static_cast<double>(to_unix_ms(instant)) / kMillisecondsPerSecond;
}

double in_seconds(std::chrono::microseconds span) {
  return std::chrono::duration<double>(span).count();
}

/// Families of gauges as they come together; each has the label of the database.
class Gauges {
 public:
  explicit Gauges(const std::string& database) : database_(utf8_text(database)) {}

  /// Begins a family: the values that follow belong to it.
  Gauges& family(const char* name, const char* help) {
    families_.push_back({.name = std::string("holdfast_") + name,
                         .help = help,
                         .type = prometheus::MetricType::Gauge,
                         .metric = {}});
    return *this;
  }

  Gauges& value(double value, std::vector<Label> labels = {}) {
    labels.insert(labels.begin(), {"database", database_});
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }

  Gauges& count(std::int64_t rows, std::vector<Label> labels = {}) {
    return value(static_cast<double>(rows), std::move(labels));
  }

  /// A family without a value says nothing, so it is left out.
  [[nodiscard]] std::string text() {
    const auto empty = std::remove_if(families_.begin(), families_.end(), [](const auto& family) {
      return family.metric.empty();
    });
    families_.erase(empty, families_.end());
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, families_);
    return out.str();
  }

 private:
  std::string database_;
  std::vector<prometheus::MetricFamily> families_;
};

void add_outcome(Gauges& gauges, const RunReport& report) {
  gauges
      .family("last_run_timestamp_seconds",
              "When the last run began, however it ended. Silence here is a schedule that stands "
              "still.")
      .value(seconds_since_1970(report.clock.system_now));
  gauges
      .family(
          "last_run_id",
          "Number of the last run in the ledger: holdfast report N. 0: it could not be recorded.")
      .count(report.run_id);
  gauges.family("last_run_outcome", "1 for the outcome of the last run, 0 for the others.");
  for (const Outcome outcome : {Outcome::completed,
                                Outcome::partial,
                                Outcome::limited,
                                Outcome::refused,
                                Outcome::failed,
                                Outcome::invalid,
                                Outcome::interrupted}) {
    gauges.count(report.outcome == outcome ? 1 : 0, {{"outcome", std::string(to_token(outcome))}});
  }
  gauges.family("last_run_exit_status", "Exit status of the last run.")
      .count(static_cast<int>(exit_status(report.outcome)));
  gauges.family("last_run_duration_seconds", "How long the last run took.")
      .value(in_seconds(report.duration));
}

void add_streak(Gauges& gauges, const std::optional<RunStreak>& streak) {
  if (!streak) {
    return;
  }
  gauges
      .family("last_success_timestamp_seconds",
              "When the last run began that was completed, partial or limited. 0: none yet.")
      .value(streak->last_success ? seconds_since_1970(*streak->last_success) : 0.0);
  gauges
      .family("consecutive_partial_runs",
              "Runs in a row, the last one included, that stopped early at a budget.")
      .count(streak->partial);
  gauges
      .family("consecutive_failed_runs",
              "Runs in a row, the last one included, that failed, were refused or were invalid.")
      .count(streak->failed);
}

void add_rows(Gauges& gauges, const RunReport& report) {
  if (!report.figures.as_of) {
    return;  // the run never came to its database
  }
  gauges.family("last_run_rows_deleted", "Rows that the last run deleted by retention.")
      .count(report.figures.totals.deleted());
  gauges.family("last_run_rows_erased", "Rows that went with erasures the last run completed.")
      .count(report.erased);
  if (!report.ages.empty()) {  // otherwise it did not plan, and nobody knows what is due
    gauges
        .family(
            "last_run_rows_remaining",
            "Rows that were due and were left: by the end of the last run, by the safety limit, "
            "or because it was refused.")
        .count(report.figures.totals[Reason::not_reached] + report.figures.totals[Reason::limit]);
  }
  gauges.family("last_run_rows_kept", "Rows that the last run kept, each under its one reason.");
  for (const Reason reason : kAllReasons) {
    if (reason != Reason::expired) {
      gauges.count(report.figures.totals[reason], {{"reason", std::string(to_token(reason))}});
    }
  }
  if (report.rows_after) {
    gauges.family("rows", "Rows of the audit log after the last run.").count(*report.rows_after);
  }
  gauges
      .family("last_run_longest_lock_seconds",
              "The longest time for which the last run held the write lock.")
      .value(in_seconds(std::max(
          {report.longest_lock, report.longest_vacuum_lock, report.partitions.everybody})));
  gauges.family("database_size_bytes", "Size of the database file after the last run.")
      .count(report.file_bytes);
  gauges
      .family("database_free_bytes",
              "Bytes of the database file that are free for new rows after the last run.")
      .count(report.free_bytes);
}

/// The earlier of two times, either of which may be missing.
std::optional<Instant> earlier(std::optional<Instant> left, std::optional<Instant> right) {
  return left && right ? std::min(left, right) : (left ? left : right);
}

/// At most kMostCategories lines, named as the label says, in the order of their names.
std::vector<CategoryAge> bounded(std::vector<CategoryAge> ages) {
  std::sort(ages.begin(), ages.end(), [](const CategoryAge& left, const CategoryAge& right) {
    return std::pair(-left.waiting, left.category) < std::pair(-right.waiting, right.category);
  });
  if (ages.size() > kMostCategories) {
    CategoryAge other{.category = kOtherCategories};
    for (auto age = ages.begin() + (kMostCategories - 1); age != ages.end(); ++age) {
      other.waiting += age->waiting;
      other.oldest = earlier(other.oldest, age->oldest);
      other.oldest_due = earlier(other.oldest_due, age->oldest_due);
      other.overdue = std::max(other.overdue, age->overdue);
    }
    ages.resize(kMostCategories - 1);
    ages.push_back(std::move(other));
  }
  for (CategoryAge& age : ages) {
    age.category = age.category.empty() ? kUnknownCategory : utf8_text(age.category);
  }
  std::sort(ages.begin(), ages.end(), [](const CategoryAge& left, const CategoryAge& right) {
    return left.category < right.category;
  });
  return ages;
}

void add_times(Gauges& gauges,
               const std::vector<CategoryAge>& ages,
               std::optional<Instant> CategoryAge::*time) {
  for (const CategoryAge& age : ages) {
    const std::optional<Instant>& instant = age.*time;
    if (instant && *instant != kBeginningOfTime && *instant != kEndOfTime) {
      gauges.value(seconds_since_1970(*instant), {{"category", age.category}});
    }
  }
}

void add_categories(Gauges& gauges, const RunReport& report) {
  if (report.ages.empty()) {
    return;
  }
  const std::vector<CategoryAge> ages = bounded(report.ages);
  gauges.family("category_rows_waiting",
                "Rows of the category that are due and were left, over all tenants.");
  for (const CategoryAge& age : ages) {
    gauges.count(age.waiting, {{"category", age.category}});
  }
  gauges.family("category_oldest_row_timestamp_seconds",
                "Time of the category's oldest row after the last run, held ones included.");
  add_times(gauges, ages, &CategoryAge::oldest);
  gauges.family("category_cutoff_timestamp_seconds",
                "Disposition cut-off of the platform's window at the last run: rows before it are "
                "past the window.");
  add_times(gauges, ages, &CategoryAge::cutoff);
  gauges.family(
      "category_oldest_due_timestamp_seconds",
      "Where rows of the category wait: time of the oldest that was due when the last run "
      "began.");
  add_times(gauges, ages, &CategoryAge::oldest_due);
  gauges.family("category_overdue_seconds",
                "Where rows of the category wait: by how much one of those was past its own window "
                "when the last run began, be it its tenant's or its code's. 0: none waits.");
  for (const CategoryAge& age : ages) {
    gauges.value(in_seconds(age.overdue), {{"category", age.category}});
  }
}

void add_registers(Gauges& gauges, const MonitorFigures& figures) {
  if (figures.holds) {
    gauges.family("holds_active", "Holds that are in force.").count(figures.holds->active);
    gauges
        .family("holds_past_review",
                "Holds in force whose review date has passed. They still hold.")
        .count(figures.holds->past_review);
  }
  if (figures.erasures) {
    gauges.family("erasures_open", "Erasure requests that have not ended.")
        .count(figures.erasures->open);
    gauges.family("erasures_due_soon", "Open erasure requests whose deadline is within 7 days.")
        .count(figures.erasures->due_soon);
    gauges.family("erasures_overdue", "Open erasure requests whose deadline has passed.")
        .count(figures.erasures->overdue);
  }
}

}  // namespace

std::string metrics_text(const MetricsOrigin& origin,
                         const RunReport& report,
                         const MonitorFigures& figures) {
  Gauges gauges(origin.database);
  gauges.family("build_info", "1, with the version of holdfast that wrote this.")
      .value(1, {{"version", origin.version}});
  add_outcome(gauges, report);
  add_streak(gauges, figures.streak);
  add_rows(gauges, report);
  add_categories(gauges, report);
  add_registers(gauges, figures);
  return gauges.text();
}

}  // namespace holdfast

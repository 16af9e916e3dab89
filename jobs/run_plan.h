// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/decision_context.h"
#include "jobs/run_observer.h"
#include "policy/tally.h"
#include "storage/database.h"

namespace holdfast {

/// A tenant's category of which one run would take more than it may.
struct LimitExcess {
  TallyPlace place;
  std::int64_t rows = 0;  ///< all of it
  std::int64_t due = 0;
};

/// Sane times of one category's rows.
struct CategoryTimes {
  std::optional<Instant> oldest_staying;  ///< of those that this plan does not let go
  std::optional<Instant> oldest_due;      ///< of those that go, or that only the limit keeps
  Instant oldest = kEndOfTime;            ///< of all of them

  [[nodiscard]] bool operator==(const CategoryTimes&) const = default;
};

/// What a plan counted.
struct PlanFigures {
  std::int64_t rows_before = 0;
  Tally tally;  ///< every row once; `expired` are those that would go
  std::int64_t bad_times = 0;
  std::int64_t category_mismatches = 0;
  std::map<std::int64_t, std::int64_t>
      kept_by_hold;  ///< hold id to rows that it alone or with others keeps
  /// Newest sane time; rows that say how a run of Holdfast ended do not count.
  std::optional<Instant> newest_time;
  /// Oldest sane times, by category. Where rows carry their own category, of the rows that were
  /// read.
  std::map<std::string, CategoryTimes, std::less<>> oldest_time;
  /// Oldest sane time of the rows that stay past the window of their code, by what protects them.
  PlaceTimes oldest_kept;
  /// Oldest sane time of each code that is unknown.
  std::map<std::string, Instant, std::less<>> oldest_unknown;
  /// Newest sane time of the rows that would go.
  PlaceTimes newest_deleted;
  /// By how much the oldest row that is due is past the window that it goes by itself, which may be
  /// its tenant's, its code's or that of a category of its own. Only places where rows are due.
  PlaceMap<std::chrono::milliseconds> longest_overdue;
  std::vector<LimitExcess> over_limit;
  bool one_pass = false;  ///< the whole table was read, for want of an index or of free readers
  std::chrono::microseconds took{0};      ///< the whole plan
  std::chrono::microseconds counting{0};  ///< of that, counting the rows that need no look
};

/// What a run is to do: the figures, and the keys of the rows that would go.
struct RunPlan {
  PlanFigures figures;
  std::unique_ptr<KeySet> keys;
  std::optional<std::int64_t> highest_key;  ///< rows above it came later and are not looked at
  bool stopped = false;  ///< PlanOptions::stop was raised: the figures and keys are not all
};

using RowReport = std::function<void(const RowKey&, Reason)>;

/// What to plan with.
struct PlanOptions {
  std::optional<std::int64_t> highest_key;  ///< none: as it is now
  bool nothing_there = false;               ///< the log was empty when the run began
  std::chrono::milliseconds longest_read{50};
  RowReport each_row;  ///< empty: not wanted; set: every single row is read and reported
  RunObserver* observer = nullptr;
  const StopFlag* stop = nullptr;  ///< raised: the plan ends within some thousand rows
};

/// Decides about every row of the log and collects the ones that go. Reads only; rows whose time is
/// inside the shortest window of their code are counted from the index and never read, where the
/// table has one and readers block nobody. Errors: StorageError.
[[nodiscard]] RunPlan make_plan(Database& database,
                                DecisionContext& context,
                                const PlanOptions& options);

/// SHA-256 over the keys of a plan, its cut-offs, the policy, the hold set and the database: what
/// an approval is bound to. The same plan made twice on one day has the same digest.
[[nodiscard]] std::string plan_digest(Database& database,
                                      const PolicyState& policy,
                                      const DecisionContext& context,
                                      KeySet& keys);

/// The tenant categories that are over the limit, as the decision wants them.
[[nodiscard]] TallyPlaceSet places_over_limit(const PlanFigures& figures);

/// True where more rows have a bad time than a right time_format can explain.
[[nodiscard]] bool too_many_bad_times(const PlanFigures& figures, const SafetyPolicy& safety);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"
#include "policy/tally.h"

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

}  // namespace holdfast

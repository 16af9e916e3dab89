// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "policy/event_time.h"
#include "storage/audit_log.h"

namespace holdfast {

/// The calendar rule counts an event by its date in the eastmost zone.
inline constexpr std::chrono::hours kEastmostZone{14};

/// Counts rows by group and day. They come in stretches of one group and day: only the current
/// stretch is remembered.
class DayCounter {
 public:
  /// Code, tenant and category of a row.
  using Group = std::array<StoredView, 3>;

  DayCounter(TimeFormat format, const DayVisit& visit) : format_(format), visit_(visit) {}

  /// Counts a row; one whose time cannot be read is left out.
  void add(const Group& group, const StoredView& time);
  /// Visits the stretch that is being counted, and starts the next.
  void finish();

 private:
  TimeFormat format_;
  const DayVisit& visit_;
  std::string group_;       ///< the row's group as canonical bytes
  std::string last_group_;  ///< that of the stretch
  date::sys_days last_day_;
  std::int64_t rows_ = 0;
};

/// Visits so many rows of one group and day.
void visit_log_day(const DayCounter::Group& group,
                   date::sys_days day,
                   std::int64_t rows,
                   const DayVisit& visit);

}  // namespace holdfast

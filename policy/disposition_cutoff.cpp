// SPDX-License-Identifier: Apache-2.0
#include "policy/disposition_cutoff.h"

#include <algorithm>
#include <chrono>

#include <date/date.h>

#include "policy/calendar_day.h"

namespace holdfast {
namespace {

// The date of an event is the latest that any zone can give it; its last day is over once UTC-12
// has left it too, which is noon UTC of the day after, rounded up to the next midnight.
constexpr std::chrono::hours kEastmostZone{14};
constexpr date::days kUntilOverEverywhere{2};

/// The first instant whose event day is `day`.
constexpr Instant start_of(date::sys_days day) {
  return Instant{day} - kEastmostZone;
}

constexpr Instant kCountedFrom = start_of(kFirstCountedDay);
constexpr Instant kCountedUntil = start_of(kLastCountedDay + date::days{1});

int months_of(const RetentionWindow& window) {
  return window.unit == WindowUnit::years ? 12 * window.count : window.count;
}

date::sys_days last_day_inside(date::sys_days event_day, const RetentionWindow& window) {
  if (window.unit == WindowUnit::days) {
    return event_day + date::days{window.count};
  }
  return months_after(event_day, months_of(window));
}

/// The latest event day whose window is over when `last_day` is.
date::sys_days last_event_day(date::sys_days last_day, const RetentionWindow& window) {
  if (window.unit == WindowUnit::days) {
    return last_day - date::days{window.count};
  }
  const date::year_month_day end{last_day};
  const date::year_month end_month = end.year() / end.month();
  const date::year_month month = end_month - date::months{months_of(window)};
  // The days that the end's month lacks all fall on its last day, so that day ends the whole month.
  return last_day == last_day_of(end_month) ? last_day_of(month) : same_day_in(month, end);
}

}  // namespace

Instant deletable_from(Instant event_time, const RetentionWindow& window) {
  if (never_ends(window) || event_time >= kCountedUntil) {
    return kEndOfTime;
  }
  const Instant counted = std::max(event_time, kCountedFrom);
  const auto event_day = date::floor<date::days>(counted + kEastmostZone);
  return last_day_inside(event_day, window) + kUntilOverEverywhere;
}

Instant disposition_cutoff(const RetentionWindow& window, Instant as_of) {
  if (never_ends(window) || as_of < deletable_from(kCountedFrom, window)) {
    return kBeginningOfTime;
  }
  if (as_of >= deletable_from(kCountedUntil - std::chrono::milliseconds{1}, window)) {
    return kCountedUntil;
  }
  const auto last_day = date::floor<date::days>(as_of) - kUntilOverEverywhere;
  return start_of(last_event_day(last_day, window) + date::days{1});
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include <date/date.h>

#include "policy/calendar_day.h"
#include "policy/erasure_request.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr int kMonthsToAnswer = 1;
constexpr int kMonthsOfExtension = 2;
constexpr std::chrono::hours kShortestCoolOff{24};
constexpr std::chrono::hours kSoon{24 * 7};

/// The UTC day of an instant. Times that no calendar has count as of the nearest day that one has.
date::sys_days utc_day_of(Instant instant) {
  return date::floor<date::days>(
      std::clamp(instant, Instant{kFirstCountedDay}, Instant{kLastCountedDay}));
}

/// The instant `wait` later, without an overflow.
Instant later(Instant from, milliseconds wait) {
  const milliseconds counted = std::max(wait, milliseconds{0});
  return from > kEndOfTime - counted ? kEndOfTime : from + counted;
}

}  // namespace

Instant answer_deadline(Instant requested_at) {
  return months_after(utc_day_of(requested_at), kMonthsToAnswer) + date::days{1};
}

Instant extended_deadline(Instant deadline) {
  // The deadline is the end of the day on which the answer is due: months are counted from that
  // day.
  const date::sys_days due_day =
      utc_day_of(std::max(deadline, Instant{kFirstCountedDay}) - milliseconds{1});
  return months_after(due_day, kMonthsOfExtension) + date::days{1};
}

Instant cooloff_end(Instant requested_at, Instant approved_at, milliseconds cool_off) {
  return std::max(later(requested_at, cool_off), later(approved_at, kShortestCoolOff));
}

DeadlineState deadline_state(const ErasureRequest& request, Instant system_now) {
  if (!request.open()) {
    return DeadlineState::far;
  }
  if (system_now >= request.deadline) {
    return DeadlineState::overdue;
  }
  return request.deadline <= later(system_now, kSoon) ? DeadlineState::due_soon
                                                      : DeadlineState::far;
}

}  // namespace holdfast

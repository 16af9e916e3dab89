// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <date/date.h>

#include "policy/instant.h"

namespace holdfast {

/// The instants that a stored or typed time can mean: the years 0001 to 9999, `[begin, end)`.
inline constexpr Instant kCalendarBegin = date::sys_days{date::year{1} / 1 / 1};
inline constexpr Instant kCalendarEnd = date::sys_days{date::year{10000} / 1 / 1};

/// A date and a time of day as they are written, and the zone where there is one.
struct TimeText {
  Instant as_written;                          ///< the digits, as if they were UTC
  std::optional<std::chrono::minutes> offset;  ///< east of Greenwich; none where none is written
};

/// Reads exactly "YYYY-MM-DD". None for any other shape and for a date that does not exist.
[[nodiscard]] std::optional<date::sys_days> scan_day(std::string_view text);

/// Reads "YYYY-MM-DD", "T" or a space, "hh:mm:ss", a fraction of any length (cut to milliseconds),
/// and a zone ("Z", "+05:30", "+0530", "+05", at most 14 hours either way) or none. Second 60 is
/// read as 59. None for any other shape, and for a date that does not exist.
[[nodiscard]] std::optional<TimeText> scan_time(std::string_view text);

/// The instant of a text that has a zone; none without a zone or outside the calendar.
[[nodiscard]] std::optional<Instant> to_instant(const TimeText& written);

}  // namespace holdfast

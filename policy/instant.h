// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <date/date.h>

#include <tl/expected.hpp>

namespace holdfast {

/// A point in time, UTC milliseconds. Everything in Holdfast is UTC; local time is never computed.
using Instant = date::sys_time<std::chrono::milliseconds>;

/// Before every row and after every row: the cut-off of a window without an end, and of no window.
inline constexpr Instant kBeginningOfTime = Instant::min();
inline constexpr Instant kEndOfTime = Instant::max();

/// RFC 3339 in UTC, "2026-11-23T00:45:00Z", with milliseconds only where there are any.
/// The two ends of time print as "never" and "always": what a disposition cut-off there lets go.
/// Outside the years 0001 to 9999 the text is the count of milliseconds, in words.
[[nodiscard]] std::string to_rfc3339(Instant instant);

/// Reads RFC 3339 with a zone ("Z" or an offset), or a bare date (its 00:00 UTC).
/// Errors: a sentence that says what is wrong with the text.
[[nodiscard]] tl::expected<Instant, std::string> parse_rfc3339(std::string_view text);

/// Reads "YYYY-MM-DD"; a date that does not exist is an error, never the next day.
[[nodiscard]] tl::expected<date::sys_days, std::string> parse_day(std::string_view text);

/// Milliseconds since 1970 and back: the form in which instants are stored.
[[nodiscard]] constexpr std::int64_t to_unix_ms(Instant instant) {
  return instant.time_since_epoch().count();
}
[[nodiscard]] constexpr Instant from_unix_ms(std::int64_t value) {
  return Instant{std::chrono::milliseconds{value}};
}

}  // namespace holdfast

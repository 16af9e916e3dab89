// SPDX-License-Identifier: Apache-2.0
#include "policy/event_time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>

#include "policy/time_text.h"

namespace holdfast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::pair<std::string_view, TimeFormat>, 6> kFormats{{
    {"unix_s", TimeFormat::unix_s},
    {"unix_ms", TimeFormat::unix_ms},
    {"unix_us", TimeFormat::unix_us},
    {"unix_real", TimeFormat::unix_real},
    {"iso8601", TimeFormat::iso8601},
    {"utc_text", TimeFormat::utc_text},
}};

// Fits 64 bits, and is beyond the calendar in every unit.
constexpr double kBeyondCalendar = 1e18;
// 2^63: the double nearest to the largest integers, and above them.
constexpr double kAboveIntegers = 9223372036854775808.0;

/// The instant `count` units after 1970, rounded down, none outside the calendar. The bounds are
/// compared in the unit itself, so that nothing is multiplied that could overflow.
template <typename Unit>
std::optional<Instant> after_epoch(std::int64_t count) {
  constexpr auto begin = std::chrono::duration_cast<Unit>(kCalendarBegin.time_since_epoch());
  constexpr auto end = std::chrono::duration_cast<Unit>(kCalendarEnd.time_since_epoch());
  if (count < begin.count() || count >= end.count()) {
    return std::nullopt;
  }
  return Instant{date::floor<milliseconds>(Unit{count})};
}

/// The same for a number with a fraction; NaN and the infinities fail the comparison.
template <typename Unit>
std::optional<Instant> after_epoch(double count) {
  if (!(count > -kBeyondCalendar && count < kBeyondCalendar)) {
    return std::nullopt;
  }
  const auto whole = after_epoch<Unit>(static_cast<std::int64_t>(std::floor(count)));
  if (!whole) {
    return std::nullopt;
  }
  if constexpr (std::is_same_v<Unit, seconds>) {
    // The product is rounded, and may be rounded up to a whole number that the exact one is below:
    // fma() tells, which rounds only once.
    const double ms = std::floor(count * 1000.0);
    const bool above = std::fma(count, 1000.0, -ms) < 0.0;
    return after_epoch<milliseconds>(static_cast<std::int64_t>(ms) - (above ? 1 : 0));
  }
  return whole;
}

template <typename Unit>
std::optional<Instant> read_unix(const StoredView& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return after_epoch<Unit>(*integer);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return after_epoch<Unit>(*real);
  }
  return std::nullopt;
}

std::optional<Instant> read_iso8601(std::string_view text) {
  const auto written = scan_time(text);
  return written ? to_instant(*written) : std::nullopt;
}

std::optional<Instant> read_utc_text(std::string_view text) {
  const auto written = scan_time(text);
  if (!written || written->offset) {
    return std::nullopt;
  }
  return written->as_written;
}

/// The largest double that is not above `number`.
double round_down(std::int64_t number) {
  const auto near = static_cast<double>(number);
  if (near >= kAboveIntegers || static_cast<std::int64_t>(near) > number) {
    return std::nextafter(near, -std::numeric_limits<double>::infinity());
  }
  return near;
}

/// The largest double not above number / 1000.
double thousandth_of(double number) {
  const double near = number / 1000.0;
  const bool above = std::fma(near, 1000.0, -number) > 0.0;
  return above ? std::nextafter(near, -std::numeric_limits<double>::infinity()) : near;
}

/// The largest double not above number * 1000.
double thousandfold(double number) {
  const double near = number * 1000.0;
  const bool above = std::fma(number, 1000.0, -near) < 0.0;
  return above ? std::nextafter(near, -std::numeric_limits<double>::infinity()) : near;
}

}  // namespace

std::optional<TimeFormat> parse_time_format(std::string_view word) {
  const auto* const found =
      std::find_if(kFormats.begin(), kFormats.end(), [word](const auto& format) {
        return format.first == word;
      });
  if (found == kFormats.end()) {
    return std::nullopt;
  }
  return found->second;
}

std::string_view to_token(TimeFormat format) {
  const auto* const found =
      std::find_if(kFormats.begin(), kFormats.end(), [format](const auto& known) {
        return known.second == format;
      });
  return found == kFormats.end() ? std::string_view{} : found->first;
}

std::optional<Instant> parse_event_time(const StoredView& value, TimeFormat format) {
  const auto* const text = std::get_if<std::string_view>(&value);
  switch (format) {
    case TimeFormat::unix_s:
    case TimeFormat::unix_real:
      return read_unix<seconds>(value);
    case TimeFormat::unix_ms:
      return read_unix<milliseconds>(value);
    case TimeFormat::unix_us:
      return read_unix<microseconds>(value);
    case TimeFormat::iso8601:
      return text != nullptr ? read_iso8601(*text) : std::nullopt;
    case TimeFormat::utc_text:
      return text != nullptr ? read_utc_text(*text) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> to_unix_number(Instant instant, TimeFormat format) {
  const double ms = round_down(to_unix_ms(instant));
  switch (format) {
    case TimeFormat::unix_s:
      return std::floor(thousandth_of(ms));
    case TimeFormat::unix_real:
      return thousandth_of(ms);
    case TimeFormat::unix_ms:
      return ms;
    case TimeFormat::unix_us:
      return thousandfold(ms);
    case TimeFormat::iso8601:
    case TimeFormat::utc_text:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "policy/time_text.h"

#include <algorithm>
#include <cstddef>

namespace holdfast {
namespace {

constexpr std::size_t kDayLength = 10;   // YYYY-MM-DD
constexpr std::size_t kClockLength = 8;  // hh:mm:ss
constexpr int kNotDigits = -1;
// No zone on Earth is further from Greenwich; a larger offset is a slip of some writer's pen.
constexpr std::chrono::minutes kLargestOffset = std::chrono::hours{14};

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// The number in `count` digits from `from` on, kNotDigits where they are not all digits.
int number_at(std::string_view text, std::size_t from, std::size_t count) {
  if (text.size() < from + count) {
    return kNotDigits;
  }
  int number = 0;
  for (const char letter : text.substr(from, count)) {
    if (!is_digit(letter)) {
      return kNotDigits;
    }
    number = number * 10 + (letter - '0');
  }
  return number;
}

/// Takes "hh:mm:ss" off the front of `rest`.
std::optional<std::chrono::milliseconds> take_clock(std::string_view& rest) {
  if (rest.size() < kClockLength || rest[2] != ':' || rest[5] != ':') {
    return std::nullopt;
  }
  const int hour = number_at(rest, 0, 2);
  const int minute = number_at(rest, 3, 2);
  const int second = number_at(rest, 6, 2);
  const bool known = hour >= 0 && minute >= 0 && second >= 0;
  if (!known || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  rest.remove_prefix(kClockLength);
  return std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{std::min(second, 59)};
}

/// Takes ".f", a point and at least one digit, off the front of `rest`; nothing there is zero.
std::optional<std::chrono::milliseconds> take_fraction(std::string_view& rest) {
  if (rest.empty() || rest.front() != '.') {
    return std::chrono::milliseconds{0};
  }
  std::size_t length = 1;
  int thousandths = 0;
  int weight = 100;
  while (length < rest.size() && is_digit(rest[length])) {
    thousandths += weight * (rest[length] - '0');
    weight /= 10;
    ++length;
  }
  if (length == 1) {
    return std::nullopt;
  }
  rest.remove_prefix(length);
  return std::chrono::milliseconds{thousandths};
}

/// Reads the whole of `zone`, which is not empty.
std::optional<std::chrono::minutes> scan_offset(std::string_view zone) {
  if (zone == "Z") {
    return std::chrono::minutes{0};
  }
  if (zone.front() != '+' && zone.front() != '-') {
    return std::nullopt;
  }
  const bool has_colon = zone.size() == 6 && zone[3] == ':';
  const bool hours_only = zone.size() == 3;
  if (!has_colon && !hours_only && zone.size() != 5) {
    return std::nullopt;
  }
  const int hour = number_at(zone, 1, 2);
  const int minute = hours_only ? 0 : number_at(zone, has_colon ? 4 : 3, 2);
  if (hour < 0 || minute < 0 || minute > 59) {
    return std::nullopt;
  }
  const std::chrono::minutes offset = std::chrono::hours{hour} + std::chrono::minutes{minute};
  if (offset > kLargestOffset) {
    return std::nullopt;
  }
  return zone.front() == '-' ? -offset : offset;
}

}  // namespace

std::optional<date::sys_days> scan_day(std::string_view text) {
  if (text.size() != kDayLength || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const int year = number_at(text, 0, 4);
  const int month = number_at(text, 5, 2);
  const int day = number_at(text, 8, 2);
  if (year < 1 || month < 1 || day < 1) {
    return std::nullopt;
  }
  const date::year_month_day written{date::year{year},
                                     date::month{static_cast<unsigned>(month)},
                                     date::day{static_cast<unsigned>(day)}};
  if (!written.ok()) {
    return std::nullopt;
  }
  return date::sys_days{written};
}

std::optional<TimeText> scan_time(std::string_view text) {
  if (text.size() <= kDayLength || (text[kDayLength] != 'T' && text[kDayLength] != ' ')) {
    return std::nullopt;
  }
  const auto day = scan_day(text.substr(0, kDayLength));
  std::string_view rest = text.substr(kDayLength + 1);
  const auto clock = take_clock(rest);
  if (!day || !clock) {
    return std::nullopt;
  }
  const auto fraction = take_fraction(rest);
  if (!fraction) {
    return std::nullopt;
  }
  TimeText written{.as_written = *day + *clock + *fraction, .offset = std::nullopt};
  if (rest.empty()) {
    return written;
  }
  written.offset = scan_offset(rest);
  if (!written.offset) {
    return std::nullopt;
  }
  return written;
}

std::optional<Instant> to_instant(const TimeText& written) {
  if (!written.offset) {
    return std::nullopt;
  }
  const Instant instant = written.as_written - *written.offset;
  if (instant < kCalendarBegin || instant >= kCalendarEnd) {
    return std::nullopt;
  }
  return instant;
}

}  // namespace holdfast

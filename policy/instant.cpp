// SPDX-License-Identifier: Apache-2.0
#include "policy/instant.h"

#include <cstddef>

#include "policy/time_text.h"

namespace holdfast {
namespace {

void append_padded(std::string& out, std::int64_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  out.append(width > digits.size() ? width - digits.size() : 0, '0');
  out += digits;
}

void append_day(std::string& out, date::sys_days day) {
  const date::year_month_day written{day};
  append_padded(out, static_cast<int>(written.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(written.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(written.day()), 2);
}

bool looks_like_day(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' &&
         text.find_first_not_of("0123456789-") == std::string_view::npos;
}

std::string quoted(std::string_view text) {
  return '"' + std::string{text} + '"';
}

}  // namespace

std::string to_rfc3339(Instant instant) {
  if (instant == kBeginningOfTime) {
    return "never";
  }
  if (instant == kEndOfTime) {
    return "always";
  }
  if (instant < kCalendarBegin || instant >= kCalendarEnd) {
    return std::to_string(to_unix_ms(instant)) + " ms since 1970";
  }
  const auto day = date::floor<date::days>(instant);
  const date::hh_mm_ss<std::chrono::milliseconds> clock{instant - day};
  std::string out;
  append_day(out, day);
  out += 'T';
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  if (clock.subseconds().count() != 0) {
    out += '.';
    append_padded(out, clock.subseconds().count(), 3);
  }
  out += 'Z';
  return out;
}

tl::expected<Instant, std::string> parse_rfc3339(std::string_view text) {
  if (looks_like_day(text)) {
    const auto day = parse_day(text);
    if (!day) {
      return tl::unexpected{day.error()};
    }
    return Instant{*day};
  }
  const auto written = scan_time(text);
  if (!written) {
    return tl::unexpected{quoted(text) +
                          " is not a time: write YYYY-MM-DDThh:mm:ssZ, or a date YYYY-MM-DD that"
                          " exists"};
  }
  if (!written->offset) {
    return tl::unexpected{quoted(text) +
                          " has no zone: end it with Z for UTC, or with an offset such as +05:30"};
  }
  const auto instant = to_instant(*written);
  if (!instant) {
    return tl::unexpected{quoted(text) + " is outside the years 0001 to 9999 in UTC"};
  }
  return *instant;
}

tl::expected<date::sys_days, std::string> parse_day(std::string_view text) {
  const auto day = scan_day(text);
  if (day) {
    return *day;
  }
  if (looks_like_day(text)) {
    return tl::unexpected{quoted(text) + " is a date that does not exist"};
  }
  return tl::unexpected{quoted(text) + " is not a date: write YYYY-MM-DD"};
}

}  // namespace holdfast

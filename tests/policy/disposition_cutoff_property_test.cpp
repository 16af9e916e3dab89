// SPDX-License-Identifier: Apache-2.0
// Properties of the time rule over a million random cases. Another seed: --rng-seed N.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <date/date.h>

#include "policy/disposition_cutoff.h"
#include "tests/policy/test_values.h"

using namespace holdfast;
using holdfast::testing::at;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

/// A row, its window, and when it is looked at.
struct Case {
  Instant event_time;
  RetentionWindow window;
  Instant as_of;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_{seed} {}

  std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(engine_);
  }

  RetentionWindow any_window() {
    switch (between(0, 9)) {
      case 0:
        return {.count = static_cast<int>(between(1, 146097)), .unit = WindowUnit::days};
      case 1:
        return {.count = static_cast<int>(between(1, 400)), .unit = WindowUnit::years};
      case 2:
        return {.count = static_cast<int>(between(1, 4800)), .unit = WindowUnit::months};
      case 3:
        return {};
      default:
        return {.count = static_cast<int>(between(1, 40)),
                .unit = static_cast<WindowUnit>(between(0, 2))};
    }
  }

  Instant any_event_time() {
    const auto whole_hour = [this](const char* from, const char* until) {
      return at(from) + hours{between(0, (at(until) - at(from)) / hours{1} - 1)};
    };
    switch (between(0, 9)) {
      case 0:
        return from_unix_ms(between(INT64_MIN, INT64_MAX));
      case 1:
        return from_unix_ms(between(-700'000'000'000'000, 700'000'000'000'000));
      case 2:
        return whole_hour("0001-01-01", "9999-12-31");
      default:
        return whole_hour("1995-01-01", "2105-01-01") + milliseconds{between(-1, 1)};
    }
  }

  /// Mostly near the instant at which the row may go, where a slip would show.
  Instant any_as_of(Instant event_time, const RetentionWindow& window) {
    const Instant edge = deletable_from(event_time, window);
    const bool has_room = edge < kEndOfTime - hours{24 * 12};
    switch (between(0, 3)) {
      case 0:
        return from_unix_ms(between(INT64_MIN, INT64_MAX - 1));
      case 1:
        return has_room ? edge + hours{24 * between(-6, 6)} : edge - hours{1};
      default:
        return has_room ? edge + milliseconds{between(-1, 1)} : edge - milliseconds{1};
    }
  }

  Case any_case() {
    const Instant event_time = any_event_time();
    const RetentionWindow window = any_window();
    return {event_time, window, any_as_of(event_time, window)};
  }

 private:
  std::mt19937_64 engine_;
};

std::uint64_t seed_of_this_run() {
  const std::uint64_t seed = Catch::rngSeed() != 0 ? Catch::rngSeed() : 20261123;
  std::cout << "seed " << seed << '\n';
  return seed;
}

std::string describe(const std::optional<Case>& found) {
  return found ? to_rfc3339(found->event_time) + ", " + to_string(found->window) + ", at " +
                     to_rfc3339(found->as_of)
               : "none";
}

std::optional<Case> first_where_the_forms_differ(Generator& generator, int cases) {
  for (int i = 0; i < cases; ++i) {
    const Case each = generator.any_case();
    const bool by_cutoff = each.event_time < disposition_cutoff(each.window, each.as_of);
    const bool by_date = deletable_from(each.event_time, each.window) <= each.as_of;
    if (by_cutoff != by_date) {
      return each;
    }
  }
  return std::nullopt;
}

bool is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned length_of_month(int year, unsigned month) {
  constexpr std::array<unsigned, 12> usual{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : usual.at(month - 1);
}

/// The last day of a window that starts on `day`, counted in the plainest way there is.
date::sys_days plain_last_day(date::sys_days day, const RetentionWindow& window) {
  if (window.unit == WindowUnit::days) {
    return day + date::days{window.count};
  }
  const date::year_month_day start{day};
  const int months = window.unit == WindowUnit::years ? 12 * window.count : window.count;
  const int month_number =
      12 * static_cast<int>(start.year()) + static_cast<int>(unsigned{start.month()}) - 1 + months;
  const int year = month_number / 12;
  const auto month = static_cast<unsigned>(month_number % 12) + 1;
  const unsigned number = std::min(unsigned{start.day()}, length_of_month(year, month));
  return date::sys_days{date::year{year} / date::month{month} / date::day{number}};
}

/// When the window of a row is over for somebody whose clock is `offset` ahead of UTC.
Instant over_in_zone(Instant event_time, const RetentionWindow& window, minutes offset) {
  const auto local_day = date::floor<date::days>(event_time + offset);
  return plain_last_day(local_day, window) + date::days{1} - offset;
}

/// The first case that is early in some quarter-hour zone, or more than 5 days late in UTC.
std::optional<Case> first_early_or_late(Generator& generator, int cases) {
  for (int i = 0; i < cases; ++i) {
    const Instant event_time =
        at("1900-01-01") + milliseconds{generator.between(0, 400LL * 365 * 86'400'000)};
    const RetentionWindow window = {.count = static_cast<int>(generator.between(1, 400)),
                                    .unit = static_cast<WindowUnit>(generator.between(0, 2))};
    const Instant free = deletable_from(event_time, window);
    if (free > over_in_zone(event_time, window, minutes{0}) + hours{24 * 5}) {
      return Case{event_time, window, free};
    }
    for (minutes offset = hours{-12}; offset <= hours{14}; offset += minutes{15}) {
      if (free < over_in_zone(event_time, window, offset)) {
        return Case{event_time, window, free};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("both forms of the time rule agree on random rows", "[disposition_cutoff]") {
  Generator generator{seed_of_this_run()};
  const auto found = first_where_the_forms_differ(generator, 2'000'000);
  INFO(describe(found));
  CHECK_FALSE(found.has_value());
}

TEST_CASE("a row is never early in any zone and at most 5 days late", "[disposition_cutoff]") {
  Generator generator{seed_of_this_run()};
  const auto found = first_early_or_late(generator, 20'000);
  INFO(describe(found));
  CHECK_FALSE(found.has_value());
}

// SPDX-License-Identifier: Apache-2.0
#include "policy/retention_window.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>

#include <catch2/catch.hpp>
#include <date/date.h>

#include "tests/policy/test_values.h"

using namespace holdfast;
using holdfast::testing::window;

TEST_CASE("a window is read in words and in ISO 8601", "[retention_window]") {
  struct Case {
    const char* text;
    RetentionWindow window;
    const char* printed;
  };
  const auto each = GENERATE(values<Case>({
      {"1 day", {.count = 1, .unit = WindowUnit::days}, "1 day"},
      {"1 days", {.count = 1, .unit = WindowUnit::days}, "1 day"},
      {"90 days", {.count = 90, .unit = WindowUnit::days}, "90 days"},
      {"P90D", {.count = 90, .unit = WindowUnit::days}, "90 days"},
      {"13 months", {.count = 13, .unit = WindowUnit::months}, "13 months"},
      {"P13M", {.count = 13, .unit = WindowUnit::months}, "13 months"},
      {"1 month", {.count = 1, .unit = WindowUnit::months}, "1 month"},
      {"1 year", {.count = 1, .unit = WindowUnit::years}, "1 year"},
      {"P10Y", {.count = 10, .unit = WindowUnit::years}, "10 years"},
      {"400 years", {.count = 400, .unit = WindowUnit::years}, "400 years"},
      {"P4800M", {.count = 4800, .unit = WindowUnit::months}, "4800 months"},
      {"146097 days", {.count = 146097, .unit = WindowUnit::days}, "146097 days"},
      {"forever", {}, "forever"},
  }));
  CAPTURE(each.text);
  CHECK(window(each.text) == each.window);
  CHECK(to_string(each.window) == each.printed);
  CHECK(window(to_string(each.window)) == each.window);
}

TEST_CASE("anything else is refused with a sentence that names it", "[retention_window]") {
  struct Case {
    const char* text;
    const char* why;
  };
  const auto each = GENERATE(values<Case>({
      {"", "is empty"},
      {"0", "is not a number and a unit"},
      {"90", "is not a number and a unit"},
      {"0 days", "is zero"},
      {"P0D", "is zero"},
      {"-1 days", "is negative"},
      {"P-1Y", "is negative"},
      {"-P1Y", "is not a number and a unit"},
      {"+1 days", "has no whole number"},
      {"1.5 years", "has a fraction"},
      {"P0,5Y", "has a fraction"},
      {"P1Y6M", "mixes units"},
      {"1 year 6 months", "mixes units"},
      {"2 weeks", "counts weeks"},
      {"P2W", "counts weeks"},
      {"24 hours", "counts hours"},
      {"PT24H", "has no whole number"},
      {"P1DT24H", "mixes units"},
      {"P1DT", "has no calendar unit"},
      {"P", "is not a number and a unit"},
      {"P5", "is not a number and a unit"},
      {"PD", "has no whole number"},
      {"p13m", "is not a number and a unit"},
      {"13months", "is not a number and a unit"},
      {"13 Months", "has no calendar unit"},
      {"13  months", "has no calendar unit"},
      {" 13 months", "has no whole number"},
      {"13 months ", "has no calendar unit"},
      {"1 s", "has no calendar unit"},
      {"0x10 days", "has no whole number"},
      {"Forever", "is not a number and a unit"},
      {"never", "is not a number and a unit"},
      {"401 years", "is longer than 400 years"},
      {"4801 months", "is longer than 400 years"},
      {"146098 days", "is longer than 400 years"},
      {"99999999999999999999 days", "is longer than 400 years"},
      {"4294967297 days", "is longer than 400 years"},
  }));
  CAPTURE(each.text);
  const auto parsed = parse_window(each.text);
  REQUIRE_FALSE(parsed.has_value());
  CHECK_THAT(parsed.error(), Catch::Contains('"' + std::string{each.text} + '"'));
  CHECK_THAT(parsed.error(), Catch::Contains(each.why));
}

TEST_CASE("only forever and impossible counts never end", "[retention_window]") {
  CHECK(never_ends({}));
  CHECK(never_ends({.count = 0, .unit = WindowUnit::days}));
  CHECK(never_ends({.count = -5, .unit = WindowUnit::years}));
  CHECK(never_ends({.count = 146098, .unit = WindowUnit::days}));
  CHECK_FALSE(never_ends({.count = 1, .unit = WindowUnit::days}));
  CHECK_FALSE(never_ends({.count = 400, .unit = WindowUnit::years}));
}

TEST_CASE("windows of one unit end in the order of their counts", "[retention_window]") {
  CHECK(ends_earlier_somewhere(window("89 days"), window("90 days")));
  CHECK_FALSE(ends_earlier_somewhere(window("90 days"), window("90 days")));
  CHECK_FALSE(ends_earlier_somewhere(window("91 days"), window("90 days")));
  CHECK(ends_earlier_somewhere(window("11 months"), window("1 year")));
  CHECK_FALSE(ends_earlier_somewhere(window("12 months"), window("1 year")));
  CHECK_FALSE(ends_earlier_somewhere(window("1 year"), window("12 months")));
  CHECK(ends_earlier_somewhere(window("1 year"), window("13 months")));
}

TEST_CASE("forever ends later than everything but itself", "[retention_window]") {
  CHECK(ends_earlier_somewhere(window("400 years"), window("forever")));
  CHECK_FALSE(ends_earlier_somewhere(window("forever"), window("400 years")));
  CHECK_FALSE(ends_earlier_somewhere(window("forever"), window("forever")));
}

TEST_CASE("a month and days are compared over every start day", "[retention_window]") {
  struct Case {
    const char* days;
    const char* months;
    bool days_earlier;
    bool months_earlier;
  };
  const auto each = GENERATE(values<Case>({
      {"27 days", "1 month", true, false},
      {"28 days", "1 month", true, false},
      {"29 days", "1 month", true, true},  // 28 in most Februaries
      {"30 days", "1 month", true, true},
      {"31 days", "1 month", false, true},
      {"32 days", "1 month", false, true},
      {"365 days", "1 year", true, false},
      {"366 days", "1 year", false, true},
      {"1460 days", "4 years", true, false},  // 1,460 where 2100 is in them
      {"1461 days", "4 years", false, true},
      {"3652 days", "10 years", true, true},  // 3,651 to 3,653
      {"146096 days", "400 years", true, false},
      {"146097 days", "400 years", false, false},  // the whole cycle has one length
  }));
  CAPTURE(each.days, each.months);
  CHECK(ends_earlier_somewhere(window(each.days), window(each.months)) == each.days_earlier);
  CHECK(ends_earlier_somewhere(window(each.months), window(each.days)) == each.months_earlier);
}

namespace {

struct Lengths {
  int shortest = std::numeric_limits<int>::max();
  int longest = 0;
};

/// The lengths of `months` months from every single start day of 400 years.
Lengths lengths_by_trying_all(int months) {
  Lengths lengths;
  const date::sys_days end{date::year{2400} / 1 / 1};
  for (date::sys_days day{date::year{2000} / 1 / 1}; day < end; day += date::days{1}) {
    const date::year_month_day start{day};
    date::year_month_day last = start + date::months{months};
    if (!last.ok()) {
      last = last.year() / last.month() / date::last;
    }
    const auto length = static_cast<int>((date::sys_days{last} - day).count());
    lengths.shortest = std::min(lengths.shortest, length);
    lengths.longest = std::max(lengths.longest, length);
  }
  return lengths;
}

}  // namespace

TEST_CASE("the comparison agrees with trying every start day", "[retention_window]") {
  const int months = GENERATE(1, 2, 3, 6, 11, 12, 13, 24, 30, 84, 120, 121, 1199, 4799);
  const Lengths lengths = lengths_by_trying_all(months);
  const RetentionWindow in_months{.count = months, .unit = WindowUnit::months};
  for (int days = std::max(1, lengths.shortest - 15); days <= lengths.longest + 15; ++days) {
    CAPTURE(months, days);
    const RetentionWindow in_days{.count = days, .unit = WindowUnit::days};
    CHECK(ends_earlier_somewhere(in_days, in_months) == (days < lengths.longest));
    CHECK(ends_earlier_somewhere(in_months, in_days) == (lengths.shortest < days));
  }
}

TEST_CASE("no period of months is more than 8 days off its mean length", "[retention_window]") {
  double furthest = 0.0;
  for (int months = 1; months <= 4800; ++months) {
    const date::year_month first = date::year{2000} / date::January;
    for (int step = 0; step < 4800; ++step) {
      const date::year_month from = first + date::months{step};
      const date::year_month until = from + date::months{months};
      const auto full = date::sys_days{until / 1} - date::sys_days{from / 1};
      const double off = full.count() - months * 146097.0 / 4800.0;
      furthest = std::max(furthest, std::abs(off));
    }
  }
  CHECK(furthest < 8);
}

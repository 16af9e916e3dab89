// SPDX-License-Identifier: Apache-2.0
#include "policy/instant.h"

#include <string>

#include <catch2/catch.hpp>

using namespace holdfast;
using namespace date::literals;

TEST_CASE("an instant prints as RFC 3339 in UTC", "[instant]") {
  struct Case {
    std::int64_t ms;
    const char* text;
  };
  const auto each = GENERATE(values<Case>({
      {0, "1970-01-01T00:00:00Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {1, "1970-01-01T00:00:00.001Z"},
      {1'795'394'700'000, "2026-11-23T00:45:00Z"},
      {951'782'400'050, "2000-02-29T00:00:00.050Z"},
      {-62'135'596'800'000, "0001-01-01T00:00:00Z"},
      {253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
      {253'402'300'800'000, "253402300800000 ms since 1970"},
      {INT64_MIN, "never"},
      {INT64_MAX, "always"},
  }));
  CHECK(to_rfc3339(from_unix_ms(each.ms)) == each.text);
  CHECK(to_unix_ms(from_unix_ms(each.ms)) == each.ms);
}

TEST_CASE("RFC 3339 with a zone or a bare date is read", "[instant]") {
  struct Case {
    const char* text;
    std::int64_t ms;
  };
  const auto each = GENERATE(values<Case>({
      {"1970-01-01", 0},
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01 00:00:01Z", 1000},
      {"1970-01-01T00:00:00.5Z", 500},
      {"1970-01-01T05:30:00+05:30", 0},
      {"1969-12-31T19:00:00-05:00", 0},
      {"2026-11-23T00:45:00Z", 1'795'394'700'000},
      {"2016-12-31T23:59:60Z", 1'483'228'799'000},
      {"2024-02-29", 1'709'164'800'000},
  }));
  CAPTURE(each.text);
  const auto instant = parse_rfc3339(each.text);
  REQUIRE(instant.has_value());
  CHECK(to_unix_ms(*instant) == each.ms);
}

TEST_CASE("text that is no time is refused with a sentence that names it", "[instant]") {
  struct Case {
    const char* text;
    const char* why;
  };
  const auto each = GENERATE(values<Case>({
      {"", "is not a time"},
      {"yesterday", "is not a time"},
      {"2026-11-23T00:45:00", "has no zone"},
      {"2026-11-23T00:45Z", "is not a time"},
      {"2026-11-23T24:00:00Z", "is not a time"},
      {"2026-11-23T00:45:00Zx", "is not a time"},
      {"2026-02-29T00:00:00Z", "is not a time"},
      {"2026-02-29", "does not exist"},
      {"2026-13-01", "does not exist"},
      {"0000-01-01", "does not exist"},
      {"2026-11-3", "is not a time"},
      {"0001-01-01T00:00:00+14:00", "outside the years"},
      {"9999-12-31T23:59:59-00:01", "outside the years"},
  }));
  CAPTURE(each.text);
  const auto instant = parse_rfc3339(each.text);
  REQUIRE_FALSE(instant.has_value());
  CHECK_THAT(instant.error(), Catch::StartsWith('"' + std::string{each.text} + '"'));
  CHECK_THAT(instant.error(), Catch::Contains(each.why));
}

TEST_CASE("a day that does not exist is an error and never the next day", "[instant]") {
  CHECK(parse_day("2024-02-29").value() == date::sys_days{2024_y / 2 / 29});
  CHECK(parse_day("2000-02-29").value() == date::sys_days{2000_y / 2 / 29});
  const auto text = GENERATE(as<std::string>{},
                             "2023-02-29",
                             "2100-02-29",
                             "2026-04-31",
                             "2026-00-10",
                             "2026-10-00",
                             "2026-1-01",
                             " 2026-01-01",
                             "2026-01-01 ",
                             "2026/01/01",
                             "+026-01-01",
                             "2026-01-0a",
                             "");
  CAPTURE(text);
  CHECK_FALSE(parse_day(text).has_value());
}

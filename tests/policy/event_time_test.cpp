// SPDX-License-Identifier: Apache-2.0
#include "policy/event_time.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>

#include <catch2/catch.hpp>

using namespace holdfast;
using namespace std::literals;

namespace {

constexpr std::array kAllFormats = {TimeFormat::unix_s,
                                    TimeFormat::unix_ms,
                                    TimeFormat::unix_us,
                                    TimeFormat::unix_real,
                                    TimeFormat::iso8601,
                                    TimeFormat::utc_text};

std::optional<std::int64_t> ms(const StoredView& value, TimeFormat format) {
  const auto instant = parse_event_time(value, format);
  return instant ? std::optional{to_unix_ms(*instant)} : std::nullopt;
}

/// Seconds in milliseconds, rounded down without any other rounding: in whole numbers.
std::int64_t exact_ms(double seconds) {
  constexpr int kMantissa = 53;
  int exponent = 0;
  const double part = std::frexp(seconds, &exponent);
  const auto thousandfold = static_cast<std::int64_t>(std::ldexp(part, kMantissa)) * 1000;
  const int down = kMantissa - exponent;
  return down > 62 ? (thousandfold < 0 ? -1 : 0) : thousandfold >> down;
}

}  // namespace

TEST_CASE("every time format is read back from its word", "[event_time]") {
  for (const TimeFormat format : kAllFormats) {
    CHECK(parse_time_format(to_token(format)) == format);
  }
  CHECK(parse_time_format("unix_us") == TimeFormat::unix_us);
  CHECK_FALSE(parse_time_format("UNIX_MS").has_value());
  CHECK_FALSE(parse_time_format("").has_value());
}

TEST_CASE("unix integers are read in their unit", "[event_time]") {
  CHECK(ms(std::int64_t{1'700'000'000}, TimeFormat::unix_s) == 1'700'000'000'000);
  CHECK(ms(std::int64_t{1'700'000'000}, TimeFormat::unix_real) == 1'700'000'000'000);
  CHECK(ms(std::int64_t{1'700'000'000'123}, TimeFormat::unix_ms) == 1'700'000'000'123);
  CHECK(ms(std::int64_t{1'700'000'000'123'999}, TimeFormat::unix_us) == 1'700'000'000'123);
  CHECK(ms(std::int64_t{-1}, TimeFormat::unix_us) == -1);
  CHECK(ms(std::int64_t{-1}, TimeFormat::unix_ms) == -1);
  CHECK(ms(std::int64_t{0}, TimeFormat::unix_s) == 0);
}

TEST_CASE("unix reals are rounded down as if they were exact", "[event_time]") {
  CHECK(ms(-0.025000000000000015, TimeFormat::unix_real) == -26);
  CHECK_FALSE(ms(-9.7e17, TimeFormat::unix_real).has_value());
  CHECK_FALSE(ms(9.2e18, TimeFormat::unix_real).has_value());
  std::mt19937_64 chance{20261129};
  std::int64_t wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Next to a whole millisecond, near 1970 and far from it, on both sides.
    const auto range = std::int64_t{1} << (chance() % 43);
    const auto about = static_cast<std::int64_t>(chance() % (2 * range)) - range;
    double number = static_cast<double>(about) / 1000.0;
    for (std::uint64_t steps = chance() % 4; steps > 0; --steps) {
      number = std::nextafter(number, (chance() & 1U) != 0 ? 1e18 : -1e18);
    }
    const auto read = ms(number, TimeFormat::unix_real);
    wrong += read == exact_ms(number) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("unix reals are rounded down to the millisecond", "[event_time]") {
  CHECK(ms(1.5, TimeFormat::unix_s) == 1500);
  CHECK(ms(-0.0001, TimeFormat::unix_real) == -1);
  CHECK(ms(-1.5, TimeFormat::unix_real) == -1500);
  CHECK(ms(-1e-300, TimeFormat::unix_real) == -1);
  CHECK(ms(1700000000.9999, TimeFormat::unix_real) == 1'700'000'000'999);
  CHECK(ms(1700000000.123, TimeFormat::unix_real) == 1'700'000'000'122);  // ...122.9999 as stored
  CHECK(ms(1700000000123.9, TimeFormat::unix_ms) == 1'700'000'000'123);
  CHECK(ms(-0.5, TimeFormat::unix_ms) == -1);
  CHECK(ms(1700000000123999.0, TimeFormat::unix_us) == 1'700'000'000'123);
  CHECK(ms(-0.5, TimeFormat::unix_us) == -1);
}

TEST_CASE("unix times are read up to the ends of the calendar and no further", "[event_time]") {
  constexpr std::int64_t first = -62'135'596'800;  // 0001-01-01, in seconds
  constexpr std::int64_t end = 253'402'300'800;    // 10000-01-01
  struct Case {
    TimeFormat format;
    std::int64_t per_second;
  };
  const auto each = GENERATE(values<Case>({{TimeFormat::unix_s, 1},
                                           {TimeFormat::unix_real, 1},
                                           {TimeFormat::unix_ms, 1'000},
                                           {TimeFormat::unix_us, 1'000'000}}));
  CAPTURE(to_token(each.format));
  CHECK(ms(first * each.per_second, each.format) == first * 1000);
  CHECK_FALSE(ms(first * each.per_second - 1, each.format).has_value());
  CHECK(ms(end * each.per_second - 1, each.format).has_value());
  CHECK_FALSE(ms(end * each.per_second, each.format).has_value());
  CHECK(ms(static_cast<double>(first * each.per_second), each.format) == first * 1000);
  CHECK_FALSE(ms(static_cast<double>(end * each.per_second), each.format).has_value());
  CHECK_FALSE(ms(std::numeric_limits<std::int64_t>::min(), each.format).has_value());
  CHECK_FALSE(ms(std::numeric_limits<std::int64_t>::max(), each.format).has_value());
}

TEST_CASE("reals that are no number or out of all bounds are unreadable", "[event_time]") {
  const double value = GENERATE(as<double>{},
                                std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest(),
                                9223372036854775808.0,
                                -9223372036854775808.0,
                                1e18);
  for (const TimeFormat format : kAllFormats) {
    CHECK_FALSE(ms(value, format).has_value());
  }
}

TEST_CASE("a value of the wrong storage type is unreadable", "[event_time]") {
  for (const TimeFormat format : kAllFormats) {
    CHECK_FALSE(ms(std::monostate{}, format).has_value());
    CHECK_FALSE(ms(BlobView{"2026-11-23T00:45:00Z"sv}, format).has_value());
    CHECK_FALSE(ms("1700000000"sv, format).has_value());
    CHECK_FALSE(ms(""sv, format).has_value());
  }
  CHECK_FALSE(ms(std::int64_t{1'700'000'000}, TimeFormat::iso8601).has_value());
  CHECK_FALSE(ms(2461367.5, TimeFormat::utc_text).has_value());
  CHECK_FALSE(ms("2026-11-23T00:45:00Z"sv, TimeFormat::unix_ms).has_value());
}

TEST_CASE("iso8601 text is read with its zone", "[event_time]") {
  struct Case {
    std::string_view text;
    std::int64_t ms;
  };
  const auto each = GENERATE(values<Case>({
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01 00:00:00Z", 0},
      {"1970-01-01T05:30:00+05:30", 0},
      {"1970-01-01T05:30:00+0530", 0},
      {"1970-01-01T05:00:00+05", 0},
      {"1969-12-31T12:00:00-12:00", 0},
      {"1970-01-01T14:00:00+14:00", 0},
      {"1970-01-01T00:00:00-00:00", 0},
      {"1970-01-01T00:00:00.1Z", 100},
      {"1970-01-01T00:00:00.12Z", 120},
      {"1970-01-01T00:00:00.123Z", 123},
      {"1970-01-01T00:00:00.1239999999999999999999Z", 123},
      {"1969-12-31T23:59:59.9999Z", -1},
      {"2016-12-31T23:59:60Z", 1'483'228'799'000},
      {"2016-12-31T23:59:60.250+00:00", 1'483'228'799'250},
      {"2024-02-29T12:00:00Z", 1'709'208'000'000},
      {"0001-01-01T00:00:00Z", -62'135'596'800'000},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999},
  }));
  CAPTURE(each.text);
  CHECK(ms(each.text, TimeFormat::iso8601) == each.ms);
}

TEST_CASE("text that leaves any doubt is unreadable", "[event_time]") {
  const auto text = GENERATE(as<std::string>{},
                             "2026-11-23T00:45:00",
                             "2026-11-23",
                             "2026-11-23Z",
                             "2026-11-23T00:45Z",
                             "2026-11-23T00:45:00z",
                             "2026-11-23t00:45:00Z",
                             "2026-11-23_00:45:00Z",
                             "2026-11-23  00:45:00Z",
                             " 2026-11-23T00:45:00Z",
                             "2026-11-23T00:45:00Z ",
                             "2026-11-23T00:45:00 Z",
                             "2026-11-23T00:45:00ZZ",
                             "2026-11-23T00:45:00.Z",
                             "2026-11-23T00:45:00,5Z",
                             "2026-11-23T00:45:61Z",
                             "2026-11-23T00:60:00Z",
                             "2026-11-23T24:00:00Z",
                             "2026-11-23T-1:00:00Z",
                             "2026-11-23T00:45:00+5:30",
                             "2026-11-23T00:45:00+05:60",
                             "2026-11-23T00:45:00+14:01",
                             "2026-11-23T00:45:00-25:00",
                             "2026-11-23T00:45:00+05:3",
                             "2026-11-23T00:45:00+05:300",
                             "2026-11-23T00:45:00+",
                             "2026-11-23T00:45:00UTC",
                             "2026-11-23T00:45:00Z[Europe/Paris]",
                             "2026-02-29T00:00:00Z",
                             "2100-02-29T00:00:00Z",
                             "2026-04-31T00:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "0000-01-01T00:00:00Z",
                             "10000-01-01T00:00:00Z",
                             "0001-01-01T00:00:00+00:01",
                             "9999-12-31T23:59:59-00:01",
                             "20261123T004500Z",
                             "23/11/2026 00:45:00Z",
                             "null");
  CAPTURE(text);
  CHECK_FALSE(ms(std::string_view{text}, TimeFormat::iso8601).has_value());
}

TEST_CASE("a text with a byte of zero in it is unreadable", "[event_time]") {
  CHECK_FALSE(ms("2026-11-23T00:45:00Z\0"sv, TimeFormat::iso8601).has_value());
  CHECK_FALSE(ms("2026-11-23\0"
                 "00:45:00Z"sv,
                 TimeFormat::iso8601)
                  .has_value());
}

TEST_CASE("utc_text is read without a zone and only without one", "[event_time]") {
  CHECK(ms("1970-01-01 00:00:01"sv, TimeFormat::utc_text) == 1000);
  CHECK(ms("1970-01-01T00:00:01"sv, TimeFormat::utc_text) == 1000);
  CHECK(ms("1970-01-01 00:00:01.999999"sv, TimeFormat::utc_text) == 1999);
  CHECK(ms("2016-12-31 23:59:60"sv, TimeFormat::utc_text) == 1'483'228'799'000);
  CHECK(ms("9999-12-31 23:59:59.999"sv, TimeFormat::utc_text) == 253'402'300'799'999);
  CHECK_FALSE(ms("1970-01-01 00:00:01Z"sv, TimeFormat::utc_text).has_value());
  CHECK_FALSE(ms("1970-01-01 00:00:01+00:00"sv, TimeFormat::utc_text).has_value());
  CHECK_FALSE(ms("1970-01-01 00:00"sv, TimeFormat::utc_text).has_value());
  CHECK_FALSE(ms("1970-01-01"sv, TimeFormat::utc_text).has_value());
  CHECK_FALSE(ms("1970-02-30 00:00:00"sv, TimeFormat::utc_text).has_value());
}

TEST_CASE("no beginning of a time is a time", "[event_time]") {
  constexpr auto whole = "2026-11-23T00:45:00.123+05:30"sv;
  CHECK(ms(whole, TimeFormat::iso8601).has_value());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto beginning = whole.substr(0, length);
    const bool ends_after_hours = length == "2026-11-23T00:45:00.123+05"sv.size();
    CAPTURE(beginning);
    CHECK(ms(beginning, TimeFormat::iso8601).has_value() == ends_after_hours);
  }
}

TEST_CASE("an instant has a number in the unix formats only", "[event_time]") {
  const Instant instant = from_unix_ms(1'700'000'000'999);
  CHECK(to_unix_number(instant, TimeFormat::unix_s) == 1'700'000'000.0);
  CHECK(to_unix_number(instant, TimeFormat::unix_ms) == 1'700'000'000'999.0);
  CHECK(to_unix_number(instant, TimeFormat::unix_us) == 1'700'000'000'999'000.0);
  CHECK(to_unix_number(from_unix_ms(1'700'000'000'500), TimeFormat::unix_real) == 1'700'000'000.5);
  CHECK(to_unix_number(from_unix_ms(-1), TimeFormat::unix_s) == -1.0);
  CHECK_FALSE(to_unix_number(instant, TimeFormat::iso8601).has_value());
  CHECK_FALSE(to_unix_number(instant, TimeFormat::utc_text).has_value());
}

TEST_CASE("the number of an instant is never above it", "[event_time]") {
  for (std::int64_t step = 0; step < 20'000; ++step) {
    const Instant instant = from_unix_ms(1'600'000'000'000 + step * 7'777'777);
    for (const TimeFormat format :
         {TimeFormat::unix_s, TimeFormat::unix_ms, TimeFormat::unix_us, TimeFormat::unix_real}) {
      const auto back = parse_event_time(to_unix_number(instant, format).value(), format);
      const bool is_just_below = back && *back <= instant && *back > instant - 1s;
      if (!is_just_below) {
        FAIL(to_rfc3339(instant) << " as " << to_token(format));
      }
    }
  }
  const double seconds = to_unix_number(from_unix_ms(1'100), TimeFormat::unix_real).value();
  CHECK(std::fma(seconds, 1000.0, -1100.0) < 0.0);  // the double nearest to 1.1 is above it
  CHECK(to_unix_number(kEndOfTime, TimeFormat::unix_ms) < 9223372036854775808.0);
  CHECK(to_unix_number(kBeginningOfTime, TimeFormat::unix_ms) == -9223372036854775808.0);
}

// SPDX-License-Identifier: Apache-2.0
#include "policy/time_format_guess.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;

constexpr Instant kLatest{date::sys_days{date::year{2030} / 1 / 1}};

GuessedTime guess_of(const std::vector<StoredView>& values, int times = 1) {
  TimeFormatGuess guess{kLatest};
  for (int i = 0; i < times; ++i) {
    for (const StoredView& value : values) {
      guess.add(value);
    }
  }
  return guess.result();
}

std::string format_of(const std::vector<StoredView>& values) {
  const GuessedTime guess = guess_of(values);
  return guess.format ? std::string{to_token(*guess.format)} : "none: " + guess.why;
}

constexpr std::int64_t kSecond = 1'700'000'000;  // 2023-11-14

}  // namespace

TEST_CASE("each time format is told from its values", "[time_format_guess]") {
  const auto [name, value] = GENERATE(table<std::string, StoredView>({
      {"unix_s", kSecond},
      {"unix_ms", kSecond * 1000},
      {"unix_us", kSecond * 1'000'000},
      {"unix_real", 1.7e9 + 0.25},
      {"iso8601", std::string_view{"2023-11-14T22:13:20+05:30"}},
      {"utc_text", std::string_view{"2023-11-14 22:13:20.123456"}},
  }));
  CHECK(format_of({value}) == name);
}

TEST_CASE("NULLs say nothing, and a column of them has no format", "[time_format_guess]") {
  const GuessedTime guess = guess_of({StoredView{}, StoredView{kSecond}, StoredView{}});
  CHECK(guess.format == TimeFormat::unix_s);
  CHECK(guess.nulls == 2);
  CHECK(format_of({StoredView{}}) == "none: every value is NULL");
  CHECK(format_of({}) == "none: the table has no rows");
}

TEST_CASE("numbers that are dates as well are left open", "[time_format_guess]") {
  // yyMMddHHmm of 2014 and 2015, and as seconds 2014 to 2018.
  const std::vector<StoredView> dates{
      std::int64_t{1412312359}, std::int64_t{1501010000}, std::int64_t{1511300815}};
  CHECK_THAT(format_of(dates), Contains("none: ") && Contains("could be either"));
  std::vector<StoredView> seconds = dates;
  const auto no_date = GENERATE(std::int64_t{1513010815},   // month 13
                                std::int64_t{1500120815},   // month 0
                                std::int64_t{1511320815},   // day 32
                                std::int64_t{1511302415},   // hour 24
                                std::int64_t{1511300860});  // minute 60
  seconds.back() = no_date;
  CHECK(format_of(seconds) == "unix_s");
}

TEST_CASE("one odd value in a hundred is borne, two are a contradiction", "[time_format_guess]") {
  TimeFormatGuess guess{kLatest};
  for (int i = 0; i < 99; ++i) {
    guess.add(StoredView{kSecond + i});
  }
  guess.add(StoredView{kSecond * 1000});
  CHECK(guess.result().format == TimeFormat::unix_s);
  guess.add(StoredView{kSecond * 1000});
  CHECK_FALSE(guess.result().format);
  CHECK_THAT(guess.result().why, Contains("99 of 101 sampled values are unix_s"));
  CHECK_THAT(guess.result().why, Contains("2 of 101 sampled values are unix_ms"));
}

TEST_CASE("seconds since 2001 are named and no format is made up for them", "[time_format_guess]") {
  CHECK_THAT(format_of({StoredView{394'993'467.020743}, StoredView{490'000'000.0}}),
             Contains("2001-01-01"));
}

TEST_CASE("values that are no times have no format", "[time_format_guess]") {
  const StoredView value = GENERATE(StoredView{std::int64_t{7}},
                                    StoredView{std::string_view{"yesterday"}},
                                    StoredView{std::string_view{"14.11.2023"}},
                                    StoredView{std::int64_t{4'000'000'000}},  // after kLatest
                                    StoredView{1e300});
  CHECK_THAT(format_of({value}), Contains("no time_format reads the values"));
}

TEST_CASE("earliest and latest are those of the format", "[time_format_guess]") {
  const GuessedTime guess = guess_of(
      {StoredView{kSecond}, StoredView{kSecond - 86'400}, StoredView{kSecond + 86'400}}, 2);
  CHECK(to_rfc3339(*guess.earliest) == "2023-11-13T22:13:20Z");
  CHECK(to_rfc3339(*guess.latest) == "2023-11-15T22:13:20Z");
  CHECK(guess.values == 6);
}

}  // namespace holdfast::testing

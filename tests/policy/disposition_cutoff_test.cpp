// SPDX-License-Identifier: Apache-2.0
#include "policy/disposition_cutoff.h"

#include <chrono>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/test_values.h"

using namespace holdfast;
using holdfast::testing::at;
using holdfast::testing::window;
using std::chrono::milliseconds;

namespace {

/// One line of a vector file: an instant, a window, and the instant that the rule makes of them.
struct Vector {
  Instant given;
  RetentionWindow window;
  Instant expected;
};

std::vector<Vector> read_vectors(const std::string& name) {
  std::ifstream file{std::string{HOLDFAST_TEST_DIR "/policy/vectors/"} + name};
  std::vector<Vector> vectors;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields{line};
    std::string given;
    std::string window_text;
    std::string expected;
    fields >> given >> window_text >> expected;
    vectors.push_back({at(given), window(window_text), at(expected)});
  }
  return vectors;
}

}  // namespace

TEST_CASE("every worked case of deletable_from holds in both forms", "[disposition_cutoff]") {
  const auto vectors = read_vectors("deletable_from.tsv");
  REQUIRE(vectors.size() == 580);
  for (const Vector& each : vectors) {
    CAPTURE(to_rfc3339(each.given), to_string(each.window), to_rfc3339(each.expected));
    CHECK(deletable_from(each.given, each.window) == each.expected);
    CHECK(each.given < disposition_cutoff(each.window, each.expected));
    CHECK_FALSE(each.given < disposition_cutoff(each.window, each.expected - milliseconds{1}));
  }
}

TEST_CASE("every worked case of disposition_cutoff holds in both forms", "[disposition_cutoff]") {
  const auto vectors = read_vectors("disposition_cutoff.tsv");
  REQUIRE(vectors.size() == 1560);
  for (const Vector& each : vectors) {
    CAPTURE(to_rfc3339(each.given), to_string(each.window), to_rfc3339(each.expected));
    CHECK(disposition_cutoff(each.window, each.given) == each.expected);
    CHECK(deletable_from(each.expected - milliseconds{1}, each.window) <= each.given);
    CHECK(deletable_from(each.expected, each.window) > each.given);
  }
}

TEST_CASE("a row goes two midnights after the last day of its window", "[disposition_cutoff]") {
  struct Case {
    const char* event_time;
    const char* window;
    const char* deletable_from;
  };
  const auto each = GENERATE(values<Case>({
      {"2026-03-10T09:59:59.999Z", "1 day", "2026-03-13T00:00:00Z"},
      {"2026-03-10T10:00:00Z", "1 day", "2026-03-14T00:00:00Z"},
      {"2026-01-31T00:00:00Z", "1 month", "2026-03-02T00:00:00Z"},   // 31 February
      {"2026-01-28T00:00:00Z", "1 month", "2026-03-02T00:00:00Z"},   // the same last day
      {"2024-02-29T00:00:00Z", "1 year", "2025-03-02T00:00:00Z"},    // 29 February 2025
      {"2024-02-29T00:00:00Z", "4 years", "2028-03-02T00:00:00Z"},   // which exists again
      {"2096-02-29T00:00:00Z", "4 years", "2100-03-02T00:00:00Z"},   // 2100 is no leap year
      {"2026-11-23T00:00:00Z", "10 years", "2036-11-25T00:00:00Z"},  // not 3,650 days
      {"2026-11-23T00:00:00Z", "3650 days", "2036-11-22T00:00:00Z"},
      {"2000-01-01T00:00:00Z", "400 years", "2400-01-03T00:00:00Z"},
      {"2000-01-01T00:00:00Z", "146097 days", "2400-01-03T00:00:00Z"},
      {"1969-12-31T23:59:59.999Z", "1 day", "1970-01-04T00:00:00Z"},
  }));
  CAPTURE(each.event_time, each.window);
  CHECK(to_rfc3339(deletable_from(at(each.event_time), window(each.window))) ==
        each.deletable_from);
}

TEST_CASE("the cut-off itself is still inside the window", "[disposition_cutoff]") {
  const Instant as_of = at("2026-11-23T00:45:00Z");
  const Instant boundary = disposition_cutoff(window("1 month"), as_of);
  CHECK(boundary == at("2026-10-21T10:00:00Z"));
  CHECK(deletable_from(boundary, window("1 month")) > as_of);
  CHECK(deletable_from(boundary - milliseconds{1}, window("1 month")) <= as_of);
}

TEST_CASE("the last day of a short month lets the end of a longer one go too",
          "[disposition_cutoff]") {
  CHECK(disposition_cutoff(window("1 month"), at("2026-03-01T23:59:59.999Z")) ==
        at("2026-01-27T10:00:00Z"));
  CHECK(disposition_cutoff(window("1 month"), at("2026-03-02T00:00:00Z")) ==
        at("2026-01-31T10:00:00Z"));
}

TEST_CASE("forever never ends at any instant", "[disposition_cutoff]") {
  const auto instant = GENERATE(
      as<Instant>{}, kBeginningOfTime, kEndOfTime, Instant{}, from_unix_ms(1'700'000'000'000));
  CHECK(deletable_from(instant, window("forever")) == kEndOfTime);
  CHECK(disposition_cutoff(window("forever"), instant) == kBeginningOfTime);
}

TEST_CASE("a window that no text gives keeps the row for ever", "[disposition_cutoff]") {
  const auto impossible = GENERATE(values<RetentionWindow>({
      {.count = 0, .unit = WindowUnit::days},
      {.count = -1, .unit = WindowUnit::months},
      {.count = 401, .unit = WindowUnit::years},
      {.count = std::numeric_limits<int>::max(), .unit = WindowUnit::days},
      {.count = std::numeric_limits<int>::min(), .unit = WindowUnit::years},
  }));
  CHECK(deletable_from(Instant{}, impossible) == kEndOfTime);
  CHECK(disposition_cutoff(impossible, at("2026-11-23")) == kBeginningOfTime);
}

TEST_CASE("the ends of time and of the calendar neither overflow nor come early",
          "[disposition_cutoff]") {
  const auto each = GENERATE(as<std::string>{}, "1 day", "13 months", "400 years", "146097 days");
  const RetentionWindow w = window(each);
  CHECK(deletable_from(kEndOfTime, w) == kEndOfTime);
  CHECK(deletable_from(kEndOfTime - milliseconds{1}, w) == kEndOfTime);
  CHECK(deletable_from(kBeginningOfTime, w) < at("0001-01-01"));
  CHECK(deletable_from(at("9999-12-31T23:59:59.999Z"), w) > at("9999-12-31T23:59:59.999Z"));
  CHECK(deletable_from(at("9999-12-31T23:59:59.999Z"), w) < kEndOfTime);
  CHECK(disposition_cutoff(w, kBeginningOfTime) == kBeginningOfTime);
  CHECK(disposition_cutoff(w, kEndOfTime - milliseconds{1}) > at("9999-12-31"));
  CHECK(disposition_cutoff(w, kEndOfTime - milliseconds{1}) < kEndOfTime);
}

// SPDX-License-Identifier: Apache-2.0
#include "policy/instant_shift.h"

#include <chrono>
#include <cstdint>

#include <catch2/catch.hpp>

using namespace holdfast;

TEST_CASE("an instant later or earlier never wraps round", "[instant]") {
  using std::chrono::milliseconds;
  constexpr std::int64_t kLast = INT64_MAX - 1;
  constexpr std::int64_t kFirst = INT64_MIN + 1;
  for (const std::int64_t span : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 40}) {
    for (const std::int64_t from : {kLast - span - 1, kLast - span, kFirst, std::int64_t{0}}) {
      CHECK(to_unix_ms(later_by(from_unix_ms(from), milliseconds{span})) == from + span);
    }
    for (const std::int64_t from : {kFirst + span + 1, kFirst + span, kLast, std::int64_t{0}}) {
      CHECK(to_unix_ms(earlier_by(from_unix_ms(from), milliseconds{span})) == from - span);
    }
    CHECK(to_unix_ms(later_by(kEndOfTime, milliseconds{span})) == kLast);
    CHECK(to_unix_ms(earlier_by(kBeginningOfTime, milliseconds{span})) == kFirst);
  }
  CHECK(to_unix_ms(later_by(from_unix_ms(kLast), milliseconds{1})) == kLast);
  CHECK(to_unix_ms(earlier_by(from_unix_ms(kFirst), milliseconds{1})) == kFirst);
}

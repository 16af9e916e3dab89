// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_sums.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/instant.h"
#include "policy/reason.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct CountedRow {
  RowFacts row;
  Decision decision;
};

/// A row of a few places and codes, often without a tenant, a code, a category or a time that can
/// be trusted: every way in which rows are counted comes up.
CountedRow any_row(Chance& chance) {
  constexpr std::array<std::string_view, 4> names{"", "a", "b", "north"};
  constexpr std::array<std::string_view, 3> categories{"", "ADMIN", "SECURITY"};
  const auto maybe_name = [&] {
    return chance.one_in(4) ? std::nullopt : std::optional{chance.one_of(names)};
  };
  CountedRow any;
  any.row.tenant = maybe_name();
  any.row.code = maybe_name();
  any.decision.category = chance.one_of(categories);
  any.decision.reason = chance.one_in(3) ? chance.one_of(kAllReasons) : Reason::expired;
  any.decision.bad_time = chance.one_in(5);
  if (!chance.one_in(6)) {
    any.decision.time = from_unix_ms(chance.between(0, 1'000'000));
  }
  return any;
}

void check_same(const SliceSums& one, const SliceSums& other) {
  CHECK(one.tally.places() == other.tally.places());
  CHECK(one.tally.codes() == other.tally.codes());
  CHECK(one.newest_deleted == other.newest_deleted);
}

}  // namespace

TEST_CASE("the sums of the first parts are what counting just their rows comes to",
          "[slice_sums]") {
  Chance chance;
  SumsByPart counted;
  SliceSums expected;
  std::vector<SliceSums> after{expected};
  for (int part = 0; part < 60; ++part) {
    for (std::int64_t left = chance.between(0, 40); left > 0; --left) {
      const CountedRow any = any_row(chance);
      counted.add(any.row, any.decision);
      expected.count(any.row, any.decision);
    }
    counted.end_part();
    after.push_back(expected);
  }
  REQUIRE(counted.parts() + 1 == after.size());
  for (std::size_t first = 0; first < after.size(); ++first) {
    INFO("the first " << first << " parts");
    check_same(counted.of_first(first), after[first]);
  }
}

TEST_CASE("sums of two slices come to those of all their rows", "[slice_sums]") {
  Chance chance;
  SliceSums all;
  SliceSums one;
  SliceSums other;
  for (int i = 0; i < 400; ++i) {
    const CountedRow any = any_row(chance);
    all.count(any.row, any.decision);
    (chance.one_in(3) ? one : other).count(any.row, any.decision);
  }
  one.add(std::move(other));
  check_same(one, all);
}

TEST_CASE("a row that stays is counted, and neither its code nor its time", "[slice_sums]") {
  const RowFacts row{.code = "LOGIN", .tenant = "north"};
  const Decision stays{.reason = Reason::window, .category = "ADMIN", .time = Instant{}};
  SliceSums sums;
  sums.count(row, stays);
  CHECK(sums.tally.totals().total() == 1);
  CHECK(sums.tally.totals().deleted() == 0);
  CHECK(sums.tally.codes().empty());
  CHECK(sums.newest_deleted.empty());
}

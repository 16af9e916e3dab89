// SPDX-License-Identifier: Apache-2.0
// What explain() says, against decide() on random rows. Another seed: --rng-seed N.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/decision.h"
#include "tests/policy/decision_case.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr std::array<const char*, 9> kWindows{"1 day",
                                              "30 days",
                                              "1 month",
                                              "90 days",
                                              "13 months",
                                              "2 years",
                                              "7 years",
                                              "10 years",
                                              "forever"};
constexpr std::array<const char*, 3> kCategories{"account", "mfa", "sessions"};
constexpr std::array<const char*, 4> kCodes{
    "ACCOUNT_PROFILE_UPDATE", "ACCOUNT_MFA_ENROLLED", "ACCOUNT_SESSION_REVOKED", "V1"};
constexpr std::array<const char*, 3> kPeople{"ann", "bob", "cy"};

/// Draws whole decisions: policy, versions in their delay, holds, gates, clocks and a row.
class RandomCases {
 public:
  DecisionCase next() {
    DecisionCase each;
    each.policy = policy();
    while (chance_.one_in(4)) {
      each.older.push_back(policy());
    }
    while (chance_.one_in(2)) {
      each.holds.push_back(any_hold(static_cast<std::int64_t>(each.holds.size()) + 1));
    }
    each.frame.clock = {.system_now = kNow + days(0, 3), .as_of = kNow + days(0, 3)};
    each.frame.hold_release_grace = days(0, 40);
    each.frame.older_mapping_differs = chance_.one_in(40);
    each.frame.ordered_keys = chance_.one_in(2);
    if (chance_.one_in(4)) {
      each.frame.lowest_bookmark = chance_.between(0, 9);
    }
    each.frame.archive_missing = chance_.one_in(20);
    each.frame.limited = chance_.one_in(3) ? &kLimited : nullptr;
    each.key = RowKey::integer(chance_.between(0, 9));
    each.row = row();
    return each;
  }

 private:
  milliseconds days(std::int64_t least, std::int64_t most) {
    return hours{24 * chance_.between(least, most)} + milliseconds{chance_.between(0, 3)};
  }

  /// Every category has a window, so that a row can go some day unless something says never.
  PolicySnapshot policy() {
    PolicySnapshot policy = base_;
    for (const char* category : kCategories) {
      policy.retention.category[category] = keep_for(chance_.one_of(kWindows));
      if (chance_.one_in(4)) {
        policy.retention.category[category].at_least = window(chance_.one_of(kWindows));
      }
      if (chance_.one_in(4)) {
        policy.retention.presets.push_back(preset(chance_.one_of(kWindows), {category}));
      }
      if (chance_.one_in(4)) {
        policy.retention.tenant["acme"].category[category] = keep_for(chance_.one_of(kWindows));
      }
    }
    const std::string code = kCodes.at(static_cast<std::size_t>(chance_.between(0, 2)));
    if (chance_.one_in(3)) {
      policy.retention.code[code] = keep_for(chance_.one_of(kWindows));
    }
    if (chance_.one_in(4)) {
      policy.retention.code[code].at_least = window(chance_.one_of(kWindows));
    }
    if (chance_.one_in(4)) {
      policy.retention.tenant["acme"].code[code] = keep_for(chance_.one_of(kWindows));
    }
    return policy;
  }

  LegalHold any_hold(std::int64_t id) {
    HoldScope scope;
    if (chance_.one_in(2)) {
      scope.persons = {chance_.one_of(kPeople)};
    } else if (chance_.one_in(2)) {
      scope.from = kNow - days(0, 4000);
      scope.until = *scope.from + days(1, 2000);
    } else {
      scope.categories = {chance_.one_of(kCategories)};
    }
    LegalHold each = hold(id, scope);
    return chance_.one_in(3) ? each : released(each, kNow - days(0, 45));
  }

  RowFacts row() {
    RowFacts row{.code = chance_.one_of(kCodes)};
    row.time = to_unix_ms(kNow - days(0, 4500));
    if (chance_.one_in(10)) {
      row.time = std::monostate{};
      if (!chance_.one_in(3)) {
        row.first_seen = kNow - days(0, 4500);
      }
    }
    if (chance_.one_in(20)) {
      row.code = "NO_SUCH_CODE";
    }
    if (!chance_.one_in(3)) {
      row.tenant = "acme";
    }
    if (chance_.one_in(2)) {
      row.actor = chance_.one_of(kPeople);
      row.subject = chance_.one_of(kPeople);
    }
    if (chance_.one_in(4)) {
      row.stored_category = chance_.one_of(kCategories);
    }
    if (chance_.one_in(4)) {
      row.retain_until = to_unix_ms(kNow + days(-900, 900));
    }
    row.newest_reusable = chance_.one_in(20);
    if (chance_.one_in(4)) {
      row.plan = chance_.one_in(3) ? PlanCover::outside : PlanCover::covered;
    }
    return row;
  }

  /// A catalogue of three codes: a book is made for every draw.
  static PolicySnapshot base_policy() {
    PolicySnapshot policy;
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      policy.categories.insert(kCategories.at(i));
      policy.code_category.emplace(kCodes.at(i), kCategories.at(i));
    }
    policy.aliases["V1"] = "ACCOUNT_MFA_ENROLLED";
    return policy;
  }

  static const TallyPlaceSet kLimited;
  Chance chance_;
  PolicySnapshot base_ = base_policy();
};

const TallyPlaceSet RandomCases::kLimited{{.tenant = "acme", .category = "account"},
                                          {.tenant = std::nullopt, .category = "mfa"}};

DecisionCase with_clocks_at(DecisionCase each, Instant now) {
  each.frame.clock = {.system_now = now, .as_of = now};
  return each;
}

bool keeps_at(const DecisionCase& each, Reason reason, Instant now) {
  const DecisionBench bench{with_clocks_at(each, now)};
  for (const TestTrace& test : bench.explain().tests) {
    if (test.reason == reason) {
      return test.keeps;
    }
  }
  return false;
}

Reason first_that_keeps(const DecisionTrace& trace) {
  for (const TestTrace& test : trace.tests) {
    if (test.keeps) {
      return test.reason;
    }
  }
  return Reason::expired;
}

}  // namespace

TEST_CASE("an explanation decides as the decision does", "[decision][explain]") {
  RandomCases cases;
  std::array<int, kReasons> seen{};
  for (int i = 0; i < 4000; ++i) {
    const DecisionCase each = cases.next();
    const DecisionBench bench{each};
    const DecisionTrace trace = bench.explain();
    const Decision decision = bench.decide();
    ++seen.at(static_cast<std::size_t>(decision.reason));
    if (verdict(trace.decision) != verdict(decision) ||
        first_that_keeps(trace) != decision.reason) {
      FAIL("case " << i << " is decided as " << decision.reason << " and explained as "
                   << first_that_keeps(trace));
    }
  }
  // Every reason that one row can have by itself came up, but no_policy: every category has one.
  for (const Reason reason : kAllReasons) {
    CAPTURE(reason);
    const bool can_be = reason != Reason::no_policy && reason != Reason::not_reached;
    CHECK((seen.at(static_cast<std::size_t>(reason)) > 0) == can_be);
  }
}

TEST_CASE("a test lets the row go at the instant it names and not before", "[decision][explain]") {
  RandomCases cases;
  int asked = 0;
  for (int i = 0; i < 1500; ++i) {
    const DecisionCase each = cases.next();
    const DecisionBench bench{each};
    for (const TestTrace& test : bench.explain().tests) {
      if (!test.keeps || !test.earliest || *test.earliest == kEndOfTime) {
        continue;
      }
      ++asked;
      if (keeps_at(each, test.reason, *test.earliest)) {
        FAIL("case " << i << ": " << test.reason << " still keeps at "
                     << to_rfc3339(*test.earliest));
      }
      if (!keeps_at(each, test.reason, *test.earliest - milliseconds{1})) {
        FAIL("case " << i << ": " << test.reason << " lets go before "
                     << to_rfc3339(*test.earliest));
      }
    }
  }
  CHECK(asked > 500);
}

TEST_CASE("a row can go at the earliest date of its explanation and not before",
          "[decision][explain]") {
  RandomCases cases;
  int later = 0;
  int never = 0;
  for (int i = 0; i < 3000; ++i) {
    const DecisionCase each = cases.next();
    const DecisionBench bench{each};
    const auto earliest = bench.explain().earliest;
    const RunClock& clock = each.frame.clock;
    if (!earliest) {
      ++never;
      if (bench.decide().deletes()) {
        FAIL("case " << i << " goes now, and its explanation has no date");
      }
    } else if (*earliest > clock.latest()) {
      ++later;
      if (reason_of(with_clocks_at(each, *earliest)) != Reason::expired ||
          reason_of(with_clocks_at(each, *earliest - milliseconds{1})) == Reason::expired) {
        FAIL("case " << i << " does not go at " << to_rfc3339(*earliest) << " but is "
                     << reason_of(with_clocks_at(each, *earliest)) << ", 1 ms before "
                     << reason_of(with_clocks_at(each, *earliest - milliseconds{1})));
      }
    } else if (*earliest <= clock.guard_now() && !bench.decide().deletes()) {
      FAIL("case " << i << " is kept, and its explanation says it could go");
    }
  }
  CHECK(later > 300);
  CHECK(never > 300);
}

TEST_CASE("an explanation lists every hold that matches, once", "[decision][explain]") {
  DecisionCase each;
  each.row.actor = "bob";
  each.row.subject = "bob";
  each.holds = {hold(1, {.persons = {"bob"}}),
                released(hold(2, {.everything = true}), at("2026-11-01")),
                hold(3, {.persons = {"ann"}}),
                released(hold(4, {.tenants = {"acme"}}), at("2025-01-01"))};
  const DecisionBench bench{each};
  const DecisionTrace trace = bench.explain();
  std::vector<std::int64_t> ids;
  for (const LegalHold* found : trace.holds) {
    ids.push_back(found->id);
  }
  CHECK_THAT(ids, Catch::UnorderedEquals(std::vector<std::int64_t>{1, 2, 4}));
  CHECK_FALSE(trace.earliest.has_value());
}

TEST_CASE("an explanation names figures for every test", "[decision][explain]") {
  DecisionCase each;
  each.row.retain_until = stored("2027-01-01");
  each.policy.retention.presets = {preset("90 days", {"account"})};
  const DecisionBench bench{each};
  const DecisionTrace trace = bench.explain();
  REQUIRE(trace.tests.size() == 14);
  for (const TestTrace& test : trace.tests) {
    CAPTURE(test.reason);
    CHECK_FALSE(test.figures.empty());
  }
  CHECK_THAT(trace.tests.at(3).figures,
             Catch::Equals("13 months (retention.category.account), disposition cut-off "
                           "2025-10-21T10:00:00Z"));
  CHECK_THAT(trace.tests.at(6).figures, Catch::Contains("2027-01-01T00:00:00Z"));
  CHECK(trace.earliest == at("2027-01-01T00:00:00.001Z"));
}

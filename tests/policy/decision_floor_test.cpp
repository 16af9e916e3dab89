// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/decision.h"
#include "tests/policy/decision_case.h"
#include "tests/policy/decision_lines.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("floors keep what the window lets go, up to their edge", "[decision]") {
  check_each({
      {"a preset",
       [](auto& c) {
         c.policy.retention.presets = {preset("24 months", {"account"})};
         c.row.time = stored("2024-11-21T10:00:00Z");
       },
       Reason::floor},
      {"1 ms older",
       [](auto& c) {
         c.policy.retention.presets = {preset("24 months", {"account"})};
         c.row.time = stored("2024-11-21T09:59:59.999Z");
       },
       Reason::expired},
      {"a preset of another category",
       [](auto& c) { c.policy.retention.presets = {preset("10 years", {"mfa"})}; },
       Reason::expired},
      {"the longer of two presets",
       [](auto& c) {
         c.policy.retention.presets = {preset("90 days", {"account"}),
                                       preset("10 years", {"account", "mfa"})};
       },
       Reason::floor},
      {"the category's own",
       [](auto& c) { c.policy.retention.category["account"].at_least = window("7 years"); },
       Reason::floor},
      {"the code's",
       [](auto& c) {
         c.policy.retention.code[std::string(kCode)] = at_least("10 years");
         c.row.time = stored("2016-11-21T10:00:00Z");
       },
       Reason::code_floor},
      {"1 ms older than the code's",
       [](auto& c) {
         c.policy.retention.code[std::string(kCode)] = at_least("10 years");
         c.row.time = stored("2016-11-21T09:59:59.999Z");
       },
       Reason::expired},
      {"a floor that is shorter than the window",
       [](auto& c) {
         c.policy.retention.presets = {preset("90 days", {"account"})};
         c.row.time = stored("2026-01-01");
       },
       Reason::window},
  });
}

TEST_CASE("no tenant gets below a floor, whatever it writes", "[decision]") {
  DecisionCase each;
  each.row.time = stored("2025-12-01");
  each.policy.retention.tenant["acme"].category["account"] = keep_for("1 day");
  CHECK(reason_of(each) == Reason::expired);
  SECTION("a preset") {
    each.policy.retention.presets = {preset("12 months", {"account"})};
    CHECK(reason_of(each) == Reason::floor);
  }
  SECTION("the platform's category") {
    each.policy.retention.category["account"].at_least = window("12 months");
    CHECK(reason_of(each) == Reason::floor);
  }
  SECTION("the platform's code, under a window of the tenant for that code") {
    each.policy.retention.code[std::string(kCode)] = at_least("12 months");
    each.policy.retention.tenant["acme"].code[std::string(kCode)] = keep_for("1 day");
    CHECK(reason_of(each) == Reason::code_floor);
  }
  SECTION("a floor that the tenant writes itself changes nothing") {
    each.policy.retention.presets = {preset("12 months", {"account"})};
    each.policy.retention.tenant["acme"].category["account"].at_least = window("1 day");
    CHECK(reason_of(each) == Reason::floor);
  }
}

TEST_CASE("a row under two categories is kept by the longer one", "[decision]") {
  DecisionCase each;
  each.row.time = stored("2025-01-01");
  each.policy.retention.category["mfa"] = keep_for("24 months");
  SECTION("of windows, whichever is which") {
    each.row.stored_category = "mfa";
    CHECK(decided(each) == Verdict{.reason = Reason::window,
                                   .category = "account",
                                   .category_differs = true,
                                   .bad_time = false});
    each.row.code = "ACCOUNT_MFA_ENROLLED";
    each.row.stored_category = "account";
    CHECK(reason_of(each) == Reason::window);
  }
  SECTION("of floors") {
    each.policy.retention.category["mfa"] = keep_for("1 day");
    each.policy.retention.presets = {preset("24 months", {"mfa"})};
    each.row.stored_category = "mfa";
    CHECK(reason_of(each) == Reason::floor);
  }
  SECTION("by its display name") {
    each.row.stored_category = "Multi-factor authentication";
    CHECK(reason_of(each) == Reason::window);
    each.row.stored_category = "Account";
    CHECK_FALSE(decided(each).category_differs);
    CHECK(reason_of(each) == Reason::expired);
  }
  SECTION("a tenant's window of the stored category counts as well") {
    each.policy.retention.tenant["acme"].category["mfa"] = keep_for("forever");
    each.policy.retention.tenant["acme"].category["account"] = keep_for("1 day");
    each.row.stored_category = "mfa";
    CHECK(reason_of(each) == Reason::window);
  }
  SECTION("one that nobody knows, or without a policy, keeps") {
    each.row.stored_category = "no such category";
    CHECK(decided(each) == Verdict{.reason = Reason::no_policy,
                                   .category = "account",
                                   .category_differs = true,
                                   .bad_time = false});
    each.row.stored_category = "scim";
    CHECK(reason_of(each) == Reason::no_policy);
  }
  SECTION("the same, or nothing, differs in nothing") {
    each.row.stored_category = "account";
    CHECK_FALSE(decided(each).category_differs);
    each.row.stored_category = "";
    CHECK_FALSE(decided(each).category_differs);
    CHECK(reason_of(each) == Reason::expired);
  }
}

TEST_CASE("every older version in its delay has to let a row go", "[decision]") {
  const auto older_with = [](auto change) {
    return [change](DecisionCase& each) {
      each.older = {each.policy};
      change(each.older.front(), each);
    };
  };
  check_each({
      {"the same", older_with([](auto&, auto&) {}), Reason::expired},
      {"a longer window",
       older_with(
           [](auto& old, auto&) { old.retention.category["account"] = keep_for("forever"); }),
       Reason::policy_delay},
      {"at the edge of a longer window",
       older_with([](auto& old, auto& each) {
         old.retention.category["account"] = keep_for("24 months");
         each.row.time = stored("2024-11-21T10:00:00Z");
       }),
       Reason::policy_delay},
      {"1 ms over that edge",
       older_with([](auto& old, auto& each) {
         old.retention.category["account"] = keep_for("24 months");
         each.row.time = stored("2024-11-21T09:59:59.999Z");
       }),
       Reason::expired},
      {"a tenant's own window",
       older_with([](auto& old, auto&) {
         old.retention.tenant["acme"].category["account"] = keep_for("forever");
       }),
       Reason::policy_delay},
      {"no policy",
       older_with([](auto& old, auto&) { old.retention.category.clear(); }),
       Reason::policy_delay},
      {"a preset",
       older_with(
           [](auto& old, auto&) { old.retention.presets = {preset("10 years", {"account"})}; }),
       Reason::policy_delay},
      {"a category's floor",
       older_with([](auto& old, auto&) {
         old.retention.category["account"].at_least = window("10 years");
       }),
       Reason::policy_delay},
      {"a code's floor",
       older_with(
           [](auto& old, auto&) { old.retention.code[std::string(kCode)] = at_least("10 years"); }),
       Reason::policy_delay},
      {"the code in another category",
       older_with([](auto& old, auto&) { old.code_category[std::string(kCode)] = "mfa"; }),
       Reason::policy_delay},
      {"no such code",
       older_with([](auto& old, auto&) { old.code_category.clear(); }),
       Reason::policy_delay},
      {"an alias that was another code's",
       older_with([](auto& old, auto& each) {
         each.policy.aliases["V1"] = kCode;
         old.aliases["V1"] = "ACCOUNT_MFA_ENROLLED";
         each.row.code = "V1";
       }),
       Reason::policy_delay},
      {"another mapping",
       [](auto& c) { c.frame.older_mapping_differs = true; },
       Reason::policy_delay},
      {"the second of two",
       [](auto& c) {
         c.older = {c.policy, c.policy};
         c.older.back().retention.category["account"] = keep_for("forever");
       },
       Reason::policy_delay},
  });
}

TEST_CASE("rows above the lowest bookmark stay where keys have an order", "[decision]") {
  const auto bookmark = [](std::int64_t key, std::int64_t lowest) {
    return [key, lowest](DecisionCase& each) {
      each.key = RowKey::integer(key);
      each.frame.ordered_keys = true;
      each.frame.lowest_bookmark = lowest;
    };
  };
  check_each({
      {"below", bookmark(41, 42), Reason::expired},
      {"at it", bookmark(42, 42), Reason::expired},
      {"above", bookmark(43, 42), Reason::not_consumed},
      {"nothing read yet", bookmark(1, 0), Reason::not_consumed},
      {"no bookmark", [](auto& c) { c.frame.ordered_keys = true; }, Reason::expired},
      {"keys without an order", [](auto& c) { c.frame.lowest_bookmark = 0; }, Reason::expired},
  });
}

TEST_CASE("the gates keep what is due", "[decision]") {
  static const TallyPlaceSet limited{{.tenant = "acme", .category = "account"}};
  check_each({
      {"no archive", [](auto& c) { c.frame.archive_missing = true; }, Reason::not_archived},
      {"the newest key", [](auto& c) { c.row.newest_reusable = true; }, Reason::newest_id},
      {"over the limit", [](auto& c) { c.frame.limited = &limited; }, Reason::limit},
      {"the same category of another tenant",
       [](auto& c) {
         c.frame.limited = &limited;
         c.row.tenant = "globex";
       },
       Reason::expired},
      {"the same category without a tenant",
       [](auto& c) {
         c.frame.limited = &limited;
         c.row.tenant = std::nullopt;
       },
       Reason::expired},
      {"another category of that tenant",
       [](auto& c) {
         c.frame.limited = &limited;
         c.policy.retention.category["mfa"] = keep_for("1 day");
         c.row.code = "ACCOUNT_MFA_ENROLLED";
       },
       Reason::expired},
      {"in the approved plan, though over the limit",
       [](auto& c) {
         c.frame.limited = &limited;
         c.row.plan = PlanCover::covered;
       },
       Reason::expired},
      {"not in the approved plan", [](auto& c) { c.row.plan = PlanCover::outside; }, Reason::limit},
      {"in the approved plan, and held since",
       [](auto& c) {
         c.row.plan = PlanCover::covered;
         c.holds = {hold(1, {.everything = true})};
       },
       Reason::hold},
      {"in the approved plan, and not due",
       [](auto& c) {
         c.row.plan = PlanCover::covered;
         c.row.time = stored("2026-01-01");
       },
       Reason::window},
  });
}

TEST_CASE("of several reasons the first in the table is given", "[decision]") {
  static const TallyPlaceSet limited{{.tenant = "acme", .category = "account"}};
  DecisionCase each;
  each.row.time = std::monostate{};
  each.row.code = "NO_SUCH_CODE";
  each.row.retain_until = stored("2030-01-01");
  each.row.newest_reusable = true;
  each.holds = {hold(1, {.everything = true}),
                released(hold(2, {.everything = true}), at("2026-11-22"))};
  each.older = {no_windows()};
  each.frame.ordered_keys = true;
  each.frame.lowest_bookmark = 0;
  each.frame.archive_missing = true;
  each.frame.limited = &limited;
  each.policy.retention.category.clear();
  each.policy.retention.presets = {preset("10 years", {"account"})};
  each.policy.retention.code[std::string(kCode)] = at_least("10 years");

  CHECK(reason_of(each) == Reason::bad_time);
  each.row.time = stored("2026-11-01");
  CHECK(reason_of(each) == Reason::unknown_code);
  each.row.code = kCode;
  CHECK(reason_of(each) == Reason::no_policy);
  each.policy.retention.category["account"] = keep_for("13 months");
  CHECK(reason_of(each) == Reason::window);
  each.row.time = stored("2020-02-02");
  CHECK(reason_of(each) == Reason::hold);
  each.holds.erase(each.holds.begin());
  CHECK(reason_of(each) == Reason::hold_grace);
  each.holds.clear();
  CHECK(reason_of(each) == Reason::row_stamp);
  each.row.retain_until = std::monostate{};
  CHECK(reason_of(each) == Reason::floor);
  each.policy.retention.presets.clear();
  CHECK(reason_of(each) == Reason::code_floor);
  each.policy.retention.code.clear();
  CHECK(reason_of(each) == Reason::policy_delay);
  each.older.clear();
  CHECK(reason_of(each) == Reason::not_consumed);
  each.frame.lowest_bookmark = 7;
  CHECK(reason_of(each) == Reason::not_archived);
  each.frame.archive_missing = false;
  CHECK(reason_of(each) == Reason::newest_id);
  each.row.newest_reusable = false;
  CHECK(reason_of(each) == Reason::limit);
  each.frame.limited = nullptr;
  CHECK(reason_of(each) == Reason::expired);
}

TEST_CASE("holds look at a row as the decision has read it", "[decision][hold]") {
  const HoldScope in_2020{.from = at("2020-01-01"), .until = at("2021-01-01")};
  check_each({
      {"a time inside the range", [&](auto& c) { c.holds = {hold(1, in_2020)}; }, Reason::hold},
      {"a bad time, whose first-seen clock has run out, outside the range",
       [&](auto& c) {
         c.holds = {hold(1, in_2020)};
         c.row.time = std::monostate{};
         c.row.first_seen = at("2024-01-01");
       },
       Reason::hold},
      {"the catalogue's category",
       [](auto& c) { c.holds = {hold(1, {.categories = {"account"}})}; },
       Reason::hold},
      {"the row's own category",
       [](auto& c) {
         c.policy.retention.category["mfa"] = keep_for("1 day");
         c.row.stored_category = "mfa";
         c.holds = {hold(1, {.categories = {"mfa"}})};
       },
       Reason::hold},
      {"the row's own category under its display name",
       [](auto& c) {
         c.policy.retention.category["mfa"] = keep_for("1 day");
         c.row.stored_category = "Multi-factor authentication";
         c.holds = {hold(1, {.categories = {"mfa"}})};
       },
       Reason::hold},
      {"its key", [](auto& c) { c.holds = {hold(1, {.event_ids = {"7"}})}; }, Reason::hold},
      {"another key", [](auto& c) { c.holds = {hold(1, {.event_ids = {"70"}})}; }, Reason::expired},
  });
}

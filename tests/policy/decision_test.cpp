// SPDX-License-Identifier: Apache-2.0
#include "policy/decision.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/decision_case.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

/// One change to a row that would go, and what is decided then.
struct Line {
  const char* what;
  std::function<void(DecisionCase&)> change;
  Reason reason;
};

void check_each(const std::vector<Line>& lines) {
  for (const Line& line : lines) {
    CAPTURE(line.what);
    DecisionCase each;
    line.change(each);
    CHECK(reason_of(each) == line.reason);
  }
}

constexpr milliseconds kGrace = hours{24 * 30};

HoldScope on_subject(const std::string& name) {
  return {.subjects = {name}};
}

}  // namespace

TEST_CASE("a row that has outlived its window and that nothing protects goes", "[decision]") {
  CHECK(decided(DecisionCase{}) == Verdict{.reason = Reason::expired,
                                           .category = "account",
                                           .category_differs = false,
                                           .bad_time = false});
}

TEST_CASE("a time is trusted from the earliest plausible one to 5 minutes ahead", "[decision]") {
  check_each({
      {"NULL", [](auto& c) { c.row.time = std::monostate{}; }, Reason::bad_time},
      {"text", [](auto& c) { c.row.time = std::string_view{"2020-02-02"}; }, Reason::bad_time},
      {"empty", [](auto& c) { c.row.time = std::string_view{}; }, Reason::bad_time},
      {"bytes", [](auto& c) { c.row.time = BlobView{"2020"}; }, Reason::bad_time},
      {"epoch 0", [](auto& c) { c.row.time = std::int64_t{0}; }, Reason::bad_time},
      {"the smallest number", [](auto& c) { c.row.time = INT64_MIN; }, Reason::bad_time},
      {"the largest number", [](auto& c) { c.row.time = INT64_MAX; }, Reason::bad_time},
      {"1 ms too early",
       [](auto& c) { c.row.time = stored("1999-12-31T23:59:59.999Z"); },
       Reason::bad_time},
      {"the first plausible", [](auto& c) { c.row.time = stored("2000-01-01"); }, Reason::expired},
      {"1 ms under 5 minutes",
       [](auto& c) { c.row.time = stored("2026-11-23T03:04:59.999Z"); },
       Reason::window},
      {"5 minutes ahead",
       [](auto& c) { c.row.time = stored("2026-11-23T03:05:00Z"); },
       Reason::window},
      {"1 ms more",
       [](auto& c) { c.row.time = stored("2026-11-23T03:05:00.001Z"); },
       Reason::bad_time},
  });
}

TEST_CASE("the future begins after the later of the two clocks", "[decision]") {
  DecisionCase each;
  each.row.time = stored("2026-11-24T00:00:00Z");
  each.frame.clock.system_now = at("2026-11-24");
  CHECK(reason_of(each) == Reason::window);
  each.frame.clock = {.system_now = kNow, .as_of = at("2026-11-24")};
  CHECK(reason_of(each) == Reason::window);
  each.frame.clock = {.system_now = kNow, .as_of = kNow};
  CHECK(reason_of(each) == Reason::bad_time);
}

TEST_CASE("has_bad_time agrees with the decision", "[decision]") {
  DecisionCase each;
  for (const StoredView& time : {StoredView{},
                                 StoredView{std::string_view{"soon"}},
                                 stored("1999-12-31T23:59:59.999Z"),
                                 stored("2000-01-01"),
                                 stored("2026-11-23T03:05:00Z"),
                                 stored("2026-11-23T03:05:00.001Z")}) {
    CAPTURE(to_display(time));
    each.row.time = time;
    CHECK(DecisionBench{each}.bad_time() == decided(each).bad_time);
  }
}

TEST_CASE("a row with a bad time goes when its first-seen clock has run out", "[decision]") {
  DecisionCase each;
  each.row.time = std::monostate{};
  CHECK(reason_of(each) == Reason::bad_time);
  each.row.first_seen = at("2025-10-21T10:00:00Z");
  CHECK(reason_of(each) == Reason::bad_time);
  each.row.first_seen = at("2025-10-21T09:59:59.999Z");
  CHECK(reason_of(each) == Reason::expired);
  CHECK(decided(each).bad_time);
  SECTION("floors count from there too") {
    each.policy.retention.presets = {preset("24 months", {"account"})};
    CHECK(reason_of(each) == Reason::floor);
  }
  SECTION("a row with a good time does not look at it") {
    each.row.time = stored("2026-01-01");
    CHECK(reason_of(each) == Reason::window);
  }
}

TEST_CASE("a code has to be known, exactly as it is spelt", "[decision]") {
  check_each({
      {"none", [](auto& c) { c.row.code = std::nullopt; }, Reason::unknown_code},
      {"empty", [](auto& c) { c.row.code = ""; }, Reason::unknown_code},
      {"another", [](auto& c) { c.row.code = "NO_SUCH_CODE"; }, Reason::unknown_code},
      {"letter case", [](auto& c) { c.row.code = "account_profile_update"; }, Reason::unknown_code},
      {"a blank", [](auto& c) { c.row.code = "ACCOUNT_PROFILE_UPDATE "; }, Reason::unknown_code},
      {"a category", [](auto& c) { c.row.code = "account"; }, Reason::unknown_code},
      {"an alias",
       [](auto& c) {
         c.policy.aliases.emplace("PROFILE_V1", kCode);
         c.row.code = "PROFILE_V1";
       },
       Reason::expired},
      {"an alias of nothing",
       [](auto& c) {
         c.policy.aliases.emplace("PROFILE_V1", "NO_SUCH_CODE");
         c.row.code = "PROFILE_V1";
       },
       Reason::unknown_code},
  });
}

TEST_CASE("what is set for a code binds its aliases", "[decision]") {
  DecisionCase each;
  each.policy.aliases.emplace("PROFILE_V1", kCode);
  each.row.code = "PROFILE_V1";
  each.row.time = stored("2024-01-01");
  SECTION("its window") {
    each.policy.retention.code[std::string(kCode)] = keep_for("7 years");
    CHECK(reason_of(each) == Reason::window);
  }
  SECTION("its floor") {
    each.policy.retention.code[std::string(kCode)] = at_least("10 years");
    CHECK(reason_of(each) == Reason::code_floor);
  }
  SECTION("a tenant's window for it") {
    each.policy.retention.tenant["acme"].code[std::string(kCode)] = keep_for("7 years");
    CHECK(reason_of(each) == Reason::window);
  }
  SECTION("a hold on it") {
    each.holds = {hold(1, {.codes = {std::string(kCode)}})};
    CHECK(reason_of(each) == Reason::hold);
  }
}

TEST_CASE("a category without a policy keeps everything", "[decision]") {
  check_each({
      {"no window anywhere",
       [](auto& c) { c.policy.retention.category.clear(); },
       Reason::no_policy},
      {"another category has one",
       [](auto& c) {
         c.policy.retention.category.clear();
         c.policy.retention.category["mfa"] = keep_for("1 day");
       },
       Reason::no_policy},
      {"another tenant has one",
       [](auto& c) {
         c.policy.retention.category.clear();
         c.policy.retention.tenant["globex"].category["account"] = keep_for("1 day");
       },
       Reason::no_policy},
      {"a floor is no window",
       [](auto& c) { c.policy.retention.category["account"] = at_least("1 day"); },
       Reason::no_policy},
      {"forever",
       [](auto& c) { c.policy.retention.category["account"] = keep_for("forever"); },
       Reason::window},
  });
}

TEST_CASE("a window is over exactly at its disposition cut-off", "[decision]") {
  check_each({
      {"1 ms before",
       [](auto& c) { c.row.time = stored("2025-10-21T09:59:59.999Z"); },
       Reason::expired},
      {"at it", [](auto& c) { c.row.time = stored("2025-10-21T10:00:00Z"); }, Reason::window},
      {"1 ms after",
       [](auto& c) { c.row.time = stored("2025-10-21T10:00:00.001Z"); },
       Reason::window},
      {"the run clock counts, not the system's",
       [](auto& c) {
         c.frame.clock.as_of = at("2020-06-01");
         c.row.time = stored("2020-02-02");
       },
       Reason::window},
  });
}

TEST_CASE("the first window that exists decides, tenant before platform", "[decision]") {
  DecisionCase each;
  each.row.time = stored("2025-01-01");
  each.policy.retention.category["account"] = keep_for("forever");
  CHECK(reason_of(each) == Reason::window);
  each.policy.retention.code[std::string(kCode)] = keep_for("13 months");
  CHECK(reason_of(each) == Reason::expired);
  each.policy.retention.tenant["acme"].category["account"] = keep_for("24 months");
  CHECK(reason_of(each) == Reason::window);
  each.policy.retention.tenant["acme"].code[std::string(kCode)] = keep_for("12 months");
  CHECK(reason_of(each) == Reason::expired);
  each.row.tenant = "globex";
  CHECK(reason_of(each) == Reason::expired);
  each.policy.retention.code.clear();
  CHECK(reason_of(each) == Reason::window);
  each.row.tenant = std::nullopt;
  CHECK(reason_of(each) == Reason::window);
}

TEST_CASE("an active hold keeps, and a released one for its grace", "[decision]") {
  check_each({
      {"active",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {hold(1, on_subject("bob"))};
       },
       Reason::hold},
      {"on somebody else",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {hold(1, on_subject("bobby"))};
       },
       Reason::expired},
      {"released 1 ms more than the grace ago",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {released(hold(1, on_subject("bob")), kNow - kGrace - milliseconds{1})};
       },
       Reason::expired},
      {"released exactly the grace ago",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {released(hold(1, on_subject("bob")), kNow - kGrace)};
       },
       Reason::hold_grace},
      {"released 1 ms less than the grace ago",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {released(hold(1, on_subject("bob")), kNow - kGrace + milliseconds{1})};
       },
       Reason::hold_grace},
      {"one released, one active",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {released(hold(1, on_subject("bob")), at("2026-01-02")),
                    hold(2, {.everything = true})};
       },
       Reason::hold},
      {"past its review date",
       [](auto& c) {
         c.holds = {hold(1, {.everything = true})};
         c.holds.front().review_by = at("2026-02-01");
       },
       Reason::hold},
  });
}

TEST_CASE("grace and stamps run on the earlier of the two clocks", "[decision]") {
  DecisionCase each;
  const Instant later = kNow + hours{24 * 365};
  SECTION("a hold released just before the system clock jumped") {
    each.holds = {released(hold(1, {.everything = true}), kNow - hours{1})};
    CHECK(reason_of(each) == Reason::hold_grace);
    each.frame.clock.system_now = later;
    CHECK(reason_of(each) == Reason::hold_grace);
    each.frame.clock = {.system_now = kNow, .as_of = later};
    CHECK(reason_of(each) == Reason::hold_grace);
    each.frame.clock = {.system_now = later, .as_of = later};
    CHECK(reason_of(each) == Reason::expired);
  }
  SECTION("a stamp of next week") {
    each.row.retain_until = stored("2026-11-30");
    CHECK(reason_of(each) == Reason::row_stamp);
    each.frame.clock.system_now = later;
    CHECK(reason_of(each) == Reason::row_stamp);
    each.frame.clock = {.system_now = kNow, .as_of = later};
    CHECK(reason_of(each) == Reason::row_stamp);
    each.frame.clock = {.system_now = later, .as_of = later};
    CHECK(reason_of(each) == Reason::expired);
  }
}

TEST_CASE("a stamp keeps until it has passed, and one that means nothing keeps", "[decision]") {
  check_each({
      {"none", [](auto& c) { c.row.retain_until = std::monostate{}; }, Reason::expired},
      {"1 ms ago",
       [](auto& c) { c.row.retain_until = stored("2026-11-23T02:59:59.999Z"); },
       Reason::expired},
      {"now",
       [](auto& c) { c.row.retain_until = stored("2026-11-23T03:00:00Z"); },
       Reason::row_stamp},
      {"in 1 ms",
       [](auto& c) { c.row.retain_until = stored("2026-11-23T03:00:00.001Z"); },
       Reason::row_stamp},
      {"the first plausible",
       [](auto& c) { c.row.retain_until = stored("2000-01-01"); },
       Reason::expired},
      {"1 ms before that",
       [](auto& c) { c.row.retain_until = stored("1999-12-31T23:59:59.999Z"); },
       Reason::row_stamp},
      {"epoch 0", [](auto& c) { c.row.retain_until = std::int64_t{0}; }, Reason::row_stamp},
      {"seconds in a column of milliseconds",
       [](auto& c) { c.row.retain_until = std::int64_t{1'924'992'000}; },
       Reason::row_stamp},
      {"beyond the calendar", [](auto& c) { c.row.retain_until = INT64_MAX; }, Reason::row_stamp},
      {"empty text", [](auto& c) { c.row.retain_until = std::string_view{}; }, Reason::row_stamp},
      {"text", [](auto& c) { c.row.retain_until = std::string_view{"never"}; }, Reason::row_stamp},
      {"bytes", [](auto& c) { c.row.retain_until = BlobView{}; }, Reason::row_stamp},
  });
}

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

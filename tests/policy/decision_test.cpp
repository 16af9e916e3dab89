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
#include "tests/policy/decision_lines.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;

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
      {"released at the end of time",
       [](auto& c) {
         c.row.subject = "bob";
         c.holds = {released(hold(1, on_subject("bob")), kEndOfTime)};
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

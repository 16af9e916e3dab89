// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_versions.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kMs{1};
constexpr milliseconds kDay = hours{24};
const Instant kStart = at("2026-01-01");

PolicyVersion version(std::int64_t number, Instant since, milliseconds delay) {
  PolicyVersion each{.number = number, .in_force_from = since};
  each.snapshot.safety.policy_shorten_delay = delay;
  return each;
}

std::vector<std::int64_t> in_force(const std::vector<PolicyVersion>& versions, Instant when) {
  std::vector<std::int64_t> numbers;
  for (const PolicyVersion* each : versions_in_force(versions, when)) {
    numbers.push_back(each->number);
  }
  return numbers;
}

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a version stays in force until the delay after its replacement", "[versions]") {
  const std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay),
                                            version(2, kStart + 100 * kDay, 7 * kDay)};
  CHECK(in_force({versions.front()}, kStart) == Numbers{1});
  CHECK(in_force(versions, kStart + 100 * kDay) == Numbers{2, 1});
  CHECK(in_force(versions, kStart + 107 * kDay - kMs) == Numbers{2, 1});
  CHECK(in_force(versions, kStart + 107 * kDay) == Numbers{2, 1});
  CHECK(in_force(versions, kStart + 107 * kDay + kMs) == Numbers{2});
}

TEST_CASE("the newest version counts even where the clock stands before it", "[versions]") {
  const std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay),
                                            version(2, kStart + 10 * kDay, 7 * kDay)};
  CHECK(in_force(versions, kStart - kDay) == Numbers{2, 1});
}

TEST_CASE("a replacement at the end of time never takes the older version out of force",
          "[versions]") {
  for (const Instant end : {kEndOfTime, kEndOfTime - 7 * kDay, kEndOfTime - 7 * kDay + kMs}) {
    const std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay),
                                              version(2, end, 7 * kDay)};
    CHECK(in_force(versions, kStart + 1000 * kDay) == Numbers{2, 1});
  }
}

TEST_CASE("a version is not replaced before it was there", "[versions]") {
  const Instant second = kStart + 100 * kDay;
  const std::vector<PolicyVersion> versions{
      version(1, kStart, 7 * kDay), version(2, second, 7 * kDay), version(3, kStart, 7 * kDay)};
  CHECK(in_force(versions, second) == Numbers{3, 2, 1});
  CHECK(in_force(versions, second + 7 * kDay) == Numbers{3, 2, 1});
  CHECK(in_force(versions, second + 7 * kDay + kMs) == Numbers{3});
}

TEST_CASE("the longer delay of the old and the new version counts", "[versions]") {
  const Instant replaced = kStart + 100 * kDay;
  SECTION("where the new one is shorter") {
    const std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay),
                                              version(2, replaced, milliseconds{0})};
    CHECK(in_force(versions, replaced + 7 * kDay) == Numbers{2, 1});
    CHECK(in_force(versions, replaced + 7 * kDay + kMs) == Numbers{2});
  }
  SECTION("where the new one is longer") {
    const std::vector<PolicyVersion> versions{version(1, kStart, milliseconds{0}),
                                              version(2, replaced, 7 * kDay)};
    CHECK(in_force(versions, replaced + 7 * kDay) == Numbers{2, 1});
    CHECK(in_force(versions, replaced + 7 * kDay + kMs) == Numbers{2});
  }
}

TEST_CASE("two quick edits do not get round the delay", "[versions]") {
  // The first takes the delay away, the second, an hour later, shortens the windows.
  const Instant first = kStart + 100 * kDay;
  const Instant second = first + hours{1};
  const std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay),
                                            version(2, first, milliseconds{0}),
                                            version(3, second, milliseconds{0})};
  CHECK(in_force(versions, first + 7 * kDay) == Numbers{3, 2, 1});
  CHECK(in_force(versions, first + 7 * kDay + kMs) == Numbers{3, 2});
  // Version 2 has the old windows still, and stays as long as version 1 would have asked.
  CHECK(in_force(versions, second + 7 * kDay) == Numbers{3, 2});
  CHECK(in_force(versions, second + 7 * kDay + kMs) == Numbers{3});
}

TEST_CASE("an edit after the old delay is over is under the new one", "[versions]") {
  const Instant first = kStart + 100 * kDay;
  const Instant second = first + 7 * kDay + kMs;
  const std::vector<PolicyVersion> versions{
      version(1, kStart, 7 * kDay), version(2, first, kDay), version(3, second, milliseconds{0})};
  CHECK(in_force(versions, second) == Numbers{3, 2});
  CHECK(in_force(versions, second + kDay) == Numbers{3, 2});
  CHECK(in_force(versions, second + kDay + kMs) == Numbers{3});
  SECTION("and 1 ms earlier still under the old") {
    const std::vector<PolicyVersion> sooner{
        versions.at(0), versions.at(1), version(3, second - kMs, milliseconds{0})};
    CHECK(in_force(sooner, second - kMs + 7 * kDay) == Numbers{3, 2});
  }
}

TEST_CASE("a chain of quick edits keeps every version for the whole delay", "[versions]") {
  std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay)};
  for (std::int64_t number = 2; number <= 50; ++number) {
    versions.push_back(version(number, kStart + kMs * number, milliseconds{0}));
  }
  CHECK(in_force(versions, kStart + 2 * kMs + 7 * kDay).size() == 50);
  CHECK(in_force(versions, kStart + 50 * kMs + 7 * kDay) == Numbers{50, 49});
  CHECK(in_force(versions, kStart + 50 * kMs + 7 * kDay + kMs) == Numbers{50});
}

TEST_CASE("a policy that is put back is in force beside the one it replaces", "[versions]") {
  const Instant mistake = kStart + 100 * kDay;
  const std::vector<PolicyVersion> versions{version(1, kStart, 7 * kDay),
                                            version(2, mistake, 7 * kDay),
                                            version(3, mistake + hours{1}, 7 * kDay)};
  CHECK(in_force(versions, mistake + hours{2}) == Numbers{3, 2, 1});
}

namespace {

SafetyPolicy strictest(const SafetyPolicy& newer, const SafetyPolicy& older) {
  std::vector<PolicyVersion> versions(2);
  versions.at(0).snapshot.safety = newer;
  versions.at(1).snapshot.safety = older;
  return strictest_safety(std::vector<const PolicyVersion*>{&versions.at(0), &versions.at(1)});
}

}  // namespace

TEST_CASE("of each safety setting the strictest counts, whichever version has it", "[versions]") {
  const SafetyPolicy strict{.first_run_needs_approval = true,
                            .max_category_share_ppm = 1,
                            .limit_min_rows = 2,
                            .max_bad_time_share_ppm = 3,
                            .hold_release_grace = 9 * kDay,
                            .policy_shorten_delay = 8 * kDay,
                            .max_clock_step = kDay};
  const SafetyPolicy loose{.first_run_needs_approval = false,
                           .max_category_share_ppm = 1'000'000,
                           .limit_min_rows = 2'000,
                           .max_bad_time_share_ppm = 3'000,
                           .hold_release_grace = milliseconds{0},
                           .policy_shorten_delay = milliseconds{0},
                           .max_clock_step = 900 * kDay};
  CHECK(strictest(strict, loose) == strict);
  CHECK(strictest(loose, strict) == strict);
  CHECK(strictest(loose, loose) == loose);
  SafetyPolicy mixed = loose;
  mixed.max_category_share_ppm = 1;
  SafetyPolicy other = loose;
  other.max_clock_step = kDay;
  const SafetyPolicy both = strictest(mixed, other);
  CHECK(both.max_category_share_ppm == 1);
  CHECK(both.max_clock_step == kDay);
  CHECK(both.limit_min_rows == 2'000);
}

TEST_CASE("an administrator has to be one in every version in force", "[versions]") {
  std::vector<PolicyVersion> versions(3);
  versions.at(0).snapshot.administrators = {"alice", "bob", "mallory"};
  versions.at(1).snapshot.administrators = {"alice", "bob"};
  versions.at(2).snapshot.administrators = {"bob", "carol"};
  const std::vector<const PolicyVersion*> all{&versions.at(0), &versions.at(1), &versions.at(2)};
  CHECK(common_administrators(all) == std::set<std::string>{"bob"});
  CHECK(common_administrators(std::vector<const PolicyVersion*>{all.at(0), all.at(1)}) ==
        std::set<std::string>{"alice", "bob"});
  versions.at(2).snapshot.administrators.clear();
  CHECK(common_administrators(all).empty());
}

namespace {

std::string one_change(const std::function<void(PolicySnapshot&)>& change) {
  const PolicySnapshot from = no_windows();
  PolicySnapshot to = from;
  change(to);
  std::string text;
  for (const PolicyChange& each : changes(from, to)) {
    text += each.where + ": " + each.from + " -> " + each.to + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("every entry of a policy shows up as a change of its own place", "[versions]") {
  CHECK(one_change([](auto& p) { p.retention.category["account"] = keep_for("13 months"); }) ==
        "retention.category.account.window:  -> 13 months\n");
  CHECK(one_change([](auto& p) { p.retention.code["X"] = at_least("10 years"); }) ==
        "retention.code.X.at_least:  -> 10 years\n");
  CHECK(one_change([](auto& p) {
          p.retention.tenant["acme"].category["account"] = locked_for("1 day");
        }) ==
        "retention.tenant.acme.category.account.locked:  -> true\n"
        "retention.tenant.acme.category.account.window:  -> 1 day\n");
  CHECK(one_change([](auto& p) { p.retention.tenant["acme"].code["X"].basis = "why"; }) ==
        "retention.tenant.acme.code.X.basis:  -> why\n");
  CHECK(one_change([](auto& p) {
          p.retention.presets = {preset("1 year", {"account", "mfa"})};
        }) ==
        "retention.presets.house-rule.account:  -> bound\n"
        "retention.presets.house-rule.account.min:  -> 1 year\n"
        "retention.presets.house-rule.mfa:  -> bound\n"
        "retention.presets.house-rule.mfa.min:  -> 1 year\n");
  CHECK(one_change([](auto& p) { p.code_category["ACCOUNT_PROFILE_UPDATE"] = "mfa"; }) ==
        "catalogue.code.ACCOUNT_PROFILE_UPDATE: account -> mfa\n");
  CHECK(one_change([](auto& p) { p.code_category.erase("ACCOUNT_PROFILE_UPDATE"); }) ==
        "catalogue.code.ACCOUNT_PROFILE_UPDATE: account -> \n");
  CHECK(one_change([](auto& p) { p.aliases["V1"] = "X"; }) == "catalogue.aliases.V1:  -> X\n");
  CHECK(one_change([](auto& p) { p.mapping["table"] = "t"; }) == "events.table:  -> t\n");
  CHECK(one_change([](auto& p) { p.administrators = {"mallory"}; }) ==
        "admins.principals.mallory:  -> administrator\n");
  CHECK(one_change([](auto& p) { p.identity_by_flag = true; }) ==
        "identity.trust_flag: false -> true\n");
  CHECK(one_change([](auto&) {}).empty());
}

TEST_CASE("every safety setting shows up as a change", "[versions]") {
  CHECK(one_change([](auto& p) {
          p.safety = {.first_run_needs_approval = false,
                      .max_category_share_ppm = 1,
                      .limit_min_rows = 2,
                      .max_bad_time_share_ppm = 3,
                      .hold_release_grace = milliseconds{4},
                      .policy_shorten_delay = milliseconds{5},
                      .max_clock_step = milliseconds{6}};
        }) ==
        "safety.first_run_needs_approval: true -> false\n"
        "safety.hold_release_grace_ms: 2592000000 -> 4\n"
        "safety.limit_min_rows: 1000 -> 2\n"
        "safety.max_bad_time_share_ppm: 10000 -> 3\n"
        "safety.max_category_share_ppm: 200000 -> 1\n"
        "safety.max_clock_step_ms: 691200000 -> 6\n"
        "safety.policy_shorten_delay_ms: 604800000 -> 5\n");
}

namespace {

/// A policy with something locked in every place where a lock can be.
PolicySnapshot all_locked() {
  PolicySnapshot policy = no_windows();
  policy.retention.category["account"] = locked_for("13 months");
  policy.retention.category["mfa"] = locked_for("forever");
  policy.retention.category["scim"] = {
      .window = window("24 months"), .at_least = window("12 months"), .locked = true};
  policy.retention.code["ACCOUNT_DELETION_HOLDS_OVERRIDDEN"] = {.at_least = window("10 years"),
                                                                .locked = true};
  policy.retention.tenant["acme"].category["account"] = locked_for("24 months");
  policy.retention.tenant["acme"].code["ACCOUNT_PAT_CREATED"] = locked_for("24 months");
  policy.retention.presets = {preset("12 months", {"account", "mfa"})};
  policy.retention.presets.front().locked = true;
  policy.retention.category["sessions"] = keep_for("13 months");
  return policy;
}

std::vector<std::string> violations(const std::function<void(PolicySnapshot&)>& change) {
  PolicySnapshot to = all_locked();
  change(to);
  std::vector<std::string> places;
  for (const PolicyProblem& problem : lock_violations(all_locked(), to)) {
    CHECK(problem.weight == PolicyProblem::Weight::refused);
    CHECK_FALSE(problem.message.empty());
    places.push_back(problem.where);
  }
  return places;
}

using Places = std::vector<std::string>;

}  // namespace

TEST_CASE("a locked entry may be extended, and others may do as they like", "[versions][lock]") {
  CHECK(violations([](auto&) {}).empty());
  CHECK(
      violations([](auto& p) { p.retention.category["account"] = keep_for("14 months"); }).empty());
  CHECK(violations([](auto& p) { p.retention.category["account"] = keep_for("forever"); }).empty());
  CHECK(violations([](auto& p) {
          p.retention.category["account"].at_least = window("1 year");
        }).empty());
  CHECK(violations([](auto& p) { p.retention.category.erase("sessions"); }).empty());
  CHECK(violations([](auto& p) { p.retention.category["sessions"] = keep_for("1 day"); }).empty());
  CHECK(violations([](auto& p) { p.retention.presets.front().min = window("2 years"); }).empty());
  CHECK(violations([](auto& p) {
          p.retention.presets.front().categories = {"account", "mfa", "scim"};
        }).empty());
  CHECK(violations([](auto& p) {
          p.retention.presets = {preset("12 months", {"mfa"}), preset("12 months", {"account"})};
        }).empty());
}

TEST_CASE("there is no way round a locked window", "[versions][lock]") {
  const Places account{"retention.category.account"};
  CHECK(violations([](auto& p) { p.retention.category.erase("account"); }) == account);
  CHECK(violations([](auto& p) { p.retention.category["account"].window.reset(); }) == account);
  CHECK(violations([](auto& p) { p.retention.category["account"] = keep_for("12 months"); }) ==
        account);
  CHECK(violations([](auto& p) { p.retention.category["account"] = locked_for("1 day"); }) ==
        account);
  // 390 days end before 13 months do for most start days, 395 and 396 only for some.
  CHECK(violations([](auto& p) { p.retention.category["account"] = keep_for("396 days"); }) ==
        account);
  CHECK(
      violations([](auto& p) { p.retention.category["account"] = keep_for("398 days"); }).empty());
  CHECK(violations([](auto& p) { p.retention.category["mfa"] = locked_for("400 years"); }) ==
        Places{"retention.category.mfa"});
  CHECK(violations([](auto& p) { p.retention.tenant.clear(); }) ==
        Places{"retention.tenant.acme.category.account",
               "retention.tenant.acme.code.ACCOUNT_PAT_CREATED"});
  CHECK(violations([](auto& p) {
          p.retention.tenant["acme"].category["account"] = keep_for("23 months");
        }) == Places{"retention.tenant.acme.category.account"});
  CHECK(violations([](auto& p) {
          p.retention.tenant["acme"].code["ACCOUNT_PAT_CREATED"] = keep_for("23 months");
        }) == Places{"retention.tenant.acme.code.ACCOUNT_PAT_CREATED"});
  CHECK(violations([](auto& p) {
          p.retention.tenant["ACME"] = p.retention.tenant["acme"];
          p.retention.tenant.erase("acme");
        }).size() == 2);
}

TEST_CASE("a locked category binds its codes", "[versions][lock]") {
  const auto with_code = [](const WindowEntry& entry) {
    return violations([&](auto& p) { p.retention.code["ACCOUNT_PROFILE_UPDATE"] = entry; });
  };
  CHECK(with_code(keep_for("12 months")) == Places{"retention.code.ACCOUNT_PROFILE_UPDATE"});
  CHECK(with_code(keep_for("13 months")).empty());
  CHECK(with_code(keep_for("24 months")).empty());
  CHECK(with_code(at_least("1 day")).empty());
}

TEST_CASE("there is no way round a locked floor", "[versions][lock]") {
  const Places scim{"retention.category.scim"};
  CHECK(violations([](auto& p) { p.retention.category["scim"].at_least.reset(); }) == scim);
  CHECK(violations([](auto& p) { p.retention.category["scim"].at_least = window("364 days"); }) ==
        scim);
  const Places code{"retention.code.ACCOUNT_DELETION_HOLDS_OVERRIDDEN"};
  CHECK(violations([](auto& p) { p.retention.code.clear(); }) == code);
  CHECK(violations([](auto& p) {
          p.retention.code["ACCOUNT_DELETION_HOLDS_OVERRIDDEN"] = locked_for("10 years");
        }) == code);
  CHECK(violations([](auto& p) {
          p.retention.code["ACCOUNT_DELETION_HOLDS_OVERRIDDEN"] = at_least("3650 days");
        }) == code);
}

TEST_CASE("there is no way round a locked preset", "[versions][lock]") {
  const Places one{"retention.presets.house-rule"};
  const Places two{"retention.presets.house-rule", "retention.presets.house-rule"};
  CHECK(violations([](auto& p) { p.retention.presets.clear(); }) == two);
  CHECK(violations([](auto& p) { p.retention.presets.front().categories = {"mfa"}; }) == one);
  CHECK(violations([](auto& p) { p.retention.presets.front().min = window("11 months"); }) == two);
  CHECK(violations([](auto& p) { p.retention.presets.front().min.reset(); }) == two);
  CHECK(violations([](auto& p) { p.retention.presets.front().name = "house-rules"; }) == two);
  CHECK(violations([](auto& p) {
          p.retention.presets = {preset("12 months", {"account"}), preset("1 day", {"mfa"})};
        }) == one);
}

TEST_CASE("a lock that is taken off alone is no violation, and binds until it is out of force",
          "[versions][lock]") {
  CHECK(violations([](auto& p) { p.retention.category["account"].locked = false; }).empty());
  PolicySnapshot unlocked = all_locked();
  unlocked.retention.category["account"].locked = false;
  PolicySnapshot shorter = unlocked;
  shorter.retention.category["account"] = keep_for("1 day");
  CHECK(lock_violations(unlocked, shorter).empty());
  CHECK(lock_violations(all_locked(), shorter).size() == 1);
}

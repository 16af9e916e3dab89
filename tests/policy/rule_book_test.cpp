// SPDX-License-Identifier: Apache-2.0
#include "policy/rule_book.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/disposition_cutoff.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const Instant kAsOf = at("2026-11-23T03:00:00Z");
constexpr const char* kCode = "ACCOUNT_PROFILE_UPDATE";

std::string window_of(const PolicySnapshot& policy,
                      std::optional<std::string_view> tenant,
                      std::string_view code = kCode) {
  const RuleBook book{policy, kAsOf};
  const Rule rule = book.rule_for(tenant, code, std::nullopt);
  return rule.window == nullptr ? "none"
                                : rule.window->source + ": " + to_string(rule.window->window);
}

}  // namespace

TEST_CASE("the window is the first that exists, from the tenant's code to the platform's category",
          "[rule_book]") {
  PolicySnapshot policy = no_windows();
  CHECK(window_of(policy, "acme") == "none");
  policy.retention.category["account"] = keep_for("1 year");
  CHECK(window_of(policy, "acme") == "retention.category.account: 1 year");
  policy.retention.code[kCode] = keep_for("2 years");
  CHECK(window_of(policy, "acme") == "retention.code.ACCOUNT_PROFILE_UPDATE: 2 years");
  policy.retention.tenant["acme"].category["account"] = keep_for("3 years");
  CHECK(window_of(policy, "acme") == "retention.tenant.acme.category.account: 3 years");
  policy.retention.tenant["acme"].code[kCode] = keep_for("4 years");
  CHECK(window_of(policy, "acme") == "retention.tenant.acme.code.ACCOUNT_PROFILE_UPDATE: 4 years");
  CHECK(window_of(policy, "globex") == "retention.code.ACCOUNT_PROFILE_UPDATE: 2 years");
  CHECK(window_of(policy, "Acme") == "retention.code.ACCOUNT_PROFILE_UPDATE: 2 years");
  CHECK(window_of(policy, std::nullopt) == "retention.code.ACCOUNT_PROFILE_UPDATE: 2 years");
  CHECK(window_of(policy, "acme", "ACCOUNT_PAT_CREATED") ==
        "retention.tenant.acme.category.account: 3 years");
  CHECK(window_of(policy, "globex", "ACCOUNT_PAT_CREATED") == "retention.category.account: 1 year");
  CHECK(window_of(policy, "acme", "ACCOUNT_MFA_ENROLLED") == "none");
}

TEST_CASE("an entry without a window stands aside for the next", "[rule_book]") {
  PolicySnapshot policy = no_windows();
  policy.retention.category["account"] = keep_for("1 year");
  policy.retention.code[kCode] = at_least("10 years");
  policy.retention.tenant["acme"].category["account"].basis = "nothing yet";
  policy.retention.tenant["acme"].code[kCode].basis = "nothing yet";
  CHECK(window_of(policy, "acme") == "retention.category.account: 1 year");
}

TEST_CASE("a rule has every floor of its category and the one of its code", "[rule_book]") {
  PolicySnapshot policy = no_windows();
  policy.retention.category["account"] = keep_for("1 day");
  policy.retention.category["account"].at_least = window("90 days");
  policy.retention.presets = {preset("12 months", {"account", "mfa"}), preset("1 month", {"mfa"})};
  policy.retention.code[kCode] = at_least("10 years");
  const RuleBook book{policy, kAsOf};
  const Rule rule = book.rule_for(std::nullopt, kCode, std::nullopt);
  REQUIRE(rule.floors != nullptr);
  CHECK(rule.floors->floors.size() == 2);
  CHECK(rule.floor_cutoff() == at("2025-11-21T10:00:00Z"));
  CHECK(rule.code_floor_cutoff() == at("2016-11-21T10:00:00Z"));
  CHECK(rule.window_cutoff() == at("2026-11-20T10:00:00Z"));
  const Rule other = book.rule_for(std::nullopt, "ACCOUNT_PAT_CREATED", std::nullopt);
  CHECK(other.floor_cutoff() == at("2025-11-21T10:00:00Z"));
  CHECK(other.code_floor_cutoff() == kEndOfTime);
}

TEST_CASE("a rule of an unknown code lets nothing go", "[rule_book]") {
  const RuleBook book{no_windows(), kAsOf};
  for (const auto& code :
       {std::optional<std::string_view>{}, std::optional<std::string_view>{"X"}}) {
    const Rule rule = book.rule_for("acme", code, "account");
    CHECK_FALSE(rule.code_known);
    CHECK_FALSE(rule.has_window);
    CHECK(rule.category.empty());
    CHECK(rule.window_cutoff() == kBeginningOfTime);
  }
  CHECK(book.latest_cutoff("X") == kBeginningOfTime);
}

TEST_CASE("the longer of two windows is the one with the earlier cut-off that day", "[rule_book]") {
  PolicySnapshot policy = no_windows();
  policy.retention.category["account"] = keep_for("1 month");
  policy.retention.category["mfa"] = keep_for("30 days");
  const auto cutoff_at = [&policy](std::string_view as_of) {
    const RuleBook book{policy, at(as_of)};
    return book.rule_for(std::nullopt, kCode, "mfa").window_cutoff();
  };
  // 21 February less a month is 21 January, less 30 days 22 January; 21 December less a month is
  // 21 November, less 30 days the same.
  CHECK(cutoff_at("2026-02-23") == at("2026-01-21T10:00:00Z"));
  CHECK(cutoff_at("2026-12-23") == at("2026-11-21T10:00:00Z"));
  // 21 March less a month is 21 February, less 30 days 19 February.
  CHECK(cutoff_at("2026-03-23") == at("2026-02-19T10:00:00Z"));
}

TEST_CASE("a tenant's category window stands before the platform's", "[rule_book]") {
  PolicySnapshot policy = no_windows();
  policy.retention.category["account"] = keep_for("1 year");
  policy.retention.tenant["acme"].category["account"] = keep_for("2 years");
  policy.retention.tenant["acme"].category["mfa"] = keep_for("3 years");
  const RuleBook book{policy, kAsOf};
  CHECK(to_string(book.category_window("acme", "account")->window) == "2 years");
  CHECK(to_string(book.category_window("acme", "mfa")->window) == "3 years");
  CHECK(to_string(book.category_window("globex", "account")->window) == "1 year");
  CHECK(to_string(book.category_window(std::nullopt, "account")->window) == "1 year");
  CHECK(book.category_window("globex", "mfa") == nullptr);
  CHECK(book.category_window(std::nullopt, "no such") == nullptr);
  std::string entries;
  for (const RuleBook::Entry& entry : book.entries()) {
    entries += entry.tenant.value_or("-") + "/" + entry.category + " ";
  }
  CHECK(entries == "-/account acme/account acme/mfa ");
}

TEST_CASE("a book lists each cut-off it uses once", "[rule_book]") {
  PolicySnapshot policy = no_windows();
  policy.retention.category["account"] = keep_for("13 months");
  policy.retention.category["mfa"] = keep_for("13 months");
  policy.retention.category["scim"] = keep_for("forever");
  policy.retention.presets = {preset("90 days", {"scim"})};
  const RuleBook book{policy, kAsOf};
  CHECK(book.cutoffs() == std::vector<std::string>{"13 months=2025-10-21T10:00:00Z",
                                                   "90 days=2026-08-23T10:00:00Z",
                                                   "forever=never"});
  CHECK(book.as_of() == kAsOf);
}

namespace {

constexpr std::array<const char*, 6> kWindows{
    "1 day", "30 days", "1 month", "13 months", "7 years", "forever"};
constexpr std::array<const char*, 3> kCodes{
    "ACCOUNT_PROFILE_UPDATE", "ACCOUNT_MFA_ENROLLED", "ACCOUNT_SESSION_REVOKED"};
constexpr std::array<const char*, 3> kCategories{"account", "mfa", "sessions"};
constexpr std::array<const char*, 3> kTenants{"acme", "globex", "initech"};

PolicySnapshot random_policy(Chance& chance) {
  PolicySnapshot policy = no_windows();
  policy.aliases["V1"] = "ACCOUNT_MFA_ENROLLED";
  const auto some = [&chance](WindowEntries& entries, const auto& names) {
    for (const char* name : names) {
      if (chance.one_in(3)) {
        entries[name] = keep_for(chance.one_of(kWindows));
      }
    }
  };
  some(policy.retention.category, kCategories);
  some(policy.retention.code, kCodes);
  for (const char* tenant : kTenants) {
    some(policy.retention.tenant[tenant].category, kCategories);
    some(policy.retention.tenant[tenant].code, kCodes);
  }
  return policy;
}

}  // namespace

TEST_CASE("no tenant's window ends later than the latest cut-off of its code", "[rule_book]") {
  Chance chance;
  const std::vector<std::optional<std::string_view>> tenants{
      std::nullopt, "acme", "globex", "initech", "nobody"};
  const std::vector<std::optional<std::string_view>> categories{
      std::nullopt, "account", "mfa", "Sessions", "no such category"};
  for (int round = 0; round < 200; ++round) {
    const PolicySnapshot policy = random_policy(chance);
    const RuleBook book{policy, kAsOf};
    for (const std::string_view code : {kCodes[0], kCodes[1], kCodes[2], "V1", "NO_SUCH_CODE"}) {
      const Instant latest = book.latest_cutoff(code);
      Instant reached = kBeginningOfTime;
      for (const auto& tenant : tenants) {
        for (const auto& category : categories) {
          const Instant cutoff = book.rule_for(tenant, code, category).window_cutoff();
          reached = std::max(reached, cutoff);
          if (cutoff > latest) {
            FAIL("round " << round << ": " << code << " of " << tenant.value_or("-")
                          << " is due after the latest cut-off");
          }
        }
      }
      // As tight as it can be, or the ranges would read rows for nothing.
      CHECK(reached == latest);
    }
  }
}

TEST_CASE("no row before the earliest cut-off of its code is kept by a window or a floor",
          "[rule_book]") {
  Chance chance;
  const std::vector<std::optional<std::string_view>> tenants{
      std::nullopt, "acme", "globex", "initech", "nobody"};
  int bounded = 0;
  for (int round = 0; round < 200; ++round) {
    PolicySnapshot policy = random_policy(chance);
    policy.retention.category["account"].at_least =
        RetentionWindow{.count = 1 + round % 40, .unit = WindowUnit::months};
    policy.retention.code[std::string(kCodes[0])].at_least =
        RetentionWindow{.count = 1 + round % 50, .unit = WindowUnit::months};
    const RuleBook book{policy, kAsOf};
    for (const std::string_view code : {kCodes[0], kCodes[1], kCodes[2], "V1", "NO_SUCH_CODE"}) {
      Instant reached = kEndOfTime;
      for (const auto& tenant : tenants) {
        const Rule rule = book.rule_for(tenant, code, std::nullopt);
        reached = std::min(
            {reached, rule.window_cutoff(), rule.floor_cutoff(), rule.code_floor_cutoff()});
      }
      CHECK(book.earliest_cutoff(code) == reached);
      bounded += reached > kBeginningOfTime ? 1 : 0;
    }
  }
  CHECK(bounded > 50);
}

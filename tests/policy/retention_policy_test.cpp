// SPDX-License-Identifier: Apache-2.0
#include "policy/retention_policy.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/catalogue.h"
#include "tests/policy/test_values.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// The built-in catalogue with a window of 13 months for every category: nothing to object to.
PolicySnapshot sound_policy() {
  PolicySnapshot snapshot;
  copy_catalogue(Catalogue::built_in(), snapshot);
  for (const std::string& category : snapshot.categories) {
    snapshot.retention.category[category] = {.window = window("13 months")};
  }
  return snapshot;
}

/// Each problem as "weight place: sentence".
std::vector<std::string> problems_of(const PolicySnapshot& snapshot) {
  std::vector<std::string> lines;
  for (const PolicyProblem& problem : validate(snapshot)) {
    const std::string weight = problem.weight == PolicyProblem::Weight::refused    ? "refused "
                               : problem.weight == PolicyProblem::Weight::conflict ? "conflict "
                                                                                   : "doubt ";
    lines.push_back(weight + problem.where + ": " + problem.message);
  }
  return lines;
}

using Lines = std::vector<std::string>;

PresetBinding cap_of_12_months(const std::string& category) {
  return {.name = "cnil-logs",
          .categories = {category},
          .min = window("6 months"),
          .max = window("12 months")};
}

}  // namespace

TEST_CASE("copying the catalogue gives codes, categories, their names and aliases",
          "[retention_policy]") {
  Catalogue catalogue = Catalogue::built_in();
  REQUIRE(catalogue.add_alias("MFA_ENROLLED_V1", "ACCOUNT_MFA_ENROLLED"));
  PolicySnapshot snapshot;
  snapshot.categories = {"left-over"};

  copy_catalogue(catalogue, snapshot);

  CHECK(snapshot.code_category.size() == 84);
  CHECK(snapshot.code_category.at("ACCOUNT_MFA_ENROLLED") == "mfa");
  CHECK(snapshot.categories.size() == 12);
  CHECK_FALSE(snapshot.categories.contains("left-over"));
  CHECK(snapshot.category_names.at("Multi-factor authentication") == "mfa");
  CHECK(snapshot.aliases.at("MFA_ENROLLED_V1") == "ACCOUNT_MFA_ENROLLED");
}

TEST_CASE("a policy with a window for every category has no problem", "[retention_policy]") {
  CHECK(problems_of(sound_policy()).empty());
}

TEST_CASE("names that are in no catalogue are refused with the nearest one", "[retention_policy]") {
  PolicySnapshot snapshot = sound_policy();
  const WindowEntry entry{.window = window("1 year")};

  SECTION("a category of the platform") {
    snapshot.retention.category["acount"] = entry;
    CHECK(
        problems_of(snapshot) ==
        Lines{R"(refused retention.category.acount: no such category (did you mean "account"?))"});
  }
  SECTION("a category that nothing is near to") {
    snapshot.retention.category["zzz"] = entry;
    CHECK(problems_of(snapshot) == Lines{"refused retention.category.zzz: no such category"});
  }
  SECTION("a category by its display name") {
    snapshot.retention.category["Network policy"] = entry;
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.category.Network policy: no such category: a category goes by"
                R"( its slug, which is "network-policy")"});
  }
  SECTION("a category of a tenant") {
    snapshot.retention.tenant["acme"].category["sesions"] = entry;
    CHECK(problems_of(snapshot) == Lines{"refused retention.tenant.acme.category.sesions: no such"
                                         R"( category (did you mean "sessions"?))"});
  }
  SECTION("a category of a preset") {
    snapshot.retention.presets = {{.name = "hipaa-docs", .categories = {"mfaa"}}};
    CHECK(problems_of(snapshot) == Lines{R"(refused retention.presets.hipaa-docs: no such category)"
                                         R"( as "mfaa" (did you mean "mfa"?))"});
  }
  SECTION("a code of the platform") {
    snapshot.retention.code["ACCOUNT_PAT_CREATD"] = entry;
    CHECK(problems_of(snapshot) == Lines{"refused retention.code.ACCOUNT_PAT_CREATD: no such code"
                                         R"( (did you mean "ACCOUNT_PAT_CREATED"?))"});
  }
  SECTION("a code of a tenant") {
    snapshot.retention.tenant["acme"].code["NOTHING_LIKE_IT"] = entry;
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.tenant.acme.code.NOTHING_LIKE_IT: no such code"});
  }
  SECTION("a code by its alias, which the rules would not find") {
    snapshot.aliases["PAT_V1"] = "ACCOUNT_PAT_CREATED";
    snapshot.retention.code["PAT_V1"] = entry;
    CHECK(problems_of(snapshot) ==
          Lines{R"(refused retention.code.PAT_V1: "PAT_V1" is an alias: write the code that it)"
                R"( stands for, "ACCOUNT_PAT_CREATED")"});
  }
  SECTION("the code that an alias stands for") {
    snapshot.aliases["PAT_V1"] = "ACCOUNT_PAT_CREATD";
    CHECK(problems_of(snapshot) ==
          Lines{R"(refused catalogue.aliases.PAT_V1: no such code as "ACCOUNT_PAT_CREATD")"
                R"( (did you mean "ACCOUNT_PAT_CREATED"?))"});
  }
}

TEST_CASE("a window longer than a cap is refused wherever it stands", "[retention_policy]") {
  PolicySnapshot snapshot = sound_policy();
  snapshot.retention.presets = {cap_of_12_months("account")};
  snapshot.retention.category["account"].window = window("12 months");
  const std::string longer =
      R"( is longer than the cap of 12 months that preset "cnil-logs" sets: shorten the window or)"
      " unbind the preset";

  SECTION("exactly the cap is allowed") {
    CHECK(problems_of(snapshot).empty());
  }
  SECTION("a category of the platform, one month more") {
    snapshot.retention.category["account"].window = window("13 months");
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.category.account.window: the window of 13 months" + longer});
  }
  SECTION("for ever is longer than any cap") {
    snapshot.retention.category["account"].window = window("forever");
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.category.account.window: the window of forever" + longer});
  }
  SECTION("days that outlast the months from some start day only") {
    snapshot.retention.category["account"].window = window("366 days");
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.category.account.window: the window of 366 days" + longer});
  }
  SECTION("a code of the category") {
    snapshot.retention.code["ACCOUNT_PAT_CREATED"].window = window("2 years");
    CHECK(
        problems_of(snapshot) ==
        Lines{"refused retention.code.ACCOUNT_PAT_CREATED.window: the window of 2 years" + longer});
  }
  SECTION("a tenant's category") {
    snapshot.retention.tenant["acme"].category["account"].window = window("2 years");
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.tenant.acme.category.account.window: the window of 2 years" +
                longer});
  }
  SECTION("a tenant's code") {
    snapshot.retention.tenant["acme"].code["ACCOUNT_PAT_CREATED"].window = window("2 years");
    CHECK(problems_of(snapshot) ==
          Lines{"refused retention.tenant.acme.code.ACCOUNT_PAT_CREATED.window: the window of 2"
                " years" +
                longer});
  }
  SECTION("other categories are not capped") {
    snapshot.retention.category["mfa"].window = window("10 years");
    CHECK(problems_of(snapshot).empty());
  }
}

TEST_CASE("a floor longer than a cap is a conflict, not a refusal", "[retention_policy]") {
  PolicySnapshot snapshot = sound_policy();
  snapshot.retention.category["account"].window = window("12 months");
  snapshot.retention.presets = {cap_of_12_months("account")};
  const std::string conflict =
      R"( is longer than the cap of 12 months that preset "cnil-logs" sets: the floor wins, and)"
      " rows stay longer than the cap allows";

  SECTION("of another preset") {
    snapshot.retention.presets.push_back(
        {.name = "hipaa-docs", .categories = {"account"}, .min = window("6 years")});
    CHECK(problems_of(snapshot).front() ==
          "conflict retention.presets.hipaa-docs: the floor of 6 years" + conflict);
  }
  SECTION("of the category") {
    snapshot.retention.category["account"].at_least = window("2 years");
    CHECK(problems_of(snapshot).front() ==
          "conflict retention.category.account.at_least: the floor of 2 years" + conflict);
  }
  SECTION("of a code") {
    snapshot.retention.code["ACCOUNT_PAT_CREATED"].at_least = window("10 years");
    CHECK(problems_of(snapshot) ==
          Lines{"conflict retention.code.ACCOUNT_PAT_CREATED.at_least: the floor of 10 years" +
                conflict});
  }
}

TEST_CASE("a window that ends before a floor is worth a word", "[retention_policy]") {
  PolicySnapshot snapshot = sound_policy();
  snapshot.retention.category["sessions"].at_least = window("12 months");
  const std::string kept =
      " ends before the floor of 12 months that retention.category.sessions.at_least sets: rows"
      " will be kept by the floor until that has passed too";

  SECTION("a longer one is not") {
    CHECK(problems_of(snapshot).empty());
  }
  SECTION("of the platform") {
    snapshot.retention.category["sessions"].window = window("11 months");
    CHECK(problems_of(snapshot) ==
          Lines{"doubt retention.category.sessions.window: the window of 11 months" + kept});
  }
  SECTION("of a tenant") {
    snapshot.retention.tenant["acme"].category["sessions"].window = window("90 days");
    CHECK(problems_of(snapshot) ==
          Lines{"doubt retention.tenant.acme.category.sessions.window: the window of 90 days" +
                kept});
  }
  SECTION("of a tenant's code that has a floor of its own") {
    snapshot.retention.code["ACCOUNT_PAT_CREATED"].at_least = window("10 years");
    snapshot.retention.tenant["acme"].code["ACCOUNT_PAT_CREATED"].window = window("1 year");
    CHECK(
        problems_of(snapshot) ==
        Lines{"doubt retention.tenant.acme.code.ACCOUNT_PAT_CREATED.window: the window of 1 year"
              " ends before the floor of 10 years that retention.code.ACCOUNT_PAT_CREATED.at_least"
              " sets: rows will be kept by the floor until that has passed too"});
  }
  SECTION("a floor of one code says nothing about the window of its category") {
    snapshot.retention.code["ACCOUNT_PAT_CREATED"].at_least = window("10 years");
    CHECK(problems_of(snapshot).empty());
  }
}

TEST_CASE("a tenant may never touch a floor", "[retention_policy]") {
  PolicySnapshot snapshot = sound_policy();
  snapshot.retention.tenant["acme"].category["account"].at_least = window("1 day");
  snapshot.retention.tenant["acme"].code["ACCOUNT_PAT_CREATED"].at_least = window("1 day");
  const std::string refusal =
      ".at_least: a tenant may never touch a floor: leave at_least out, or set it for the platform";

  CHECK(problems_of(snapshot) ==
        Lines{"refused retention.tenant.acme.category.account" + refusal,
              "refused retention.tenant.acme.code.ACCOUNT_PAT_CREATED" + refusal});
}

TEST_CASE("a category that has codes and no window is worth a word", "[retention_policy]") {
  PolicySnapshot snapshot = sound_policy();
  const std::string attestation = "attestation-policy";
  snapshot.retention.category.erase(attestation);
  const std::string doubt =
      "doubt retention.category.attestation-policy: no window is set: rows of this category are"
      " kept for ever";

  SECTION("nothing at all is set") {
    CHECK(problems_of(snapshot) == Lines{doubt});
  }
  SECTION("a floor is no window") {
    snapshot.retention.category[attestation].at_least = window("1 year");
    CHECK(problems_of(snapshot) == Lines{doubt});
  }
  SECTION("a tenant has one") {
    snapshot.retention.tenant["acme"].category[attestation].window = window("1 year");
    CHECK(problems_of(snapshot) == Lines{doubt + ", but for those of codes and tenants that have"
                                                 " one"});
  }
  SECTION("every code of it has one") {
    snapshot.retention.code["TENANT_ATTESTATION_POLICY_UPDATED"].window = window("1 year");
    CHECK(problems_of(snapshot).empty());
  }
  SECTION("it has no codes, so it has no rows") {
    snapshot.code_category.erase("TENANT_ATTESTATION_POLICY_UPDATED");
    CHECK(problems_of(snapshot).empty());
  }
}

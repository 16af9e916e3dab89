// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/identity.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/job_error.h"

using namespace holdfast;

namespace {

constexpr unsigned kRoot = 0;
constexpr unsigned kAnn = 1000;
constexpr unsigned kBob = 1001;
constexpr unsigned kService = 900;

}  // namespace

TEST_CASE("who acts is who is logged in, then who sudo names, then the caller", "[identity]") {
  struct Line {
    const char* what;
    IdentityFacts facts;
    unsigned acts;
  };
  const std::vector<Line> lines{
      {"the caller", {.real_uid = kAnn, .database_owner = kService}, kAnn},
      {"a login", {.login_uid = kAnn, .real_uid = kAnn, .database_owner = kService}, kAnn},
      {"a login behind su",
       {.login_uid = kAnn, .real_uid = kRoot, .database_owner = kService},
       kAnn},
      {"sudo under root", {.sudo_uid = kAnn, .real_uid = kRoot, .database_owner = kService}, kAnn},
      {"sudo to the owner of the database",
       {.sudo_uid = kAnn, .real_uid = kService, .database_owner = kService},
       kAnn},
      {"a forged SUDO_UID", {.sudo_uid = kBob, .real_uid = kAnn, .database_owner = kService}, kAnn},
      {"a forged SUDO_UID of root",
       {.sudo_uid = kRoot, .real_uid = kAnn, .database_owner = kService},
       kAnn},
      {"a forged SUDO_UID beside a login",
       {.login_uid = kAnn, .sudo_uid = kBob, .real_uid = kAnn, .database_owner = kService},
       kAnn},
      {"login and sudo agree",
       {.login_uid = kAnn, .sudo_uid = kAnn, .real_uid = kRoot, .database_owner = kService},
       kAnn},
      {"root from cron", {.real_uid = kRoot, .database_owner = kService}, kRoot},
  };
  for (const Line& line : lines) {
    CAPTURE(line.what);
    CHECK(acting_uid(line.facts) == line.acts);
  }
}

TEST_CASE("login and sudo that name different people are refused", "[identity]") {
  for (const unsigned real : {kRoot, kService}) {
    const IdentityFacts facts{
        .login_uid = kAnn, .sudo_uid = kBob, .real_uid = real, .database_owner = kService};
    try {
      (void)acting_uid(facts);
      FAIL("no error");
    } catch (const JobError& error) {
      CHECK((error.status() == ExitStatus::refused));
      CHECK_THAT(error.what(), Catch::Contains("1000") && Catch::Contains("1001"));
    }
  }
}

TEST_CASE("the flag --as counts only where the configuration trusts it", "[identity]") {
  CHECK(acting_person({.by_flag = "alice", .trust_flag = true}) == "alice");
  CHECK_THROWS_AS(acting_person({.by_flag = "alice"}), JobError);
  CHECK_FALSE(acting_person({.trust_flag = true}).empty());
}

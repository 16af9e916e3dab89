// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "storage/registers/sql_policy_register.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("a policy comes back as it was added, under the next number", "[policy-register]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  PolicyRegister& policies = database->policies();
  CHECK(policies.add({}) == 1);
  CHECK(policies.add({.version = 70,
                      .in_force_from = kDay,
                      .digest = "d",
                      .document = "{}",
                      .changed_by = "alice",
                      .reason = "r",
                      .source = "s"}) == 2);
  const auto versions = policies.versions();
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].version == 1);
  CHECK(versions[1].version == 2);
  CHECK(versions[1].in_force_from == kDay);
  CHECK(versions[1].digest == "d");
  CHECK(versions[1].document == "{}");
  CHECK(versions[1].changed_by == "alice");
  CHECK(versions[1].reason == "r");
  CHECK(versions[1].source == "s");
}

TEST_CASE("versions before the baseline do not count", "[policy-register]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  PolicyRegister& policies = database->policies();
  CHECK_FALSE(policies.baseline());
  policies.add({});
  policies.add({});
  policies.add({});
  policies.set_baseline(2);
  CHECK(policies.baseline() == 2);
  CHECK(policies.versions().size() == 2);
  CHECK(policies.versions().front().version == 2);
  policies.set_baseline(3);
  CHECK(policies.versions().size() == 1);
}

TEST_CASE("a version that is not there cannot be the baseline", "[policy-register]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  CHECK_THROWS_AS(database->policies().set_baseline(1), StorageError);
  CHECK_FALSE(database->policies().baseline());
}

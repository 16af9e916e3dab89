// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "storage/registers/sql_plan_store.h"
#include "storage/sqlite/key_sets.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

SavedPlan plan_of(const std::string& digest) {
  return {.digest = digest,
          .saved_at = kDay,
          .as_of = kDay - std::chrono::hours{1},
          .policy_digest = "p",
          .hold_digest = "h",
          .rows = 3,
          .figures = "{}"};
}

/// A plan without keys, saved.
std::int64_t save_empty(PlanStore& plans, const std::string& digest) {
  IntegerKeySet none;
  return plans.save(plan_of(digest), none);
}

RowKey text_key(std::string_view text) {
  const std::vector<StoredView> values = {text};
  return RowKey::composite(values);
}

}  // namespace

TEST_CASE("a plan is found by the start of its digest, newest first", "[plan-store]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  PlanStore& plans = database->plans();
  save_empty(plans, "abc1");
  save_empty(plans, "abd2");
  save_empty(plans, "%");
  const auto found = plans.find("ab");
  REQUIRE(found.size() == 2);
  CHECK(found[0].digest == "abd2");
  CHECK(found[1].digest == "abc1");
  CHECK(found[1].saved_at == kDay);
  CHECK(found[1].as_of == kDay - std::chrono::hours{1});
  CHECK(found[1].policy_digest == "p");
  CHECK(found[1].hold_digest == "h");
  CHECK(found[1].rows == 3);
  CHECK(found[1].figures == "{}");
  CHECK(plans.find("%").size() == 1);
  CHECK(plans.find("x").empty());
}

TEST_CASE("the same plan saved again is the same line", "[plan-store]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  const std::int64_t first = save_empty(database->plans(), "abc");
  CHECK(save_empty(database->plans(), "abc") == first);
  CHECK(database->plans().find("").size() == 1);
}

TEST_CASE("the keys of a plan come back, integers ascending and others by their bytes",
          "[plan-store]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  PlanStore& plans = database->plans();
  IntegerKeySet integers;
  integers.add(RowKey::integer(9));
  integers.add(RowKey::integer(-3));
  const auto numbered = plans.keys(plans.save(plan_of("a"), integers));
  CHECK(numbered->next(10) == std::vector{RowKey::integer(-3), RowKey::integer(9)});

  SQLite::Database memory(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SpilledKeySet others(memory);
  others.add(text_key("z"));
  others.add(RowKey::integer(4));
  others.add(text_key("b"));
  const auto named = plans.keys(plans.save(plan_of("b"), others));
  CHECK(named->next(10) == std::vector{RowKey::integer(4), text_key("b"), text_key("z")});
  CHECK_THROWS_AS(plans.keys(99), StorageError);
}

TEST_CASE("only the newest approval counts, and not once it is spent", "[plan-store]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  PlanStore& plans = database->plans();
  CHECK_FALSE(plans.open_approval());
  const std::int64_t old_plan = save_empty(plans, "a");
  const std::int64_t plan = save_empty(plans, "b");
  (void)plans.approve(old_plan, "alice", kDay);
  const std::int64_t second = plans.approve(plan, "bob", kDay);
  const auto open = plans.open_approval();
  REQUIRE(open);
  CHECK(open->id == second);
  CHECK(open->plan.digest == "b");
  CHECK(open->approved_by == "bob");
  CHECK(open->approved_at == kDay);
  CHECK(open->last_used_at == kDay);
  CHECK_FALSE(open->spent);

  plans.use(second, kDay + std::chrono::hours{5});
  CHECK(plans.open_approval()->last_used_at == kDay + std::chrono::hours{5});
  plans.spend(second, kDay + std::chrono::hours{6});
  // The older one does not come to life again: a night under it would keep all but its few keys.
  CHECK_FALSE(plans.open_approval());
  CHECK_THROWS_AS(plans.spend(second, kDay), StorageError);
  CHECK_THROWS_AS(plans.use(second, kDay), StorageError);
}

TEST_CASE("a plan that is not there cannot be approved", "[plan-store]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  CHECK_THROWS_AS(database->plans().approve(99, "alice", kDay), SQLite::Exception);
}

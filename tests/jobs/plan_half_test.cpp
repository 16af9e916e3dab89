// SPDX-License-Identifier: Apache-2.0
// A plan of which two threads have a half each is the plan that one makes.
#include "jobs/plan_half.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "jobs/run_plan.h"
#include "tests/jobs/log_builders.h"
#include "tests/jobs/watched_reader.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

void use_rules(JobWorld& world) {
  Settings& settings = world.settings();
  settings.retention.category["mfa"] = keep_for("1 month");
  settings.retention.tenant["acme"].category["mfa"] = keep_for("13 months");
  settings.retention.tenant["globex"].category["scim"] = keep_for("1 month");
  settings.safety.limit_min_rows = 5;
  world.place({.persons = {"bob"}});
}

/// Everything that a plan came to, as text.
std::string told(RunPlan& plan) {
  std::string text = digest_of(plan);
  const auto add = [&text](const std::string& what, const auto& times) {
    std::map<std::string, std::int64_t> sorted;
    for (const auto& [place, time] : times) {
      sorted[place.tenant.value_or("-") + "/" + place.category] =
          static_cast<std::int64_t>(time.count());
    }
    for (const auto& [place, time] : sorted) {
      text += what + " " + place + " " + std::to_string(time) + "\n";
    }
  };
  const auto counted = [](const PlaceTimes& times) {
    PlaceMap<std::chrono::milliseconds> since;
    for (const auto& [place, time] : times) {
      since[place] = time.time_since_epoch();
    }
    return since;
  };
  add("kept", counted(plan.figures.oldest_kept));
  add("deleted", counted(plan.figures.newest_deleted));
  add("overdue", plan.figures.longest_overdue);
  for (const auto& [code, time] : plan.figures.oldest_unknown) {
    text += "unknown " + code + " " + to_rfc3339(time) + "\n";
  }
  return text;
}

/// A plan, and how many rows with a bad time it met.
struct Planned {
  RunPlan plan;
  std::int64_t met = 0;
};

Planned plan_of(JobWorld& world, const PlanOptions& options) {
  const auto database = world.open();
  const PolicyState policy = read_policy_state(*database, world.settings(), kTonight);
  DecisionContext context{
      *database, world.settings(), policy, {.system_now = kTonight, .as_of = kTonight}};
  Planned planned{.plan = make_plan(*database, context, options)};
  const auto write = database->begin_write(Durability::normal);
  planned.met = database->first_seen().record_met(kTonight, 0);
  return planned;
}

}  // namespace

TEST_CASE("two threads make the plan that one makes", "[plan]") {
  RandomLogs logs;
  std::int64_t met = 0;
  for (int round = 0; round < 8; ++round) {
    CAPTURE(round);
    JobWorld world;
    use_rules(world);
    world.sql(logs.rows(300));
    Planned alone = plan_of(world, {});
    WatchedReader reader{world};
    Planned shared = plan_of(world, {.open_reader = reader.opener(), .worth_a_thread = 1});
    CHECK(reader.count("read_rows") > 0);
    CHECK(reader.count("count_groups_of") == 1);
    CHECK(told(shared.plan) == told(alone.plan));
    CHECK((shared.plan.figures.newest_time == alone.plan.figures.newest_time));
    CHECK((shared.plan.figures.oldest_time == alone.plan.figures.oldest_time));
    CHECK(shared.met == alone.met);
    met += shared.met;
    Planned few = plan_of(world, {.open_reader = reader.opener(), .worth_a_thread = 1000});
    CHECK(told(few.plan) == told(alone.plan));
  }
  CHECK(met > 0);
}

TEST_CASE("where somebody commits between two snapshots, one thread makes the plan", "[plan]") {
  RandomLogs logs;
  JobWorld world;
  use_rules(world);
  world.sql(logs.rows(300));
  Planned alone = plan_of(world, {});
  WatchedReader reader{world};
  // The plan's snapshot has begun, and still has the rows.
  reader.when("begin_read", [&world] { world.sql("DELETE FROM audit_events WHERE id % 2 = 0"); });
  Planned shared = plan_of(world, {.open_reader = reader.opener(), .worth_a_thread = 1});
  CHECK(told(shared.plan) == told(alone.plan));
  CHECK(reader.count("read_rows") == 0);
  CHECK(world.number("SELECT count(*) FROM audit_events") < alone.plan.figures.rows_before);
}

TEST_CASE("a second thread that fails takes nothing with it", "[plan]") {
  RandomLogs logs;
  JobWorld world;
  use_rules(world);
  world.sql(logs.rows(300));
  Planned alone = plan_of(world, {});
  WatchedReader reader{world};
  const std::string step = GENERATE("read_rows", "count_groups_of", "begin_read");
  reader.when(step, [] { throw StorageError(StorageTrouble::other, "no luck"); });
  Planned shared = plan_of(world, {.open_reader = reader.opener(), .worth_a_thread = 1});
  CHECK(told(shared.plan) == told(alone.plan));
  CHECK(shared.met == alone.met);
  const OpenReader none = []() -> std::unique_ptr<Database> {
    throw StorageError(StorageTrouble::busy, "not now");
  };
  shared = plan_of(world, {.open_reader = none, .worth_a_thread = 1});
  CHECK(told(shared.plan) == told(alone.plan));
}

TEST_CASE("a plan that is told to stop stops in both threads", "[plan]") {
  RandomLogs logs;
  JobWorld world;
  use_rules(world);
  world.sql(logs.rows(300));
  WatchedReader reader{world};
  StopFlag stop;
  const std::string step = GENERATE("read_rows", "count_groups_of");
  reader.when(step, [&stop] { stop.raise(); });
  const Planned shared =
      plan_of(world, {.stop = &stop, .open_reader = reader.opener(), .worth_a_thread = 1});
  CHECK(reader.count("read_rows") <= 1);
  CHECK(reader.count("count_groups_of") == 1);
  CHECK((shared.plan.stopped ||
         shared.plan.figures.rows_before == world.number("SELECT count(*) FROM audit_events")));
}

TEST_CASE("rows that the index had not counted are no plan", "[plan]") {
  JobWorld world;
  world.add_rows(10);
  const auto database = world.open();
  const PolicyState policy = read_policy_state(*database, world.settings(), kTonight);
  const DecisionContext context{
      *database, world.settings(), policy, {.system_now = kTonight, .as_of = kTonight}};
  const auto counted = [&](int unread) {
    PlanCounter counter{context};
    const RowKey key = RowKey::integer(1);
    const RowFacts row{.key = &key,
                       .time = to_unix_ms(kTonight),
                       .code = "ACCOUNT_PROFILE_UPDATE",
                       .tenant = "acme"};
    const Decision decision = decide(row, context.frame());
    (void)counter.add_unread({.code = row.code, .tenant = row.tenant, .rows = unread});
    counter.add(row, decision, /*unread_before=*/true);
    counter.add({.key = &key, .time = StoredView{}, .code = row.code, .tenant = row.tenant},
                decide({.key = &key, .code = row.code, .tenant = row.tenant}, context.frame()),
                /*unread_before=*/true);
    return counter.finish();
  };
  CHECK(counted(3).rows_before == 3);
  CHECK_THROWS_WITH(counted(0), Catch::Matchers::Contains("acme"));
}

// SPDX-License-Identifier: Apache-2.0
#include "jobs/run_plan.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "tests/jobs/log_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// What planning needs of one database.
class PlanBench {
 public:
  explicit PlanBench(const JobWorld& world, const Settings& settings)
      : settings_(settings),
        database_(world.open()),
        policy_(read_policy_state(*database_, settings_, kTonight)),
        context_(*database_, settings_, policy_, {.system_now = kTonight, .as_of = kTonight}) {}

  RunPlan plan(const PlanOptions& options = {}) { return make_plan(*database_, context_, options); }
  [[nodiscard]] DecisionContext& context() { return context_; }
  [[nodiscard]] Database& database() { return *database_; }
  [[nodiscard]] const PolicyState& policy() const { return policy_; }

 private:
  const Settings& settings_;
  std::unique_ptr<Database> database_;
  PolicyState policy_;
  DecisionContext context_;
};

/// Windows, floors, tenants and an alias, so that most reasons come up.
void use_many_rules(JobWorld& world) {
  Settings& settings = world.settings();
  settings.retention.category["mfa"] = keep_for("1 month");
  settings.retention.category["sessions"] = keep_for("forever");
  settings.retention.code["ACCOUNT_PAT_CREATED"] = {.window = window("1 month"),
                                                    .at_least = window("10 years")};
  settings.retention.tenant["acme"].category["mfa"] = keep_for("13 months");
  settings.retention.tenant["globex"].category["scim"] = keep_for("1 month");
  settings.retention.tenant[""].code["ACCOUNT_PROFILE_UPDATE"] = keep_for("1 month");
  settings.retention.presets = {preset("13 months", {"mfa"})};
  settings.safety.limit_min_rows = 5;
  REQUIRE(settings.catalogue.add_alias("V1", "ACCOUNT_MFA_ENROLLED").has_value());
  world.place({.persons = {"bob"}});
  world.place({.tenants = {"globex"}, .from = at("2020-01-01"), .until = at("2021-01-01")});
  world.place({.codes = {"V1"}, .event_ids = {"5", "6", "7", "8"}});
}

}  // namespace

TEST_CASE("the plan by index and the plan by one pass are the same plan", "[plan]") {
  RandomLogs logs;
  ReasonCounts seen;
  for (int round = 0; round < 12; ++round) {
    CAPTURE(round);
    JobWorld world;
    use_many_rules(world);
    world.sql(logs.rows(250));
    PlanBench bench{world, world.settings()};
    RunPlan by_index = bench.plan();
    REQUIRE_FALSE(by_index.figures.one_pass);
    std::map<std::string, Reason> each;
    RunPlan by_pass = bench.plan({.each_row = [&each](const RowKey& key, Reason reason) {
      CHECK(each.emplace(key.display(), reason).second);
    }});
    REQUIRE(by_pass.figures.one_pass);
    CHECK(digest_of(by_index) == digest_of(by_pass));
    CHECK((by_index.figures.newest_time == by_pass.figures.newest_time));
    CHECK((by_index.figures.oldest_time == by_pass.figures.oldest_time));
    CHECK_FALSE(by_index.figures.oldest_time.empty());
    CHECK(static_cast<std::int64_t>(each.size()) == by_pass.figures.rows_before);
    CHECK(by_index.figures.rows_before == world.number("SELECT count(*) FROM audit_events"));
    seen += by_index.figures.tally.totals();
  }
  // The draws are only worth something where the reasons come up.
  for (const Reason reason : {Reason::bad_time,
                              Reason::unknown_code,
                              Reason::no_policy,
                              Reason::window,
                              Reason::hold,
                              Reason::row_stamp,
                              Reason::floor,
                              Reason::code_floor,
                              Reason::expired}) {
    CAPTURE(reason);
    CHECK(seen[reason] > 0);
  }
}

TEST_CASE("a plan in rollback-journal mode is the same plan", "[plan]") {
  RandomLogs logs;
  JobWorld world;
  use_many_rules(world);
  world.sql(logs.rows(250));
  std::string in_wal;
  {
    PlanBench bench{world, world.settings()};
    RunPlan plan = bench.plan();
    in_wal = digest_of(plan);
  }
  world.sql("PRAGMA journal_mode = DELETE");
  REQUIRE(world.ask("PRAGMA journal_mode") == "delete");
  PlanBench bench{world, world.settings()};
  RunPlan plan = bench.plan();
  CHECK(plan.figures.one_pass);
  CHECK(digest_of(plan) == in_wal);
}

TEST_CASE("a plan without the index is the same plan", "[plan]") {
  RandomLogs logs;
  JobWorld world;
  use_many_rules(world);
  world.sql(logs.rows(250));
  std::string with_index;
  {
    PlanBench bench{world, world.settings()};
    RunPlan plan = bench.plan();
    with_index = digest_of(plan);
  }
  world.sql("DROP INDEX audit_events_code_time");
  PlanBench bench{world, world.settings()};
  RunPlan plan = bench.plan();
  CHECK(plan.figures.one_pass);
  CHECK(digest_of(plan) == with_index);
}

TEST_CASE("the keys of a plan are the rows that its decisions delete", "[plan]") {
  RandomLogs logs;
  JobWorld world;
  use_many_rules(world);
  world.sql(logs.rows(300));
  PlanBench bench{world, world.settings()};
  RunPlan plan = bench.plan();
  std::int64_t expired = 0;
  bench.database().audit_log().scan_all(
      {}, std::chrono::milliseconds{50}, [&](const RowFacts& row) {
        const bool deletes = bench.context().decide_row(row).deletes();
        expired += deletes ? 1 : 0;
        CHECK(plan.keys->contains(*row.key) == deletes);
      });
  CHECK(plan.keys->size() == expired);
  CHECK(plan.figures.tally.totals().deleted() == expired);
}

TEST_CASE("rows above the highest key are not looked at", "[plan]") {
  JobWorld world;
  world.add_rows(5);
  world.add_rows(5, {.time = "'soon'"});
  PlanBench bench{world, world.settings()};
  CHECK(bench.plan({.highest_key = 4}).figures.rows_before == 4);
  CHECK(bench.plan({.highest_key = 4}).keys->size() == 4);
  CHECK(bench.plan({.highest_key = 7}).figures.bad_times == 2);
  CHECK(bench.plan({.nothing_there = true}).figures.rows_before == 0);
  CHECK(bench.plan().highest_key == 10);
}

TEST_CASE("every category with a policy appears, also without a row", "[plan]") {
  const JobWorld world;
  Settings settings = small_settings();
  settings.retention.tenant["acme"].category["mfa"] = keep_for("1 year");
  PlanBench bench{world, settings};
  const RunPlan plan = bench.plan();
  CHECK(plan.figures.tally.places().contains(
      TallyPlaceView{.tenant = std::nullopt, .category = "account"}));
  CHECK(plan.figures.tally.places().contains(TallyPlaceView{.tenant = "acme", .category = "mfa"}));
  CHECK(plan.figures.rows_before == 0);
  CHECK(plan.keys->size() == 0);
}

TEST_CASE("the limit begins at its number of rows and ends at its share", "[plan]") {
  struct Line {
    int due;
    int not_due;
    bool over;
  };
  for (const Line& line : {Line{20, 80, false},
                           Line{21, 79, true},
                           Line{99, 0, false},
                           Line{100, 0, true},
                           Line{0, 200, false}}) {
    CAPTURE(line.due, line.not_due);
    JobWorld world;
    world.settings().safety.limit_min_rows = 100;
    if (line.due > 0) {
      world.add_rows(line.due);
    }
    if (line.not_due > 0) {
      world.add_rows(line.not_due, {.time = sql_time("2026-11-01")});
    }
    PlanBench bench{world, world.settings()};
    CHECK(bench.plan().figures.over_limit.empty() != line.over);
  }
}

TEST_CASE("the limit counts the rows of a tenant that is stored in two ways", "[plan]") {
  JobWorld world;
  world.settings().safety.limit_min_rows = 4;
  world.add_rows(2, {.tenant = "'41'"});
  world.add_rows(2, {.tenant = "x'41'"});
  PlanBench bench{world, world.settings()};
  RunPlan plan = bench.plan();
  REQUIRE_FALSE(plan.figures.one_pass);
  CHECK(plan.figures.rows_before == 4);
  REQUIRE(plan.figures.over_limit.size() == 1);
  CHECK(plan.figures.over_limit.front().rows == 4);
}

TEST_CASE("a category that is limited stays whole and is still listed", "[plan]") {
  JobWorld world;
  world.settings().safety.limit_min_rows = 10;
  world.add_rows(10);
  PlanBench bench{world, world.settings()};
  const RunPlan first = bench.plan();
  REQUIRE(first.figures.over_limit.size() == 1);
  bench.context().close_limit_gate(places_over_limit(first.figures));
  const RunPlan second = bench.plan();
  CHECK(second.keys->size() == 0);
  CHECK(second.figures.tally.totals()[Reason::limit] == 10);
  CHECK(second.figures.over_limit.size() == 1);
}

TEST_CASE("the digest of a plan is bound to everything that decides", "[plan]") {
  JobWorld world;
  world.add_rows(10);
  const auto digest = [&world](const Settings& settings) {
    PlanBench bench{world, settings};
    const RunPlan plan = bench.plan();
    return plan_digest(bench.database(), bench.policy(), bench.context(), *plan.keys);
  };
  const std::string before = digest(world.settings());
  CHECK(before.size() == 64);
  CHECK(digest(world.settings()) == before);
  SECTION("a row more") {
    world.add_rows(1);
    CHECK(digest(world.settings()) != before);
  }
  SECTION("a row more that is not due") {
    world.add_rows(1, {.time = sql_time("2026-11-01")});
    CHECK(digest(world.settings()) == before);
  }
  SECTION("a hold that covers nothing") {
    world.place({.subjects = {"nobody"}});
    CHECK(digest(world.settings()) != before);
  }
  SECTION("a policy for another category") {
    Settings settings = world.settings();
    settings.retention.category["mfa"] = keep_for("1 year");
    CHECK(digest(settings) != before);
  }
  SECTION("another database") {
    world.sql("UPDATE holdfast_meta SET value = 'another' WHERE key = 'database_id'");
    CHECK(digest(world.settings()) != before);
  }
}

TEST_CASE("a hold is counted with every row that it keeps", "[plan][hold]") {
  JobWorld world;
  world.add_rows(3, {.subject = "'bob'"});
  world.add_rows(2, {.time = sql_time("2026-11-01"), .subject = "'bob'"});
  world.add_rows(4);
  world.place({.persons = {"bob"}});
  world.place({.tenants = {"acme"}});
  PlanBench bench{world, world.settings()};
  CHECK(bench.plan().figures.kept_by_hold == std::map<std::int64_t, std::int64_t>{{1, 3}, {2, 7}});
}

TEST_CASE("too many bad times are more than the share of all rows", "[plan]") {
  PlanFigures figures;
  figures.rows_before = 1000;
  const SafetyPolicy one_percent{.max_bad_time_share_ppm = 10'000};
  figures.bad_times = 10;
  CHECK_FALSE(too_many_bad_times(figures, one_percent));
  figures.bad_times = 11;
  CHECK(too_many_bad_times(figures, one_percent));
  CHECK_FALSE(too_many_bad_times(PlanFigures{}, one_percent));
  figures.bad_times = 1;
  CHECK(too_many_bad_times(figures, {.max_bad_time_share_ppm = 0}));
}

TEST_CASE("a row that says how a run ended is no sign of life of the log", "[plan]") {
  JobWorld world;
  world.add_rows(3, {.time = sql_time("2026-11-01"), .tenant = "NULL"});
  world.add_rows(9, {.time = sql_time("2026-11-22"), .code = "AUDIT_PRUNE_RUN_COMPLETED"});
  PlanBench bench{world, world.settings()};
  CHECK((bench.plan().figures.newest_time == at("2026-11-01")));
  const RunPlan by_pass = bench.plan({.each_row = [](const RowKey&, Reason) {
  }});
  CHECK((by_pass.figures.newest_time == at("2026-11-01")));
}

TEST_CASE("a plan ends soon after it is told to stop", "[plan]") {
  JobWorld world;
  world.add_rows(3000);
  PlanBench bench{world, world.settings()};
  StopFlag stop;
  int seen = 0;
  const RunPlan by_pass = bench.plan({.each_row =
                                          [&](const RowKey&, Reason) {
                                            if (++seen == 1000) {
                                              stop.raise();
                                            }
                                          },
                                      .stop = &stop});
  CHECK(by_pass.stopped);
  CHECK(seen < 1500);
  CHECK(bench.plan({.stop = &stop}).stopped);
  const RunPlan whole = bench.plan();
  CHECK_FALSE(whole.stopped);
  CHECK(whole.keys->size() == 3000);
}

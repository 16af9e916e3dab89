// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/json_text.h"
#include "jobs/plan_desk.h"
#include "jobs/prune_run.h"
#include "tests/jobs/failing_database.h"
#include "tests/jobs/job_world.h"
#include "tests/jobs/run_checks.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;

TEST_CASE("a run that is stopped is interrupted after its slice", "[run]") {
  JobWorld world;
  world.add_rows(300);
  world.observer().after_first_slice([&world] { world.stop().raise(); });
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::interrupted));
  CHECK(report.figures.totals.deleted() > 0);
  CHECK(report.figures.totals[Reason::not_reached] == 300 - report.figures.totals.deleted());
  check_sums(report);
  CHECK(world.rows() == 300 - report.figures.totals.deleted());
  CHECK(world.own_events() == kCompleted);
  CHECK(newest_line(world, "outcome") == "interrupted");
}

TEST_CASE("a run that is stopped while it plans ends there and deletes nothing", "[run]") {
  JobWorld world;
  world.add_rows(300);
  world.stop().raise();
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::interrupted));
  CHECK(report.figures.totals[Reason::not_reached] == 300);
  check_sums(report);
  CHECK(world.rows() == 300);
  CHECK(world.own_events() == kCompleted);
  CHECK(newest_line(world, "outcome || ' ' || phase") == "interrupted planning");
  CHECK_THAT(world.observer().warnings(), Catch::Contains("stopped_while_planning"));
}

TEST_CASE("a run that breaks off is failed and says what it had deleted", "[run][fault]") {
  JobWorld world;
  world.add_rows(300);
  const auto real = world.open();
  FaultPlan faults{FaultPlan::Lasting::once};
  FailingDatabase database{*real, faults};
  world.observer().after_first_slice([&faults] { faults.strike_after(5); });
  const RunReport report = world.run_on(database, kTonight);
  REQUIRE(faults.struck());
  CHECK((report.outcome == Outcome::failed));
  CHECK(reason_of(report) == "disk_full");
  CHECK(report.figures.totals.deleted() > 0);
  check_sums(report);
  CHECK(world.rows() == 300 - report.figures.totals.deleted());
  CHECK(world.own_events() == kFailed);
  CHECK(newest_line(world, "outcome || ' ' || error_reason") == "failed disk_full");
  CHECK(newest_line(world, "deleted") == std::to_string(report.figures.totals.deleted()));
  CHECK(world.outcomes() == "failed ");
}

TEST_CASE("an invalid configuration is recorded and nothing else is touched", "[run]") {
  JobWorld world;
  world.add_rows(20);
  const auto database = world.open();
  const FixedClock clock{kTonight};
  const RunReport report = PruneRun::record_invalid({.database = *database,
                                                     .clock = clock,
                                                     .observer = world.observer(),
                                                     .stop = world.stop(),
                                                     .started_by = "cron",
                                                     .host = "here",
                                                     .process = 1},
                                                    {.reason = "config", .message = "no such key"});
  CHECK((report.outcome == Outcome::invalid));
  CHECK(report.figures.rows_before == 20);
  check_sums(report);
  CHECK(world.rows() == 20);
  CHECK(world.own_events() == kFailed);
  CHECK(newest_line(world, "outcome || ' ' || error_message") == "invalid no such key");
  CHECK(clocks(world) == 0);
}

TEST_CASE("a policy that shortens what is locked is invalid and deletes nothing", "[run][lock]") {
  JobWorld world;
  world.settings().retention.category["account"] = locked_for("24 months");
  CHECK((world.run().outcome == Outcome::completed));
  world.add_rows(20);
  world.settings().retention.category["account"] = keep_for("1 day");
  const RunReport report = world.run(kTonight + hours{24});
  CHECK((report.outcome == Outcome::invalid));
  CHECK(reason_of(report) == "policy_locked");
  check_sums(report);
  CHECK(world.rows() == 20);
  CHECK(world.own_events() == std::string(kCompleted) + kFailed);
  // A violation is no version: the lock is not worn down by trying again.
  CHECK((world.run(kTonight + hours{24 * 30}).outcome == Outcome::invalid));
  CHECK(world.number("SELECT count(*) FROM holdfast_policy") == 1);
}

TEST_CASE("a shorter window waits for its delay, a longer one does not", "[run][versions]") {
  JobWorld world;
  world.settings().retention.category["account"] = keep_for("10 years");
  CHECK((world.run().outcome == Outcome::completed));
  world.add_rows(20);
  world.settings().retention.category["account"] = keep_for("13 months");
  const Instant edited = kTonight + hours{24};
  const RunReport waiting = world.run(edited);
  CHECK(waiting.figures.totals[Reason::policy_delay] == 20);
  CHECK(world.own_events() ==
        std::string(kCompleted) + "TENANT_AUDIT_RETENTION_POLICY_UPDATED " + kCompleted);
  CHECK(world.run(edited + hours{24 * 7}).figures.totals[Reason::policy_delay] == 20);
  SECTION("until it is over") {
    CHECK(world.run(edited + hours{24 * 8}).figures.totals.deleted() == 20);
  }
  SECTION("and a longer one comes first at once") {
    world.settings().retention.category["account"] = keep_for("forever");
    CHECK(world.run(edited + hours{24 * 8}).figures.totals[Reason::window] == 20);
  }
}

TEST_CASE("a run that was found dead is closed exactly once", "[run]") {
  JobWorld world;
  world.add_rows(300);
  {
    const auto real = world.open();
    FaultPlan faults{FaultPlan::Lasting::for_good};
    FailingDatabase database{*real, faults};
    world.observer().after_first_slice([&faults] { faults.strike_after(5); });
    const RunReport report = world.run_on(database, kTonight);
    CHECK((report.outcome == Outcome::failed));
    CHECK_THAT(report.error->message, Catch::Contains("could not be closed in the ledger"));
  }
  CHECK(world.outcomes() == "open ");
  CHECK(world.own_events().empty());
  const std::int64_t deleted = 300 - world.rows();
  REQUIRE(deleted > 0);

  const RunReport next = world.run(kTonight + hours{24});
  CHECK(next.closed_dead_runs == std::vector<std::int64_t>{1});
  CHECK((next.outcome == Outcome::completed));
  check_sums(next);
  CHECK(world.rows() == 0);
  CHECK(world.outcomes() == "failed completed ");
  CHECK(world.own_events() == std::string(kFailed) + kCompleted);
  CHECK(world.ask("SELECT error_reason || ' ' || deleted FROM holdfast_run WHERE id = 1") ==
        "found_dead " + std::to_string(deleted));

  const RunReport third = world.run(kTonight + hours{48});
  CHECK(third.closed_dead_runs.empty());
  CHECK(world.outcomes() == "failed completed completed ");
  CHECK(world.own_events() == std::string(kFailed) + kCompleted + kCompleted);
}

TEST_CASE("a dead run is closed by a run that is refused as well", "[run]") {
  JobWorld world;
  {
    const auto database = world.open();
    in_write(*database, [&] {
      (void)database->ledger().open({.opened_at = kTonight, .as_of = kTonight});
      database->ledger().store_clock({.system_now = kTonight, .as_of = kTonight}, "test");
    });
  }
  CHECK((world.run(kTonight - hours{24}).outcome == Outcome::refused));
  CHECK(world.outcomes() == "failed refused ");
  CHECK(world.own_events() == std::string(kFailed) + kFailed);
}

TEST_CASE("wherever a run breaks off, the next one finishes and no row is lost or counted twice",
          "[run][fault]") {
  const auto lasting = GENERATE(FaultPlan::Lasting::once, FaultPlan::Lasting::for_good);
  int strikes = 0;
  for (int at_write = 1; at_write < 300; ++at_write) {
    CAPTURE(at_write);
    JobWorld world;
    world.add_rows(2);
    world.add_rows(3, {.subject = "'bob'"});
    world.add_rows(2, {.time = sql_time("2026-11-01")});
    world.place({.subjects = {"bob"}});
    {
      const auto real = world.open();
      FaultPlan faults{at_write, lasting};
      FailingDatabase database{*real, faults};
      check_sums(world.run_on(database, kTonight));
      if (!faults.struck()) {
        break;
      }
    }
    ++strikes;
    const std::int64_t attested =
        world.number("SELECT coalesce(sum(deleted), 0) FROM holdfast_run_slice");
    CHECK(world.rows() == 7 - attested);

    const RunReport report = world.run(kTonight + hours{24});
    CHECK((report.outcome == Outcome::completed));
    CHECK(report.figures.totals.deleted() == 2 - attested);
    CHECK(world.rows() == 5);
    CHECK(world.number("SELECT count(*) FROM audit_events WHERE subject = 'bob'") == 3);
    CHECK(world.number("SELECT sum(deleted) FROM holdfast_run_slice") == 2);
    CHECK(world.number("SELECT sum(deleted) FROM holdfast_run") == 2);
    // One line and one audit row for each run that the ledger knows.
    CHECK(world.number("SELECT count(*) FROM holdfast_run WHERE outcome IS NULL") == 0);
    CHECK(world.number("SELECT count(*) FROM audit_events WHERE code LIKE 'AUDIT@_PRUNE%' "
                       "ESCAPE '@'") == world.number("SELECT count(*) FROM holdfast_run"));
  }
  CHECK(strikes > 30);
}

TEST_CASE("a row that somebody else deletes during the run fails the reconciliation", "[run]") {
  JobWorld world;
  world.add_rows(300);
  world.observer().after_first_slice(
      [&world] { world.sql("DELETE FROM audit_events WHERE id = 300"); });
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::failed));
  CHECK(reason_of(report) == "reconciliation");
  CHECK(report.vanished == 1);
  CHECK(report.figures.totals.deleted() == 299);
  check_sums(report);
  CHECK(world.own_events() == kFailed);
}

TEST_CASE("rows that come during the run are not looked at and counted as appended", "[run]") {
  JobWorld world;
  world.add_rows(60);
  world.observer().after_first_slice([&world] { world.add_rows(4); });
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::completed));
  CHECK(report.figures.rows_before == 60);
  CHECK(report.figures.totals.deleted() == 60);
  CHECK(report.appended == 5);
  CHECK(report.rows_after == 5);
  CHECK(world.rows() == 4);
}

TEST_CASE("a policy version that cannot be read fails the run and deletes nothing", "[run]") {
  JobWorld world;
  CHECK((world.run().outcome == Outcome::completed));
  world.add_rows(20);
  world.sql("UPDATE holdfast_policy SET document = '{}'");
  const RunReport report = world.run(kTonight + hours{24});
  CHECK((report.outcome == Outcome::failed));
  check_sums(report);
  CHECK(world.rows() == 20);
  CHECK(world.own_events() == std::string(kCompleted) + kFailed);
}

TEST_CASE("a hold that cannot be read fails the run and deletes nothing", "[run][hold]") {
  JobWorld world;
  world.add_rows(20);
  world.place({.subjects = {"bob"}});
  world.sql("UPDATE holdfast_hold SET kind = 'legel'");
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::failed));
  check_sums(report);
  CHECK(world.rows() == 20);
  CHECK(world.own_events() == kFailed);
}

TEST_CASE("a log that has been quiet for more than a week is doubted", "[run][clock]") {
  JobWorld world;
  SECTION("7 days") {
    world.add_rows(1, {.time = sql_time("2026-11-16T03:00:00Z")});
    (void)world.run();
    CHECK(world.observer().warnings().empty());
  }
  SECTION("1 ms more") {
    world.add_rows(1, {.time = sql_time("2026-11-16T02:59:59.999Z")});
    (void)world.run();
    CHECK_THAT(world.observer().warnings(), Catch::Contains("log_idle_or_clock_ahead"));
  }
}

TEST_CASE("Holdfast's own rows do not make a quiet log look alive", "[run][clock]") {
  JobWorld world;
  world.add_rows(1, {.time = sql_time("2026-11-16T02:00:00Z")});
  (void)world.run(kTonight - hours{3});
  CHECK(world.observer().warnings().empty());
  (void)world.run();
  CHECK_THAT(world.observer().warnings(),
             Catch::Contains("log_idle_or_clock_ahead") && Catch::Contains("2026-11-16T02:00:00Z"));
}

TEST_CASE("what an audit row says of a run is in the ledger as well", "[run]") {
  JobWorld world;
  world.add_rows(20);
  (void)world.run();
  const auto event = nlohmann::json::parse(
      world.ask("SELECT metadata FROM audit_events WHERE code = 'AUDIT_PRUNE_RUN_COMPLETED'"));
  const auto record = nlohmann::json::parse(newest_line(world, "record"));
  for (const char* field :
       {"run_id", "outcome", "rows_before", "deleted", "kept", "as_of", "rows_remaining"}) {
    CAPTURE(field);
    CHECK(event.at(field) == record.at(field));
  }
  CHECK(event.at("run_id") == 1);
  CHECK(event.at("deleted") == 20);
}

// SPDX-License-Identifier: Apache-2.0
#include "jobs/prune_run.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/json_text.h"
#include "jobs/plan_desk.h"
#include "tests/jobs/failing_database.h"
#include "tests/jobs/job_world.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

constexpr const char* kCompleted = "AUDIT_PRUNE_RUN_COMPLETED ";
constexpr const char* kFailed = "AUDIT_PRUNE_RUN_FAILED ";

/// What holds for every run, however it ended.
void check_sums(const RunReport& report) {
  const ReasonCounts& totals = report.figures.totals;
  CHECK(totals.deleted() + totals.kept() == report.figures.rows_before);
  for (const CategoryLine& line : report.figures.categories) {
    for (const Reason reason : kAllReasons) {
      CAPTURE(line.place.category, reason);
      CHECK(line.counts[reason] >= 0);
    }
  }
  const auto json = report_json(report);
  CHECK(json.at("deleted").get<std::int64_t>() + json.at("kept").get<std::int64_t>() ==
        json.at("rows_before").get<std::int64_t>());
  std::int64_t kept = 0;
  for (const auto& [reason, rows] : json.at("kept_by_reason").items()) {
    kept += rows.get<std::int64_t>();
  }
  CHECK(kept == json.at("kept").get<std::int64_t>());
}

std::string reason_of(const RunReport& report) {
  return report.error ? report.error->reason : "";
}

/// The first column of the ledger's newest line.
std::string newest_line(const JobWorld& world, const std::string& column) {
  return world.ask("SELECT " + column + " FROM holdfast_run ORDER BY id DESC LIMIT 1");
}

std::int64_t clocks(const JobWorld& world) {
  return world.number("SELECT count(*) FROM holdfast_clock");
}

Desk desk_of(JobWorld& world, Database& database, const std::string& who) {
  return {.database = database,
          .settings = world.settings(),
          .now = kTonight,
          .who = who,
          .observer = world.observer()};
}

std::string save_plan(JobWorld& world) {
  const auto database = world.open();
  return show_plan(desk_of(world, *database, ""), {.save = true}).at("digest").get<std::string>();
}

void approve(JobWorld& world, const std::string& digest) {
  const auto database = world.open();
  (void)approve_plan(desk_of(world, *database, "alice"), digest);
}

}  // namespace

TEST_CASE("a run that deletes all that is due is completed", "[run]") {
  JobWorld world;
  world.add_rows(40);
  world.add_rows(3, {.time = sql_time("2026-11-01")});
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::completed));
  CHECK_FALSE(report.error.has_value());
  CHECK(report.figures.rows_before == 43);
  CHECK(report.figures.totals.deleted() == 40);
  CHECK(report.figures.totals[Reason::window] == 3);
  CHECK(report.rows_remaining == 0);
  CHECK(report.rows_after == 4);
  CHECK(report.appended == 1);
  check_sums(report);
  CHECK(world.rows() == 3);
  CHECK(world.own_events() == kCompleted);
  CHECK(world.outcomes() == "completed ");
  CHECK(newest_line(world, "deleted") == "40");
  CHECK(newest_line(world, "closed_at_ms") == std::to_string(to_unix_ms(kTonight)));
}

TEST_CASE("a run that finds nothing to do is completed", "[run]") {
  JobWorld world;
  SECTION("an empty log") {
    CHECK(world.run().figures.rows_before == 0);
  }
  SECTION("nothing due") {
    world.add_rows(3, {.time = sql_time("2026-11-01")});
    CHECK(world.run().figures.rows_before == 3);
  }
  CHECK(world.outcomes() == "completed ");
  CHECK(world.own_events() == kCompleted);
}

TEST_CASE("a run that uses its rows up is partial, and the next goes on", "[run]") {
  JobWorld world;
  world.add_rows(50);
  world.settings().run.max_rows = 20;
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::partial));
  CHECK(report.figures.totals.deleted() == 20);
  CHECK(report.figures.totals[Reason::not_reached] == 30);
  CHECK(report.rows_remaining == 30);
  check_sums(report);
  CHECK(world.rows() == 30);
  CHECK(world.own_events() == kCompleted);
  CHECK(newest_line(world, "outcome") == "partial");

  world.settings().run.max_rows = 0;
  CHECK((world.run(kTonight + hours{24}).outcome == Outcome::completed));
  CHECK(world.rows() == 0);
}

TEST_CASE("a run that uses its time up is partial after one slice", "[run]") {
  JobWorld world;
  world.add_rows(300);
  world.settings().run.max_time = milliseconds{0};
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::partial));
  CHECK(report.slices == 1);
  CHECK(report.figures.totals.deleted() > 0);
  CHECK(report.rows_remaining == 300 - report.figures.totals.deleted());
  check_sums(report);
  CHECK(world.rows() == report.rows_remaining);
}

TEST_CASE("a category over the limit is left whole and the rest is pruned", "[run]") {
  JobWorld world;
  world.settings().safety.limit_min_rows = 10;
  world.settings().retention.category["mfa"] = keep_for("13 months");
  const LogRow enrolled{.code = "ACCOUNT_MFA_ENROLLED"};
  world.add_rows(3);
  world.add_rows(7, {.time = sql_time("2026-11-01")});
  world.add_rows(2, {.time = enrolled.time, .code = enrolled.code});
  world.add_rows(8, {.time = sql_time("2026-11-01"), .code = enrolled.code});
  world.add_rows(9, {.tenant = "'globex'"});
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::limited));
  // 3 of 10 are over a fifth, 2 of 10 are not, and 9 rows are below limit_min_rows.
  REQUIRE(report.over_limit.size() == 1);
  CHECK(report.over_limit.front().place == TallyPlace{.tenant = "acme", .category = "account"});
  CHECK(report.over_limit.front().rows == 10);
  CHECK(report.over_limit.front().due == 3);
  CHECK(report.figures.totals.deleted() == 11);
  CHECK(report.figures.totals[Reason::limit] == 3);
  check_sums(report);
  CHECK(world.rows() == 18);
  CHECK(world.own_events() == kCompleted);
  CHECK(newest_line(world, "outcome") == "limited");
  CHECK((exit_status(report.outcome) == ExitStatus::refused));
}

TEST_CASE("held rows do not count as due for the limit", "[run]") {
  JobWorld world;
  world.settings().safety.limit_min_rows = 10;
  world.add_rows(2);
  world.add_rows(8, {.subject = "'bob'"});
  world.place({.subjects = {"bob"}});
  CHECK((world.run().outcome == Outcome::completed));
  CHECK(world.rows() == 8);
}

TEST_CASE("a first run that nobody approved is refused and deletes nothing", "[run]") {
  JobWorld world;
  world.add_rows(20);
  world.settings().safety.first_run_needs_approval = true;
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::refused));
  CHECK(reason_of(report) == "first_run_not_approved");
  CHECK(report.figures.totals[Reason::limit] == 20);
  check_sums(report);
  CHECK(world.rows() == 20);
  CHECK(world.own_events() == kFailed);
  CHECK(newest_line(world, "outcome || ' ' || error_reason") == "refused first_run_not_approved");
  CHECK(clocks(world) == 1);

  SECTION("and so is the one after it") {
    CHECK((world.run(kTonight + hours{24}).outcome == Outcome::refused));
    CHECK(world.rows() == 20);
  }
  SECTION("until its plan is approved") {
    approve(world, save_plan(world));
    const RunReport approved = world.run(kTonight + minutes{1});
    CHECK((approved.outcome == Outcome::completed));
    CHECK(approved.approved_by == "alice");
    CHECK(world.rows() == 0);
    CHECK(world.number("SELECT count(*) FROM holdfast_approval WHERE spent_at_ms IS NULL") == 0);
  }
}

TEST_CASE("a run under an approval deletes only what the plan has", "[run][approval]") {
  JobWorld world;
  world.settings().safety.first_run_needs_approval = true;
  world.add_rows(20);
  world.add_rows(5, {.subject = "'bob'"});
  approve(world, save_plan(world));
  world.add_rows(7);
  world.place({.subjects = {"bob"}});
  const RunReport report = world.run(kTonight + minutes{1});
  CHECK((report.outcome == Outcome::completed));
  CHECK(report.figures.totals.deleted() == 20);
  CHECK(report.figures.totals[Reason::hold] == 5);
  CHECK(report.figures.totals[Reason::limit] == 7);
  check_sums(report);
  CHECK(world.rows() == 12);
}

TEST_CASE("an approval keeps the cut-offs of its plan", "[run][approval]") {
  JobWorld world;
  world.settings().safety.first_run_needs_approval = true;
  world.add_rows(4, {.time = sql_time("2025-10-21T09:59:59.999Z")});
  world.add_rows(3, {.time = sql_time("2025-10-21T10:00:00Z")});
  approve(world, save_plan(world));
  const RunReport report = world.run(kTonight + hours{24 * 3});
  CHECK(report.figures.totals.deleted() == 4);
  CHECK(report.figures.totals[Reason::window] == 3);
  CHECK(report.clock.as_of == kTonight + hours{24 * 3});
  check_sums(report);
}

TEST_CASE("an approval lapses 7 days after it was given", "[run][approval]") {
  JobWorld world;
  world.settings().safety.first_run_needs_approval = true;
  world.add_rows(20);
  approve(world, save_plan(world));
  SECTION("7 days on it counts") {
    CHECK((world.run(kTonight + hours{24 * 7}).outcome == Outcome::completed));
  }
  SECTION("1 ms later it does not") {
    CHECK(reason_of(world.run(kTonight + hours{24 * 7} + milliseconds{1})) ==
          "first_run_not_approved");
    CHECK(world.rows() == 20);
  }
}

TEST_CASE("an approval of another policy does not count", "[run][approval]") {
  JobWorld world;
  world.settings().safety.first_run_needs_approval = true;
  world.add_rows(20);
  approve(world, save_plan(world));
  world.settings().retention.category["account"] = keep_for("1 day");
  CHECK(reason_of(world.run(kTonight + minutes{1})) == "first_run_not_approved");
  CHECK(world.rows() == 20);
}

TEST_CASE("a partial run does not spend its approval", "[run][approval]") {
  JobWorld world;
  world.settings().safety.first_run_needs_approval = true;
  world.add_rows(40);
  approve(world, save_plan(world));
  world.settings().run.max_rows = 10;
  CHECK((world.run(kTonight + minutes{1}).outcome == Outcome::partial));
  CHECK(world.number("SELECT count(*) FROM holdfast_approval WHERE spent_at_ms IS NULL") == 1);
  world.settings().run.max_rows = 0;
  const RunReport report = world.run(kTonight + hours{24});
  CHECK((report.outcome == Outcome::completed));
  CHECK(report.approved_by == "alice");
  CHECK(world.rows() == 0);
}

TEST_CASE("a clock that went back is refused and stores no clock", "[run][clock]") {
  JobWorld world;
  CHECK((world.run().outcome == Outcome::completed));
  REQUIRE(clocks(world) == 1);
  world.add_rows(20);
  const RunReport report = world.run(kTonight - minutes{5} - milliseconds{1});
  CHECK((report.outcome == Outcome::refused));
  CHECK(reason_of(report) == "clock_went_back");
  check_sums(report);
  CHECK(world.rows() == 20);
  CHECK(clocks(world) == 1);
  CHECK(world.own_events() == std::string(kCompleted) + kFailed);
  CHECK(newest_line(world, "error_reason") == "clock_went_back");
  CHECK((world.run(kTonight - minutes{5}).outcome == Outcome::completed));
  CHECK(world.rows() == 0);
}

TEST_CASE("a clock ten years ahead frees eight days of rows", "[run][clock]") {
  JobWorld world;
  CHECK((world.run().outcome == Outcome::completed));
  world.add_rows(2, {.time = sql_time("2025-10-29T09:59:59.999Z")});
  world.add_rows(5, {.time = sql_time("2025-10-29T10:00:00Z")});
  world.add_rows(9, {.time = sql_time("2026-11-01")});
  const RunReport report = world.run(at("2036-11-23"));
  CHECK(report.clock_clamped);
  CHECK(report.figures.totals.deleted() == 2);
  CHECK(report.clock.as_of == kTonight + hours{24 * 8});
  CHECK_THAT(world.observer().warnings(), Catch::Contains("clock_clamped"));
  CHECK(clocks(world) == 2);
  // And a loop of runs frees nothing more.
  for (int again = 1; again <= 3; ++again) {
    CHECK(world.run(at("2036-11-23")).figures.totals.deleted() == 0);
  }
  CHECK(world.rows() == 14);
}

TEST_CASE("more bad times than allowed are refused and nothing is recorded", "[run]") {
  JobWorld world;
  world.settings().safety.max_bad_time_share_ppm = 10'000;
  world.add_rows(98);
  world.add_rows(2, {.time = "'soon'"});
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::refused));
  CHECK(reason_of(report) == "bad_time_share");
  check_sums(report);
  CHECK(world.rows() == 100);
  CHECK(world.number("SELECT count(*) FROM holdfast_first_seen") == 0);
  CHECK(world.own_events() == kFailed);
}

TEST_CASE("a share of bad times that is just allowed is recorded", "[run]") {
  JobWorld world;
  world.settings().safety.max_bad_time_share_ppm = 20'000;
  world.add_rows(98);
  world.add_rows(2, {.time = "'soon'"});
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::completed));
  CHECK(report.figures.totals[Reason::bad_time] == 2);
  CHECK(world.rows() == 2);
  CHECK(world.number("SELECT count(*) FROM holdfast_first_seen WHERE seen_at_ms = " +
                     std::to_string(to_unix_ms(kTonight))) == 2);
}

TEST_CASE("rows with a bad time go when the window has run from when they were first seen",
          "[run][clock]") {
  JobWorld world;
  world.settings().retention.category["account"] = keep_for("3 days");
  world.add_rows(2, {.time = "'soon'"});
  // First seen on 23 November: over on the 26th everywhere, so free on the 28th.
  for (int night = 0; night < 5; ++night) {
    CAPTURE(night);
    CHECK(world.run(kTonight + hours{24} * night).figures.totals.deleted() == 0);
  }
  CHECK(world.run(kTonight + hours{24 * 5}).figures.totals.deleted() == 2);
  CHECK(world.rows() == 0);
  CHECK(world.number("SELECT count(*) FROM holdfast_first_seen") == 0);
}

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

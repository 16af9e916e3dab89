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
#include "tests/jobs/job_world.h"
#include "tests/jobs/run_checks.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

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

TEST_CASE("free pages go back to the disk where the file has incremental vacuum", "[run][space]") {
  const int mode = GENERATE(0, 1, 2);  // none, full, incremental
  CAPTURE(mode);
  JobWorld world;
  world.settings().safety.max_category_share_ppm = 1'000'000;
  world.sql("PRAGMA auto_vacuum = " + std::to_string(mode) + "; VACUUM");
  world.sql(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO "
      "audit_events (occurred_at, code, metadata) SELECT i + 1580601600000, "
      "'ACCOUNT_PROFILE_UPDATE', zeroblob(3000) FROM n");
  const std::int64_t pages_before = world.number("PRAGMA page_count");
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::completed));
  CHECK(report.figures.totals.deleted() == 2000);
  check_sums(report);
  const std::int64_t pages = world.number("PRAGMA page_count");
  const std::int64_t free_pages = world.number("PRAGMA freelist_count");
  CHECK((pages < pages_before / 2) == (mode != 0));
  CHECK((free_pages > 1000) == (mode == 0));
  CHECK(report.incremental_vacuum == (mode == 2));
  CHECK((report.given_back_bytes > 0) == (mode == 2));
  REQUIRE(report.space_before.has_value());
  CHECK(report.space_before->file_bytes > 2000 * 3000);
  const auto storage = report_json(report).at("storage");
  CHECK(storage.at("file_bytes_before") == report.space_before->file_bytes);
  CHECK(storage.at("given_back_bytes") == report.given_back_bytes);
  CHECK(world.ask("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a run that is stopped gives no space back any more", "[run][space]") {
  JobWorld world;
  world.settings().safety.max_category_share_ppm = 1'000'000;
  world.sql("PRAGMA auto_vacuum = 2; VACUUM");
  world.add_rows(3000);
  world.observer().after_first_slice([&world] { world.stop().raise(); });
  const RunReport report = world.run();
  CHECK((report.outcome == Outcome::interrupted));
  CHECK(report.given_back_bytes == 0);
  CHECK(newest_line(world, "phase") == "reconciling");
}

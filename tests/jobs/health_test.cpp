// SPDX-License-Identifier: Apache-2.0
#include "jobs/health.h"

#include <catch2/catch.hpp>

#include "jobs/cli/nagios.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

const Instant kNow = parse_rfc3339("2030-01-02T02:00:00Z").value();

HealthFigures sound_figures() {
  RunLine last{.id = 4};
  last.closing = RunClosing{.outcome = "completed"};
  return {.last = last, .streak = {.last_success = kNow - 24h}, .rows_waiting = 0, .now = kNow};
}

HealthState state_of(const HealthFigures& figures) {
  return judge_health(figures, {}).state;
}

LatestRun run_of(Outcome outcome, Instant began) {
  return {.id = 1, .outcome = outcome, .began = began};
}

}  // namespace

TEST_CASE("the age of the last success is judged at its edges", "[health]") {
  HealthFigures figures = sound_figures();
  for (const auto& [age, state] : {std::pair{36h - 1s, HealthState::ok},
                                   std::pair{36h + 0s, HealthState::warning},
                                   std::pair{60h - 1s, HealthState::warning},
                                   std::pair{60h + 0s, HealthState::critical}}) {
    figures.streak.last_success = kNow - age;
    CHECK(state_of(figures) == state);
  }
  figures.streak.last_success.reset();
  CHECK(state_of(figures) == HealthState::warning);
}

TEST_CASE("each outcome of the last run has its weight", "[health]") {
  HealthFigures figures = sound_figures();
  for (const auto& [outcome, state] : {std::pair{"completed", HealthState::ok},
                                       std::pair{"interrupted", HealthState::ok},
                                       std::pair{"partial", HealthState::ok},
                                       std::pair{"limited", HealthState::warning},
                                       std::pair{"refused", HealthState::critical},
                                       std::pair{"failed", HealthState::critical},
                                       std::pair{"invalid", HealthState::critical}}) {
    figures.last->closing->outcome = outcome;
    CAPTURE(outcome);
    CHECK(state_of(figures) == state);
  }
  figures.last->closing->outcome = "of_a_later_version";
  CHECK(state_of(figures) == HealthState::critical);
  figures.last->closing.reset();
  CHECK(state_of(figures) == HealthState::ok);
}

TEST_CASE("runs that the ledger does not tell the end of are critical", "[health]") {
  HealthFigures figures = sound_figures();
  figures.last->closing.reset();
  figures.lost.died = run_of(Outcome::failed, kNow);
  Health health = judge_health(figures, {});
  CHECK(health.findings == std::vector<std::string>{"run 1 died: the next run closes its line"});
  CHECK(health.summary == "last success 24 h ago, run 4 died");
  figures = sound_figures();
  figures.lost.missed = {{.error = {.reason = "database_busy"}},
                         {.error = {.reason = "disk_full"}, .left_out = 2}};
  health = judge_health(figures, {});
  CHECK(health.state == HealthState::critical);
  CHECK(health.findings ==
        std::vector<std::string>{"4 runs could not be recorded (disk_full): holdfast status"});
  const RunStreak streak = continued(RunStreak{.partial = 3}, figures.lost);
  CHECK(streak.failed == 4);
  CHECK(streak.partial == 0);
}

TEST_CASE("all findings are said, the worst first, on one line", "[health]") {
  HealthFigures figures = sound_figures();
  figures.holds = {.active = 3, .past_review = 2};
  figures.erasures = {.open = 1, .overdue = 1};
  figures.last->closing->outcome = "failed";
  figures.last->closing->error_reason = "a|b\nc";
  const Health health = judge_health(figures, {});
  CHECK(health.state == HealthState::critical);
  CHECK(health.findings == std::vector<std::string>{"run 4 failed (a|b\nc): holdfast report",
                                                    "1 erasure requests overdue",
                                                    "2 holds past their review date"});
  CHECK(plugin_line(health) ==
        "HOLDFAST CRITICAL - run 4 failed (a/b\\x0ac): holdfast report, 1 erasure requests "
        "overdue, 2 holds past their review date, last success 24 h ago, run 4 failed | "
        "last_success_age=86400s;129600;216000 rows_waiting=0 partial_in_a_row=0;6 "
        "failed_in_a_row=0;;0 holds_active=3 holds_past_review=2;0 erasures_open=1 "
        "erasures_due_soon=0;0 erasures_overdue=1;;0");
}

TEST_CASE("runs in a row are counted by what ended them", "[health]") {
  RunStreak streak;
  streak = continued(streak, run_of(Outcome::failed, kNow));
  streak = continued(streak, run_of(Outcome::refused, kNow));
  streak = continued(streak, run_of(Outcome::invalid, kNow));
  CHECK(streak.failed == 3);
  CHECK_FALSE(streak.last_success.has_value());
  streak = continued(streak, run_of(Outcome::partial, kNow + 1h));
  streak = continued(streak, run_of(Outcome::partial, kNow + 2h));
  CHECK(streak.failed == 0);
  CHECK(streak.partial == 2);
  CHECK(streak.last_success == kNow + 2h);
  streak = continued(streak, run_of(Outcome::interrupted, kNow + 3h));
  CHECK(streak.partial == 0);
  CHECK(streak.last_success == kNow + 2h);
  streak = continued(streak, run_of(Outcome::limited, kNow + 4h));
  CHECK(streak.last_success == kNow + 4h);
}

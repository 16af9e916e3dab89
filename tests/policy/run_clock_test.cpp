// SPDX-License-Identifier: Apache-2.0
#include "policy/run_clock.h"

#include <chrono>
#include <optional>
#include <ostream>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using Outcome = ClockStep::Outcome;

namespace {

constexpr milliseconds kStep = hours{24 * 8};
const Instant kLast = at("2026-11-22T03:00:00Z");

struct StepLine {
  const char* what;
  Instant system_now;
  RunClock last;
  Outcome outcome;
  Instant as_of;
};

RunClock both(Instant now) {
  return {.system_now = now, .as_of = now};
}

}  // namespace

TEST_CASE("the first run takes the system clock", "[run_clock]") {
  const ClockStep step = step_run_clock(kLast, std::nullopt, kStep);
  CHECK(step.outcome == Outcome::first);
  CHECK(step.clock.system_now == kLast);
  CHECK(step.clock.as_of == kLast);
}

TEST_CASE("a run moves the clock with the system, within its step", "[run_clock]") {
  const milliseconds ms{1};
  const Instant ahead = kLast + hours{24 * 400};
  const std::vector<StepLine> lines{
      {"a night later", kLast + hours{24}, both(kLast), Outcome::steady, kLast + hours{24}},
      {"at once again", kLast, both(kLast), Outcome::steady, kLast},
      {"8 days later", kLast + kStep, both(kLast), Outcome::steady, kLast + kStep},
      {"8 days and 1 ms later", kLast + kStep + ms, both(kLast), Outcome::clamped, kLast + kStep},
      {"ten years later", at("2036-11-22"), both(kLast), Outcome::clamped, kLast + kStep},
      {"at the end of the calendar",
       at("9999-12-31"),
       both(kLast),
       Outcome::clamped,
       kLast + kStep},
      {"1 ms behind", kLast - ms, both(kLast), Outcome::steady, kLast},
      {"5 minutes behind", kLast - minutes{5}, both(kLast), Outcome::steady, kLast},
      {"5 minutes and 1 ms behind", kLast - minutes{5} - ms, both(kLast), Outcome::refused, kLast},
      {"a run clock ahead of the system's, 5 minutes",
       kLast,
       {.system_now = kLast, .as_of = kLast + minutes{5}},
       Outcome::steady,
       kLast + minutes{5}},
      {"a run clock further ahead",
       kLast,
       {.system_now = kLast, .as_of = kLast + minutes{5} + ms},
       Outcome::refused,
       kLast + minutes{5} + ms},
      {"behind the system clock of a clamped run, though ahead of its run clock",
       ahead - minutes{5} - ms,
       {.system_now = ahead, .as_of = kLast},
       Outcome::refused,
       kLast},
      {"1 ms under 20 hours after a clamped run",
       ahead + hours{20} - ms,
       {.system_now = ahead, .as_of = kLast},
       Outcome::clamped,
       kLast + hours{20} - ms},
      {"20 hours after a clamped run",
       ahead + hours{20},
       {.system_now = ahead, .as_of = kLast},
       Outcome::clamped,
       kLast + kStep},
      {"at once after a clamped run",
       ahead,
       {.system_now = ahead, .as_of = kLast},
       Outcome::clamped,
       kLast},
      {"4 minutes back after a clamped run",
       ahead - minutes{4},
       {.system_now = ahead, .as_of = kLast},
       Outcome::clamped,
       kLast},
      {"the last night of catching up",
       kLast + hours{24 * 5},
       {.system_now = kLast + hours{24 * 4}, .as_of = kLast},
       Outcome::steady,
       kLast + hours{24 * 5}},
  };
  for (const StepLine& line : lines) {
    CAPTURE(line.what);
    const ClockStep step = step_run_clock(line.system_now, line.last, kStep);
    CHECK((step.outcome == line.outcome));
    CHECK(to_rfc3339(step.clock.as_of) == to_rfc3339(line.as_of));
    const bool refused = step.outcome == Outcome::refused;
    CHECK(step.clock.system_now == (refused ? line.last.system_now : line.system_now));
  }
}

TEST_CASE("a stored clock at either end of time moves nothing past the step", "[run_clock]") {
  const milliseconds ms{1};
  for (const Instant beginning : {kBeginningOfTime, kBeginningOfTime + ms}) {
    const ClockStep far = step_run_clock(kLast, both(beginning), kStep);
    CHECK((far.outcome == Outcome::clamped));
    CHECK(far.clock.as_of == beginning + kStep);
    const RunClock mixed{.system_now = beginning, .as_of = kLast - hours{1}};
    const ClockStep near = step_run_clock(kLast, mixed, kStep);
    CHECK((near.outcome == Outcome::steady));
    CHECK(near.clock.as_of == kLast);
    const RunClock back{.system_now = kLast - hours{1}, .as_of = beginning};
    CHECK(step_run_clock(kLast, back, kStep).clock.as_of == beginning + hours{1});
  }
  for (const Instant end : {kEndOfTime, kEndOfTime - ms}) {
    for (const RunClock& last : {both(end),
                                 RunClock{.system_now = end, .as_of = kLast},
                                 RunClock{.system_now = kLast, .as_of = end},
                                 RunClock{.system_now = kBeginningOfTime, .as_of = end}}) {
      CHECK((step_run_clock(kLast, last, kStep).outcome == Outcome::refused));
    }
  }
}

TEST_CASE("a step shorter than the spacing holds within the spacing too", "[run_clock]") {
  const ClockStep step = step_run_clock(kLast + hours{10}, both(kLast), hours{1});
  CHECK((step.outcome == Outcome::clamped));
  CHECK(step.clock.as_of == kLast + hours{1});
}

TEST_CASE("a loop of runs moves the clock no further than the system clock", "[run_clock]") {
  const Instant jumped = at("2036-11-22");
  RunClock clock = step_run_clock(jumped, both(kLast), kStep).clock;
  REQUIRE(clock.as_of == kLast + kStep);
  for (int run = 1; run <= 10'000; ++run) {
    const ClockStep step = step_run_clock(jumped + run * milliseconds{7'000}, clock, kStep);
    REQUIRE((step.outcome == Outcome::clamped));
    clock = step.clock;
  }
  CHECK(clock.system_now == jumped + milliseconds{70'000'000});
  CHECK(clock.as_of == kLast + kStep + milliseconds{70'000'000});
}

TEST_CASE("a system clock that wavers cannot push the run clock on", "[run_clock]") {
  RunClock clock = step_run_clock(at("2036-11-22"), both(kLast), kStep).clock;
  const Instant ahead = clock.system_now;
  const Instant before = clock.as_of;
  for (int run = 1; run <= 1000; ++run) {
    const milliseconds swing = run % 2 == 0 ? milliseconds{0} : milliseconds{minutes{5}};
    clock = step_run_clock(ahead - swing, clock, kStep).clock;
  }
  // Each way back up counts as a move; it stays within the moves of the system clock.
  CHECK(clock.as_of <= before + 500 * minutes{5});
}

TEST_CASE("k nights ten years ahead free eight days each", "[run_clock]") {
  RunClock clock = both(kLast);
  for (int night = 1; night <= 30; ++night) {
    clock = step_run_clock(at("2036-11-22") + hours{24} * night, clock, kStep).clock;
    CHECK(clock.as_of == kLast + kStep * night);
  }
}

TEST_CASE("after an outage the clock catches up night by night", "[run_clock]") {
  RunClock clock = both(kLast);
  int nights = 0;
  while (clock.as_of < clock.system_now || nights == 0) {
    ++nights;
    REQUIRE(nights < 100);
    clock = step_run_clock(kLast + hours{24} * (60 + nights), clock, kStep).clock;
  }
  // 8 n >= 60 + n from the ninth night on.
  CHECK(nights == 9);
}

TEST_CASE("the guard takes the earlier clock and the future begins at the later", "[run_clock]") {
  const RunClock behind{.system_now = kLast, .as_of = kLast - hours{1}};
  CHECK(behind.guard_now() == kLast - hours{1});
  CHECK(behind.latest() == kLast);
  const RunClock ahead{.system_now = kLast, .as_of = kLast + hours{1}};
  CHECK(ahead.guard_now() == kLast);
  CHECK(ahead.latest() == kLast + hours{1});
}

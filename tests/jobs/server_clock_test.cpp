// SPDX-License-Identifier: Apache-2.0
#include "jobs/server_clock.h"

#include <chrono>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("two clocks: the earlier counts, and more than five minutes are apart") {
  const Instant now = at("2026-11-23T03:00:00Z");
  constexpr std::chrono::milliseconds kMs{1};
  const WitnessedClock alone{.machine = now};
  CHECK_FALSE(alone.apart());
  CHECK(alone.earlier() == now);
  for (const auto distance : {std::chrono::milliseconds{0}, kMs, kClockTolerance - kMs}) {
    CHECK_FALSE(WitnessedClock{.machine = now, .server = now + distance}.apart());
    CHECK_FALSE(WitnessedClock{.machine = now + distance, .server = now}.apart());
    CHECK(WitnessedClock{.machine = now, .server = now + distance}.earlier() == now);
    CHECK(WitnessedClock{.machine = now + distance, .server = now}.earlier() == now);
  }
  CHECK_FALSE(WitnessedClock{.machine = now, .server = now + kClockTolerance}.apart());
  CHECK(WitnessedClock{.machine = now, .server = now + kClockTolerance + kMs}.apart());
  CHECK(WitnessedClock{.machine = now + kClockTolerance + kMs, .server = now}.apart());
}

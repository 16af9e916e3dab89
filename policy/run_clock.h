// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "policy/instant.h"

namespace holdfast {

/// The two clocks of one run: what the system said, and what the run counted with.
struct RunClock {
  Instant system_now;
  Instant as_of;

  /// The clock of everything that opens something after a while: cool-off, grace, delay, stamp.
  [[nodiscard]] Instant guard_now() const { return as_of < system_now ? as_of : system_now; }
  /// The clock that times in the future are measured against.
  [[nodiscard]] Instant latest() const { return as_of < system_now ? system_now : as_of; }
};

/// What became of the clock at the start of a run.
struct ClockStep {
  enum class Outcome { first, steady, clamped, refused };
  Outcome outcome = Outcome::first;
  RunClock clock;  ///< where refused: the last run's clock, for the message
};

/// How far a system clock may stand behind the last run before the run is refused.
inline constexpr std::chrono::minutes kClockTolerance{5};
/// Runs closer together than this move the clock no further than the system clock moved.
inline constexpr std::chrono::hours kRunSpacing{20};

/// clamp(system now, last run clock, last run clock + max step); within 20 hours of the last run no
/// further than the system clock moved, so that a loop of runs cannot walk ten years. Refused where
/// the system clock is more than 5 minutes behind either clock of the last run. Never throws.
[[nodiscard]] ClockStep step_run_clock(Instant system_now,
                                       const std::optional<RunClock>& last,
                                       std::chrono::milliseconds max_step);

}  // namespace holdfast

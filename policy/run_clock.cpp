// SPDX-License-Identifier: Apache-2.0
#include "policy/run_clock.h"

#include <algorithm>

namespace holdfast {

ClockStep step_run_clock(Instant system_now,
                         const std::optional<RunClock>& last,
                         std::chrono::milliseconds max_step) {
  if (!last) {
    return {.outcome = ClockStep::Outcome::first,
            .clock = {.system_now = system_now, .as_of = system_now}};
  }
  const Instant behind_all = std::max(last->system_now, last->as_of);
  if (system_now + kClockTolerance < behind_all) {
    return {.outcome = ClockStep::Outcome::refused, .clock = *last};
  }
  // A stored clock may be anything, so nothing is subtracted from one that is not known to be near.
  const bool spaced = last->system_now <= system_now - kRunSpacing;
  const auto allowed =
      spaced ? max_step
             : std::clamp(system_now - last->system_now, std::chrono::milliseconds{0}, max_step);
  const Instant as_of = std::clamp(system_now, last->as_of, last->as_of + allowed);
  const auto outcome =
      as_of < system_now ? ClockStep::Outcome::clamped : ClockStep::Outcome::steady;
  return {.outcome = outcome, .clock = {.system_now = system_now, .as_of = as_of}};
}

}  // namespace holdfast

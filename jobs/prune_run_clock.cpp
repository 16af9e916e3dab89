// SPDX-License-Identifier: Apache-2.0
// What a run counts with: the earlier of the machine's clock and the server's, held to the run
// clock.

#include <algorithm>

#include "jobs/prune_run.h"
#include "jobs/server_clock.h"

namespace holdfast {

bool PruneRun::take_clock() {
  // Both now: what was looked at since the run began may have taken minutes.
  report_.clock.system_now = with_.clock.now();
  const WitnessedClock clocks = witness_clock(with_.database, report_.clock.system_now);
  report_.server_now = clocks.server;
  if (clocks.apart()) {
    refuse("clocks_apart", clocks.sentence());
    return false;
  }
  const Instant now = clocks.earlier();
  policy_ = read_policy_state(with_.database, settings_, now);
  const std::optional<RunClock> last = with_.database.ledger().last_clock();
  report_.last_clock = last;
  const auto in_force =
      versions_in_force(policy_.versions, last ? std::min(now, last->as_of) : now);
  const ClockStep step = step_run_clock(now, last, strictest_safety(in_force).max_clock_step);
  switch (step.outcome) {
    case ClockStep::Outcome::refused:
      refuse("clock_went_back",
             "the system clock says " + to_rfc3339(now) +
                 ", which is before the last run (system " + to_rfc3339(step.clock.system_now) +
                 ", run clock " + to_rfc3339(step.clock.as_of) +
                 "): set the system clock right, or if it is right now, have an administrator type "
                 "\"holdfast approve --clock\"");
      return false;
    case ClockStep::Outcome::clamped:
      warn(
          "clock_clamped: the system clock says " + to_rfc3339(now) + " and the run counts with " +
          to_rfc3339(step.clock.as_of) +
          ", because one run may move on by max_clock_step only; \"holdfast approve --clock\" sets "
          "it right at once");
      report_.clock_clamped = true;
      break;
    case ClockStep::Outcome::first:
    case ClockStep::Outcome::steady:
      break;
  }
  report_.clock = step.clock;
  return true;
}

}  // namespace holdfast

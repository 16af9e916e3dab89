// SPDX-License-Identifier: Apache-2.0
#include "jobs/lost_runs.h"

#include "jobs/run_lock.h"

namespace holdfast {

std::int64_t LostRuns::missed_count() const {
  std::int64_t count = 0;
  for (const MissedRun& run : missed) {
    count += 1 + run.left_out;
  }
  return count;
}

LostRuns read_lost_runs(Database& database) {
  LostRuns lost;
  const auto look = RunLock::look_at(database.beside());
  if (!look) {
    return lost;
  }
  lost.missed = look->missed;
  if (!look->taken) {
    // Read after the lock was seen free, so that a run which has just closed its line is not dead.
    const auto last = database.ledger().last();
    if (last && !last->closing) {
      lost.died =
          LatestRun{.id = last->id, .outcome = Outcome::failed, .began = last->opening.opened_at};
    }
  }
  return lost;
}

RunStreak continued(const RunStreak& before, const LostRuns& lost) {
  RunStreak streak = before;
  if (lost.any()) {
    streak.partial = 0;
    streak.failed += (lost.died ? 1 : 0) + lost.missed_count();
  }
  return streak;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "jobs/missed_runs.h"
#include "jobs/monitor_figures.h"
#include "storage/database.h"

namespace holdfast {

/// Runs that no line of the ledger tells the end of yet: the next run will.
struct LostRuns {
  std::optional<LatestRun> died;  ///< the newest line is open, and nobody holds the run's lock
  std::vector<MissedRun> missed;  ///< notes in the lock file, oldest first

  [[nodiscard]] bool any() const { return died || !missed.empty(); }
  /// How many there are of `missed`, those without a note of their own included.
  [[nodiscard]] std::int64_t missed_count() const;
};

/// Looks at the ledger and at the lock file, and makes neither. Where the lock file cannot be
/// opened or is not there, nobody can tell a dead run from one that goes on: then none is named.
/// Errors: StorageError.
[[nodiscard]] LostRuns read_lost_runs(Database& database);

/// The streak that these make of the one in the ledger.
[[nodiscard]] RunStreak continued(const RunStreak& before, const LostRuns& lost);

}  // namespace holdfast

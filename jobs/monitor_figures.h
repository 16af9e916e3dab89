// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "jobs/outcome.h"
#include "policy/instant.h"
#include "storage/database.h"

namespace holdfast {

/// How the newest runs went, one after the other.
struct RunStreak {
  std::optional<Instant> last_success;  ///< when the last run that did its job began; none: never
  std::int64_t partial = 0;             ///< runs in a row, the newest among them, that were partial
  std::int64_t failed = 0;              ///< the same, that failed, died, were refused or invalid
};

/// Holds by number only.
struct HoldCounts {
  std::int64_t active = 0;
  std::int64_t past_review = 0;
};

/// Erasure requests by number only.
struct ErasureCounts {
  std::int64_t open = 0;
  std::int64_t due_soon = 0;
  std::int64_t overdue = 0;
};

/// What those who watch are told beside the report of a run. Each is none where it cannot be read.
struct MonitorFigures {
  std::optional<RunStreak> streak;
  std::optional<HoldCounts> holds;
  std::optional<ErasureCounts> erasures;
};

/// A run that has just ended; `id` is 0 where the ledger does not know it.
struct LatestRun {
  std::int64_t id = 0;
  Outcome outcome = Outcome::failed;
  Instant began;
};

/// The streak that a run of this outcome makes of the one before it. "interrupted" ends both: it is
/// what a person wanted.
[[nodiscard]] RunStreak continued(const RunStreak& before, const LatestRun& run);

/// The streak as the ledger has it: of the newest thousand runs, so that it stays cheap. `latest`
/// is added where the ledger does not know it. Errors: StorageError.
[[nodiscard]] RunStreak read_streak(RunLedger& ledger, const std::optional<LatestRun>& latest);

/// Reads all of them. What cannot be read is left out, and `warn` is told why; never throws for
/// it.
[[nodiscard]] MonitorFigures read_monitor_figures(
    Database& database,
    const std::optional<LatestRun>& latest,
    Instant now,
    const std::function<void(const std::string&)>& warn);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/desk.h"
#include "jobs/lost_runs.h"
#include "jobs/monitor_figures.h"
#include "policy/run_clock.h"

namespace holdfast {

/// From when on a monitor is worried.
struct HealthLimits {
  std::chrono::hours old_success{36};  ///< a warning: a day, and the longest that a run may take
  std::chrono::hours very_old_success{60};  ///< critical: two nights are missing
  std::int64_t partial_nights = 7;          ///< a warning from so many in a row on
};

/// What is judged, without a look at any row of the log.
struct HealthFigures {
  std::optional<RunLine> last;  ///< none: no run has been recorded yet
  LostRuns lost;
  RunStreak streak;  ///< with `lost`
  HoldCounts holds;
  ErasureCounts erasures;
  std::optional<std::int64_t> rows_waiting;  ///< as the last record says; none where it does not
  bool witness_agrees = true;                ///< false: a run would be refused
  std::optional<RunClock> clock;             ///< of the last run; none before it
  Instant now;
};

enum class HealthState { ok, warning, critical };

/// One figure in the form that monitors store: label, value, unit, and the two limits.
struct HealthFigure {
  std::string label;
  std::int64_t value = 0;
  std::string unit;
  std::string warning;
  std::string critical;
};

/// A verdict: the worst of the findings, all of which are said.
struct Health {
  HealthState state = HealthState::ok;
  std::vector<std::string> findings;  ///< the worst first; empty where all is well
  std::string summary;                ///< how the last success and the last run stand
  std::vector<HealthFigure> figures;
};

/// Reads the ledger, the registers and the witness file, and no row. Errors: StorageError.
[[nodiscard]] HealthFigures read_health(const Desk& desk);

/// Critical: no success within very_old_success; the last run failed, died, was refused or was
/// invalid, or ended as nobody here knows; a run could not be recorded;
/// the witness file and the database do not agree; an erasure is overdue. Warning: no success
/// within old_success, or none yet; the run clock two days or more behind that of the system;
/// categories left whole by the safety limit; partial_nights in a row, fewer are nothing; holds
/// past review; erasures due within a week. Never throws.
[[nodiscard]] Health judge_health(const HealthFigures& figures, const HealthLimits& limits);

}  // namespace holdfast

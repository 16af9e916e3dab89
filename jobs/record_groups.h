// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/decision_context.h"
#include "jobs/run_report.h"

#include <nlohmann/json.hpp>

namespace holdfast {

// The groups of a run record that say under what a run worked and what it left. Each reads the
// registers and decides nothing. Names of persons that a hold or an erasure is about never appear.

/// Policy in full with its digest, catalogue, presets, floors, caps, locks.
[[nodiscard]] nlohmann::json authority_group(const PolicyState& policy, const Settings& settings);

/// Every window in use with its disposition cut-off.
[[nodiscard]] nlohmann::json cutoffs_group(const RuleBook& rules);

/// The log as it was when the run began. Keys are null where they have no order.
[[nodiscard]] nlohmann::json population_group(Database& database,
                                              const PlanFigures& figures,
                                              std::optional<std::int64_t> highest_before);

/// One hold of a record as compact JSON, and how many rows it kept.
[[nodiscard]] std::string hold_line_text(const LegalHold& hold, std::int64_t rows, Instant now);

/// What the holds of the register did, and which kept nothing.
struct HoldPeriod {
  std::optional<Instant> since;  ///< the opening of the last run
  Instant now;
  std::chrono::milliseconds release_grace{0};
  Instant guard_now;  ///< of the run's clock
};
/// The holds themselves go into the list, one at a time.
[[nodiscard]] nlohmann::json holds_group(Database& database,
                                         const std::map<std::int64_t, std::int64_t>& rows_kept,
                                         const HoldPeriod& period,
                                         RecordList& holds);

/// What became of erasure requests since the last run: joins the group of what the run itself did.
[[nodiscard]] nlohmann::json erasure_period(Database& database, std::optional<Instant> since);

/// Modules that gave no usable answer about holds since the last run.
[[nodiscard]] nlohmann::json failed_modules(Database& database, std::optional<Instant> since);

/// How rows are deleted in this database, in a few words.
[[nodiscard]] std::string deletion_words(const Database& database);

/// How rows were deleted, and what that leaves on disk.
[[nodiscard]] nlohmann::json method_group(Database& database, const RunReport& report);

/// Digest of all rows of the run over its committed slices, and its archive.
[[nodiscard]] nlohmann::json integrity_group(Database& database, const RunReport& report);

}  // namespace holdfast

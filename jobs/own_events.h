// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jobs/missed_runs.h"
#include "jobs/run_report.h"
#include "jobs/witness_notes.h"
#include "storage/database.h"

namespace holdfast {

/// The audit row that says how a run ended.
[[nodiscard]] AuditEvent run_event(const RunReport& report);

/// The audit row for a change of the retention policy, with from and to of everything that changed.
/// `actor` is the person, or "unknown" where a run met the change.
struct PolicyChangeNote {
  std::string actor;
  std::string reason;
  std::string source;  ///< file, owner, time and SHA-256
  std::int64_t version = 0;
  Instant at;
};
[[nodiscard]] AuditEvent policy_event(const PolicyChangeNote& note,
                                      const std::vector<PolicyChange>& changes);

/// Records a run that failed before the ledger could take a line of it, with its audit event, in
/// one transaction. Returns its number; none where the ledger has it already.
std::optional<std::int64_t> record_missed_run(Database& database,
                                              const MissedRun& missed,
                                              const RunOpening& opening,
                                              Instant now,
                                              WitnessNotes* notes);

/// Closes a run that the ledger shows as open although nobody holds the lock: its counts are those
/// of its committed slices. Ledger and audit event in one transaction. Returns the rows it had
/// deleted. Null notes: the witness is told by the next run.
std::int64_t close_dead_run(Database& database,
                            const RunLine& line,
                            Instant now,
                            WitnessNotes* notes);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/archive_store.h"
#include "jobs/clock.h"
#include "jobs/decision_context.h"
#include "jobs/erasure_keys.h"
#include "jobs/export_store.h"
#include "jobs/hold_command.h"
#include "jobs/run_observer.h"
#include "jobs/run_plan.h"
#include "jobs/settings.h"
#include "jobs/witness_notes.h"
#include "storage/database.h"

namespace holdfast {

/// What an interactive command works with. The clock was read once; nothing here stores one.
struct Desk {
  Database& database;
  const Settings& settings;
  Instant now;
  std::string who;
  RunObserver& observer;
  HoldCommand* programs = nullptr;   ///< null where no module is asked
  ErasureKeys* keys = nullptr;       ///< null where no token is needed
  ArchiveStore* archives = nullptr;  ///< null where [archive] is not set
  Witness* witness = nullptr;        ///< null where there is no witness file
  ExportStore* exports = nullptr;    ///< null where [export] is not set
  OpenReader open_reader;            ///< opens the same database; none: one thread plans alone
};

/// The clock that the next run would have; as_of of a refused one is the last run's. It counts with
/// the earlier of the machine's clock and that of the database's server.
[[nodiscard]] ClockStep next_clock(const Desk& desk, const PolicyState& policy);

/// What would go and what would stay. Errors: StorageError.
[[nodiscard]] RunPlan plan_at(const Desk& desk, DecisionContext& context);

/// True where every policy version in force lets a flag say who acts: turning that on waits.
[[nodiscard]] bool identity_flag_trusted(Database& database, const Settings& settings, Instant now);

/// How long rows stay after a hold is released, and with which clock that counts.
struct HoldGrace {
  std::chrono::milliseconds span{0};  ///< the longest of all policy versions in force
  Instant guard_now;

  /// True where the hold keeps nothing any more, as the next run will see it.
  [[nodiscard]] bool over(const LegalHold& hold) const { return hold.over(span, guard_now); }
};

/// As the next run has them: what lets rows go sooner waits, and a clock that jumps counts for
/// nothing.
[[nodiscard]] HoldGrace hold_grace(const Desk& desk);

/// Throws JobError(refused) unless the person is an administrator in every policy version in force.
void require_administrator(const Desk& desk, const std::string& deed);

/// Throws JobError(refused) where the machine's clock and that of the database's server are apart.
void require_clocks_together(const Desk& desk);

/// Throws JobError(refused) in that case, and where the system clock stands before the last run:
/// what is recorded now would carry a time that cannot be right.
void require_clock_not_behind(const Desk& desk);

/// Throws JobError(invalid) where this can be nobody's name: empty, the token of somebody who was
/// erased, or "holdfast".
void require_person(const std::string& person);

/// What the command notes for the witness file; warnings go to the observer.
[[nodiscard]] WitnessNotes witness_notes(const Desk& desk);

/// Adds a line to the journal; inside the write of what it speaks of.
void note_in_journal(const Desk& desk,
                     const std::string& what,
                     const std::string& detail_json,
                     const std::string& reason);

}  // namespace holdfast

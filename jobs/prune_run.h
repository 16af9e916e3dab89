// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "jobs/archive_store.h"
#include "jobs/archive_writer.h"
#include "jobs/clock.h"
#include "jobs/decision_context.h"
#include "jobs/erasure_keys.h"
#include "jobs/export_store.h"
#include "jobs/hold_command.h"
#include "jobs/log_after.h"
#include "jobs/run_lock.h"
#include "jobs/run_observer.h"
#include "jobs/run_record.h"
#include "jobs/run_report.h"
#include "jobs/settings.h"
#include "jobs/slice_runner.h"
#include "jobs/witness_notes.h"
#include "storage/database.h"

namespace holdfast {

/// What a run works with; all of it outlives the run.
struct RunDependencies {
  Database& database;
  const Clock& clock;
  RunObserver& observer;
  const StopFlag& stop;
  std::string started_by;
  std::string host;
  std::int64_t process = 0;
  HoldCommand* programs = nullptr;  ///< both null: confirmed erasures are listed and not completed
  ErasureKeys* keys = nullptr;
  ArchiveStore* archives = nullptr;  ///< null: [archive] is not set
  Witness* witness = nullptr;        ///< null: there is no witness file
  ExportStore* exports = nullptr;    ///< null: [export] is not set
  RunLock* lock = nullptr;           ///< has the runs that could not be recorded; null: none
  OpenReader open_reader;            ///< none: one thread and one connection do it all
  WorthAThread worth = {};           ///< when a second one counts the rows at the end
};

/// The nightly job. The caller holds the RunLock.
///
/// Steps, and what a kill between them leaves: witness file against outbox; clock; runs found dead
/// are closed as AUDIT_PRUNE_RUN_FAILED; the open record is committed before anything else happens;
/// policy; plan; limits; slices, each with its tally in its own transaction; incremental vacuum
/// where the file has it; reconciliation while the log is copied into the database; checkpoint; the
/// audit event and the closing of the ledger in one transaction. Kill it anywhere: each deleted row
/// is attested by a committed slice, no held row is gone, and the next run says what happened and
/// goes on.
class PruneRun {
 public:
  PruneRun(const RunDependencies& with, const Settings& settings);

  /// Runs to the end and says how it ended. Never throws for what happens in the run: a failure is
  /// an outcome, recorded in the ledger and the audit log wherever these can still be written.
  [[nodiscard]] RunReport execute();

  /// Records a run that could not start because the configuration is invalid.
  [[nodiscard]] static RunReport record_invalid(const RunDependencies& with, const RunError& error);

 private:
  void steps();
  [[nodiscard]] bool witness_agrees();
  [[nodiscard]] bool take_clock();
  void close_dead_runs();
  void record_missed_runs();
  void open_record();
  void enter(const std::string& phase);
  [[nodiscard]] bool adopt_policy();
  void record_policy(const PolicyState& state, const RunClock& clock);
  [[nodiscard]] bool plan();
  [[nodiscard]] bool pass_gates();
  void refuse(const std::string& reason, const std::string& message);
  void keep_all_due(Reason reason);
  void record_first_seen();
  void delete_rows();
  [[nodiscard]] bool erasures_wait();
  void erase_due();
  // Archives: prune_run_archive.cpp.
  [[nodiscard]] RowArchive* open_archive();
  void settle_dead_archive(std::int64_t run);
  void miss_archives();
  void tend_archives();
  void tend_exports();  // prune_run_exports.cpp
  void expire_exports(std::int64_t& destroyed);
  void make_exports(std::int64_t& made);
  void close_archive();
  [[nodiscard]] std::int64_t erased_among_old_rows() const;
  void settle_tally();
  void give_back_space();
  [[nodiscard]] std::int64_t rows_left_of_old(const LogAfter& after, std::int64_t expected);
  void reconcile();
  void fail(const std::exception& error);
  void complete_figures();
  void count_rows_after();
  void compare_with_the_run_before();
  void add_times_of_places();
  [[nodiscard]] std::optional<Instant> since_last_record();
  void collect_groups();
  [[nodiscard]] SealedRecord seal();
  void close_record();
  void empty_log_of_failed();
  void let_go_of_decisions();
  enum class EventPlace { usual, aside };
  void write_closing(EventPlace place);
  void close_after(const std::exception& problem);
  [[nodiscard]] std::int64_t count_if_possible(std::optional<std::int64_t> up_to);
  void warn(const std::string& sentence);

  RunDependencies with_;
  const Settings& settings_;
  RunReport report_;
  PolicyState policy_;
  std::optional<DecisionContext> context_;
  RunPlan plan_;
  std::optional<std::int64_t> highest_before_;
  std::int64_t commits_at_start_ = 0;
  std::chrono::microseconds quiet_at_start_{0};  // since anybody has written
  std::optional<ArchiveWriter> archive_;         // none: rows go without one
  std::optional<SliceRunner> slices_;
  bool plan_carried_out_ = false;              // every row of the plan was handled
  std::optional<std::int64_t> approval_used_;  ///< set when nothing is decided any more
  std::optional<WitnessNotes> notes_;          ///< none where the run could not even compare
  Tally final_;
  std::string phase_ = "opening";
  Stopwatch since_start_;
  bool opened_ = false;
  bool closed_ = false;
  bool planned_ = false;
};

}  // namespace holdfast

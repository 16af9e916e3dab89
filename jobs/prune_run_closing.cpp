// SPDX-License-Identifier: Apache-2.0
// The end of a run: reconciliation, the audit event and the closing of the ledger.

#include <algorithm>
#include <thread>

#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/lock_pacer.h"
#include "jobs/log_after.h"
#include "jobs/own_events.h"
#include "jobs/prune_run.h"
#include "jobs/run_errors.h"

namespace holdfast {

/// What was planned and not reached stays as not_reached; what the slices looked at has the reason
/// that they found.
void PruneRun::settle_tally() {
  if (!slices_) {
    return;
  }
  const SliceTotals& totals = slices_->totals();
  const Tally& planned = plan_.figures.tally;
  final_ = Tally{};
  final_.places().reserve(planned.places().size());
  for (const auto& [place, counts] : planned.places()) {
    const auto handled = totals.tally.places().find(place);
    const std::int64_t looked_at =
        handled == totals.tally.places().end() ? 0 : handled->second.total();
    ReasonCounts& settled = final_.places()[place];
    settled = counts;
    settled[Reason::expired] = 0;
    settled[Reason::not_reached] += counts[Reason::expired] - looked_at;
  }
  for (const auto& [code, counts] : planned.codes()) {
    final_.add_code(code, Reason::unknown_code, counts[Reason::unknown_code]);
  }
  final_.add(totals.tally);
  report_.slices = totals.slices;
  report_.vanished = totals.vanished;
  report_.children_deleted = totals.children;
  report_.longest_lock = totals.longest_lock;
  report_.partitions = totals.partitions;
}

/// Rows deleted are not space freed. Where the file can give pages back it is done in steps that
/// hold the write lock no longer than a slice does, and only as long as the run may last; every
/// step stands for itself, so that a kill between them leaves a smaller file and nothing else.
void PruneRun::give_back_space() {
  SpaceReport space = with_.database.space();
  if (!space.gives_back || space.free_bytes == 0 || with_.stop.raised()) {
    return;
  }
  enter("vacuuming");
  report_.wal_emptied = with_.database.checkpoint_all();
  LockPacer pacer{settings_.run, std::chrono::microseconds{0}};
  std::int64_t seen_commits = with_.database.foreign_commits();
  while (space.free_bytes > 0 && !with_.stop.raised() &&
         since_start_.elapsed() < settings_.run.max_time) {
    SliceTiming timing{.rows = pacer.row_budget()};
    const auto write = with_.database.begin_write(Durability::normal);
    const Stopwatch lock;
    timing.others_wrote = with_.database.foreign_commits() != seen_commits;
    with_.database.give_back_pages(timing.rows);
    timing.work = lock.elapsed();
    write->commit();
    timing.commit = lock.elapsed() - timing.work;
    pacer.learn(timing);
    seen_commits = with_.database.foreign_commits();
    (void)with_.database.checkpoint_some();
    const SpaceReport after = with_.database.space();
    if (after.file_bytes >= space.file_bytes) {
      break;  // others use free pages up and make new ones: another night
    }
    report_.given_back_bytes += space.file_bytes - after.file_bytes;
    space = after;
    std::this_thread::sleep_for(pacer.pause());
  }
  report_.longest_vacuum_lock = pacer.longest_lock();
}

/// Rows that erasures deleted among those that the run began with.
std::int64_t PruneRun::erased_among_old_rows() const {
  const auto& erased = report_.erasures.deleted;
  return std::count_if(erased.begin(), erased.end(), [this](const RowKey& key) {
    return !highest_before_ || !key.is_integer() || key.as_integer() <= *highest_before_;
  });
}

/// How many of the rows that the run began with are there.
std::int64_t PruneRun::rows_left_of_old(const LogAfter& after, std::int64_t expected) {
  const LogShape& shape = with_.database.audit_log().shape();
  if (!shape.ordered_keys) {
    // What came during the run cannot be told from what was there, only that nothing more than the
    // deleted rows is missing; and a planned row that was gone is, whatever came.
    return std::min(after.rows, expected - report_.vanished);
  }
  if (!shape.rows_come_late) {
    return after.old_rows;
  }
  // More than expected came late. A planned row that was gone is known to be gone, so that no late
  // row stands for it.
  const std::int64_t left = std::min(after.old_rows, expected - report_.vanished);
  if (after.old_rows > left) {
    with_.observer.note("run=" + std::to_string(report_.run_id) +
                        " rows_committed_late=" + std::to_string(after.old_rows - left));
  }
  return left;
}

void PruneRun::reconcile() {
  AuditLog& log = with_.database.audit_log();
  settle_tally();
  const ReasonCounts counted = final_.totals();
  const std::int64_t before = plan_.figures.rows_before;
  const std::int64_t erased = erased_among_old_rows();
  const std::int64_t expected = before - counted.deleted() - erased;
  const LogAfter after =
      count_and_copy_log(with_.database, highest_before_, expected, with_.open_reader, with_.worth);
  report_.log_after = after.state;
  report_.reconciling = after.counting;
  report_.wal_emptied = with_.database.checkpoint_all();
  const std::int64_t old_rows = rows_left_of_old(after, expected);
  std::int64_t in_slices = 0;
  for (const RunSlice& slice : with_.database.ledger().slices(report_.run_id)) {
    in_slices += slice.deleted;
  }
  report_.appended = after.rows - old_rows + (log.appends_to_log() ? 1 : 0);
  report_.rows_after = after.rows + (log.appends_to_log() ? 1 : 0);
  report_.differences = {
      {"before_minus_deleted_minus_kept", before - counted.deleted() - counted.kept()},
      {"after_minus_expected", old_rows - expected},
      {"slices_minus_deleted", in_slices - slices_->totals().deleted},
      {"categories_minus_deleted", counted.deleted() - slices_->totals().deleted}};
  for (const auto& [what, difference] : report_.differences) {
    if (difference != 0) {
      report_.outcome = Outcome::failed;
      report_.error = RunError{
          .reason = "reconciliation",
          .message =
              what + " is " + std::to_string(difference) +
              " and must be 0: another program has deleted or added rows of the audit log "
              "during the run (" +
              std::to_string(report_.vanished) +
              " planned rows were gone before Holdfast came to them); what Holdfast deleted is "
              "in its slices"};
    }
  }
}

void PruneRun::fail(const std::exception& error) {
  report_.outcome = Outcome::failed;
  report_.error = run_error(error, with_.database.path());
  report_.error->message += " (phase: " + phase_ + ")";
}

void PruneRun::keep_all_due(Reason reason) {
  for (auto& [place, counts] : final_.places()) {
    counts[reason] += counts[Reason::expired];
    counts[Reason::expired] = 0;
  }
}

/// A damaged table may not even be countable; the run still has to say so.
std::int64_t PruneRun::count_if_possible(std::optional<std::int64_t> up_to) {
  try {
    return with_.database.audit_log().count_rows(up_to);
  } catch (const std::exception& error) {
    if (report_.outcome != Outcome::failed) {
      throw;
    }
    report_.warnings.push_back(std::string("the rows could not be counted: ") + error.what());
    return 0;
  }
}

/// Fills in what a run that ended early still can say: deleted + kept = rows_before, always.
void PruneRun::complete_figures() {
  if (!planned_) {
    const bool empty = with_.database.audit_log().shape().ordered_keys && !highest_before_;
    final_ = Tally{};
    final_.add(
        std::nullopt, "", Reason::not_reached, empty ? 0 : count_if_possible(highest_before_));
  } else if (slices_) {
    settle_tally();
  } else if (report_.outcome != Outcome::refused) {
    keep_all_due(Reason::not_reached);
  } else {
    keep_all_due(Reason::limit);
  }
  report_.figures = make_figures(final_, context_ ? &context_->rules() : nullptr);
  report_.figures.as_of = report_.clock.as_of;
  report_.figures.bad_times = plan_.figures.bad_times;
  report_.figures.category_mismatches = plan_.figures.category_mismatches;
  report_.figures.kept_by_hold = plan_.figures.kept_by_hold;
  report_.rows_remaining = report_.figures.totals[Reason::not_reached];
  for (const ChildShape& child : with_.database.audit_log().shape().children) {
    report_.children_deleted.try_emplace(child.table, 0);
  }
  const SpaceReport space = with_.database.space();
  report_.file_bytes = space.file_bytes;
  report_.free_bytes = space.free_bytes;
  report_.vacuum = with_.database.vacuum_statement();
  report_.incremental_vacuum = space.gives_back;
  if (!report_.rows_after) {
    count_rows_after();
  }
}

/// For a run that ended before it was reconciled; its own audit row comes with the closing.
void PruneRun::count_rows_after() {
  AuditLog& log = with_.database.audit_log();
  const std::int64_t own = log.appends_to_log() ? 1 : 0;
  const std::int64_t total = count_if_possible(std::nullopt);
  report_.rows_after = total + own;
  if (log.shape().ordered_keys) {
    report_.appended = total - (highest_before_ ? count_if_possible(highest_before_) : 0) + own;
  }
}

/// After a run that failed before it came to that: what it deleted is not to stay in the log.
void PruneRun::empty_log_of_failed() {
  if (report_.outcome != Outcome::failed || !slices_ || report_.wal_emptied) {
    return;
  }
  try {
    report_.wal_emptied = with_.database.checkpoint_all();
  } catch (const std::exception& error) {
    warn("wal_not_emptied: the write-ahead log could not be moved into the database: " +
         run_error(error, with_.database.path()).message);
  }
}

/// Nothing is decided any more: what the decisions needed, every hold among it, makes room for the
/// record. What the closing still asks of them is kept.
void PruneRun::let_go_of_decisions() {
  if (context_ && context_->approval() && slices_) {
    approval_used_ = context_->approval()->id;
  }
  slices_.reset();
  context_.reset();
}

void PruneRun::close_record() {
  try {
    if (!opened_) {
      // In the order of their numbers, or the chain would have them the other way round.
      close_dead_runs();
      open_record();
    }
    phase_ = "closing";
    close_archive();
    empty_log_of_failed();
    complete_figures();
    report_.duration = since_start_.elapsed();
    collect_groups();
    write_closing(EventPlace::usual);
    (void)with_.database.checkpoint_some();
  } catch (const std::exception& error) {
    if (closed_) {
      // What the ledger says of the run stands; the next run empties the log.
      with_.observer.warn(
          "wal_not_emptied: the run is closed, and then the write-ahead log could "
          "not be moved into the database: " +
          run_error(error, with_.database.path()).message);
      return;
    }
    close_after(error);
  }
}

/// Closing failed once. Tried again, because the cause may have passed; then with the audit row in
/// holdfast_event, because the log itself may be damaged; if that fails too, the next run finds
/// this one dead.
void PruneRun::close_after(const std::exception& problem) {
  const RunError why = run_error(problem, with_.database.path());
  report_.outcome = Outcome::failed;
  report_.error = report_.error ? report_.error : why;
  if (!opened_) {
    report_.run_id = 0;  // the number was not kept
    report_.error->message += "; the run could not be recorded: " + why.message;
    return;
  }
  const std::string before = report_.error->message + "; closing the run failed: " + why.message;
  for (const EventPlace place : {EventPlace::usual, EventPlace::aside}) {
    report_.error->message =
        before + (place == EventPlace::aside ? "; this audit row is in holdfast_event, because the "
                                               "log could not take it"
                                             : "");
    try {
      write_closing(place);
      return;
    } catch (const std::exception& error) {
      report_.error->message = before + "; the run could not be closed in the ledger (" +
                               run_error(error, with_.database.path()).message +
                               "), so the next run will close it as AUDIT_PRUNE_RUN_FAILED";
    }
  }
}

void PruneRun::write_closing(EventPlace place) {
  const Instant now = report_.clock.system_now;
  let_go_of_decisions();
  const auto write = with_.database.begin_write(Durability::full);
  SealedRecord sealed = seal();
  if (place == EventPlace::usual) {
    with_.database.audit_log().append(run_event(report_));
  } else {
    with_.database.audit_log().append_aside(run_event(report_));
  }
  if (approval_used_) {
    // What fails after the last of its rows is gone does not give the plan another night.
    const bool all_gone = report_.outcome == Outcome::failed && plan_carried_out_;
    if (report_.outcome == Outcome::completed || all_gone) {
      with_.database.plans().spend(*approval_used_, now);
    } else {
      with_.database.plans().use(*approval_used_, now);
    }
  }
  RunClosing closing{.outcome = std::string(to_token(report_.outcome)),
                     .error_reason = report_.error ? report_.error->reason : std::string{},
                     .error_message = report_.error ? report_.error->message : std::string{},
                     .closed_at = now,
                     .deleted = report_.figures.totals.deleted(),
                     .record = std::move(sealed.text),
                     .run_hash = std::move(sealed.hash),
                     .previous_hash = std::move(sealed.previous_hash)};
  with_.database.ledger().close(report_.run_id, closing);
  report_.sealed = std::move(closing.record);
  if (notes_) {
    notes_->note(now,
                 "run",
                 run_witness_body(
                     with_.database,
                     {.id = report_.run_id, .closing = closing, .rows_after = report_.rows_after}));
  }
  write->commit();
  closed_ = true;
  report_.holds.clear();  // they are in the sealed record
  report_.holds.shrink_to_fit();
  if (notes_) {
    notes_->flush();
  }
}

/// A run that nothing is left of but a note in the lock file gets its line and its event.
void PruneRun::record_missed_runs() {
  const auto missed = with_.lock == nullptr ? std::vector<MissedRun>{} : with_.lock->missed();
  for (const MissedRun& run : missed) {
    phase_ = "recording a missed run";
    const Instant at = run.at == kBeginningOfTime ? report_.clock.system_now : run.at;
    const RunOpening opening{
        .opened_at = at, .as_of = at, .started_by = run.started_by, .host = run.host};
    const auto number = record_missed_run(
        with_.database, run, opening, report_.clock.system_now, notes_ ? &*notes_ : nullptr);
    if (number) {
      report_.closed_dead_runs.push_back(*number);
      warn("run_not_recorded: the run of " + to_rfc3339(at) +
           " failed and could not be recorded; it is run " + std::to_string(*number) +
           " now, AUDIT_PRUNE_RUN_FAILED: " + run.error.message);
      if (run.left_out > 0) {
        warn("runs_not_recorded: " + std::to_string(run.left_out) +
             " more runs failed before that one and could not even be noted");
      }
    }
  }
  if (!missed.empty() && !with_.lock->forget_missed()) {
    warn("the lock file still has runs that are recorded by now: it cannot be written");
  }
}

RunReport PruneRun::record_invalid(const RunDependencies& with, const RunError& error) {
  const Settings none;
  PruneRun run(with, none);
  run.report_.clock.system_now = with.clock.now();
  run.report_.clock.as_of = run.report_.clock.system_now;
  run.report_.policy_source.clear();
  run.report_.outcome = Outcome::invalid;
  run.report_.error = error;
  run.highest_before_ = with.database.audit_log().highest_key();
  run.close_dead_runs();
  run.close_record();
  return std::move(run.report_);
}

}  // namespace holdfast

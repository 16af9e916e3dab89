// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jobs/clock.h"
#include "jobs/decision_context.h"
#include "jobs/lock_pacer.h"
#include "jobs/read_ahead.h"
#include "jobs/slice_job.h"
#include "jobs/slice_part.h"
#include "policy/tally.h"
#include "storage/database.h"

namespace holdfast {

/// Deletes the rows of a plan slice by slice: begin, read the hold register's version, and for a
/// few keys at a time read the rows, decide again on what is really there, delete, tally; then the
/// slice's own line, commit, checkpoint, pause; after the last slice of a run that nobody is beside
/// neither of the two. Every deleted row is attested by a committed slice,
/// with a salted digest of what the row was, and is in the archive where there is one.
///
/// While nobody else writes, the rows of the next slice are read and decided in another thread
/// while this one is written. Under its lock that slice then only asks whether anybody has
/// committed since; if so, it reads and decides anew.
///
/// Before all that, partitions that are wholly due go as tables where the job says so.
class SliceRunner {
 public:
  using Job = SliceJob;

  SliceRunner(Database& database, DecisionContext& context, const Job& job);

  /// Works through the keys. Errors: StorageError, JobError; the slice under way is taken back.
  void run(KeySet& keys);
  [[nodiscard]] const SliceTotals& totals() const { return totals_; }

 private:
  struct Slice {
    SlicePart done;
    std::int64_t decided_ahead = 0;
    bool cut = false;  ///< it ended before the rows that were decided for it
    ChildCounts children;
    std::optional<SliceDigest> digest;
  };

  void drop_partitions(KeySet& keys);
  void require_more(bool any_left) const;
  [[nodiscard]] bool refill(KeySet& keys, std::size_t wanted = 1);
  void open_ahead();
  [[nodiscard]] bool may_go_on();
  void run_slices(KeySet& keys);
  void run_slice(KeySet& keys);
  [[nodiscard]] bool await_decided();
  [[nodiscard]] bool worth_it(const DecidedRows& decided) const;
  void start_ahead(KeySet& keys, std::int64_t after);
  void work_off_decided(DecidedRows& decided, Slice& slice);
  void work_off(KeySet& keys, Slice& slice);
  [[nodiscard]] std::size_t delete_and_decide(std::span<const RowKey> keys,
                                              Slice& slice,
                                              const std::function<bool()>& enough);
  void read_and_delete(std::span<const RowKey> keys, Slice& slice);
  void learn(Slice& slice, const SliceTiming& timing);
  [[nodiscard]] bool one_by_one() const;
  [[nodiscard]] std::span<const RowKey> next_keys(const Slice& slice, std::int64_t most);
  void dispose(std::span<const RowKey> going, std::span<const RowKey> met);
  void forget(std::span<const RowKey> going, std::span<const RowKey> met);
  void write_slice(Slice& slice);
  void require_progress(const Slice& slice);
  void pause();

  Database& database_;
  DecisionContext& context_;
  Job job_;
  SliceManners manners_;
  LockPacer pacer_;
  SliceTotals totals_;
  std::vector<RowKey> waiting_;
  std::size_t first_ = 0;  // the first of the waiting that the slice under way began with
  std::size_t next_ = 0;   // the first of the waiting that was not handled
  PartReader rows_;
  std::int64_t seen_commits_ = 0;
  std::int64_t planned_ = 0;
  bool any_restored_ = false;     // rows that an archive gave back once, and that may go again
  bool decide_first_;             // each row is decided before it is deleted, and not as it goes
  std::unique_ptr<KeySet> gone_;  // keys whose rows went with their partition; null: none
  Stopwatch since_start_;
  Stopwatch lock_;                    // since the slice under way has had the write lock
  Stopwatch resting_;                 // since the last commit: for so long others could write
  std::unique_ptr<ReadAhead> ahead_;  // null: every row is read under the lock
};

}  // namespace holdfast

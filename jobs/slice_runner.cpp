// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_runner.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/partition_runner.h"

namespace holdfast {
namespace {

constexpr std::size_t kRefill = 32'768;
// The part of what is read at once that a slice has at least.
constexpr std::int64_t kPartsAtLeast = 5;

/// The thread ends before those go that it works with, and its connection with it: a reader would
/// keep the write-ahead log from being emptied.
class EndOfReading {
 public:
  explicit EndOfReading(std::unique_ptr<ReadAhead>& ahead) : ahead_(ahead) {}
  EndOfReading(const EndOfReading&) = delete;
  EndOfReading& operator=(const EndOfReading&) = delete;
  EndOfReading(EndOfReading&&) = delete;
  EndOfReading& operator=(EndOfReading&&) = delete;
  ~EndOfReading() { ahead_.reset(); }

 private:
  std::unique_ptr<ReadAhead>& ahead_;
};

}  // namespace

SliceRunner::SliceRunner(Database& database, DecisionContext& context, const Job& job)
    : database_(database),
      context_(context),
      job_(job),
      manners_(database.slice_manners()),
      pacer_(job.budget, job.quiet),
      rows_(database, context),
      decide_first_(!manners_.decides_on_deleted) {}

void SliceRunner::run(KeySet& keys) {
  const auto guards_aside = database_.guard().step_aside();
  planned_ = keys.size();
  keys.rewind();
  seen_commits_ = database_.foreign_commits();
  database_.restored_rows().for_each([this](const RestoredRow&) { any_restored_ = true; });
  since_start_.restart();
  drop_partitions(keys);
  open_ahead();
  const EndOfReading end{ahead_};
  start_ahead(keys, 0);
  run_slices(keys);
}

void SliceRunner::drop_partitions(KeySet& keys) {
  if (!job_.budget.drop_partitions) {
    return;
  }
  PartitionRunner partitions(database_, context_, job_, any_restored_, totals_);
  gone_ = partitions.run(keys);
}

void SliceRunner::run_slices(KeySet& keys) {
  while (may_go_on()) {
    first_ = next_;
    require_more(refill(keys));
    if (!await_decided()) {
      return;
    }
    try {
      run_slice(keys);
    } catch (const RowsStay&) {
      // Taken back whole. The same rows again, each read before it is deleted.
      next_ = first_;
      decide_first_ = true;
      pacer_.note_lock(lock_.elapsed());
      totals_.longest_lock = pacer_.longest_lock();
      resting_.restart();
      pause();
      continue;
    }
    const bool ends_alone = totals_.handled == planned_ && pacer_.undisturbed();
    if (ends_alone && !job_.more_to_do) {
      continue;  // nobody is there to wait for the log, which is copied while the rows are counted
    }
    if (database_.checkpoint_some()) {
      resting_.restart();
    }
    if (!ends_alone) {
      pause();
    }
  }
}

/// As long as not every planned key was worked off, there is one.
void SliceRunner::require_more(bool any_left) const {
  if (!any_left) {
    throw JobError(ExitStatus::failed,
                   "of " + std::to_string(planned_) + " planned rows only " +
                       std::to_string(totals_.handled) +
                       " were looked at, and no more are to be had: this is a fault of Holdfast; "
                       "what was deleted is attested, and the next run plans anew");
  }
}

/// So many keys wait, or all that are left. Returns false where there are none. Those of the slice
/// under way stay: it may be taken back, and begin anew with its first.
bool SliceRunner::refill(KeySet& keys, std::size_t wanted) {
  if (waiting_.size() - next_ >= wanted) {
    return true;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
  next_ -= first_;
  first_ = 0;
  waiting_.reserve(next_ + wanted + kRefill);
  while (waiting_.size() - next_ < wanted) {
    auto more = keys.next(kRefill);
    if (more.empty()) {
      break;
    }
    if (gone_) {
      std::erase_if(more, [this](const RowKey& key) { return gone_->contains(key); });
    }
    waiting_.insert(
        waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return next_ < waiting_.size();
}

bool SliceRunner::may_go_on() {
  if (job_.stop != nullptr && job_.stop->raised()) {
    totals_.end = SlicesEnd::stopped;
    return false;
  }
  if (totals_.handled == planned_) {
    return false;
  }
  if (job_.budget.max_rows > 0 && totals_.deleted >= job_.budget.max_rows) {
    totals_.end = SlicesEnd::out_of_rows;
    return false;
  }
  // One slice always goes: a budget shorter than planning would otherwise never get anywhere.
  if (totals_.slices > 0 && job_.spent + since_start_.elapsed() >= job_.budget.max_time) {
    totals_.end = SlicesEnd::out_of_time;
    return false;
  }
  return true;
}

void SliceRunner::run_slice(KeySet& keys) {
  Slice slice;
  SliceTiming timing;
  auto decided = ahead_ ? ahead_->take() : DecidedRows{};
  const auto write = database_.begin_write(Durability::normal);
  lock_.restart();
  const std::int64_t commits = database_.foreign_commits();
  timing.others_wrote = commits != seen_commits_;
  seen_commits_ = commits;
  database_.require_same_schema();
  (void)database_.audit_log().take_children();  // of a write that was taken back
  const bool holds_changed = context_.refresh_holds();
  totals_.hold_changes += holds_changed ? 1 : 0;
  if (timing.others_wrote) {
    pacer_.meet_writer();
  }
  if (timing.others_wrote || holds_changed || !worth_it(decided)) {
    decided = DecidedRows{};
  }
  if (!job_.salt.empty()) {
    slice.digest.emplace(job_.salt);
  }
  if (job_.archive != nullptr) {
    job_.archive->start_slice(totals_.slices + 1);
  }
  if (decided.handled() > 0) {
    start_ahead(keys, decided.handled());
    work_off_decided(decided, slice);
  } else {
    work_off(keys, slice);
  }
  require_progress(slice);
  slice.children = database_.audit_log().take_children();
  write_slice(slice);
  timing.work = lock_.elapsed();
  write->commit();
  resting_.restart();
  timing.commit = lock_.elapsed() - timing.work;
  timing.rows = slice.done.handled;
  learn(slice, timing);
  if (slice.cut && ahead_) {
    ahead_->forget();
  }
  if (decided.parts.empty()) {
    start_ahead(keys, 0);
  }
}

void SliceRunner::learn(Slice& slice, const SliceTiming& timing) {
  ++totals_.slices;
  totals_.tally.add(std::move(slice.done.sums.tally));
  note_newest(totals_.newest_deleted, std::move(slice.done.sums.newest_deleted));
  totals_.deleted += static_cast<std::int64_t>(slice.done.going.size());
  totals_.handled += slice.done.handled;
  totals_.vanished += slice.done.vanished;
  for (const auto& [table, rows] : slice.children) {
    totals_.children[table] += rows;
  }
  totals_.decided_ahead += slice.decided_ahead;
  // Where rows stay, more of them may: then the next slice is not deleted in vain.
  const bool some_stay = static_cast<std::int64_t>(slice.done.going.size()) < slice.done.handled;
  decide_first_ = !manners_.decides_on_deleted || some_stay;
  pacer_.learn(timing);
  totals_.longest_lock = pacer_.longest_lock();
  if (job_.observer != nullptr) {
    job_.observer->progress({.phase = "deleting", .done = totals_.handled, .total = planned_});
  }
}

void SliceRunner::work_off(KeySet& keys, Slice& slice) {
  const auto budget = pacer_.work_budget();
  // What a slice costs before its first row must not make slices smaller and smaller.
  const std::int64_t most = std::max(pacer_.row_budget(), manners_.rows_at_once / kPartsAtLeast);
  SlicePart& done = slice.done;
  while (done.handled < most && refill(keys)) {
    const auto at_hand = next_keys(slice, most - done.handled);
    if (at_hand.empty()) {
      return;
    }
    if (decide_first_ || one_by_one()) {
      read_and_delete(at_hand, slice);
      next_ += at_hand.size();
    } else {
      next_ += delete_and_decide(at_hand, slice, [&] { return lock_.elapsed() >= budget; });
    }
    if (lock_.elapsed() >= budget) {
      return;
    }
  }
}

void SliceRunner::read_and_delete(std::span<const RowKey> keys, Slice& slice) {
  SlicePart& done = slice.done;
  const std::size_t gone = done.going.size();
  const std::size_t gone_met = done.met.size();
  rows_.read(
      keys, done, {.digest = slice.digest ? &*slice.digest : nullptr, .archive = job_.archive});
  dispose(std::span{done.going}.subspan(gone), std::span{done.met}.subspan(gone_met));
}

/// Each row is decided on what the delete says that it took. One that stays, or that is not there,
/// takes the whole slice back, of which nobody has seen anything. Returns how many were worked off.
std::size_t SliceRunner::delete_and_decide(std::span<const RowKey> keys,
                                           Slice& slice,
                                           const std::function<bool()>& enough) {
  SlicePart& done = slice.done;
  const std::size_t gone = done.going.size();
  const std::size_t gone_met = done.met.size();
  const Attestation attested{.digest = slice.digest ? &*slice.digest : nullptr,
                             .archive = job_.archive};
  const std::size_t worked_off = database_.audit_log().dispose_decided(
      keys,
      [&](const RowFacts& row, const RowContent& content) {
        return rows_.take(row, content, done, attested);
      },
      enough);
  forget(std::span{done.going}.subspan(gone), std::span{done.met}.subspan(gone_met));
  return worked_off;
}

/// A trigger may change any row when another goes: then each is read right before it does. One
/// delete may also take long, where the children of a row are found by reading all of them.
bool SliceRunner::one_by_one() const {
  const LogShape& shape = database_.audit_log().shape();
  return shape.deletes_fire_triggers || !finds_children(shape);
}

/// The keys to work on before the clock is looked at; none where the run may delete no more rows.
std::span<const RowKey> SliceRunner::next_keys(const Slice& slice, std::int64_t most) {
  std::int64_t count = most;
  if (decide_first_ || one_by_one()) {
    count = std::min(most, one_by_one() ? 1 : manners_.rows_at_once);
  }
  if (job_.budget.max_rows > 0) {
    const auto deleted = totals_.deleted + static_cast<std::int64_t>(slice.done.going.size());
    count = std::min(count, job_.budget.max_rows - deleted);
  }
  const auto waiting = static_cast<std::int64_t>(waiting_.size() - next_);
  return std::span{waiting_}.subspan(next_, static_cast<std::size_t>(std::min(count, waiting)));
}

/// Deletes rows that were decided for this slice, and what Holdfast noted about them.
void SliceRunner::dispose(std::span<const RowKey> going, std::span<const RowKey> met) {
  database_.audit_log().dispose(going);
  forget(going, met);
}

/// Drops what Holdfast noted about rows that are gone.
void SliceRunner::forget(std::span<const RowKey> going, std::span<const RowKey> met) {
  for (const RowKey& key : met) {
    database_.first_seen().drop(key);
  }
  if (any_restored_) {
    for (const RowKey& key : going) {
      database_.restored_rows().drop(key);
    }
  }
}

void SliceRunner::write_slice(Slice& slice) {
  const auto archive_end =
      job_.archive == nullptr ? std::nullopt : std::optional{job_.archive->finish_slice()};
  database_.ledger().add_slice({.run = job_.run,
                                .number = totals_.slices + 1,
                                .deleted = static_cast<std::int64_t>(slice.done.going.size()),
                                .tally = slice_tally(slice.done.sums.tally, slice.children),
                                .keys = encode_keys(slice.done.going),
                                .hold_version = context_.hold_version(),
                                .hold_digest = context_.hold_digest(),
                                .digest = slice.digest ? slice.digest->hex() : std::string{},
                                .archive_end = archive_end});
}

void SliceRunner::require_progress(const Slice& slice) {
  if (slice.done.handled > 0) {
    return;
  }
  const std::string problem = database_.integrity_problem();
  throw JobError(ExitStatus::failed,
                 "a slice had rows to look at and got to none: " +
                     (problem.empty() ? "the database passes its integrity check, so this is a "
                                        "fault of Holdfast; the run was ended and not repeated"
                                      : "the database is damaged: " + problem));
}

/// Lets others write: they could since the commit, and while the checkpoint was made. Where readers
/// are in nobody's way, the time goes into reading the next rows, so that they need not come from
/// the disk under the write lock.
void SliceRunner::pause() {
  const auto rest = std::min(pacer_.pause(), manners_.longest_rest);
  if (manners_.warm_next_rows && database_.readers_are_free()) {
    for (std::size_t from = next_; from < waiting_.size() && resting_.elapsed() < rest;
         from += static_cast<std::size_t>(manners_.rows_at_once)) {
      const auto count =
          std::min(waiting_.size() - from, static_cast<std::size_t>(manners_.rows_at_once));
      database_.audit_log().read_rows(std::span{waiting_}.subspan(from, count),
                                      [](const RowFacts&) {});
    }
  }
  if (resting_.elapsed() < rest) {
    std::this_thread::sleep_for(rest - resting_.elapsed());
  }
}

}  // namespace holdfast

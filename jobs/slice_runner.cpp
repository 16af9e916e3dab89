// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_runner.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "jobs/job_error.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::size_t kRefill = 32'768;
using NewestTimes = std::map<TallyPlace, Instant, TallyPlaceLess>;

void note_newest(NewestTimes& times, const TallyPlaceView& place, Instant time) {
  const auto found = times.find(place);
  if (found != times.end()) {
    found->second = std::max(found->second, time);
    return;
  }
  times.emplace(
      TallyPlace{.tenant = place.tenant ? std::optional<std::string>(*place.tenant) : std::nullopt,
                 .category = std::string(place.category)},
      time);
}

constexpr std::int64_t kRowsBetweenLooks = 16;  // how often the clock is looked at inside a slice

}  // namespace

SliceRunner::SliceRunner(Database& database, DecisionContext& context, const Job& job)
    : database_(database), context_(context), job_(job), pacer_(job.budget, job.quiet) {}

void SliceRunner::run(KeySet& keys) {
  planned_ = keys.size();
  keys.rewind();
  seen_commits_ = database_.foreign_commits();
  database_.restored_rows().for_each([this](const RestoredRow&) { any_restored_ = true; });
  since_start_.restart();
  while (may_go_on() && refill(keys)) {
    run_slice(keys);
    pause();
  }
}

bool SliceRunner::refill(KeySet& keys) {
  if (waiting_.empty()) {
    for (RowKey& key : keys.next(kRefill)) {
      waiting_.push_back(std::move(key));
    }
  }
  return !waiting_.empty();
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
  const auto write = database_.begin_write(Durability::normal);
  const Stopwatch lock;
  timing.others_wrote = database_.foreign_commits() != seen_commits_;
  database_.require_same_schema();
  totals_.hold_changes += context_.refresh_holds() ? 1 : 0;
  if (!job_.salt.empty()) {
    slice.digest.emplace(job_.salt);
  }
  if (job_.archive != nullptr) {
    job_.archive->start_slice(totals_.slices + 1);
  }
  work_off(keys, slice, lock);
  require_progress(slice);
  write_slice(slice);
  timing.work = lock.elapsed();
  write->commit();
  timing.commit = lock.elapsed() - timing.work;
  timing.rows = slice.handled;
  seen_commits_ = database_.foreign_commits();

  ++totals_.slices;
  totals_.tally.add(slice.tally);
  for (const auto& [place, time] : slice.newest_deleted) {
    note_newest(totals_.newest_deleted, TallyPlaceLess::view(place), time);
  }
  totals_.deleted += static_cast<std::int64_t>(slice.deleted.size());
  totals_.handled += slice.handled;
  totals_.vanished += slice.vanished;
  pacer_.learn(timing);
  totals_.longest_lock = pacer_.longest_lock();
  database_.checkpoint_some();
  if (job_.observer != nullptr) {
    job_.observer->progress({.phase = "deleting", .done = totals_.handled, .total = planned_});
  }
}

void SliceRunner::work_off(KeySet& keys, Slice& slice, const Stopwatch& lock) {
  const auto budget = pacer_.work_budget();
  const std::int64_t most = pacer_.row_budget();
  const auto deleted_so_far = [&] {
    return totals_.deleted + static_cast<std::int64_t>(slice.deleted.size());
  };
  while (slice.handled < most && refill(keys)) {
    if (job_.budget.max_rows > 0 && deleted_so_far() >= job_.budget.max_rows) {
      return;
    }
    dispose_or_keep(waiting_.front(), slice);
    waiting_.pop_front();
    ++slice.handled;
    if (slice.handled % kRowsBetweenLooks == 0 && lock.elapsed() >= budget) {
      return;
    }
  }
}

void SliceRunner::dispose_or_keep(const RowKey& key, Slice& slice) {
  bool goes = false;
  AuditLog& log = database_.audit_log();
  const bool there =
      slice.digest || job_.archive != nullptr
          ? log.read_whole_row(key,
                               [&](const RowFacts& row, const RowContent& content) {
                                 goes = look_again(key, row, slice);
                                 if (goes) {
                                   attest(key, content, slice);
                                 }
                               })
          : log.read_row(key, [&](const RowFacts& row) { goes = look_again(key, row, slice); });
  if (!there) {
    ++slice.vanished;
  } else if (goes) {
    log.dispose(key);
    if (any_restored_) {
      database_.restored_rows().drop(key);
    }
    slice.deleted.push_back(key);
  }
}

/// Decides on what is really there and counts it. Returns true where the row goes.
bool SliceRunner::look_again(const RowKey& key, const RowFacts& row, Slice& slice) {
  const Decision decision = context_.decide_row(row);
  slice.tally.add(row.tenant, decision.category, decision.reason);
  if (!decision.deletes()) {
    return false;
  }
  slice.tally.add_code(row.code.value_or(std::string_view{}), decision.reason);
  if (decision.bad_time) {
    database_.first_seen().drop(key);
  } else if (const auto time = parse_event_time(row.time, context_.frame().time_format)) {
    note_newest(slice.newest_deleted, {.tenant = row.tenant, .category = decision.category}, *time);
  }
  return true;
}

void SliceRunner::attest(const RowKey& key, const RowContent& content, Slice& slice) {
  content_.clear();
  content.append_to(content_);
  if (slice.digest) {
    slice.digest->add(content_);
  }
  if (job_.archive != nullptr) {
    job_.archive->add(key, content_);
  }
}

void SliceRunner::write_slice(Slice& slice) {
  const auto archive_end =
      job_.archive == nullptr ? std::nullopt : std::optional{job_.archive->finish_slice()};
  database_.ledger().add_slice({.run = job_.run,
                                .number = totals_.slices + 1,
                                .deleted = static_cast<std::int64_t>(slice.deleted.size()),
                                .tally = compact(tally_json(slice.tally)),
                                .keys = encode_keys(slice.deleted),
                                .hold_version = context_.hold_version(),
                                .hold_digest = context_.hold_digest(),
                                .digest = slice.digest ? slice.digest->hex() : std::string{},
                                .archive_end = archive_end});
}

void SliceRunner::require_progress(const Slice& slice) {
  if (slice.handled > 0) {
    return;
  }
  const std::string problem = database_.integrity_problem();
  throw JobError(ExitStatus::failed,
                 "a slice had rows to look at and got to none: " +
                     (problem.empty() ? "the database passes its integrity check, so this is a "
                                        "fault of Holdfast; the run was ended and not repeated"
                                      : "the database is damaged: " + problem));
}

/// Lets others write. Where readers are in nobody's way, the time goes into reading the next rows,
/// so that they need not come from the disk under the write lock.
void SliceRunner::pause() {
  if (totals_.handled == planned_) {
    return;
  }
  const Stopwatch resting;
  const auto rest = pacer_.pause();
  if (database_.readers_are_free()) {
    for (const RowKey& key : waiting_) {
      if (resting.elapsed() >= rest) {
        return;
      }
      (void)database_.audit_log().read_row(key, [](const RowFacts&) {});
    }
  }
  if (resting.elapsed() < rest) {
    std::this_thread::sleep_for(rest - resting.elapsed());
  }
}

}  // namespace holdfast

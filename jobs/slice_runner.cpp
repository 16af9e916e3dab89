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

constexpr std::int64_t kRowsBetweenLooks = 64;  // how often the clock is looked at inside a slice

}  // namespace

SliceRunner::SliceRunner(Database& database, DecisionContext& context, const Job& job)
    : database_(database), context_(context), job_(job), pacer_(job.budget, job.quiet) {}

void SliceRunner::run(KeySet& keys) {
  const auto guards_aside = database_.guard().step_aside();
  planned_ = keys.size();
  keys.rewind();
  seen_commits_ = database_.foreign_commits();
  database_.restored_rows().for_each([this](const RestoredRow&) { any_restored_ = true; });
  since_start_.restart();
  while (may_go_on() && refill(keys)) {
    run_slice(keys);
    database_.checkpoint_some();
    pause();
  }
}

bool SliceRunner::refill(KeySet& keys) {
  if (next_ == waiting_.size()) {
    waiting_ = keys.next(kRefill);
    next_ = 0;
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
  resting_.restart();
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
  if (job_.observer != nullptr) {
    job_.observer->progress({.phase = "deleting", .done = totals_.handled, .total = planned_});
  }
}

void SliceRunner::work_off(KeySet& keys, Slice& slice, const Stopwatch& lock) {
  const auto budget = pacer_.work_budget();
  const std::int64_t most = pacer_.row_budget();
  while (slice.handled < most && refill(keys)) {
    const auto at_hand = next_keys(slice, most - slice.handled);
    if (at_hand.empty()) {
      return;
    }
    dispose_or_keep(at_hand, slice);
    next_ += at_hand.size();
    slice.handled += static_cast<std::int64_t>(at_hand.size());
    if (lock.elapsed() >= budget) {
      return;
    }
  }
}

/// The keys to work on before the clock is looked at; none where the run may delete no more rows.
std::span<const RowKey> SliceRunner::next_keys(const Slice& slice, std::int64_t most) {
  // A trigger may change any row when another goes: then each is read right before it does.
  const bool singly = database_.audit_log().shape().deletes_fire_triggers;
  std::int64_t count = std::min(most, singly ? 1 : kRowsBetweenLooks);
  if (job_.budget.max_rows > 0) {
    const auto deleted = totals_.deleted + static_cast<std::int64_t>(slice.deleted.size());
    count = std::min(count, job_.budget.max_rows - deleted);
  }
  const auto waiting = static_cast<std::int64_t>(waiting_.size() - next_);
  return std::span{waiting_}.subspan(next_, static_cast<std::size_t>(std::min(count, waiting)));
}

void SliceRunner::dispose_or_keep(std::span<const RowKey> keys, Slice& slice) {
  going_.clear();
  met_.clear();
  AuditLog& log = database_.audit_log();
  std::int64_t there = 0;
  if (slice.digest || job_.archive != nullptr) {
    log.read_whole_rows(keys, [&](const RowFacts& row, const RowContent& content) {
      ++there;
      if (look_again(row, slice)) {
        attest(*row.key, content, slice);
      }
    });
  } else {
    log.read_rows(keys, [&](const RowFacts& row) {
      ++there;
      (void)look_again(row, slice);
    });
  }
  slice.vanished += static_cast<std::int64_t>(keys.size()) - there;
  log.dispose(going_);
  for (const RowKey& key : met_) {
    database_.first_seen().drop(key);
  }
  if (any_restored_) {
    for (const RowKey& key : going_) {
      database_.restored_rows().drop(key);
    }
  }
  slice.deleted.insert(slice.deleted.end(), going_.begin(), going_.end());
}

/// Decides on what is really there and counts it. Returns true where the row goes.
bool SliceRunner::look_again(const RowFacts& row, Slice& slice) {
  const Decision decision = context_.decide_row(row);
  slice.tally.add(row.tenant, decision.category, decision.reason);
  if (!decision.deletes()) {
    return false;
  }
  going_.push_back(*row.key);
  slice.tally.add_code(row.code.value_or(std::string_view{}), decision.reason);
  if (decision.bad_time) {
    met_.push_back(*row.key);
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

/// Lets others write: they could since the commit, and while the checkpoint was made. Where readers
/// are in nobody's way, the time goes into reading the next rows, so that they need not come from
/// the disk under the write lock.
void SliceRunner::pause() {
  if (totals_.handled == planned_) {
    return;
  }
  const auto rest = pacer_.pause();
  if (database_.readers_are_free()) {
    for (std::size_t from = next_; from < waiting_.size() && resting_.elapsed() < rest;
         from += static_cast<std::size_t>(kRowsBetweenLooks)) {
      const auto count =
          std::min(waiting_.size() - from, static_cast<std::size_t>(kRowsBetweenLooks));
      database_.audit_log().read_rows(std::span{waiting_}.subspan(from, count),
                                      [](const RowFacts&) {});
    }
  }
  if (resting_.elapsed() < rest) {
    std::this_thread::sleep_for(rest - resting_.elapsed());
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
// What a run of slices does with the rows that were read and decided ahead of a slice's lock.

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

#include "jobs/slice_runner.h"

namespace holdfast {
namespace {

// Read ahead in one go: each key is in memory a few times, 16 bytes each.
constexpr std::int64_t kMostAhead = 131'072;
// Fewer are not worth a thread and a connection.
constexpr std::int64_t kFewestAhead = 2'000;

}  // namespace

/// Rows that come slowly from the disk keep nobody from stopping the run. Returns false where it is
/// to end before its next slice.
bool SliceRunner::await_decided() {
  constexpr std::chrono::milliseconds kBetweenLooks{20};
  while (ahead_ && !ahead_->wait(kBetweenLooks)) {
    if (!may_go_on()) {
      ahead_->forget();
      return false;
    }
  }
  return true;
}

/// Reading ahead only saves time: where it cannot be had, nothing is missing.
void SliceRunner::open_ahead() {
  if (job_.archive != nullptr || planned_ < kFewestAhead ||
      !ReadAhead::suits(database_, context_)) {
    return;
  }
  try {
    if (auto reader = SecondConnection{database_}.open(job_.open_reader)) {
      ahead_ = std::make_unique<ReadAhead>(std::move(reader), context_, job_.salt);
    }
  } catch (const StorageError&) {
    ahead_.reset();
  }
}

/// Enough of a slice to take the lock for. The rows of a run that may delete only so many more are
/// counted one by one.
bool SliceRunner::worth_it(const DecidedRows& decided) const {
  const std::int64_t rows = decided.handled();
  const bool within = job_.budget.max_rows == 0 || totals_.deleted + rows <= job_.budget.max_rows;
  return rows > 0 && within &&
         (2 * rows >= std::min(pacer_.row_budget(), kMostAhead) ||
          totals_.handled + rows == planned_);
}

/// Has the rows of the next slice read, which begin so many keys behind the first that waits: those
/// that the slice under way works off.
void SliceRunner::start_ahead(KeySet& keys, std::int64_t after) {
  if (!ahead_ || !pacer_.undisturbed()) {
    return;
  }
  const auto skipped = static_cast<std::size_t>(after);
  const std::int64_t rows = after > 0 ? pacer_.later_row_budget() : pacer_.row_budget();
  const auto wanted = static_cast<std::size_t>(std::min(rows, kMostAhead));
  (void)refill(keys, skipped + wanted);
  const auto from = std::min(waiting_.size(), next_ + skipped);
  const auto count = std::min(wanted, waiting_.size() - from);
  if (count > 0) {
    const auto all = std::span{waiting_}.subspan(from, count);
    try {
      ahead_->start({all.begin(), all.end()});
    } catch (const std::system_error&) {
      ahead_.reset();
    }
  }
}

/// A slice that turns out slower than the ones before ends early, and what was read behind it does
/// not begin where it ended.
void SliceRunner::work_off_decided(DecidedRows& decided, Slice& slice) {
  std::vector<DecidedPart>& parts = decided.parts;
  const auto limit = pacer_.work_limit();
  std::size_t used = 0;
  DecidedPart* last = nullptr;
  slice.done.going.reserve(static_cast<std::size_t>(decided.handled()));
  while (used < parts.size() && (used == 0 || lock_.elapsed() < limit)) {
    DecidedPart& part = parts[used];
    dispose(part.rows.going, part.rows.met);
    next_ += static_cast<std::size_t>(part.rows.handled);
    slice.decided_ahead += part.rows.handled;
    slice.done.add_keys(std::move(part.rows));
    last = &part;
    ++used;
  }
  if (last != nullptr && last->digest) {
    slice.digest.emplace(*last->digest);
  }
  if (used == parts.size()) {
    slice.done.sums.add(std::move(decided.sums));
    return;
  }
  slice.done.sums.add(decided.counted.of_first(used));
  slice.cut = true;
  if (ahead_) {
    ahead_->give_up();
  }
}

}  // namespace holdfast

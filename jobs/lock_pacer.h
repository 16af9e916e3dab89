// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "jobs/settings.h"

namespace holdfast {

/// How long the last slice took, in parts.
struct SliceTiming {
  std::chrono::microseconds work{0};    ///< reading, deciding and deleting under the write lock
  std::chrono::microseconds commit{0};  ///< the commit, also under the lock
  std::int64_t rows = 0;
  bool others_wrote = false;  ///< another connection has committed since the slice before
};

/// Says how long the next slice may work under the write lock, and how long to pause after it, so
/// that writers wait no longer than they were promised. The promise covers work and commit
/// together: the share that commits take is learned, and a lock that lasted longer than it should
/// makes the next ones shorter. Once nobody else has written for kQuietSpell, slices grow up to
/// max_lock_idle, and begin so where that was long ago; the first foreign commit takes them back to
/// max_lock.
class LockPacer {
 public:
  /// For how long nobody else has to have written before locks may grow: longer than the rests of
  /// an application that writes now and then.
  static constexpr std::chrono::seconds kQuietSpell{2};

  /// `quiet`: for how long nobody else has written already.
  explicit LockPacer(const RunBudget& budget, std::chrono::microseconds quiet = kQuietSpell);

  [[nodiscard]] std::chrono::microseconds work_budget() const;
  /// How long it may work at the most: the whole of what was promised, for a slice that is known
  /// row by row before it begins and would be known in vain if it were cut; a tenth more while
  /// nobody waits.
  [[nodiscard]] std::chrono::microseconds work_limit() const;
  /// The most rows for the next slice, from the speed of the ones before.
  [[nodiscard]] std::int64_t row_budget() const { return rows_; }
  /// The same for the slice after it, while the next is under way.
  [[nodiscard]] std::int64_t later_row_budget() const;
  /// Longer than a waiting writer sleeps between two tries, because the lock is not handed on
  /// fairly.
  [[nodiscard]] std::chrono::microseconds pause() const;

  void learn(const SliceTiming& timing);
  /// A lock that came to nothing: it counts among the longest, and the next rest is as after it.
  void note_lock(std::chrono::microseconds lock);

  /// Another connection has committed since the slice before: counts from the next call on.
  void meet_writer();
  /// True where nobody else has written for long enough that locks may grow.
  [[nodiscard]] bool undisturbed() const { return target_ > busy_; }

  [[nodiscard]] std::chrono::microseconds longest_lock() const { return longest_; }

 private:
  /// How long a lock may last before it counts as late, in microseconds.
  [[nodiscard]] double longest_allowed() const;
  /// For how long the next slice is made, work and commit together, in microseconds.
  [[nodiscard]] double aimed_at() const;

  std::chrono::microseconds busy_;
  std::chrono::microseconds idle_;
  std::chrono::microseconds target_;
  std::chrono::microseconds quiet_;
  std::chrono::microseconds last_lock_{0};
  std::chrono::microseconds longest_{0};
  std::int64_t rows_;
  std::int64_t fit_;           // what would fit, however few there were so far
  std::int64_t largest_;       // rows of the largest slice so far
  double aim_;                 // the part of the target that a slice is made for
  double commit_share_ = 1.0;  // commit time as a multiple of work time
};

}  // namespace holdfast

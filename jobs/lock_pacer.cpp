// SPDX-License-Identifier: Apache-2.0
#include "jobs/lock_pacer.h"

#include <algorithm>
#include <array>
#include <limits>

namespace holdfast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr double kAim = 0.65;       // of what was promised: room for a slow disk
constexpr double kAimIdle = 0.9;    // of the same while nobody waits
constexpr double kLimitIdle = 1.1;  // of the same, where to cut a slice costs more than the rest
constexpr double kLeastAim = 0.25;  // where even that was too much, again and again
constexpr double kAimLower = 0.75;  // after a lock that lasted too long
constexpr double kAimHigher = 0.01;
constexpr double kForget = 0.8;  // how much of the learned commit share stays
constexpr std::int64_t kFewestRows = 16;
constexpr std::int64_t kFirstRows = 200;         // small: the first slice teaches the speed
constexpr std::int64_t kFirstRowsIdle = 32'768;  // an ordinary night; the clock cuts it
constexpr std::int64_t kMostGrowth = 2;
constexpr std::int64_t kMostGrowthIdle = 4;

/// How long SQLite's own busy handler sleeps next, after a writer has waited so long already.
struct BusyStep {
  milliseconds waited;
  milliseconds sleep;
};
constexpr std::array<BusyStep, 6> kBusySteps = {{{milliseconds{3}, milliseconds{5}},
                                                 {milliseconds{8}, milliseconds{10}},
                                                 {milliseconds{18}, milliseconds{15}},
                                                 {milliseconds{33}, milliseconds{20}},
                                                 {milliseconds{128}, milliseconds{25}},
                                                 {milliseconds{228}, milliseconds{50}}}};
constexpr milliseconds kLongestBusySleep{100};

}  // namespace

LockPacer::LockPacer(const RunBudget& budget, microseconds quiet)
    : busy_(budget.max_lock),
      idle_(std::max(budget.max_lock, budget.max_lock_idle)),
      target_(quiet < kQuietSpell ? busy_ : idle_),
      quiet_(quiet),
      rows_(undisturbed() ? kFirstRowsIdle : kFirstRows),
      fit_(std::numeric_limits<std::int64_t>::max()),
      largest_(undisturbed() ? 0 : rows_),
      aim_(kAim) {}

microseconds LockPacer::work_budget() const {
  const double work = aimed_at() / (1.0 + commit_share_);
  return std::max(microseconds{500}, microseconds{static_cast<std::int64_t>(work)});
}

microseconds LockPacer::work_limit() const {
  const double work = longest_allowed() / (1.0 + commit_share_);
  return std::max(work_budget(), microseconds{static_cast<std::int64_t>(work)});
}

double LockPacer::longest_allowed() const {
  return (undisturbed() ? kLimitIdle : 1.0) * static_cast<double>(target_.count());
}

std::int64_t LockPacer::later_row_budget() const {
  return undisturbed() ? std::clamp(fit_, rows_, kMostGrowthIdle * rows_) : rows_;
}

void LockPacer::meet_writer() {
  quiet_ = microseconds{0};
  if (target_ > busy_) {
    rows_ = std::max(kFewestRows, rows_ * busy_.count() / target_.count());
    target_ = busy_;
  }
}

double LockPacer::aimed_at() const {
  const double aim = target_ > busy_ ? aim_ * kAimIdle / kAim : aim_;
  return aim * static_cast<double>(target_.count());
}

microseconds LockPacer::pause() const {
  const auto* step = std::find_if(kBusySteps.begin(), kBusySteps.end(), [this](const auto& entry) {
    return last_lock_ < entry.waited;
  });
  return (step == kBusySteps.end() ? kLongestBusySleep : step->sleep) + milliseconds{1};
}

void LockPacer::note_lock(microseconds lock) {
  last_lock_ = lock;
  longest_ = std::max(longest_, lock);
}

void LockPacer::learn(const SliceTiming& timing) {
  note_lock(timing.work + timing.commit);
  const double work = std::max<double>(1.0, static_cast<double>(timing.work.count()));
  const double share = static_cast<double>(timing.commit.count()) / work;
  // What commits of small slices cost is not what those of large ones do.
  const double old = timing.rows > kMostGrowth * largest_ ? share : commit_share_;
  commit_share_ = std::max(share, kForget * old + (1.0 - kForget) * share);
  largest_ = std::max(largest_, timing.rows);
  const bool late = static_cast<double>(last_lock_.count()) > longest_allowed();
  aim_ = late ? std::max(kLeastAim, kAimLower * aim_) : std::min(kAim, aim_ + kAimHigher);
  quiet_ = timing.others_wrote ? microseconds{0} : quiet_ + last_lock_ + pause();
  target_ = quiet_ < kQuietSpell ? busy_ : std::min(idle_, 2 * target_);
  if (timing.rows > 0) {
    const double per_row =
        std::max(0.1, static_cast<double>(last_lock_.count()) / static_cast<double>(timing.rows));
    const std::int64_t growth = undisturbed() ? kMostGrowthIdle : kMostGrowth;
    fit_ = static_cast<std::int64_t>(aimed_at() / per_row);
    rows_ = std::clamp(fit_, kFewestRows, std::max(kFewestRows, growth * timing.rows));
  }
}

}  // namespace holdfast

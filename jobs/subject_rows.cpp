// SPDX-License-Identifier: Apache-2.0
// A person's rows of the log, searched without the write lock where that takes a whole pass.

#include <chrono>
#include <utility>

#include "jobs/clock.h"
#include "jobs/subject_erasure.h"

namespace holdfast {
namespace {

constexpr std::chrono::seconds kShortSearch{1};

}  // namespace

void SubjectRows::search_ahead() {
  // Where rows may come below the highest key, a search without the lock could not be completed.
  if (database_.subjects().finds_by_index() || database_.audit_log().shape().rows_come_late) {
    return;
  }
  const Stopwatch search;
  commits_ = database_.foreign_commits();
  highest_ = database_.audit_log().highest_key();
  found_ = database_.subjects().rows_of(LogPlace::log, subject_, std::nullopt);
  quick_ = search.elapsed() <= kShortSearch;
  searched_ = true;
}

std::vector<RowKey> SubjectRows::current() {
  SubjectStore& subjects = database_.subjects();
  if (!searched_) {
    return subjects.rows_of(LogPlace::log, subject_, std::nullopt);
  }
  if (commits_ == database_.foreign_commits()) {
    return found_;
  }
  if (quick_ || !database_.audit_log().shape().ordered_keys) {
    return subjects.rows_of(LogPlace::log, subject_, std::nullopt);
  }
  // To search a large log anew would keep everybody waiting. An audit log is written at its end:
  // what came since the search has a key above its highest.
  std::vector<RowKey> rows = found_;
  const auto late = subjects.rows_of(LogPlace::log, subject_, highest_.value_or(0));
  rows.insert(rows.end(), late.begin(), late.end());
  return rows;
}

}  // namespace holdfast

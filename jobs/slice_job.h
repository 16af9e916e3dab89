// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "jobs/lock_pacer.h"
#include "jobs/row_archive.h"
#include "jobs/run_observer.h"
#include "jobs/second_connection.h"
#include "jobs/settings.h"
#include "policy/tally.h"
#include "storage/database.h"

namespace holdfast {

/// What the slices of a run work with.
struct SliceJob {
  std::int64_t run = 0;
  RunBudget budget;
  RunObserver* observer = nullptr;
  const StopFlag* stop = nullptr;
  std::string salt;                    ///< of the run; empty: rows are deleted without a digest
  RowArchive* archive = nullptr;       ///< null: rows are deleted without an archive
  std::chrono::microseconds spent{0};  ///< of the time budget, before the first slice
  std::chrono::microseconds quiet = LockPacer::kQuietSpell;  ///< since anybody else has written
  /// Opens the same database for reading; none, or null: nothing is read ahead.
  OpenReader open_reader;
  /// The run has more to do in the database after its last slice than to count its rows.
  bool more_to_do = false;
};

/// A partition that went as a whole, or that did not.
struct PartitionLine {
  std::string name;
  std::int64_t rows = 0;  ///< that went with it
  std::string why;        ///< it did not; empty: it did
};

/// What became of the partitions that may have been wholly due.
struct PartitionTotals {
  std::vector<PartitionLine> lines;        ///< in the order in which they were looked at
  std::chrono::microseconds everybody{0};  ///< the longest lock that kept everybody from the log
  std::chrono::microseconds writers{0};    ///< the longest that kept writers from one partition
};

/// Why the slices ended.
enum class SlicesEnd { all_done, out_of_time, out_of_rows, stopped };

/// What the slices did. Also right after an exception: it counts committed slices only.
struct SliceTotals {
  Tally tally;  ///< `expired`: deleted; other reasons: kept after a second look
  /// Newest sane time of what was deleted: a reviewer compares it with the cut-off.
  PlaceTimes newest_deleted;
  std::int64_t deleted = 0;
  std::int64_t handled = 0;   ///< keys looked at, in committed slices
  std::int64_t vanished = 0;  ///< keys whose row somebody else had deleted meanwhile
  std::int64_t slices = 0;
  ChildCounts children;            ///< rows of children that went with theirs
  std::int64_t hold_changes = 0;   ///< how often the hold register changed under the run
  std::int64_t decided_ahead = 0;  ///< rows that were decided before their slice took the lock
  std::chrono::microseconds longest_lock{0};
  PartitionTotals partitions;
  SlicesEnd end = SlicesEnd::all_done;
};

}  // namespace holdfast

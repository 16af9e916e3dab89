// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "jobs/between_runs.h"
#include "jobs/second_connection.h"
#include "storage/database.h"

namespace holdfast {

/// The log as a run leaves it, without the audit row that the run writes afterwards. All of it is
/// of one view where readers are free.
struct LogAfter {
  std::int64_t rows = 0;
  std::int64_t old_rows = 0;  ///< with a key that the run began with; 0 where keys have no order
  std::optional<LogState> state;          ///< what the next run compares with
  std::chrono::microseconds counting{0};  ///< how long that took
};

/// From where on a second thread and connection are worth their while.
struct WorthAThread {
  std::int64_t rows = 100'000;                     ///< to count
  std::int64_t log_bytes = std::int64_t{8} << 20;  ///< of the write-ahead log's file
};

/// Counts the log. `highest_before` is the highest key that the run began with. Errors:
/// StorageError.
[[nodiscard]] LogAfter count_log(Database& database, std::optional<std::int64_t> highest_before);

/// The same, and the write-ahead log is copied into the database: at the same time where a second
/// connection is to be had and `expected` rows and the log are large enough. Errors: StorageError.
[[nodiscard]] LogAfter count_and_copy_log(Database& database,
                                          std::optional<std::int64_t> highest_before,
                                          std::int64_t expected,
                                          const OpenReader& open_reader,
                                          const WorthAThread& worth = {});

}  // namespace holdfast

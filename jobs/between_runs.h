// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "storage/database.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What a run saw of the log when it had done its work: the next run compares.
struct LogState {
  std::int64_t rows = 0;         ///< with a key up to `highest_key`
  std::int64_t highest_key = 0;  ///< of the log at that moment
  // The newest lines of the registers that change the log beside runs: what came later counts.
  std::int64_t attempt = 0;  ///< of erasure attempts
  std::int64_t journal = 0;
  std::int64_t restored = 0;
};

/// What happened to the rows that an earlier run left, until this one began.
struct BetweenRuns {
  std::int64_t run = 0;  ///< the earlier one
  std::int64_t expected =
      0;  ///< what it left, less what is known to have gone, more what was put back
  std::int64_t found = 0;
  bool rows_come_late = false;  ///< LogShape: more rows than expected are nothing to wonder at

  [[nodiscard]] std::int64_t vanished() const {
    return std::max<std::int64_t>(expected - found, 0);
  }
  [[nodiscard]] std::int64_t came_back() const { return rows_come_late ? 0 : surplus(); }
  /// At least so many rows were committed below the highest key after it had been seen.
  [[nodiscard]] std::int64_t committed_late() const { return rows_come_late ? surplus() : 0; }

 private:
  [[nodiscard]] std::int64_t surplus() const { return std::max<std::int64_t>(found - expected, 0); }
};

/// The log up to the key that was its highest when the rows were counted, so that rows which come
/// meanwhile do not matter.
struct CountedRows {
  std::optional<std::int64_t> highest_key;
  std::int64_t rows = 0;  ///< up to and including that key
};

/// The log as it is now; none where keys have no order or there are no rows.
[[nodiscard]] std::optional<LogState> log_state_now(Database& database, const CountedRows& counted);

/// Compares the log with what the newest closed run before `run` recorded of it (0: the newest of
/// all), taking account of erasures, restored rows and the slices of runs that recorded nothing.
/// None where there is nothing to compare with, or where keys have no order.
[[nodiscard]] std::optional<BetweenRuns> compare_with_last_run(Database& database,
                                                               std::int64_t run);

[[nodiscard]] nlohmann::json between_runs_json(const std::optional<BetweenRuns>& between);
[[nodiscard]] nlohmann::json log_state_json(const std::optional<LogState>& state);
/// The log state in a run's record; none where it has none, or cannot be read.
[[nodiscard]] std::optional<LogState> log_state_in(const std::string& record);

}  // namespace holdfast

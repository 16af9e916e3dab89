// SPDX-License-Identifier: Apache-2.0
#include "jobs/log_after.h"

#include <exception>
#include <future>
#include <system_error>

#include "jobs/clock.h"

namespace holdfast {
namespace {

/// Where one view shows all, the old rows are not counted once more: those that came are few.
std::int64_t count_old_rows(Database& database,
                            std::int64_t rows,
                            std::optional<std::int64_t> highest,
                            std::optional<std::int64_t> highest_before) {
  AuditLog& log = database.audit_log();
  if (!log.shape().ordered_keys || !highest_before || !highest) {
    return 0;
  }
  return database.readers_are_free() ? rows - log.count_rows_between(*highest_before, *highest)
                                     : log.count_rows(highest_before);
}

using Counted = std::future<std::optional<LogAfter>>;

/// None where there is no second connection: then nothing was counted, and the first one says what
/// is wrong.
Counted start_counting(Database& database,
                       std::optional<std::int64_t> highest_before,
                       const OpenReader& open_reader) {
  const auto count = [highest_before, open_reader, second = SecondConnection{database}] {
    std::optional<LogAfter> counted;
    try {
      if (const auto reader = second.open(open_reader)) {
        counted = count_log(*reader, highest_before);
      }
    } catch (const std::exception&) {
      counted.reset();
    }
    return counted;
  };
  try {
    return std::async(std::launch::async, count);
  } catch (const std::system_error&) {
    return {};  // no thread is to be had
  }
}

}  // namespace

LogAfter count_log(Database& database, std::optional<std::int64_t> highest_before) {
  const Stopwatch counting;
  AuditLog& log = database.audit_log();
  const auto view = database.begin_read();
  // The key first: with a rollback journal there is no view that holds still, and rows come.
  const auto highest = log.highest_key();
  LogAfter after{.rows = log.count_rows(highest)};
  after.state = log_state_now(database, {.highest_key = highest, .rows = after.rows});
  after.old_rows = count_old_rows(database, after.rows, highest, highest_before);
  after.counting = counting.elapsed();
  return after;
}

LogAfter count_and_copy_log(Database& database,
                            std::optional<std::int64_t> highest_before,
                            std::int64_t expected,
                            const OpenReader& open_reader,
                            const WorthAThread& worth) {
  Counted counting;
  if (open_reader && expected >= worth.rows && database.log_bytes() >= worth.log_bytes) {
    counting = start_counting(database, highest_before, open_reader);
  }
  database.copy_log();
  const auto counted = counting.valid() ? counting.get() : std::nullopt;
  return counted ? *counted : count_log(database, highest_before);
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
// What planning asks of the index alone, and how it is ended half way.

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "policy/event_time.h"
#include "tests/storage/scratch_log.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// A query plan as it runs: how many steps SQLite's machine takes for `work`.
template <typename Work>
std::int64_t machine_steps(ScratchLog& log, const Work& work) {
  std::int64_t steps = 0;
  const auto count = [](void* counter) {
    ++*static_cast<std::int64_t*>(counter);
    return 0;
  };
  sqlite3* const handle = log.connection().db().getHandle();
  sqlite3_progress_handler(handle, 1, count, &steps);
  work();
  sqlite3_progress_handler(handle, 0, nullptr, nullptr);
  return steps;
}

}  // namespace

TEST_CASE("the span of a code is that of its rows that are no candidates", "[audit_log]") {
  const TimeFormat format =
      GENERATE(TimeFormat::unix_ms, TimeFormat::unix_s, TimeFormat::unix_us, TimeFormat::unix_real);
  const std::string per_second = format == TimeFormat::unix_ms   ? "1000"
                                 : format == TimeFormat::unix_us ? "1000000"
                                                                 : "1";
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 30000) "
      "INSERT INTO audit_events SELECT n, n * " +
      per_second +
      ", 'A' FROM c;"
      "INSERT INTO audit_events (occurred_at, code) VALUES (NULL, 'A'), ('x', 'A'), (x'31', 'A'), "
      "(7, 'B')"};
  const auto log = scratch.open({.time_format = format});
  const auto span =
      [&](const char* code, std::int64_t from_ms, std::int64_t to_ms, std::int64_t up_to) {
        std::string text;
        log->find_span({.stored_code = std::string_view{code},
                        .below = from_unix_ms(from_ms),
                        .above = from_unix_ms(to_ms)},
                       up_to,
                       [&](const TimeSpan& found) {
                         text = std::to_string(to_unix_ms(*parse_event_time(found.first, format))) +
                                " " +
                                std::to_string(to_unix_ms(*parse_event_time(found.last, format)));
                       });
        return text;
      };
  CHECK(span("A", 4'500, 29'995'500, 50'000) == "5000 29995000");
  CHECK(span("A", 4'500, 99'999'000, 50'000) == "5000 30000000");
  CHECK(span("A", 4'500, 29'995'500, 20'000) == "5000 20000000");
  CHECK(span("A", 30'000'500, 99'999'000, 50'000).empty());
  CHECK(span("C", 0, 99'999'000, 50'000).empty());
  const std::int64_t steps =
      machine_steps(scratch, [&] { (void)span("A", 4'500, 29'995'500, 50'000); });
  CHECK(steps < 200);
}

TEST_CASE("counting the groups can be ended half way", "[audit_log]") {
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 30000) "
      "INSERT INTO audit_events SELECT n, n, 'A' FROM c",
      mode};
  const auto log = scratch.open();
  int groups_seen = 0;
  int beats = 0;
  const auto end_at_once = [&beats] {
    ++beats;
    throw std::runtime_error("enough");
  };
  CHECK_THROWS_WITH(log->count_groups(
                        {}, [&](const LogGroup&) { ++groups_seen; }, end_at_once),
                    "enough");
  CHECK(beats == 1);
  CHECK(groups_seen == 0);
  CHECK(groups(*log) == std::map<std::string, std::int64_t>{{"A|-|-", 30'000}});
}

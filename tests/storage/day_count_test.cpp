// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_log.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// Rows of each day under "code|tenant|day".
std::map<std::string, std::int64_t> days(AuditLog& log, std::optional<std::int64_t> up_to = {}) {
  std::map<std::string, std::int64_t> rows;
  log.count_days(up_to, [&rows](const LogDay& day) {
    std::string name{day.code.value_or("-")};
    name.append("|").append(day.tenant.value_or("-")).append("|").append(to_rfc3339(day.first));
    rows[name] += day.rows;
  });
  return rows;
}

constexpr const char* kTable =
    "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT, tenant TEXT);"
    "CREATE INDEX i ON audit_events (code, occurred_at, tenant);";

// 10:00 UTC of one day is already the next day in the eastmost zone.
constexpr const char* kRows =
    "INSERT INTO audit_events (occurred_at, code, tenant) VALUES"
    " (1767261599999, 'A', 'x'), (1767261600000, 'A', 'x'), (1767347999999, 'A', 'x'),"
    " (1767261600000, 'A', NULL), (1767261600000, 'B', 'x'), ('soon', 'B', 'x'), (NULL, 'B', 'x')";

}  // namespace

TEST_CASE("rows are counted by the day that the calendar rule gives them", "[audit_log]") {
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  ScratchLog scratch{std::string(kTable) + kRows, mode};
  const auto log = scratch.open();
  CHECK(days(*log) == std::map<std::string, std::int64_t>{{"A|x|2025-12-31T10:00:00Z", 1},
                                                          {"A|x|2026-01-01T10:00:00Z", 2},
                                                          {"A|-|2026-01-01T10:00:00Z", 1},
                                                          {"B|x|2026-01-01T10:00:00Z", 1}});
  CHECK(days(*log, 2) == std::map<std::string, std::int64_t>{{"A|x|2025-12-31T10:00:00Z", 1},
                                                             {"A|x|2026-01-01T10:00:00Z", 1}});
}

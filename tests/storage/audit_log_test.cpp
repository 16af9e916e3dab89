// SPDX-License-Identifier: Apache-2.0
#include "storage/audit_log.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/event_time.h"
#include "storage/sqlite/log_pass.h"
#include "storage/sqlite/sqlite_audit_log.h"
#include "storage/storage_error.h"
#include "tests/storage/scratch_log.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::VectorContains;
using std::chrono::milliseconds;
using Keys = std::vector<std::string>;

/// A way to declare a key, and how row n of a hundred gets its own.
struct KeyKind {
  const char* name;
  const char* declaration;
  const char* table_options;
  std::vector<std::string> id;
  const char* select;
};

std::vector<KeyKind> key_kinds() {
  return {
      {"rowid alias", "id INTEGER PRIMARY KEY", "", {"id"}, "n - 50"},
      {"descending", "id INTEGER PRIMARY KEY DESC", "", {"id"}, "n * 7 % 101"},
      {"text", "id TEXT PRIMARY KEY", "", {"id"}, "printf('%x-é', n * 7919 % 257)"},
      {"blob", "id BLOB PRIMARY KEY NOT NULL", "", {"id"}, "CAST(char(n % 3, n) AS BLOB)"},
      {"unique", "id NUMERIC NOT NULL UNIQUE", "", {"id"}, "n / 4.0"},
      {"no case", "id TEXT COLLATE NOCASE PRIMARY KEY", "", {"id"}, "char(65 + n % 2 * 32) || n"},
      {"without rowid", "id TEXT PRIMARY KEY", "WITHOUT ROWID", {"id"}, "'k' || n"},
      {"integers without rowid", "id INTEGER PRIMARY KEY", "WITHOUT ROWID", {"id"}, "n * -3"},
      {"mixed", "id PRIMARY KEY", "", {"id"}, "iif(n % 2, n, 'n' || n)"},
      {"composite", "a TEXT, b INTEGER, PRIMARY KEY (a, b)", "", {"a", "b"}, "'a' || (n % 7), n"},
      {"composite the other way",
       "a TEXT, b INTEGER, PRIMARY KEY (b, a)",
       "WITHOUT ROWID",
       {"a", "b"},
       "'a' || (n % 7), n"},
  };
}

std::string hundred_rows(const KeyKind& kind) {
  const std::string columns = kind.id.size() == 1 ? kind.id[0] : kind.id[0] + ", " + kind.id[1];
  // Columns of the table stand before its constraints.
  return "CREATE TABLE audit_events (occurred_at INTEGER, code TEXT, " +
         std::string{kind.declaration} + ") " + kind.table_options +
         "; WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100) "
         "INSERT INTO audit_events (" +
         columns + ", occurred_at, code) SELECT " + kind.select + ", n, 'C' || (n % 3) FROM c";
}

std::string log_of(const std::string& columns, const std::string& rows) {
  return "CREATE TABLE audit_events (" + columns + "); INSERT INTO audit_events VALUES " + rows;
}

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

TEST_CASE("values are rendered by their storage class", "[audit_log]") {
  ScratchLog log{
      log_of("id INTEGER PRIMARY KEY, occurred_at, code, tenant, actor, subject, category, "
             "retain_until",
             "(1, 10, 'A', 'acme', 'alice', '', 'account', 20),"
             "(2, 1.5, 7, 42, -9223372036854775808, x'00ff', x'41', '2030-01-01'),"
             "(3, NULL, x'41', NULL, 0.1, NULL, 7, NULL),"
             "(4, 'soon', 1.5, 1e300, x'', 'é', NULL, x'01')")};
  const auto rows = scan(*log.open());
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].time == "integer 10");
  CHECK(rows[0].code == "A");
  CHECK(rows[0].tenant == "acme");
  CHECK(rows[0].actor == "alice");
  CHECK(rows[0].subject == "");
  CHECK(rows[0].stored_category == "account");
  CHECK(rows[0].retain_until == "integer 20");

  CHECK(rows[1].time == "real 1.5");
  CHECK(rows[1].code == "7");
  CHECK(rows[1].tenant == "42");
  CHECK(rows[1].actor == "-9223372036854775808");
  CHECK(rows[1].subject == "00ff");
  CHECK(rows[1].stored_category == "41");
  CHECK(rows[1].retain_until == "text 2030-01-01");

  CHECK(rows[2].time == "null ");
  CHECK(rows[2].code == std::nullopt);
  CHECK(rows[2].tenant == std::nullopt);
  CHECK(rows[2].actor == "0.10000000000000001");
  CHECK(rows[2].subject == std::nullopt);
  CHECK(rows[2].stored_category == "7");

  CHECK(rows[3].time == "text soon");
  CHECK(rows[3].code == std::nullopt);
  CHECK(rows[3].tenant == "1.0000000000000001e+300");
  CHECK(rows[3].actor == "");
  CHECK(rows[3].subject == "é");
  CHECK(rows[3].stored_category == std::nullopt);
  CHECK(rows[3].retain_until == "blob 01");
}

TEST_CASE("each row is visited once, with every kind of key and journal", "[audit_log]") {
  const KeyKind kind = GENERATE(from_range(key_kinds()));
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  // No time at all makes a piece of every row.
  const milliseconds longest_read = GENERATE(milliseconds{0}, milliseconds{50});
  INFO(kind.name << ", " << longest_read.count() << " ms");
  ScratchLog scratch{hundred_rows(kind), mode};
  const auto log = scratch.open({.id = kind.id});
  const Keys found = keys(scan(*log, {}, longest_read));
  CHECK(found.size() == 100);
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == 100);
  CHECK(log->count_rows({}) == 100);
  CHECK(groups(*log) ==
        std::map<std::string, std::int64_t>{{"C0|-|-", 33}, {"C1|-|-", 34}, {"C2|-|-", 33}});
}

TEST_CASE("each row is found, read and disposed of by its key", "[audit_log]") {
  const KeyKind kind = GENERATE(from_range(key_kinds()));
  INFO(kind.name);
  ScratchLog scratch{hundred_rows(kind)};
  const auto log = scratch.open({.id = kind.id});
  for (const SeenRow& row : scan(*log)) {
    CHECK(RowKey::from_bytes(row.key.bytes()) == row.key);
    CHECK(log->find_key(row.key.display()).has_value());
    std::string time;
    REQUIRE(log->read_row(row.key, [&](const RowFacts& facts) { time = seen(facts).time; }));
    CHECK(time == row.time);
    log->dispose_one(row.key);
    CHECK_FALSE(log->read_row(row.key, [](const RowFacts&) { FAIL("the row is gone"); }));
  }
  CHECK(log->count_rows({}) == 0);
}

TEST_CASE("rows above the bound are neither counted nor visited", "[audit_log]") {
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  const auto* const index = GENERATE("", "CREATE INDEX i ON audit_events (code, occurred_at)");
  ScratchLog scratch{log_of("id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT",
                            "(-9223372036854775808, 1, 'A'), (-1, 2, 'A'), (0, 3, 'B'), "
                            "(7, 4, 'A'), (9223372036854775807, 5, 'A'); ") +
                         index,
                     mode};
  const auto log = scratch.open();
  CHECK(log->highest_key() == std::numeric_limits<std::int64_t>::max());
  CHECK(log->count_rows(0) == 3);
  CHECK(log->count_rows({}) == 5);
  CHECK(log->count_rows(std::numeric_limits<std::int64_t>::max()) == 5);
  CHECK(log->count_rows_between(0, std::numeric_limits<std::int64_t>::max()) == 2);
  CHECK(log->count_rows_between(-1, 7) == 2);
  CHECK(log->count_rows_between(std::numeric_limits<std::int64_t>::min(), 6) == 2);
  CHECK(log->count_rows_between(7, 7) == 0);
  CHECK(log->count_rows_between(7, 0) == 0);
  CHECK(keys(scan(*log, 0, milliseconds{0})) == Keys{"-9223372036854775808", "-1", "0"});
  CHECK(scan(*log, {}, milliseconds{0}).size() == 5);
  CHECK(groups(*log, 0) == std::map<std::string, std::int64_t>{{"A|-|-", 2}, {"B|-|-", 1}});
}

TEST_CASE("an empty log has no rows, no groups and no highest key", "[audit_log]") {
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at)",
      mode};
  const auto log = scratch.open();
  CHECK(log->highest_key() == std::nullopt);
  CHECK(log->count_rows({}) == 0);
  CHECK(scan(*log).empty());
  CHECK(groups(*log).empty());
  CHECK(candidate_keys(*log, kEndOfTime, kBeginningOfTime).empty());
}

TEST_CASE("a key that became NULL is refused and not passed over", "[audit_log]") {
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  ScratchLog scratch{"CREATE TABLE audit_events (id TEXT PRIMARY KEY, occurred_at, code)", mode};
  const auto log = scratch.open();
  scratch.run("INSERT INTO audit_events VALUES ('a', 1, 'A'), (NULL, 2, 'A')");
  CHECK_THROWS_WITH(scan(*log), Contains("has NULL in its key"));
}

TEST_CASE("a cursor that does not get on stops the pass", "[audit_log]") {
  // The index was built with letter case, and the schema was edited to compare without.
  ScratchLog scratch{
      "CREATE TABLE audit_events (id TEXT NOT NULL COLLATE BINARY PRIMARY KEY, occurred_at, code);"
      "INSERT INTO audit_events VALUES ('B', 1, 'A'), ('C', 2, 'A'), ('a', 3, 'A');"
      "PRAGMA writable_schema = ON;"
      "UPDATE sqlite_schema SET sql = replace(sql, 'BINARY', 'NOCASE')",
      JournalMode::rollback};
  const auto log = scratch.open();
  const auto slowly_at_first = [](const RowFacts& row) {
    std::this_thread::sleep_for(milliseconds{row.key->display() == "B" ? 60 : 0});
  };
  CHECK_THROWS_WITH(log->scan_all({}, milliseconds{100}, slowly_at_first),
                    Contains("does not get past"));
}

TEST_CASE("candidates are all rows whose time is unreadable or outside", "[audit_log]") {
  const TimeFormat format =
      GENERATE(TimeFormat::unix_ms, TimeFormat::unix_s, TimeFormat::unix_us, TimeFormat::unix_real);
  const auto* const time_type = GENERATE("INTEGER", "REAL", "", "NUMERIC", "BLOB");
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  const auto bounds = GENERATE(std::pair{from_unix_ms(1'500), from_unix_ms(3'001)},
                               std::pair{from_unix_ms(-1'500), from_unix_ms(-1'500)},
                               std::pair{from_unix_ms(4'000), from_unix_ms(1'000)},
                               std::pair{kBeginningOfTime, kEndOfTime},
                               std::pair{kEndOfTime, kBeginningOfTime});
  INFO(to_token(format) << " in " << time_type << ", " << to_unix_ms(bounds.first));
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at " + std::string{time_type} +
          ", code TEXT);"
          "CREATE INDEX i ON audit_events (code, occurred_at);"
          "CREATE TABLE t (x);"
          "INSERT INTO t VALUES (NULL), (0), (1), (2), (3), (4), (-1), (-2), (-3), (1.4995), (1.5),"
          " (1.5005), (1.9), (2.999), (3.001), (3.0011), (-1.5), (1499), (1500), (1501), (3000),"
          " (3001), (3002), (1499.5), (-1500), (1499999), (1500000), (1500001), (3001000),"
          " (3001001), (9223372036854775807), (-9223372036854775808), (1e19), (-1e300), (9e999),"
          " (''), ('soon'), ('1500'), ('2024-01-01T00:00:00Z'), (x''), (x'31');"
          "INSERT INTO audit_events (occurred_at, code) SELECT x, c.column1 FROM t, "
          "(VALUES ('A'), ('B'), (NULL)) AS c",
      mode};
  const auto log = scratch.open({.time_format = format});
  Keys wanted;
  log->scan_all({}, milliseconds{50}, [&](const RowFacts& row) {
    const auto at = parse_event_time(row.time, format);
    if (!at || *at < bounds.first || *at > bounds.second) {
      wanted.push_back(row.key->display());
    }
  });
  const Keys found = candidate_keys(*log, bounds.first, bounds.second);
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == found.size());
  CHECK_THAT(found, VectorContains(std::string{"1"}));
  CHECK_THAT(found, Catch::Matchers::Contains(wanted));
}

TEST_CASE("the bounds of integer times are exact", "[audit_log]") {
  ScratchLog scratch{log_of("id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT",
                            "(1, 999, 'A'), (2, 1000, 'A'), (3, 1001, 'A'), (4, 2000, 'A'), "
                            "(5, 2001, 'A')") +
                     "; CREATE INDEX i ON audit_events (code, occurred_at)"};
  CHECK(candidate_keys(*scratch.open(), from_unix_ms(1'000), from_unix_ms(2'000)) ==
        Keys{"1", "5"});
  const auto seconds = scratch.open({.time_format = TimeFormat::unix_s});
  CHECK(candidate_keys(*seconds, from_unix_ms(1'000'000), from_unix_ms(2'000'999)) ==
        Keys{"1", "5"});
  CHECK(candidate_keys(*seconds, from_unix_ms(1'000'001), from_unix_ms(1'999'999)) ==
        Keys{"1", "2", "4", "5"});
}

TEST_CASE("codes of different storage classes are different codes", "[audit_log]") {
  ScratchLog scratch{log_of("id INTEGER PRIMARY KEY, occurred_at INTEGER, code",
                            "(1, 1, 1), (2, 1, 1.0), (3, 1, '1'), (4, 1, x'31'), (5, 1, NULL)") +
                     "; CREATE INDEX i ON audit_events (code, occurred_at)"};
  const auto log = scratch.open();
  CHECK(candidate_keys(*log, kEndOfTime, kEndOfTime) == Keys{"1", "2", "3", "4", "5"});
  CHECK(groups(*log) == std::map<std::string, std::int64_t>{{"1|-|-", 2}, {"-|-|-", 3}});
}

TEST_CASE("rows inside the window are not read", "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT COLLATE "
      "BINARY, tenant TEXT); CREATE INDEX i ON audit_events (code, occurred_at, tenant);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 30000) "
      "INSERT INTO audit_events SELECT n, n, 'C' || (n % 3), 't' FROM c;"
      "INSERT INTO audit_events VALUES (40000, NULL, 'C1', 't'), (40001, 'x', 'C1', 't')"};
  const auto log = scratch.open();
  std::vector<std::string> found;
  const CandidateRange range{.stored_code = std::string_view{"C1"},
                             .below = from_unix_ms(5),
                             .above = from_unix_ms(29'995)};
  const std::int64_t steps = machine_steps(scratch, [&] {
    log->scan_candidates(
        range, 50'000, [&](const RowFacts& row) { found.push_back(row.key->display()); });
  });
  CHECK(found == Keys{"40000", "1", "4", "29998", "40001"});
  // About 25 steps a row, and 30 to begin each of the three parts.
  CHECK(steps < 1'000);
}

TEST_CASE("candidates come once each although the pieces end between them", "[audit_log]") {
  ScratchLog scratch{log_of("id INTEGER PRIMARY KEY, occurred_at, code TEXT",
                            "(1, NULL, 'A'), (2, 1, 'A'), (3, 1.0, 'A'), (4, 1, 'A'), (5, 2, 'A'), "
                            "(6, 3, 'A'), (7, 'x', 'A'), (8, 'x', 'A'), (9, 'y', 'A'), "
                            "(10, x'00', 'A'), (11, NULL, 'A'), (12, 1e300, 'A')") +
                         "; CREATE INDEX i ON audit_events (code, occurred_at)",
                     JournalMode::rollback};
  Keys found;
  scratch.open()->scan_candidates(
      {.stored_code = std::string_view{"A"}, .below = from_unix_ms(3), .above = from_unix_ms(3)},
      12,
      [&](const RowFacts& row) {
        std::this_thread::sleep_for(kLongestPiece);
        found.push_back(row.key->display());
      });
  CHECK(found == Keys{"1", "11", "2", "3", "4", "5", "12", "7", "8", "9", "10"});
}

TEST_CASE("groups are counted from the index alone where it covers them", "[audit_log]") {
  const auto* const index = GENERATE("code, occurred_at, tenant", "code, occurred_at", "code");
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  ScratchLog scratch{
      log_of("id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT, tenant, category TEXT",
             "(1, 1, 'A', 'acme', NULL), (2, 9, 'A', 'acme', NULL), (3, 5, 'A', NULL, 'mfa'), "
             "(4, 5, 'A', 7, NULL), (5, 5, 'B', '', ''), (6, 5, NULL, NULL, NULL)") +
          "; CREATE INDEX i ON audit_events (" + index + ")",
      mode};
  CHECK(groups(*scratch.open()) ==
        std::map<std::string, std::int64_t>{
            {"A|acme|-", 2}, {"A|-|mfa", 1}, {"A|7|-", 1}, {"B||", 1}, {"-|-|-", 1}});
}

TEST_CASE("codes come from the lookup table and candidates from the column", "[audit_log]") {
  ScratchLog scratch{log_of("id INTEGER PRIMARY KEY, occurred_at INTEGER, code INTEGER",
                            "(1, 1, 10), (2, 9, 10), (3, 5, 11), (4, 5, 12)") +
                     "; CREATE TABLE types (k INTEGER PRIMARY KEY, t TEXT);"
                     "INSERT INTO types VALUES (10, 'LOGIN'), (11, NULL);"
                     "CREATE INDEX i ON audit_events (code, occurred_at)"};
  const auto log = scratch.open({.code_lookup = CodeLookup{"types", "k", "t"}});
  CHECK(groups(*log) == std::map<std::string, std::int64_t>{{"LOGIN|-|-", 2}, {"-|-|-", 2}});
  CHECK(candidate_keys(*log, from_unix_ms(5), kEndOfTime) == Keys{"1"});
  CHECK(scan(*log).front().code == "LOGIN");
}

TEST_CASE("names of tables and columns may be anything", "[audit_log]") {
  const JournalMode mode = GENERATE(JournalMode::wal, JournalMode::rollback);
  ScratchLog scratch{R"sql(
      CREATE TABLE "drop ""table"" é; --" (
        "the 'id'" INTEGER PRIMARY KEY, "order" INTEGER, "co""de" INTEGER, "select" TEXT);
      CREATE TABLE "l" ("group" INTEGER PRIMARY KEY, "te""xt" TEXT);
      CREATE INDEX "in""dex é" ON "drop ""table"" é; --" ("co""de", "order", "select");
      INSERT INTO "l" VALUES (1, 'LOGIN');
      INSERT INTO "drop ""table"" é; --" VALUES (1, 5, 1, 'acme'), (2, 6, 1, 'acme');
    )sql",
                     mode};
  const LogMapping mapping{.table = "drop \"table\" é; --",
                           .id = {"the 'id'"},
                           .time = "order",
                           .code = "co\"de",
                           .tenant = {.name = "select", .named_in_config = true},
                           .code_lookup = CodeLookup{"l", "group", "te\"xt"}};
  const auto log = scratch.open(mapping);
  CHECK(groups(*log) == std::map<std::string, std::int64_t>{{"LOGIN|acme|-", 2}});
  CHECK(candidate_keys(*log, from_unix_ms(6), kEndOfTime) == Keys{"1"});
  log->dispose_one(RowKey::integer(1));
  CHECK(keys(scan(*log, 5)) == Keys{"2"});
}

TEST_CASE("a code lookup works in a log that is called like anything", "[audit_log]") {
  ScratchLog scratch{
      log_of("id INTEGER PRIMARY KEY, occurred_at INTEGER, code INTEGER", "(1, 1, 7)") +
      "; ALTER TABLE audit_events RENAME TO l; CREATE TABLE types (code INTEGER "
      "PRIMARY KEY, t TEXT); INSERT INTO types VALUES (7, 'LOGIN'), (8, 'X')"};
  const auto log = scratch.open({.table = "l", .code_lookup = CodeLookup{"types", "code", "t"}});
  CHECK(scan(*log).front().code == "LOGIN");
}

}  // namespace holdfast::testing

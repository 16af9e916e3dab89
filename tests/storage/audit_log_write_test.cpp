// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "storage/audit_log.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/sqlite_audit_log.h"
#include "storage/storage_error.h"
#include "tests/storage/scratch_log.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;

const char* const kInitTable = R"sql(
  CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    occurred_at INTEGER NOT NULL,
    tenant TEXT, code TEXT NOT NULL, severity TEXT, actor TEXT, subject TEXT,
    retain_until INTEGER,
    metadata TEXT)
)sql";

const char* const kPlainTable = R"sql(
  CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);
  INSERT INTO audit_events VALUES (1, 1, 'A'), (2, 2, 'A'), (3, 3, 'B')
)sql";

bool newest_of(AuditLog& log, std::int64_t key) {
  std::optional<bool> newest;
  REQUIRE(log.read_row(RowKey::integer(key),
                       [&](const RowFacts& row) { newest = row.newest_reusable; }));
  return newest.value_or(false);
}

}  // namespace

TEST_CASE("a row that is not there cannot be disposed of", "[audit_log]") {
  ScratchLog scratch{kPlainTable};
  const auto log = scratch.open();
  CHECK_THROWS_WITH(log->dispose_one(RowKey::integer(4)), Contains("row 4 deleted 0 rows"));
  log->dispose_one(RowKey::integer(2));
  CHECK_THROWS_AS(log->dispose_one(RowKey::integer(2)), StorageError);
  CHECK(log->count_rows({}) == 2);
}

TEST_CASE("a trigger that saves a row from being disposed of is noticed", "[audit_log]") {
  ScratchLog scratch{std::string{kPlainTable} +
                     "; CREATE TRIGGER spare BEFORE DELETE ON audit_events WHEN old.id = 2 "
                     "BEGIN SELECT RAISE(IGNORE); END"};
  const auto log = scratch.open();
  CHECK_THROWS_WITH(log->dispose_one(RowKey::integer(2)), Contains("look for a trigger"));
  log->dispose_one(RowKey::integer(1));
  CHECK(log->count_rows({}) == 2);
}

TEST_CASE("rows with numbers without a gap go together, and no other row with them",
          "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 12) "
      "INSERT INTO audit_events SELECT n, n, 'A' FROM c; DELETE FROM audit_events WHERE id = 9"};
  const auto log = scratch.open();
  const auto integers = [](std::initializer_list<std::int64_t> numbers) {
    std::vector<RowKey> keys;
    for (const std::int64_t number : numbers) {
      keys.push_back(RowKey::integer(number));
    }
    return keys;
  };
  log->dispose(integers({2, 3, 4, 6, 8, 10, 11}));
  CHECK(scratch.number("SELECT group_concat(id, '') FROM audit_events") == 15712);
  log->dispose({});
  {
    const SQLite::Transaction write{scratch.connection().db()};
    CHECK_THROWS_WITH(log->dispose(integers({7, 8, 9})),
                      Contains("row 7 and those after it") && Contains("1 rows instead of 3"));
  }
  CHECK(log->count_rows({}) == 4);
  // Descending and repeated keys are no runs.
  log->dispose(integers({12, 7}));
  CHECK_THROWS_AS(log->dispose(integers({5, 5})), StorageError);
}

TEST_CASE("many rows are read as each of them would be", "[audit_log]") {
  const char* const gaps = GENERATE("n", "n * 3", "n * 1000", "n - 40");
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 80) "
      "INSERT INTO audit_events SELECT " +
      std::string(gaps) + ", n, 'C' || n FROM c"};
  const auto log = scratch.open();
  std::vector<RowKey> wanted;
  std::vector<std::string> singly;
  for (const SeenRow& row : scan(*log)) {
    if (row.key.as_integer() % 7 != 0) {
      wanted.push_back(row.key);
      wanted.push_back(RowKey::integer(row.key.as_integer() + 500'000));
    }
  }
  std::sort(wanted.begin(), wanted.end());
  const auto told = [](const RowFacts& row) {
    return row.key->display() + std::string(*row.code) + (row.newest_reusable ? " newest" : "");
  };
  std::vector<std::string> whole;
  for (const RowKey& key : wanted) {
    (void)log->read_row(key, [&](const RowFacts& row) { singly.push_back(told(row)); });
    (void)log->read_whole_row(key, [&](const RowFacts& row, const RowContent& content) {
      std::string bytes = told(row);
      content.append_to(bytes);
      whole.push_back(bytes);
    });
  }
  std::vector<std::string> together;
  std::vector<std::string> whole_together;
  const auto half = wanted.size() / 2;
  for (const auto keys : {std::span<const RowKey>{wanted}.first(half),
                          std::span<const RowKey>{wanted}.subspan(half)}) {
    log->read_rows(keys, [&](const RowFacts& row) { together.push_back(told(row)); });
    log->read_whole_rows(keys, [&](const RowFacts& row, const RowContent& content) {
      std::string bytes = told(row);
      content.append_to(bytes);
      whole_together.push_back(bytes);
    });
  }
  CHECK(singly.size() > 60);
  CHECK(together == singly);
  CHECK(whole_together == whole);
}

TEST_CASE("what a trigger changes does not count as disposed of", "[audit_log]") {
  ScratchLog scratch{std::string{kPlainTable} +
                     "; CREATE TABLE copy (id); CREATE TRIGGER keep AFTER DELETE ON audit_events "
                     "BEGIN INSERT INTO copy VALUES (old.id), (old.id); END"};
  const auto log = scratch.open();
  log->dispose_one(RowKey::integer(2));
  CHECK(scratch.number("SELECT count(*) FROM copy") == 2);
}

TEST_CASE("a trigger that takes further rows along is noticed", "[audit_log]") {
  ScratchLog scratch{std::string{kPlainTable} +
                     "; CREATE TRIGGER along AFTER DELETE ON audit_events WHEN old.id = 2 "
                     "BEGIN DELETE FROM audit_events WHERE id = 3; END"};
  const auto log = scratch.open();
  {
    const SQLite::Transaction write{scratch.connection().db()};
    CHECK_THROWS_WITH(log->dispose_one(RowKey::integer(2)),
                      Contains("deletes further rows") && Contains("row 2"));
  }
  CHECK(log->count_rows({}) == 3);
  log->dispose_one(RowKey::integer(1));
  CHECK(log->count_rows({}) == 2);
}

TEST_CASE("disposing is part of the transaction around it", "[audit_log]") {
  ScratchLog scratch{kPlainTable};
  const auto log = scratch.open();
  {
    const SQLite::Transaction write{scratch.connection().db()};
    log->dispose_one(RowKey::integer(1));
    CHECK(log->count_rows({}) == 2);
  }
  CHECK(log->count_rows({}) == 3);
}

TEST_CASE("a key of another mapping is refused", "[audit_log]") {
  ScratchLog scratch{kPlainTable};
  const auto log = scratch.open();
  const std::vector<StoredView> two{std::int64_t{1}, std::string_view{"a"}};
  CHECK_THROWS_WITH(log->dispose_one(RowKey::composite(two)), Contains("another mapping"));
  CHECK_THROWS_WITH(log->read_row(RowKey::composite(two), [](const RowFacts&) {}),
                    Contains("another mapping"));
}

TEST_CASE("a key that differs in letter case is another key", "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (id TEXT COLLATE NOCASE PRIMARY KEY, occurred_at, code);"
      "INSERT INTO audit_events VALUES ('Abc', 1, 'A')"};
  const auto log = scratch.open();
  const std::vector<StoredView> other_case{std::string_view{"aBC"}};
  CHECK_FALSE(log->read_row(RowKey::composite(other_case), [](const RowFacts&) {}));
  REQUIRE(log->find_key("aBC").has_value());
  CHECK(log->find_key("aBC")->display() == "Abc");
}

TEST_CASE("a typed key finds the row that it reads like", "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (id PRIMARY KEY, occurred_at, code);"
      "INSERT INTO audit_events VALUES (12, 1, 'A'), ('twelve', 1, 'A'), (x'00ab', 1, 'A'), "
      "('', 1, 'A')"};
  const auto log = scratch.open();
  CHECK(log->find_key("12") == RowKey::integer(12));
  CHECK(log->find_key("twelve")->display() == "twelve");
  CHECK(log->find_key("00AB")->display() == "00ab");
  CHECK(log->find_key("").has_value());
  for (const char* typed : {"13", "Twelve", "00a", "00ag", "12 ", "12'--"}) {
    CHECK(log->find_key(typed) == std::nullopt);
  }
}

TEST_CASE("a typed integer key is an integer and nothing else", "[audit_log]") {
  ScratchLog scratch{kPlainTable};
  const auto log = scratch.open();
  CHECK(log->find_key("3") == RowKey::integer(3));
  for (const char* typed : {"4", "", "3x", " 3", "+3", "3.0", "99999999999999999999"}) {
    CHECK(log->find_key(typed) == std::nullopt);
  }
}

TEST_CASE("a typed key that reads like two rows is refused", "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (a TEXT, b TEXT, occurred_at, code, PRIMARY KEY (a, b));"
      "INSERT INTO audit_events VALUES ('x,y', 'z', 1, 'A'), ('x', 'y,z', 1, 'A'), "
      "('p', 'q', 1, 'A')"};
  const auto log = scratch.open({.id = {"a", "b"}});
  CHECK(log->find_key("p,q").has_value());
  CHECK(log->find_key("p,z") == std::nullopt);
  CHECK_THROWS_WITH(log->find_key("x,y,z"), Contains("more than one row"));
}

TEST_CASE("the newest row of a table that reuses its id is marked", "[audit_log]") {
  ScratchLog scratch{kPlainTable};
  const auto log = scratch.open();
  CHECK(newest_of(*log, 3));
  CHECK_FALSE(newest_of(*log, 2));
  const auto rows = scan(*log);
  CHECK(rows[2].newest_reusable);
  CHECK_FALSE(rows[1].newest_reusable);

  // What a scan took for the newest stays it, and so does what is the newest by now.
  scratch.run("INSERT INTO audit_events VALUES (4, 4, 'B')");
  CHECK(newest_of(*log, 3));
  CHECK(newest_of(*log, 4));
  CHECK(scan(*log)[2].newest_reusable);
  CHECK(newest_of(*log, 3));
  CHECK_FALSE(newest_of(*log, 2));
}

TEST_CASE("no row is the newest where ids are never given out again", "[audit_log]") {
  ScratchLog scratch{std::string{kInitTable} +
                     "; INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')"};
  const auto log = scratch.open();
  CHECK_FALSE(newest_of(*log, 1));
  CHECK_FALSE(scan(*log).front().newest_reusable);
}

TEST_CASE("Holdfast's own row goes into the log that init made", "[audit_log]") {
  ScratchLog scratch{kInitTable};
  const auto log = scratch.open();
  REQUIRE(log->appends_to_log());
  log->append({.occurred_at = from_unix_ms(1'700'000'000'123),
               .tenant = "acme",
               .code = "AUDIT_PRUNE_RUN_COMPLETED",
               .severity = "info",
               .actor = "holdfast",
               .subject = std::nullopt,
               .retain_until = from_unix_ms(5),
               .metadata = R"({"run_id": 1})"});
  CHECK(scratch.number(R"sql(
      SELECT count(*) FROM audit_events
      WHERE occurred_at = 1700000000123 AND tenant = 'acme' AND code = 'AUDIT_PRUNE_RUN_COMPLETED'
        AND severity = 'info' AND actor = 'holdfast' AND subject IS NULL AND retain_until = 5
        AND metadata ->> 'run_id' = 1
    )sql") == 1);
}

TEST_CASE("Holdfast's own row goes beside a log of somebody else", "[audit_log]") {
  ScratchLog scratch{kPlainTable};
  REQUIRE(migrate(scratch.connection(), migration_steps(), kSchemaVersion));
  const auto log = scratch.open();
  REQUIRE_FALSE(log->appends_to_log());
  const AuditEvent event{.occurred_at = from_unix_ms(7),
                         .tenant = std::nullopt,
                         .code = "AUDIT_PRUNE_RUN_FAILED",
                         .severity = "error",
                         .actor = "holdfast",
                         .subject = "s",
                         .retain_until = std::nullopt,
                         .metadata = "{}"};
  {
    const SQLite::Transaction write{scratch.connection().db()};
    log->append(event);
  }
  CHECK(scratch.number("SELECT count(*) FROM holdfast_event") == 0);
  log->append(event);
  CHECK(scratch.number(R"sql(
      SELECT count(*) FROM holdfast_event
      WHERE occurred_at = 7 AND tenant IS NULL AND code = 'AUDIT_PRUNE_RUN_FAILED'
        AND severity = 'error' AND subject = 's' AND retain_until IS NULL AND metadata = '{}'
    )sql") == 1);
  CHECK(log->count_rows({}) == 3);
}

TEST_CASE("a writer gets its turn while a rollback-journal log is scanned", "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300) "
      "INSERT INTO audit_events SELECT n, n, 'A' FROM c",
      JournalMode::rollback};
  const auto log = scratch.open();
  SQLite::Database other{scratch.path().string(), SQLite::OPEN_READWRITE, 60'000};
  std::atomic<bool> written{false};
  std::thread writer;
  int rows_before_it = 0;
  log->scan_all(300, std::chrono::milliseconds{4}, [&](const RowFacts&) {
    if (!writer.joinable()) {
      writer = std::thread{[&] {
        other.exec("INSERT INTO audit_events VALUES (301, 301, 'A')");
        written = true;
      }};
    }
    rows_before_it += written ? 0 : 1;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  });
  writer.join();
  CHECK(rows_before_it < 300);
  CHECK(log->count_rows({}) == 301);
}

}  // namespace holdfast::testing

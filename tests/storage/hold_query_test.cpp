// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

constexpr std::chrono::milliseconds kLong{10'000};

/// A database with the holds of a module in it.
struct Scratch {
  Scratch() {
    run_sql(folder.file("audit.db"),
            "CREATE TABLE lawsuit (nr INTEGER PRIMARY KEY, party TEXT, realm TEXT, why TEXT,"
            "  locked ANY, review ANY);"
            "CREATE TABLE client (user_id INTEGER);"
            "INSERT INTO client VALUES (7);"
            "INSERT INTO lawsuit VALUES (4, 'ann', 'acme', 'court order', 0, '2027-01-31'),"
            "  (5, 'ann', '', NULL, 'maybe', NULL), (6, 'bob', NULL, 'tax', 1, 1000)");
  }

  ScratchDatabase folder;
  std::unique_ptr<Database> database = made_database(folder.options());

  [[nodiscard]] SubjectStore& subjects() const { return database->subjects(); }
  [[nodiscard]] std::vector<ReportedHold> query(const std::string& sql,
                                                const Subject& subject = {.person = "ann"}) const {
    return subjects().query_holds(sql, subject, kLong);
  }
  [[nodiscard]] std::string tables() const {
    return ask_sql(folder.file("audit.db"),
                   "SELECT group_concat(name || sql, ',') FROM sqlite_schema") +
           ask_sql(folder.file("audit.db"), "SELECT group_concat(nr, ',') FROM lawsuit");
  }
};

const std::string kQuery =
    "SELECT nr AS id, why AS basis, locked, review AS review_by FROM lawsuit "
    "WHERE party = :subject AND coalesce(realm, '') = :tenant ORDER BY nr";

}  // namespace

TEST_CASE("a hold query reports holds of the subject in the tenant", "[hold_query]") {
  const Scratch scratch;
  scratch.subjects().require_hold_query(kQuery);
  const ReportedHold court{
      .id = "4", .basis = "court order", .review_by = date::sys_days{date::year{2027} / 1 / 31}};
  CHECK(scratch.query(kQuery, {.tenant = "acme", .person = "ann"}) ==
        std::vector<ReportedHold>{court});
  CHECK(scratch.query(kQuery, {.person = "ann"}) ==
        std::vector<ReportedHold>{{.id = "5", .locked = true}});
  CHECK(scratch.query(kQuery, {.tenant = "", .person = "bob"}) ==
        std::vector<ReportedHold>{
            {.id = "6", .basis = "tax", .locked = true, .review_by = from_unix_ms(1000)}});
  CHECK(scratch.query(kQuery, {.tenant = "acme", .person = "bob"}).empty());
  CHECK(scratch.query(kQuery, {.tenant = "acme", .person = "ann' OR 1 = 1 --"}).empty());
  CHECK(scratch.query("SELECT 'c' AS ID FROM client WHERE user_id = :subject; -- over",
                      {.person = "7"}) == std::vector<ReportedHold>{{.id = "c"}});
}

TEST_CASE("only a plain no unlocks a hold", "[hold_query]") {
  const Scratch scratch;
  const auto locked = [&](const std::string& value) {
    return scratch.query("SELECT 1 AS id, " + value + " AS locked").front().locked;
  };
  CHECK_FALSE(locked("0"));
  CHECK_FALSE(locked("NULL"));
  CHECK_FALSE(locked("0.0"));
  for (const char* value : {"1", "-1", "'0'", "'false'", "''", "x''", "0.5"}) {
    CHECK(locked(value));
  }
}

TEST_CASE("a hold query may use what only reads", "[hold_query]") {
  const Scratch scratch;
  CHECK(scratch
            .query("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3) "
                   "SELECT upper('h') || i AS id FROM n")
            .size() == 3);
  CHECK(scratch.query("/* all */ SELECT value AS id FROM json_each('[1,2]');;").size() == 2);
}

TEST_CASE("a hold query that is more than one reading statement is refused", "[hold_query]") {
  const Scratch scratch;
  const std::string sql =
      GENERATE(as<std::string>{},
               "INSERT INTO lawsuit (nr) VALUES (9) RETURNING nr AS id",
               "DELETE FROM lawsuit RETURNING nr AS id",
               "UPDATE lawsuit SET nr = nr + 100 RETURNING nr AS id",
               "WITH x AS (SELECT 1) INSERT INTO lawsuit (nr) SELECT 9 FROM x RETURNING nr AS id",
               "ATTACH ':memory:' AS id",
               "DETACH main",
               "PRAGMA user_version = 7",
               "PRAGMA journal_mode = DELETE",
               "PRAGMA table_info(lawsuit)",
               "SELECT name AS id FROM pragma_table_info('lawsuit')",
               "SELECT load_extension('x') AS id",
               "SELECT LOAD_EXTENSION('x', 'y') AS id",
               "SELECT nr AS id FROM lawsuit; DELETE FROM lawsuit",
               "SELECT nr AS id FROM lawsuit; SELECT nr AS id FROM lawsuit",
               "SELECT nr AS id FROM lawsuit; this is no SQL",
               "EXPLAIN QUERY PLAN SELECT nr AS id FROM lawsuit",
               "EXPLAIN SELECT 1 AS id",
               "CREATE TABLE id (id)",
               "CREATE TEMP TABLE id AS SELECT 1 AS id",
               "DROP TABLE lawsuit",
               "BEGIN",
               "COMMIT",
               "ROLLBACK",
               "SAVEPOINT id",
               "VACUUM INTO 'copy.db'",
               "REINDEX",
               "ANALYZE",
               "SELECT nr FROM lawsuit",
               "SELECT nr AS id FROM lawsuit WHERE party = ?",
               "SELECT nr AS id FROM lawsuit WHERE party = @subject",
               "SELECT nr AS id FROM lawsuit WHERE party = :person",
               "SELECT nr AS id FROM no_such_table",
               "",
               " -- nothing",
               std::string{"SELECT nr AS id FROM lawsuit\0; DELETE FROM lawsuit", 50});
  CAPTURE(sql);
  const std::string before = scratch.tables();
  CHECK(error_of([&] { scratch.subjects().require_hold_query(sql); }).trouble() ==
        StorageTrouble::mapping);
  in_write(*scratch.database, [&] {
    CHECK(error_of([&] { (void)scratch.query(sql); }).trouble() == StorageTrouble::mapping);
  });
  CHECK(scratch.tables() == before);
  CHECK(ask_sql(scratch.folder.file("audit.db"), "PRAGMA user_version") == "0");
}

TEST_CASE("what a query hides behind a view is refused too", "[hold_query]") {
  const Scratch scratch;
  run_sql(scratch.folder.file("audit.db"),
          "CREATE VIEW sly AS SELECT name AS id FROM pragma_table_list;"
          "CREATE VIEW worse AS SELECT load_extension('x') AS id");
  const std::string view = GENERATE("sly", "worse");
  CHECK_THROWS_AS(scratch.query("SELECT id FROM " + view), StorageError);
}

TEST_CASE("a hold query that never ends is stopped, and the write goes on", "[hold_query]") {
  const Scratch scratch;
  const std::string sql = GENERATE(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT max(i) AS id FROM n",
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT i AS id FROM n WHERE i < 0");
  scratch.subjects().require_hold_query(sql);
  in_write(*scratch.database, [&] {
    scratch.database->journal().add({.what = "before"});
    const auto begin = std::chrono::steady_clock::now();
    const StorageError error = error_of(
        [&] { (void)scratch.subjects().query_holds(sql, {}, std::chrono::milliseconds{30}); });
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
    CHECK_THAT(error.what(), Contains("30 ms"));
    scratch.database->journal().add({.what = "after"});
  });
  CHECK(scratch.database->journal().since(0).size() == 2);
}

TEST_CASE("a query without end that gives holds is cut off", "[hold_query]") {
  const Scratch scratch;
  CHECK_THROWS_AS(scratch.query("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                "SELECT i AS id FROM n"),
                  StorageError);
}

TEST_CASE("a line without an id is no answer", "[hold_query]") {
  const Scratch scratch;
  CHECK_THROWS_AS(scratch.query("SELECT max(nr) AS id FROM lawsuit WHERE nr > 100"), StorageError);
}

TEST_CASE("after a hold query the connection may write, and is not timed", "[hold_query]") {
  const Scratch scratch;
  in_write(*scratch.database, [&] {
    CHECK_THROWS_AS(scratch.subjects().query_holds("DELETE FROM lawsuit", {}, kLong), StorageError);
    (void)scratch.subjects().query_holds(kQuery, {}, std::chrono::milliseconds{1});
    for (int i = 0; i < 2000; ++i) {
      scratch.database->journal().add({.what = "line"});
    }
  });
  CHECK(scratch.database->journal().since(0).size() == 2000);
}

// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/storage/guarded_log.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kDeleteGuard =
    "SELECT sql FROM sqlite_schema WHERE name = 'holdfast_guard_log_delete'";

LogMapping mapping_of(TimeFormat format) {
  return {.table = "event", .id = {"uuid"}, .time = "at", .time_format = format, .code = "type"};
}

std::vector<std::string> faults_of(GuardedLog& log) {
  log.reopen();
  return log.database().guard().faults();
}

}  // namespace

TEST_CASE("guards that are whole cost the run none of its ways", "[guard]") {
  GuardedLog log;
  CHECK(log.database().guard().present());
  CHECK(log.database().guard().faults().empty());
  CHECK_FALSE(log.database().audit_log().shape().deletes_fire_triggers);
  CHECK(log.ask("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a trigger is a guard by its name and every letter of it", "[guard]") {
  GuardedLog log;
  const std::string text = log.ask(kDeleteGuard);
  const auto [other, name] = GENERATE_COPY(table<std::string, std::string>(
      {{"CREATE TRIGGER holdfast_guard_log_delete BEFORE DELETE ON audit_events BEGIN SELECT 1; END",
        "holdfast_guard_log_delete"},
       {text.substr(0, text.size() - 3) + "SELECT 1; END", "holdfast_guard_log_delete"},
       {"CREATE TRIGGER holdfast_mine AFTER DELETE ON audit_events BEGIN SELECT 1; END",
        "holdfast_mine"}}));
  log.run("DROP TRIGGER IF EXISTS " + name);
  log.run(other);
  const auto faults = faults_of(log);
  REQUIRE(log.database().audit_log().shape().deletes_fire_triggers);
  CHECK_THAT(log.database().audit_log().shape().doubts.front(), Contains(name));
  CHECK((name == "holdfast_mine" || faults.size() == 1));
}

TEST_CASE("what is gone from the guards, or was added to them, is said", "[guard]") {
  GuardedLog log;
  log.run("DROP TRIGGER holdfast_guard_run_update");
  log.run("CREATE TRIGGER holdfast_guard_more AFTER INSERT ON audit_events BEGIN SELECT 1; END");
  const auto faults = faults_of(log);
  REQUIRE(faults.size() == 2);
  CHECK_THAT(faults[0], Contains("trigger holdfast_guard_run_update is gone"));
  CHECK_THAT(faults[1], Contains("holdfast_guard_more has the name of a guard and is none"));
  CHECK(init_sqlite(log.options(), "other", kDay, Guards::set).changed);
  CHECK(faults_of(log).empty());
  CHECK(log.ask("SELECT count(*) FROM sqlite_schema WHERE name = 'holdfast_guard_more'") == "0");
}

TEST_CASE("a column that is added later is not guarded until the guards are set anew", "[guard]") {
  GuardedLog log;
  log.run("ALTER TABLE audit_events ADD COLUMN note TEXT");
  REQUIRE(faults_of(log).size() == 1);
  CHECK(init_sqlite(log.options(), "other", kDay, Guards::set).changed);
  CHECK(faults_of(log).empty());
}

TEST_CASE("init leaves guards as they are, and takes them out with the rest", "[guard]") {
  GuardedLog log;
  log.tell();
  CHECK_FALSE(init_sqlite(log.options(), "other", kDay).changed);
  CHECK_FALSE(init_sqlite(log.options(), "other", kDay, Guards::set).changed);
  CHECK(log.ask("SELECT count(*) FROM holdfast_guard_cutoff") == "2");
  log.run("DROP TRIGGER holdfast_guard_run_update");
  CHECK_FALSE(init_sqlite(log.options(), "other", kDay).changed);
  CHECK(faults_of(log).size() == 1);
  CHECK(remove_sqlite(log.options()).changed);
  CHECK(log.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holdfast%'") == "0");
  log.run("INSERT INTO audit_events (occurred_at, code) VALUES (1, 'C'); DELETE FROM audit_events");
}

TEST_CASE("a database without guards has no trace of them", "[guard]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  CHECK_FALSE(database->guard().present());
  CHECK(database->guard().faults().empty());
  in_write(*database, [&] { database->guard().set_terms(terms_of_the_test()); });
  CHECK(ask_sql(scratch.file("audit.db"),
                "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holdfast_guard%'") == "0");
}

TEST_CASE("cut-offs and stamps are in the unit of the log", "[guard]") {
  const auto [format, last, first_kept] = GENERATE(table<TimeFormat, std::string, std::string>({
      {TimeFormat::unix_s, "1735689599", "1735689600"},
      {TimeFormat::unix_s, "1735689599.999", "1735689600.0"},
      {TimeFormat::unix_ms, "1735689599999", "1735689600000"},
      {TimeFormat::unix_us, "1735689599999999", "1735689600000000"},
      {TimeFormat::unix_real, "1735689599.999", "1735689600.0"},
  }));
  GuardedLog log("CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, at, type TEXT, retain_until)",
                 mapping_of(format));
  log.tell();
  log.run("INSERT INTO event VALUES ('last', " + last + ", 'C', NULL), ('kept', " + first_kept +
          ", 'C', NULL), ('stamp', " + last + ", 'C', " + last + ")");
  CHECK_THAT(log.refusal("DELETE FROM event WHERE uuid = 'kept'"), Contains("is not due"));
  CHECK(log.refusal("DELETE FROM event WHERE uuid = 'last'").empty());
  CHECK(log.refusal("DELETE FROM event WHERE uuid = 'stamp'").empty());
}

TEST_CASE("a cut-off inside a second is rounded to where it is sure", "[guard]") {
  const TimeFormat format = GENERATE(TimeFormat::unix_s, TimeFormat::unix_real);
  GuardedLog log(
      "CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, at, type TEXT, retain_until);"
      "INSERT INTO event VALUES ('a', 1735689600.7, 'C', NULL), "
      "('b', 1577836800, 'C', 1735689600.7), ('c', 946684800.2, 'C', NULL)",
      mapping_of(format));
  GuardTerms terms = terms_of_the_test();
  terms.earliest += std::chrono::milliseconds{500};
  terms.stamps_before = kCutoff + std::chrono::milliseconds{500};
  for (GuardCutoff& cutoff : terms.cutoffs) {
    cutoff.before = kCutoff + std::chrono::milliseconds{500};
  }
  log.tell(terms);
  CHECK_THAT(log.refusal("DELETE FROM event WHERE uuid = 'a'"), Contains("is not due"));
  CHECK_THAT(log.refusal("DELETE FROM event WHERE uuid = 'b'"), Contains("the stamp"));
  CHECK_THAT(log.refusal("DELETE FROM event WHERE uuid = 'c'"), Contains("is not due"));
}

TEST_CASE("rows whose time or code SQL cannot read are for Holdfast alone", "[guard]") {
  const TimeFormat format = GENERATE(TimeFormat::iso8601, TimeFormat::utc_text);
  GuardedLog log(
      "CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, at TEXT, type TEXT);"
      "INSERT INTO event VALUES ('a', '2001-01-01T00:00:00Z', 'C')",
      mapping_of(format));
  log.tell();
  CHECK_THAT(log.refusal("DELETE FROM event"), Contains("only Holdfast removes"));
  in_write(log.database(), [&] {
    const std::vector<StoredView> key = {std::string_view{"a"}};
    log.database().audit_log().dispose_one(RowKey::composite(key));
  });
  CHECK(log.ask("SELECT count(*) FROM event") == "0");
}

TEST_CASE("no unique column and no rowid is a way past the guards", "[guard]") {
  GuardedLog log(
      "CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, at INTEGER, "
      "type TEXT, serial INTEGER UNIQUE);"
      "INSERT INTO event VALUES ('a', 1735689600000, 'C', 1), ('b', 1577836800000, 'C', 2)",
      mapping_of(TimeFormat::unix_ms));
  log.tell();
  const std::string sql =
      GENERATE(as<std::string>{},
               "REPLACE INTO event VALUES ('A', 1735689600000, 'C', 1)",
               "REPLACE INTO event VALUES ('c', 5, 'C', 1)",
               "REPLACE INTO event (rowid, uuid, at, type) VALUES (1, 'c', 5, 'C')",
               "UPDATE OR REPLACE event SET uuid = 'A' WHERE uuid = 'b'",
               "UPDATE OR REPLACE event SET serial = 1 WHERE uuid = 'b'",
               "UPDATE OR REPLACE event SET rowid = 1 WHERE uuid = 'b'");
  CHECK_THAT(log.refusal(sql), Contains("holdfast guard:"));
  CHECK(log.ask("SELECT group_concat(uuid || serial) FROM event") == "a1,b2");
}

TEST_CASE("tables without a rowid and keys of several columns are guarded", "[guard]") {
  LogMapping mapping = mapping_of(TimeFormat::unix_ms);
  mapping.id = {"org", "nr"};
  GuardedLog log(
      "CREATE TABLE event (org TEXT NOT NULL, nr INTEGER NOT NULL, at INTEGER, type TEXT, "
      "PRIMARY KEY (org, nr)) WITHOUT ROWID;"
      "INSERT INTO event VALUES ('a', 1, 1577836800000, 'C'), ('a', 2, 1577836800000, 'C')",
      mapping);
  in_write(log.database(), [&] {
    log.database().holds().place({.matter = "M-1", .scope = {.event_ids = {"a,2"}}});
  });
  log.tell();
  CHECK_THAT(log.refusal("DELETE FROM event"), Contains("row a,2 is held, matter M-1 (hold 1)"));
  CHECK_THAT(log.refusal("REPLACE INTO event VALUES ('a', 2, 1577836800000, 'D')"),
             Contains("is there already"));
  CHECK(log.refusal("DELETE FROM event WHERE nr = 1").empty());
}

TEST_CASE("the newest row stays where its id would be given out again", "[guard]") {
  LogMapping mapping = mapping_of(TimeFormat::unix_ms);
  mapping.id = {"nr"};
  GuardedLog log(
      "CREATE TABLE event (nr INTEGER PRIMARY KEY, at INTEGER, type TEXT);"
      "INSERT INTO event VALUES (1, 1577836800000, 'C'), (2, 1577836800000, 'C')",
      mapping);
  log.tell();
  CHECK_THAT(log.refusal("DELETE FROM event WHERE nr = 2"), Contains("the newest row stays"));
  CHECK(log.refusal("DELETE FROM event WHERE nr = 1").empty());
}

TEST_CASE("rows with a category of their own are for Holdfast alone", "[guard]") {
  GuardedLog log(
      "CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, at INTEGER, type TEXT, "
      "category TEXT);"
      "INSERT INTO event VALUES ('a', 1577836800000, 'C', 'mfa'), "
      "('b', 1577836800000, 'C', NULL)",
      mapping_of(TimeFormat::unix_ms));
  log.tell();
  CHECK_THAT(log.refusal("DELETE FROM event WHERE uuid = 'a'"), Contains("is not due"));
  CHECK(log.refusal("DELETE FROM event WHERE uuid = 'b'").empty());
}

TEST_CASE("a unique index that guards cannot look through is refused", "[guard]") {
  const std::string index = GENERATE(as<std::string>{},
                                     "CREATE UNIQUE INDEX part ON audit_events (severity) WHERE "
                                     "severity IS NOT NULL",
                                     "CREATE UNIQUE INDEX part ON audit_events (lower(severity))");
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"), index);
  const StorageError error =
      error_of([&] { (void)init_sqlite(scratch.options(), "id", kDay, Guards::set); });
  CHECK(error.trouble() == StorageTrouble::mapping);
  CHECK_THAT(error.what(), Contains("unique index \"part\""));
  CHECK_FALSE(open_sqlite(scratch.options())->guard().present());
  // Guards that were there first go on, and say so.
  GuardedLog log;
  log.run(index);
  REQUIRE(faults_of(log).size() == 1);
  CHECK_THAT(faults_of(log).front(), Contains("unique index \"part\""));
  CHECK_FALSE(log.database().audit_log().shape().deletes_fire_triggers);
}

TEST_CASE("guards whose pass is lost are made anew", "[guard]") {
  GuardedLog log;
  log.run("DROP TRIGGER holdfast_guard_guard_pass_delete; DELETE FROM holdfast_guard_pass");
  CHECK_THROWS_AS(in_write(log.database(), [] {}), StorageError);
  CHECK_THROWS_AS(init_sqlite(log.options(), "other", kDay), StorageError);
  CHECK(init_sqlite(log.options(), "other", kDay, Guards::set).changed);
  log.reopen();
  CHECK(log.database().guard().faults().empty());
  CHECK_NOTHROW(in_write(log.database(), [] {}));
}

// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kForeignLog = R"sql(
CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, at TEXT, type INTEGER);
INSERT INTO event VALUES ('a', '2020-01-01T00:00:00Z', 1000), ('b', NULL, 1001);
CREATE TABLE users (id INTEGER PRIMARY KEY);
)sql";

OpenOptions foreign_options(const ScratchDatabase& scratch) {
  OpenOptions options = scratch.options();
  options.mapping = {.table = "event",
                     .id = {"uuid"},
                     .time = "at",
                     .time_format = TimeFormat::iso8601,
                     .code = "type"};
  return options;
}

InitReport init(const OpenOptions& options) {
  return init_sqlite(options, "id-of-the-test", kDay);
}

}  // namespace

TEST_CASE("init makes the database that the manual promises", "[init]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  CHECK(init(scratch.options()).changed);
  CHECK(ask_sql(path, "PRAGMA journal_mode") == "wal");
  CHECK(ask_sql(path, "SELECT sql FROM sqlite_schema WHERE name = 'audit_events'") ==
        "CREATE TABLE audit_events (\n"
        "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "  occurred_at INTEGER NOT NULL,        -- UTC milliseconds\n"
        "  tenant TEXT, code TEXT NOT NULL, severity TEXT, actor TEXT, subject TEXT,\n"
        "  retain_until INTEGER,                -- UTC milliseconds, the row's own stamp\n"
        "  metadata TEXT)");
  CHECK(ask_sql(path, "SELECT sql FROM sqlite_schema WHERE name = 'audit_events_code_time'") ==
        "CREATE INDEX audit_events_code_time ON audit_events (code, occurred_at, tenant)");
  const auto database = open_sqlite(scratch.options());
  CHECK(database->identity() == "id-of-the-test");
  CHECK(database->audit_log().shape().made_by_init);
}

TEST_CASE("nobody but its owner may read a database that init makes", "[init]") {
  const ScratchDatabase scratch;
  (void)init(scratch.options());
  struct ::stat facts {};
  REQUIRE(::stat(scratch.file("audit.db").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777U) == 0600U);
}

TEST_CASE("a second init has nothing to do and changes nothing", "[init]") {
  const ScratchDatabase scratch;
  (void)init(scratch.options());
  const std::string before = bytes_of(scratch.file("audit.db"));
  const InitReport again = init_sqlite(scratch.options(), "another-id", kDay);
  CHECK_FALSE(again.changed);
  REQUIRE(again.done.size() == 1);
  CHECK_THAT(again.done.front(), Contains("nothing to do"));
  CHECK(bytes_of(scratch.file("audit.db")) == before);
}

TEST_CASE("an empty database is treated like a new one", "[init]") {
  const ScratchDatabase scratch;
  const std::string left_over = GENERATE("", "PRAGMA journal_mode = WAL");
  run_sql(scratch.file("audit.db"), left_over);
  CHECK(init(scratch.options()).changed);
  CHECK(ask_sql(scratch.file("audit.db"), "PRAGMA journal_mode") == "wal");
  CHECK(open_sqlite(scratch.options())->is_set_up());
}

TEST_CASE("beside somebody's log only Holdfast's own tables are added", "[init]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  run_sql(path, kForeignLog);
  const OpenOptions options = foreign_options(scratch);
  const InitReport report = init(options);
  CHECK(report.done == std::vector<std::string>{"made Holdfast's own tables (schema 4)"});
  CHECK(ask_sql(path, "SELECT group_concat(uuid || type) FROM event") == "a1000,b1001");
  CHECK(ask_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'audit_events'") == "0");
  CHECK(ask_sql(path, "PRAGMA journal_mode") == "delete");
  CHECK(open_sqlite(options)->is_set_up());
}

TEST_CASE("a mapping to a table that is not there names it and those that are", "[init]") {
  const ScratchDatabase scratch;
  run_sql(scratch.file("audit.db"), kForeignLog);
  const std::string before = bytes_of(scratch.file("audit.db"));
  const StorageError error = error_of([&] { (void)init(scratch.options()); });
  CHECK(error.trouble() == StorageTrouble::mapping);
  CHECK_THAT(error.what(),
             Contains("no table \"audit_events\"") && Contains("\"event\", \"users\""));
  CHECK(bytes_of(scratch.file("audit.db")) == before);
}

TEST_CASE("init does not invent the table of another program", "[init]") {
  const ScratchDatabase scratch;
  const StorageError error = error_of([&] { (void)init(foreign_options(scratch)); });
  CHECK(error.trouble() == StorageTrouble::mapping);
  CHECK_THAT(error.what(), Contains("\"event\"") && Contains("does not invent"));
  CHECK_FALSE(std::filesystem::exists(scratch.file("audit.db")));
}

TEST_CASE("init takes everything back when the mapping turns out wrong", "[init]") {
  const ScratchDatabase scratch;
  OpenOptions options = scratch.options();
  options.mapping.category.named_in_config = true;  // the table of init has no such column
  CHECK(error_of([&] { (void)init(options); }).trouble() == StorageTrouble::mapping);
  CHECK(ask_sql(scratch.file("audit.db"), "SELECT count(*) FROM sqlite_schema") == "0");
}

TEST_CASE("a database that another program writes to is left to it", "[init]") {
  const ScratchDatabase scratch;
  run_sql(scratch.file("audit.db"), kForeignLog);
  SQLite::Database other(scratch.file("audit.db").string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const StorageError error = error_of([&] { (void)init(foreign_options(scratch)); });
  CHECK(error.trouble() == StorageTrouble::busy);
}

TEST_CASE("removing takes out Holdfast's own tables and leaves the log", "[init]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  {
    const auto database = made_database(scratch.options());
    in_write(*database, [&] {
      LegalHold hold{.matter = "m"};
      hold.scope.tenants = {"acme"};
      database->holds().place(hold);
      const std::int64_t run = database->ledger().open({});
      database->ledger().add_slice({.run = run, .number = 1, .keys = encode_keys({})});
    });
  }
  run_sql(path, "INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')");
  CHECK(remove_sqlite(scratch.options()).changed);
  CHECK(ask_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holdfast%'") == "0");
  CHECK(ask_sql(path, "SELECT count(*) FROM audit_events") == "1");
  CHECK_FALSE(remove_sqlite(scratch.options()).changed);
}

TEST_CASE("removing leaves tables that only look like Holdfast's own", "[init]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  (void)init(scratch.options());
  run_sql(path, "CREATE TABLE holdfast_notes (text)");
  (void)remove_sqlite(scratch.options());
  CHECK(ask_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'holdfast_notes'") == "1");
}

TEST_CASE("without init a database can be read and not be worked with", "[init]") {
  const ScratchDatabase scratch;
  run_sql(scratch.file("audit.db"), kForeignLog);
  OpenOptions options = foreign_options(scratch);
  const StorageError error = error_of([&] { (void)open_sqlite(options); });
  CHECK(error.trouble() == StorageTrouble::not_set_up);
  CHECK_THAT(error.what(), Contains("holdfast init"));

  options.read_only = true;
  const auto database = open_sqlite(options);
  const RowKey key = RowKey::integer(1);
  CHECK_FALSE(database->is_set_up());
  CHECK(database->identity().empty());
  CHECK(database->holds().all().empty());
  CHECK(database->holds().version() == 0);
  CHECK(database->ledger().left_open().empty());
  CHECK_FALSE(database->ledger().last());
  CHECK_FALSE(database->ledger().last_clock());
  CHECK_FALSE(database->ledger().slice_that_deleted(key));
  CHECK(database->ledger().slices(1).empty());
  CHECK(database->policies().versions().empty());
  CHECK_FALSE(database->policies().baseline());
  CHECK(database->plans().find("").empty());
  CHECK_FALSE(database->plans().open_approval());
  CHECK(database->bookmarks().all().empty());
  CHECK(database->journal().since(0).empty());
  CHECK(database->erasures().all().empty());
  CHECK(database->erasures().keys().empty());
  CHECK(database->erasures().attempts(1).empty());
  CHECK(database->erasures().deleted_keys(1).empty());
  CHECK_FALSE(database->erasures().find(1));
  CHECK_FALSE(database->erasures().find_open({.person = "u7"}));
  CHECK_FALSE(database->erasures().receipt(1));
  CHECK_FALSE(database->erasures().erasure_that_deleted("1"));
  CHECK_FALSE(database->first_seen().find({.key = &key}));
  database->first_seen().meet({.key = &key});
  CHECK(error_of([&] { database->journal().add({}); }).trouble() == StorageTrouble::not_set_up);
}

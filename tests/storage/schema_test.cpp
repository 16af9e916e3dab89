// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/schema.h"

#include <array>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

std::vector<MigrationStep> steps_and(const std::vector<MigrationStep>& more) {
  const auto ours = migration_steps();
  std::vector<MigrationStep> steps(ours.begin(), ours.end());
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

constexpr std::int64_t kLatest = kSchemaVersion + 2;

const std::vector<MigrationStep> kTwoMore = {
    {.version = kSchemaVersion + 1, .sql = "ALTER TABLE holdfast_run ADD COLUMN weather TEXT"},
    {.version = kSchemaVersion + 2, .sql = "UPDATE holdfast_run SET weather = 'fair'"}};

}  // namespace

TEST_CASE("an older schema is brought up to date step by step", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "INSERT INTO holdfast_run (id, opened_at_ms, as_of_ms, started_by, host, process) "
          "VALUES (1, 0, 0, '', '', 0)");
  Connection connection(scratch.options(), ConnectionMode::read_write);
  CHECK(migrate(connection, steps_and(kTwoMore), kLatest));
  CHECK(schema_version(connection) == kLatest);
  CHECK(connection.db().execAndGet("SELECT weather FROM holdfast_run").getString() == "fair");
  CHECK_FALSE(migrate(connection, steps_and(kTwoMore), kLatest));
}

TEST_CASE("a step that fails takes the ones before it back", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  Connection connection(scratch.options(), ConnectionMode::read_write);
  const auto steps =
      steps_and({kTwoMore.front(), {.version = kLatest, .sql = "SELECT no_such_column"}});
  CHECK_THROWS_AS(migrate(connection, steps, kLatest), SQLite::Exception);
  CHECK(schema_version(connection) == kSchemaVersion);
  CHECK_THROWS_AS(connection.db().exec("SELECT weather FROM holdfast_run"), SQLite::Exception);
  CHECK(migrate(connection, steps_and(kTwoMore), kLatest));
}

TEST_CASE("a gap in the steps is refused before anything stays", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  Connection connection(scratch.options(), ConnectionMode::read_write);
  const auto steps = steps_and({kTwoMore.back()});
  const StorageError error = error_of([&] { migrate(connection, steps, kLatest); });
  CHECK(error.trouble() == StorageTrouble::older_schema);
  CHECK(schema_version(connection) == kSchemaVersion);
}

TEST_CASE("a newer schema is refused by every verb", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "UPDATE holdfast_meta SET value = 9 WHERE key = 'schema_version'");
  const auto refused = [](const auto& action) {
    const StorageError error = error_of(action);
    CHECK_THAT(error.what(), Contains("newer Holdfast (schema 9, this program knows 4)"));
    return error.trouble() == StorageTrouble::newer_schema;
  };
  OpenOptions reading = scratch.options();
  reading.read_only = true;
  CHECK(refused([&] { (void)open_sqlite(scratch.options()); }));
  CHECK(refused([&] { (void)open_sqlite(reading); }));
  CHECK(refused([&] { (void)init_sqlite(scratch.options(), "id", kDay); }));
  CHECK(refused([&] { (void)remove_sqlite(scratch.options()); }));
}

TEST_CASE("an older schema asks for init", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "UPDATE holdfast_meta SET value = 0 WHERE key = 'schema_version'");
  const StorageError error = error_of([&] { (void)open_sqlite(scratch.options()); });
  CHECK(error.trouble() == StorageTrouble::older_schema);
  CHECK_THAT(error.what(), Contains("schema 0, this program needs 4: run \"holdfast init\""));
}

TEST_CASE("a register that somebody took out is not an empty one", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  const std::string loss = GENERATE("DROP TABLE holdfast_hold_term",
                                    "DROP TABLE holdfast_meta",
                                    "DROP TRIGGER holdfast_hold_deleted",
                                    "DROP TABLE holdfast_erasure_receipt",
                                    "DROP INDEX holdfast_erasure_open",
                                    "DROP TABLE holdfast_export",
                                    "DROP INDEX holdfast_export_open");
  run_sql(scratch.file("audit.db"), loss);
  OpenOptions options = scratch.options();
  options.read_only = true;
  const StorageError error = error_of([&] { (void)open_sqlite(options); });
  CHECK(error.trouble() == StorageTrouble::corrupt);
  CHECK_THAT(error.what(), Contains(loss.substr(loss.find("holdfast"))));
}

namespace {

/// A database as the first schema left it, with a line in it.
void make_first_schema(const ScratchDatabase& scratch) {
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "DROP TABLE holdfast_erasure_attempt; DROP TABLE holdfast_erasure_receipt;"
          "DROP TABLE holdfast_erasure; DROP TABLE holdfast_erasure_key;"
          "DROP TABLE holdfast_witness; DROP TABLE holdfast_restored;"
          "DROP TABLE holdfast_export;"
          "ALTER TABLE holdfast_run DROP COLUMN salt;"
          "ALTER TABLE holdfast_run DROP COLUMN run_hash;"
          "ALTER TABLE holdfast_run DROP COLUMN previous_hash;"
          "ALTER TABLE holdfast_run_slice DROP COLUMN digest;"
          "ALTER TABLE holdfast_run_slice DROP COLUMN archive_end;"
          "UPDATE holdfast_meta SET value = 1 WHERE key = 'schema_version';"
          "INSERT INTO holdfast_bookmark VALUES ('siem', 7, 'ann', 0)");
}

}  // namespace

TEST_CASE("init brings the first schema up to today", "[schema]") {
  const ScratchDatabase scratch;
  make_first_schema(scratch);
  CHECK(error_of([&] { (void)open_sqlite(scratch.options()); }).trouble() ==
        StorageTrouble::older_schema);
  const InitReport report = init_sqlite(scratch.options(), "another-id", kDay);
  REQUIRE(report.done.size() == 1);
  CHECK(report.done.front() == "brought Holdfast's own tables from schema 1 to 4");
  const auto database = open_sqlite(scratch.options());
  CHECK(database->identity() == "id-of-the-test");
  CHECK(database->bookmarks().all().size() == 1);
  CHECK(database->erasures().all().empty());
}

TEST_CASE("a step to erasures that fails leaves the first schema whole", "[schema]") {
  const ScratchDatabase scratch;
  make_first_schema(scratch);
  // The last table of the step is in the way: what the step made before it has to go again.
  run_sql(scratch.file("audit.db"), "CREATE TABLE holdfast_erasure_key (mine TEXT)");
  CHECK_THROWS_AS(init_sqlite(scratch.options(), "another-id", kDay), StorageError);
  CHECK(ask_sql(scratch.file("audit.db"),
                "SELECT value FROM holdfast_meta WHERE key = 'schema_version'") == "1");
  CHECK(ask_sql(scratch.file("audit.db"),
                "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holdfast_erasure%'") == "1");
}

TEST_CASE("init brings a database from before exports up to today, all or nothing", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  const auto path = scratch.file("audit.db");
  run_sql(path,
          "DROP TABLE holdfast_export;"
          "UPDATE holdfast_meta SET value = 3 WHERE key = 'schema_version';"
          "INSERT INTO holdfast_bookmark VALUES ('siem', 7, 'ann', 0)");
  // An index of the step is in the way: the table that was made before it has to go again.
  run_sql(path, "CREATE TABLE other (a); CREATE INDEX holdfast_export_subject ON other (a)");
  CHECK_THROWS_AS(init_sqlite(scratch.options(), "another-id", kDay), StorageError);
  CHECK(ask_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'holdfast_export'") == "0");
  CHECK(ask_sql(path, "SELECT value FROM holdfast_meta WHERE key = 'schema_version'") == "3");
  run_sql(path, "DROP TABLE other");
  const InitReport report = init_sqlite(scratch.options(), "another-id", kDay);
  CHECK(report.done.front() == "brought Holdfast's own tables from schema 3 to 4");
  const auto database = open_sqlite(scratch.options());
  CHECK(database->bookmarks().all().size() == 1);
  CHECK(database->exports().all().empty());
}

TEST_CASE("removing takes the tables of erasures out of any schema", "[schema]") {
  const ScratchDatabase scratch;
  const bool older = GENERATE(false, true);
  if (older) {
    make_first_schema(scratch);
  } else {
    const auto database = made_database(scratch.options());
    in_write(*database, [&] {
      const std::int64_t id = database->erasures().open({.subject = "u7"});
      database->erasures().add_attempt({.erasure = id});
      database->erasures().store_receipt(id, "{}", {});
    });
  }
  CHECK(remove_sqlite(scratch.options()).changed);
  CHECK(ask_sql(scratch.file("audit.db"),
                "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holdfast%'") == "0");
}

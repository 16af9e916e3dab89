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

const std::vector<MigrationStep> kTwoMore = {
    {.version = 2, .sql = "ALTER TABLE holdfast_run ADD COLUMN weather TEXT"},
    {.version = 3, .sql = "UPDATE holdfast_run SET weather = 'fair'"}};

}  // namespace

TEST_CASE("an older schema is brought up to date step by step", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "INSERT INTO holdfast_run (id, opened_at_ms, as_of_ms, started_by, host, process) "
          "VALUES (1, 0, 0, '', '', 0)");
  Connection connection(scratch.options(), ConnectionMode::read_write);
  CHECK(migrate(connection, steps_and(kTwoMore), 3));
  CHECK(schema_version(connection) == 3);
  CHECK(connection.db().execAndGet("SELECT weather FROM holdfast_run").getString() == "fair");
  CHECK_FALSE(migrate(connection, steps_and(kTwoMore), 3));
}

TEST_CASE("a step that fails takes the ones before it back", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  Connection connection(scratch.options(), ConnectionMode::read_write);
  const auto steps = steps_and({kTwoMore.front(), {.version = 3, .sql = "SELECT no_such_column"}});
  CHECK_THROWS_AS(migrate(connection, steps, 3), SQLite::Exception);
  CHECK(schema_version(connection) == 1);
  CHECK_THROWS_AS(connection.db().exec("SELECT weather FROM holdfast_run"), SQLite::Exception);
  CHECK(migrate(connection, steps_and(kTwoMore), 3));
}

TEST_CASE("a gap in the steps is refused before anything stays", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  Connection connection(scratch.options(), ConnectionMode::read_write);
  const auto steps = steps_and({kTwoMore.back()});
  const StorageError error = error_of([&] { migrate(connection, steps, 3); });
  CHECK(error.trouble() == StorageTrouble::older_schema);
  CHECK(schema_version(connection) == 1);
}

TEST_CASE("a newer schema is refused by every verb", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "UPDATE holdfast_meta SET value = 9 WHERE key = 'schema_version'");
  const auto refused = [](const auto& action) {
    const StorageError error = error_of(action);
    CHECK_THAT(error.what(), Contains("newer Holdfast (schema 9, this program knows 1)"));
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
  CHECK_THAT(error.what(), Contains("schema 0, this program needs 1: run \"holdfast init\""));
}

TEST_CASE("a register that somebody took out is not an empty one", "[schema]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  const std::string loss = GENERATE("DROP TABLE holdfast_hold_term",
                                    "DROP TABLE holdfast_meta",
                                    "DROP TRIGGER holdfast_hold_deleted");
  run_sql(scratch.file("audit.db"), loss);
  OpenOptions options = scratch.options();
  options.read_only = true;
  const StorageError error = error_of([&] { (void)open_sqlite(options); });
  CHECK(error.trouble() == StorageTrouble::corrupt);
  CHECK_THAT(error.what(), Contains(loss.substr(loss.find("holdfast"))));
}

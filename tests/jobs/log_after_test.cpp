// SPDX-License-Identifier: Apache-2.0
// A log that is counted while it is copied gives the figures of one that is counted alone.
#include "jobs/log_after.h"

#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>
#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/storage_error.h"
#include "tests/jobs/log_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr WorthAThread kAlways{.rows = 0, .log_bytes = 0};

/// Rows of the file alone, without its write-ahead log.
std::int64_t rows_without_log(const JobWorld& world) {
  const std::filesystem::path file = world.options().path;
  const std::filesystem::path copy = file.string() + ".copy";
  std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
  SQLite::Database db(copy.string(), SQLite::OPEN_READWRITE);
  return db.execAndGet("SELECT count(*) FROM audit_events").getInt64();
}

std::unique_ptr<Database> read_only(const JobWorld& world) {
  OpenOptions options = world.options();
  options.read_only = true;
  return open_sqlite(options);
}

void require_same(const LogAfter& one, const LogAfter& other) {
  REQUIRE(one.rows == other.rows);
  REQUIRE(one.old_rows == other.old_rows);
  REQUIRE(one.state.has_value() == other.state.has_value());
  if (one.state) {
    REQUIRE(one.state->rows == other.state->rows);
    REQUIRE(one.state->highest_key == other.state->highest_key);
    REQUIRE(one.state->journal == other.state->journal);
  }
}

}  // namespace

TEST_CASE("a log that is copied meanwhile has the same count", "[log_after]") {
  RandomLogs logs;
  JobWorld world;
  world.sql(logs.rows(200));
  const auto database = world.open();
  const auto before = database->audit_log().highest_key();
  REQUIRE(before.has_value());
  REQUIRE(database->checkpoint_all());
  world.sql("DELETE FROM audit_events WHERE id % 7 = 0");
  world.sql(logs.rows(9));
  const auto alone = count_log(*database, before);
  const std::string old = " FROM audit_events WHERE id <= " + std::to_string(*before);
  REQUIRE(alone.rows == world.number("SELECT count(*) FROM audit_events"));
  REQUIRE(alone.old_rows == world.number("SELECT count(*)" + old));
  REQUIRE(alone.rows > alone.old_rows);
  REQUIRE(rows_without_log(world) != alone.rows);

  int opened = 0;
  SECTION("in a thread of its own") {
    const auto both = count_and_copy_log(
        *database,
        before,
        alone.rows,
        [&] {
          ++opened;
          return read_only(world);
        },
        kAlways);
    require_same(both, alone);
    CHECK(opened == 1);
  }
  SECTION("and one alone where there is little to count") {
    const auto both = count_and_copy_log(*database,
                                         before,
                                         alone.rows,
                                         [&] {
                                           ++opened;
                                           return read_only(world);
                                         },
                                         {.rows = alone.rows + 1, .log_bytes = 0});
    require_same(both, alone);
    CHECK(opened == 0);
  }
  SECTION("or where there is little to copy") {
    const auto both = count_and_copy_log(*database,
                                         before,
                                         alone.rows,
                                         [&] {
                                           ++opened;
                                           return read_only(world);
                                         },
                                         {.rows = 0, .log_bytes = database->log_bytes() + 1});
    require_same(both, alone);
    CHECK(opened == 0);
  }
  SECTION("or where nobody can be asked") {
    require_same(count_and_copy_log(*database, before, alone.rows, {}, kAlways), alone);
  }
  CHECK(rows_without_log(world) == alone.rows);
  CHECK(database->checkpoint_all());
}

TEST_CASE("what another connection cannot say is counted by one's own", "[log_after]") {
  RandomLogs logs;
  JobWorld world;
  world.sql(logs.rows(50));
  const auto database = world.open();
  const auto before = database->audit_log().highest_key();
  const auto alone = count_log(*database, before);

  SECTION("it cannot be opened") {
    const auto closed = []() -> std::unique_ptr<Database> {
      throw StorageError(StorageTrouble::busy, "closed");
    };
    require_same(count_and_copy_log(*database, before, alone.rows, closed, kAlways), alone);
  }
  SECTION("there is none") {
    const auto none = []() -> std::unique_ptr<Database> {
      return nullptr;
    };
    require_same(count_and_copy_log(*database, before, alone.rows, none, kAlways), alone);
  }
  SECTION("it is another database") {
    JobWorld other;
    other.sql(logs.rows(70));
    other.sql("UPDATE holdfast_meta SET value = 'of another' WHERE key = 'database_id'");
    require_same(count_and_copy_log(
                     *database, before, alone.rows, [&] { return read_only(other); }, kAlways),
                 alone);
  }
  SECTION("it sees another table") {
    world.sql("CREATE TABLE others AS SELECT * FROM audit_events WHERE id < 20");
    const auto elsewhere = [&] {
      OpenOptions options = world.options();
      options.read_only = true;
      options.mapping.table = "others";
      return open_sqlite(options);
    };
    require_same(count_and_copy_log(*database, before, alone.rows, elsewhere, kAlways), alone);
  }
}

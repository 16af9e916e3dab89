// SPDX-License-Identifier: Apache-2.0
// Holds that come from another database by logical replication, whose workers fire the triggers of
// rows and none of statements.
#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "postgres_server.h"
#include "storage/database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr Instant kDay = date::sys_days{date::year{2026} / 11 / 23};

std::unique_ptr<Database> made(const OpenOptions& options) {
  (void)init_database(options, "identity", kDay);
  return open_database(options);
}

/// Waits until the server has done what was asked of one of its workers.
bool comes_true(const PostgresScratch& scratch, const std::string& question) {
  for (int turn = 0; turn < 300; ++turn) {
    if (scratch.ask_sql(question) == "t") {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return false;
}

}  // namespace

TEST_CASE("a hold or bookmark that is replicated moves the version", "[replication]") {
  const PostgresScratch origin;
  const PostgresScratch copy;
  const auto from = made(origin.options());
  const auto database = made(copy.options());
  const std::string slot = "holdfast_" + origin.ask_sql("SELECT current_database()");
  origin.run_sql("CREATE PUBLICATION held FOR TABLE holdfast_hold, holdfast_bookmark");
  // Made here, because a subscription to a database of the same server cannot make it.
  origin.run_sql("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
  copy.run_sql("CREATE SUBSCRIPTION held CONNECTION '" + origin.url() +
               "' PUBLICATION held WITH (create_slot = false, copy_data = false, slot_name = '" +
               slot + "')");
  const auto moved_by = [&](const std::string& change, const std::string& arrived) {
    const std::int64_t before = database->holds().version();
    origin.run_sql(change);
    CHECK(comes_true(copy, arrived));
    return database->holds().version() - before;
  };
  CHECK(moved_by("INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, "
                 "placed_by, placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, 'dba', 0)",
                 "SELECT count(*) = 1 FROM holdfast_hold") > 0);
  CHECK(moved_by("UPDATE holdfast_hold SET reason = 'x'",
                 "SELECT count(*) = 1 FROM holdfast_hold WHERE reason = 'x'") > 0);
  CHECK(moved_by("DELETE FROM holdfast_hold", "SELECT count(*) = 0 FROM holdfast_hold") > 0);
  CHECK(moved_by("INSERT INTO holdfast_bookmark VALUES ('siem', 7, 'dba', 0)",
                 "SELECT count(*) = 1 FROM holdfast_bookmark") > 0);
  copy.run_sql("DROP SUBSCRIPTION held");
}

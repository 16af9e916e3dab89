// SPDX-License-Identifier: Apache-2.0
// A log that other software wrote, moved to PostgreSQL as that software declares it there.
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "policy/event_time.h"
#include "postgres_log.h"
#include "storage/postgres/postgres_statement.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr const char* kTable =
    "CREATE TABLE logs (id serial PRIMARY KEY, action varchar(512), user_id int, json text,"
    " dttm timestamp, dashboard_id int, slice_id int, duration_ms int, referrer varchar(1024));";

/// What is read of each row, with the instant in the place of its spelling.
std::map<std::string, std::string> instants(AuditLog& log) {
  std::map<std::string, std::string> rows;
  log.scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& facts) {
    const auto time = parse_event_time(facts.time, TimeFormat::utc_text);
    std::string& row = rows[facts.key->display()];
    row = time ? to_rfc3339(*time) : "none";
    row.append(" ").append(facts.code.value_or("-"));
    row.append(" ").append(facts.actor.value_or("-"));
  });
  return rows;
}

void move_rows(ScratchLog& sqlite, PostgresScratchLog& postgres) {
  Statement from{sqlite.connection().db(),
                 "SELECT id, action, user_id, json, dttm, dashboard_id, slice_id, duration_ms,"
                 " referrer FROM logs"};
  PostgresStatement to{postgres.connection(),
                       "INSERT INTO logs VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
  PostgresWriteScope write = postgres.write();
  while (from.step()) {
    for (int column = 0; column < from.columns(); ++column) {
      to.bind(column + 1, from.column(column));
    }
    (void)to.run();
  }
  write.commit();
}

}  // namespace

TEST_CASE("a real log is the same log in PostgreSQL", "[real]") {
  const auto folder = real_databases();
  if (!folder) {
    SUCCEED();
    return;
  }
  const LogMapping mapping{.table = "logs",
                           .time = "dttm",
                           .time_format = TimeFormat::utc_text,
                           .code = "action",
                           .actor = {.name = "user_id", .named_in_config = true}};
  ScratchLog sqlite{CopyOf{*folder / "superset.db"}};
  PostgresScratchLog postgres{kTable};
  move_rows(sqlite, postgres);
  const auto here = sqlite.open(mapping);
  const auto there = postgres.open(mapping);
  CHECK(there->count_rows({}) == 1078);
  CHECK(instants(*there) == instants(*here));
  CHECK(days(*there) == days(*here));
}

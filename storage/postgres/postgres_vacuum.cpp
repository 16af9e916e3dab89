// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_vacuum.h"

#include <libpq-fe.h>

#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "storage/postgres/postgres_statement.h"

namespace holdfast {
namespace {

// The tables that have rows: of the log itself and of its partitions on this server.
constexpr const char* kStatistics = R"sql(
WITH RECURSIVE part AS (
  SELECT $1::pg_catalog.oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition)
SELECT c.oid, c.relname::pg_catalog.text, coalesce(s.vacuum_count, 0), coalesce(s.n_dead_tup, 0)
FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid
LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid WHERE c.relkind = 'r'
)sql";

constexpr const char* kKeepsStatistics = R"sql(
SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'track_counts'
)sql";

// Servers before 15 tell of it some time later.
constexpr int kLooks = 20;
constexpr std::chrono::milliseconds kBetweenLooks{100};

/// Keeps the warnings that the server sends while it lives.
class Listener {
 public:
  explicit Listener(PostgresConnection& connection) : connection_(connection) {
    connection.exec("SET client_min_messages = 'warning'");
    former_ = PQsetNoticeReceiver(connection.handle(), hear, this);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener() {
    PQsetNoticeReceiver(connection_.handle(), former_, nullptr);
    PQclear(PQexec(connection_.handle(), "SET client_min_messages = 'error'"));
  }

  /// The first of them, quoted; empty where there was none.
  [[nodiscard]] std::string heard() const {
    return warning_.empty() ? "" : "; the server says \"" + warning_ + "\"";
  }

 private:
  static void hear(void* self, const PGresult* notice) {
    const char* const said = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    std::string& warning = static_cast<Listener*>(self)->warning_;
    if (warning.empty() && said != nullptr) {
      warning = said;
    }
  }

  PostgresConnection& connection_;
  PQnoticeReceiver former_ = nullptr;
  std::string warning_;
};

struct TableStatistics {
  std::string name;
  std::int64_t vacuums = 0;
  std::int64_t dead_rows = 0;
};
using Statistics = std::map<std::int64_t, TableStatistics>;  // by the number of the table

Statistics read_statistics(PostgresConnection& connection, const PostgresTable& table) {
  PostgresStatement rows{connection, kStatistics};
  rows.bind(1, static_cast<std::int64_t>(table.oid));
  Statistics statistics;
  while (rows.step()) {
    statistics[integer_at(rows, 0)] = {
        .name = text_at(rows, 1), .vacuums = integer_at(rows, 2), .dead_rows = integer_at(rows, 3)};
  }
  return statistics;
}

/// The names of tables that no VACUUM has gone over since.
std::vector<std::string> untouched(const Statistics& before, const Statistics& after) {
  std::vector<std::string> names;
  for (const auto& [table, now] : after) {
    const auto then = before.find(table);
    if (then != before.end() && now.vacuums <= then->second.vacuums) {
      names.push_back(now.name);
    }
  }
  return names;
}

}  // namespace

std::optional<std::int64_t> vacuum_postgres_table(PostgresConnection& connection,
                                                  const PostgresTable& table,
                                                  const std::string& statement) {
  const Statistics before = read_statistics(connection, table);
  const Listener listener{connection};
  connection.exec(statement);
  if (connection.ask(kKeepsStatistics) != "on") {
    return std::nullopt;
  }
  Statistics after = read_statistics(connection, table);
  for (int look = 1; look < kLooks && !untouched(before, after).empty(); ++look) {
    std::this_thread::sleep_for(kBetweenLooks);
    after = read_statistics(connection, table);
  }
  const std::vector<std::string> skipped = untouched(before, after);
  if (!skipped.empty()) {
    const std::size_t others = skipped.size() - 1;
    throw StorageError(StorageTrouble::other,
                       connection.path() + ": " + statement + " skipped table \"" +
                           skipped.front() + "\"" +
                           (others == 0 ? "" : " and " + std::to_string(others) + " others") +
                           listener.heard() + ": run it as the owner of the log's table");
  }
  std::int64_t dead = 0;
  for (const auto& [number, now] : after) {
    dead += now.dead_rows;
  }
  return dead;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_partition_drop.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "storage/postgres/postgres_error.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

// How long another command of Holdfast may be waited for: a hold takes milliseconds to be placed.
constexpr milliseconds kLongestWait{1000};
// How often the lock on the parent is asked for, and how long others have it to themselves in
// between. Who places a hold meanwhile waits for no more than all of them.
constexpr int kTries = 8;
constexpr milliseconds kBetweenTries{100};
// For how long the rows are looked at while their writers wait.
constexpr const char* kLongestLook = "10s";

// After so many milliseconds of waiting the server looks for sessions that wait for each other, and
// ends the transaction of the one that it looks for. It also ends an autovacuum that is in the way.
constexpr const char* kDeadlockTimeout = R"sql(
SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'deadlock_timeout'
)sql";

// The first transaction that was not over, and may still change something, as a snapshot has it.
constexpr const char* kOldestOpen = R"sql(
SELECT pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())
)sql";

// Whether there are %rows% rows, none of them written by a transaction that was not over when
// %oldest% was the oldest such. Numbers of transactions come round after 2^32, and are compared by
// their distance from today's; those that are given out later are at none, or beyond.
constexpr const char* kSameRows = R"sql(
SELECT count(*) = %rows% AND count(*) FILTER (WHERE
  pg_catalog.age(part.xmin) <= (SELECT pg_catalog.age(
    (%oldest% & 4294967295)::pg_catalog.text::pg_catalog.xid))
  AND pg_catalog.age(part.xmin) > (SELECT pg_catalog.age(
    (pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) & 4294967295)
      ::pg_catalog.text::pg_catalog.xid))) = 0
FROM ONLY %table% AS part WHERE part.tableoid = %oid%
)sql";

// Where nothing is wrong with the server or the session, rows can still go one by one.
constexpr std::array<std::string_view, 6> kNoWayOut = {"08", "40003", "53", "57P", "58", "XX"};

bool fits(std::string_view state, std::string_view beginning) {
  return state.substr(0, beginning.size()) == beginning;
}

bool leaves_another_way(const PostgresError& error) {
  return !error.state().empty() &&
         std::none_of(kNoWayOut.begin(), kNoWayOut.end(), [&](std::string_view beginning) {
           return fits(error.state(), beginning);
         });
}

/// What the server objects to is told as the reason why a partition does not go as a whole.
template <typename Action>
void or_refuse(const Action& action) {
  try {
    action();
  } catch (const PostgresError& error) {
    if (leaves_another_way(error)) {
      throw PartitionRefused(error.what());
    }
    throw;
  }
}

std::string oid_of(const LogPartition& partition) {
  return std::to_string(partition.table) + "::pg_catalog.oid";
}

std::string same_rows_sql(const PostgresPartition& partition,
                          std::int64_t rows,
                          std::int64_t oldest) {
  std::string sql = kSameRows;
  const std::string number = "'" + std::to_string(oldest) + "'::pg_catalog.int8";
  for (const auto& [place, text] : {std::pair{std::string_view{"%rows%"}, std::to_string(rows)},
                                    {std::string_view{"%oldest%"}, number},
                                    {std::string_view{"%oid%"}, oid_of(partition.told)},
                                    {std::string_view{"%table%"}, partition.table}}) {
    for (std::size_t at = sql.find(place); at != std::string::npos;
         at = sql.find(place, at + text.size())) {
      sql.replace(at, place.size(), text);
    }
  }
  return sql;
}

milliseconds deadlock_timeout(PostgresConnection& connection) {
  const std::string said = connection.ask(kDeadlockTimeout);
  milliseconds::rep number = 0;
  (void)std::from_chars(said.data(), said.data() + said.size(), number);
  return milliseconds{std::max<milliseconds::rep>(number, 1)};
}

void wait_at_most(PostgresConnection& connection, milliseconds wait) {
  connection.exec("SET LOCAL lock_timeout = " +
                  std::to_string(std::max(wait, milliseconds{1}).count()));
}

std::chrono::microseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

}  // namespace

PostgresPartitionDrop::PostgresPartitionDrop(PostgresConnection& connection,
                                             const PostgresLogLayout& layout,
                                             const LogPartition& partition)
    : connection_(connection),
      layout_(layout),
      wanted_(partition),
      write_(connection, PostgresWriteScope::LockLater{}),
      reader_(layout, connection.path() + ": table " + partition.name),
      whole_columns_(PostgresRowReader::whole_columns(layout)) {}

PostgresPartitionDrop::~PostgresPartitionDrop() {
  rows_.reset();  // before the transaction ends that it belongs to
}

/// The partition as it was when it was chosen, or not at all.
void PostgresPartitionDrop::find_partition() {
  auto found = read_postgres_partitions(connection_, layout_, wanted_.table);
  if (found.size() != 1 || found.front().told != wanted_ || !wanted_.objection.empty()) {
    throw PartitionRefused("it is not what it was any more");
  }
  if (!partition_.table.empty() && found.front() != partition_) {
    throw PartitionRefused("it was changed while it was read");
  }
  partition_ = std::move(found.front());
}

void PostgresPartitionDrop::begin_reading() {
  find_partition();
  {
    // Before the cursor's own snapshot, so that what falls in between counts as changed.
    PostgresStatement oldest{connection_, kOldestOpen};
    if (!oldest.step()) {
      throw PartitionRefused("the server tells no snapshot");
    }
    oldest_open_ = std::get<std::int64_t>(oldest.column(0));
  }
  // Whole numbers are kept in their order, so they are read in it; others in any.
  rows_.emplace(
      connection_,
      "SELECT " + whole_columns_.list() + " FROM ONLY " + partition_.table + " AS " + kPostgresLog +
          " WHERE " + kPostgresLog + ".tableoid = " + oid_of(wanted_) +
          (layout_.integer_keys ? " ORDER BY " + PostgresRowReader::key_columns(layout_) : ""),
      PostgresRows::by_cursor);
}

std::int64_t PostgresPartitionDrop::read(std::int64_t most, const Visit& visit) {
  std::int64_t visited = 0;
  or_refuse([&] {
    if (!rows_) {
      begin_reading();
    }
    bool go_on = true;
    while (go_on && visited < most && rows_->step()) {
      ++visited;
      go_on = visit(reader_.read(*rows_), WholeRow{*rows_, whole_columns_});
    }
  });
  rows_read_ += visited;
  return visited;
}

void PostgresPartitionDrop::require_same_rows() {
  if (connection_.ask(same_rows_sql(partition_, rows_read_, oldest_open_)) != "t") {
    throw PartitionRefused("somebody changed its rows while they were read");
  }
}

void PostgresPartitionDrop::keep_rows() {
  or_refuse([&] {
    rows_.reset();  // a table that is being read is not dropped
    wait_at_most(connection_, std::max(kLongestWait, 2 * deadlock_timeout(connection_)));
    connection_.exec("LOCK TABLE ONLY " + partition_.table + " IN SHARE ROW EXCLUSIVE MODE");
    writers_out_ = std::chrono::steady_clock::now();
    require_lock("ShareRowExclusiveLock");
    find_partition();
    connection_.exec(std::string{"SET LOCAL statement_timeout = '"} + kLongestLook + "'");
    require_same_rows();
  });
}

/// Tables are locked by name, and a schema can be given another table's in between: what counts is
/// the table that was chosen.
void PostgresPartitionDrop::require_lock(const std::string& mode) {
  if (connection_.ask(
          "SELECT 1 FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted "
          "AND l.pid = pg_catalog.pg_backend_pid() AND l.database = (SELECT d.oid FROM "
          "pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AND l.mode = '" +
          mode + "' AND l.relation = " + oid_of(wanted_)) != "1") {
    throw PartitionRefused("it was renamed meanwhile, or its schema was");
  }
}

/// Not by waiting: who holds the lock may be waiting for this partition.
void PostgresPartitionDrop::take_write_lock() {
  constexpr milliseconds kBetweenLooks{20};
  or_refuse([&] {
    wait_at_most(connection_, kLongestWait);
    const auto begin = std::chrono::steady_clock::now();
    while (!write_.try_lock()) {
      if (since(begin) > kLongestWait) {
        throw PartitionRefused("another command of Holdfast was writing");
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
  });
}

/// Who waits for the partition may have what is asked for next: then both would wait, and the
/// server would end one of the two.
void PostgresPartitionDrop::give_way_to_writers() {
  if (connection_.ask(
          "SELECT 1 FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND NOT "
          "l.granted AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE "
          "d.datname = pg_catalog.current_database()) AND l.relation = " +
          std::to_string(wanted_.table) + "::pg_catalog.oid LIMIT 1") == "1") {
    throw PartitionRefused("somebody was about to write to it");
  }
}

/// In the order in which everybody locks: the parent, and then its partitions.
bool PostgresPartitionDrop::lock_everybody_out(milliseconds longest_wait) {
  const std::string tables = "ONLY " + partition_.parent +
                             (partition_.default_.empty() ? "" : ", ONLY " + partition_.default_) +
                             ", ONLY " + partition_.table;
  connection_.exec("SAVEPOINT holdfast_drop");
  wait_at_most(connection_, longest_wait);
  try {
    connection_.exec("LOCK TABLE " + tables + " IN ACCESS EXCLUSIVE MODE");
  } catch (const PostgresError& error) {
    if (error.state() != "55P03") {
      throw;
    }
    connection_.exec("ROLLBACK TO SAVEPOINT holdfast_drop; RELEASE SAVEPOINT holdfast_drop");
    return false;
  }
  return true;
}

void PostgresPartitionDrop::drop(milliseconds longest_wait) {
  or_refuse([&] {
    const milliseconds wait = std::min(longest_wait, deadlock_timeout(connection_) / 2);
    give_way_to_writers();
    for (int tries = 1; !lock_everybody_out(wait); ++tries) {
      if (tries == kTries) {
        throw PartitionRefused(
            "somebody was reading or writing the log all the time, so its lock was not had");
      }
      std::this_thread::sleep_for(kBetweenTries);
      give_way_to_writers();
    }
    const auto everybody_out = std::chrono::steady_clock::now();
    // It is detached by that as well. To detach it first would take what a table of its own needs:
    // the parent's owner, and locks on the tables that its foreign keys name. Without CASCADE: what
    // depends on it keeps it.
    require_lock("AccessExclusiveLock");
    find_partition();
    connection_.exec("DROP TABLE " + partition_.table);
    // By name as well: where it is still there, another one went, and comes back.
    if (!connection_.ask("SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = " + oid_of(wanted_))
             .empty()) {
      throw PartitionRefused("it was renamed meanwhile, or its schema was");
    }
    write_.commit();
    locks_ = {.writers = since(writers_out_), .everybody = since(everybody_out)};
  });
}

}  // namespace holdfast

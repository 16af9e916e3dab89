// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <string>
#include <vector>

#include "storage/default_log.h"
#include "storage/registers/register_query.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/sqlite_log_guard.h"

namespace holdfast {
namespace {

constexpr const char* kMakeLog = R"sql(
CREATE TABLE audit_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  occurred_at INTEGER NOT NULL,        -- UTC milliseconds
  tenant TEXT, code TEXT NOT NULL, severity TEXT, actor TEXT, subject TEXT,
  retain_until INTEGER,                -- UTC milliseconds, the row's own stamp
  metadata TEXT);                      -- JSON
CREATE INDEX audit_events_code_time ON audit_events (code, occurred_at, tenant);
)sql";

constexpr const char* kCountObjects = R"sql(
SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'
)sql";

constexpr const char* kStoreMeta = R"sql(
INSERT INTO holdfast_meta (key, value) VALUES ('database_id', ?1), ('created_at_ms', ?2)
)sql";

void note(InitReport& report, const std::string& sentence) {
  report.done.push_back(sentence);
  report.changed = true;
}

/// The table that `init` makes is the one of the default mapping; any other belongs to somebody.
void require_inventable(const OpenOptions& options, const char* found) {
  if (!is_default_log(options.mapping)) {
    throw StorageError(StorageTrouble::mapping,
                       options.path.string() + ": " + found +
                           ", and [events] describes a table \"" + options.mapping.table +
                           "\" of another program: Holdfast does not invent it; check "
                           "[database].path, or leave [events] at its defaults");
  }
}

bool is_empty(Connection& connection) {
  return connection.db().execAndGet(kCountObjects).getInt64() == 0;
}

void add_own_tables(Connection& connection,
                    const std::string& identity,
                    Instant now,
                    InitReport& report) {
  const std::optional<std::int64_t> before = schema_version(connection);
  if (!migrate(connection, migration_steps(), kSchemaVersion)) {
    return;
  }
  const std::string version = std::to_string(kSchemaVersion);
  if (before) {
    note(report,
         "brought Holdfast's own tables from schema " + std::to_string(*before) + " to " + version);
    return;
  }
  RegisterQuery store({.connection = connection, .set_up = true}, kStoreMeta);
  store.with(identity, now).run();
  note(report, "made Holdfast's own tables (schema " + version + ")");
}

/// Where the schema went up, guards that were there are set for what is new as well.
void settle_guards(Connection& connection,
                   const OpenOptions& options,
                   Guards guards,
                   InitReport& report) {
  if (guards == Guards::set && place_guards(connection, probe_log(connection, options))) {
    note(report,
         "set the guards: nobody but Holdfast deletes or changes rows that are held, stamped or "
         "not due, or lines of its own tables; the next run tells them what is due");
  }
}

InitReport set_up(const OpenOptions& options,
                  const std::string& identity,
                  Instant now,
                  Guards guards) {
  InitReport report;
  if (!std::filesystem::exists(options.path)) {
    require_inventable(options, "there is no such database");
    note(report, "made the database " + options.path.string());
  }
  Connection connection(options, ConnectionMode::create);
  const bool empty = is_empty(connection);
  if (empty) {
    require_inventable(options, "the database is empty");
    // Only here: the journal mode of somebody else's database is not ours to change, and it cannot
    // be changed inside the transaction. A crash after it leaves an empty database for the next
    // try.
    (void)connection.db().execAndGet("PRAGMA journal_mode = WAL");
  }
  SQLite::Transaction transaction(connection.db(), SQLite::TransactionBehavior::IMMEDIATE);
  if (empty) {
    connection.db().exec(kMakeLog);
    note(report, "made the table audit_events and its index");
  }
  (void)probe_log(connection, options);
  if (guards == Guards::set && pass_is_lost(connection)) {
    // Nobody gets past them any more: they are made anew below.
    (void)remove_guards(connection);
  }
  const bool guarded = take_pass(connection);
  add_own_tables(connection, identity, now, report);
  (void)is_set_up(connection);
  if (guarded) {
    return_pass(connection);
  }
  const bool migrated = guarded && report.changed;
  settle_guards(connection, options, migrated ? Guards::set : guards, report);
  transaction.commit();
  if (!report.changed) {
    report.done.emplace_back("nothing to do: Holdfast's own tables are there (schema " +
                             std::to_string(kSchemaVersion) + ")");
  }
  return report;
}

InitReport take_out(const OpenOptions& options) {
  InitReport report;
  Connection connection(options, ConnectionMode::read_write);
  SQLite::Transaction transaction(connection.db(), SQLite::TransactionBehavior::IMMEDIATE);
  if (schema_version(connection).value_or(0) > kSchemaVersion) {
    (void)is_set_up(connection);  // throws: this program does not know every table of that schema
  }
  if (remove_guards(connection) > 0) {
    note(report, "took out the guards");
  }
  for (const std::string& table : own_tables(connection)) {
    connection.db().exec("DROP TABLE " + quoted(table));
    note(report, "took out the table " + table);
  }
  transaction.commit();
  if (!report.changed) {
    report.done.emplace_back("nothing to do: there are no tables of Holdfast's own");
  }
  return report;
}

}  // namespace

InitReport init_sqlite(const OpenOptions& options,
                       const std::string& identity,
                       Instant now,
                       Guards guards) {
  try {
    return set_up(options, identity, now, guards);
  } catch (const SQLite::Exception& error) {
    throw as_storage_error(error, options.path.string());
  }
}

InitReport remove_sqlite(const OpenOptions& options) {
  try {
    return take_out(options);
  } catch (const SQLite::Exception& error) {
    throw as_storage_error(error, options.path.string());
  }
}

}  // namespace holdfast

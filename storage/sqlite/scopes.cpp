// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/scopes.h"

#include <string>

#include <sqlite3.h>

#include "storage/sqlite/sqlite_log_guard.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

bool in_transaction(Connection& connection) {
  return sqlite3_get_autocommit(connection.db().getHandle()) == 0;
}

/// Cannot be changed inside a transaction, so it is set before each. In a rollback journal a commit
/// is the removal of the journal, which lasts only once the folder is synced too: else a power cut
/// could bring the journal back, and undo what the witness file was told already.
void set_synchronous(Connection& connection, Durability durability) {
  const char* level = durability == Durability::normal ? "NORMAL" : "FULL";
  connection.db().exec(std::string("PRAGMA synchronous = ") + (connection.wal() ? level : "EXTRA"));
}

std::string seconds(std::int64_t milliseconds) {
  return milliseconds < 1000 ? std::to_string(milliseconds) + " ms"
                             : std::to_string(milliseconds / 1000) + " s";
}

void begin_immediate(Connection& connection) {
  try {
    connection.db().exec("BEGIN IMMEDIATE");
  } catch (const SQLite::Exception& error) {
    if (error.getErrorCode() % 256 != SQLITE_BUSY) {
      throw;
    }
    // Said here because only here it is known for how long.
    const auto waited = connection.db().execAndGet("PRAGMA busy_timeout").getInt64();
    throw StorageError(StorageTrouble::busy,
                       connection.path() + ": another program has held the write lock for " +
                           seconds(waited) +
                           ": find the program that keeps a transaction open, then run again");
  }
}

}  // namespace

SqliteWriteScope::SqliteWriteScope(Connection& connection,
                                   Durability durability,
                                   DeletionWatch& deletions)
    : connection_(connection), deletions_(deletions) {
  if (connection.mode() == ConnectionMode::read_only) {
    throw StorageError(StorageTrouble::read_only,
                       connection.path() + ": was opened for reading, nothing can be written");
  }
  set_synchronous(connection, durability);
  begin_immediate(connection);
  open_ = true;
  deletions_.begin();
  try {
    guarded_ = take_pass(connection);
  } catch (...) {
    // The destructor does not run where the constructor throws.
    (void)connection.db().tryExec("ROLLBACK");
    throw;
  }
}

SqliteWriteScope::~SqliteWriteScope() {
  // After some errors SQLite has rolled back by itself. A rollback that fails is ignored: without a
  // COMMIT nothing of it is ever seen.
  if (open_ && in_transaction(connection_)) {
    (void)connection_.db().tryExec("ROLLBACK");
  }
}

void SqliteWriteScope::commit() {
  if (deletions_.unasked() > 0) {
    throw StorageError(StorageTrouble::other,
                       connection_.path() + ": a trigger has deleted " +
                           std::to_string(deletions_.unasked()) +
                           " rows of the audit log while Holdfast wrote something else, and those "
                           "may have to stay, so all of it is taken back: drop that trigger "
                           "(\"holdfast check\" names it)");
  }
  if (guarded_) {
    return_pass(connection_);
  }
  connection_.db().exec("COMMIT");
  open_ = false;
}

SqliteReadScope::SqliteReadScope(Connection& connection) : connection_(connection) {
  if (!connection.wal() || in_transaction(connection)) {
    return;
  }
  connection.db().exec("BEGIN");
  open_ = true;
  try {
    // BEGIN alone fixes nothing: the view is that of the first read.
    (void)connection.db().execAndGet("SELECT count(*) FROM sqlite_schema");
  } catch (...) {
    // The destructor does not run where the constructor throws.
    (void)connection.db().tryExec("ROLLBACK");
    throw;
  }
}

SqliteReadScope::~SqliteReadScope() {
  // COMMIT keeps what went into temporary tables meanwhile. Where it fails there is nothing to lose
  // in the database, and the scope must still end.
  if (open_ && in_transaction(connection_) && connection_.db().tryExec("COMMIT") != SQLITE_OK) {
    (void)connection_.db().tryExec("ROLLBACK");
  }
}

}  // namespace holdfast

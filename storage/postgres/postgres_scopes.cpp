// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_scopes.h"

#include <libpq-fe.h>

#include <string>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

// The first half of the advisory locks' numbers; the second is the schema. "HFw1" and "HFr1".
constexpr const char* kWriteLock = "1212577585";
constexpr const char* kRunLock = "1212576305";

// A statement of a write works on one slice; a session that stands still inside one must not keep
// everybody out for ever.
constexpr const char* kLongestStatement = "10min";
constexpr const char* kLongestIdle = "5min";

/// An oid as the signed number that the lock functions take.
std::string schema_number(PostgresConnection& connection) {
  return "(SELECT n.oid::pg_catalog.int8 - CASE WHEN n.oid::pg_catalog.int8 > 2147483647 THEN "
         "4294967296 ELSE 0 END FROM pg_catalog.pg_namespace n WHERE n.nspname = " +
         postgres_literal(connection.schema()) + ")::pg_catalog.int4";
}

/// Who holds the write lock, in brackets; empty where nobody does any more.
std::string holder(PostgresConnection& connection) {
  const std::string process = connection.ask(
      std::string{
          "SELECT l.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_namespace n "
          "ON n.oid = l.objid WHERE l.locktype = 'advisory' AND l.granted AND l.classid = "} +
      kWriteLock +
      " AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname "
      "= pg_catalog.current_database()) AND n.nspname = " +
      postgres_literal(connection.schema()));
  return process.empty() ? "" : " (server process " + process + ")";
}

void require_writable(PostgresConnection& connection) {
  if (connection.reads_only()) {
    throw StorageError(StorageTrouble::read_only,
                       connection.path() + ": was opened for reading, nothing can be written");
  }
  if (connection.in_transaction()) {
    throw StorageError(StorageTrouble::other,
                       connection.path() + ": a write was begun while another transaction is open");
  }
}

}  // namespace

PostgresWriteScope::PostgresWriteScope(PostgresConnection& connection, Durability durability)
    : connection_(connection) {
  require_writable(connection);
  const std::string wait = std::to_string(connection.busy_wait().count());
  const char* const synchronous = durability == Durability::normal ? "off" : "on";
  try {
    connection.require_same_session(
        connection.exec(std::string{"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "} +
                        "SET LOCAL lock_timeout = " + wait + "; SET LOCAL statement_timeout = '" +
                        kLongestStatement + "'; SET LOCAL idle_in_transaction_session_timeout = '" +
                        kLongestIdle + "'; SET LOCAL synchronous_commit = " + synchronous +
                        "; SELECT pg_catalog.pg_advisory_xact_lock(" + kWriteLock + ", " +
                        schema_number(connection) + "); " + PostgresConnection::session_sql()));
  } catch (const PostgresError& error) {
    // The destructor does not run where the constructor throws.
    connection.roll_back();
    if (error.trouble() != StorageTrouble::busy) {
      throw;
    }
    // Said here because only here it is known what was waited for.
    throw StorageError(StorageTrouble::busy,
                       connection.path() + ": another command of Holdfast" + holder(connection) +
                           " has held the write lock for " + wait +
                           " ms: let it end, then run again");
  } catch (const StorageError&) {
    connection.roll_back();  // another session's, then, which nothing was done in
    throw;
  }
  open_ = true;
  connection_.note_write(true);
}

PostgresWriteScope::PostgresWriteScope(PostgresConnection& connection, LockLater /*later*/)
    : connection_(connection) {
  require_writable(connection);
  try {
    connection.require_same_session(connection.exec(
        std::string{"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"} +
        "; SET LOCAL lock_timeout = " + std::to_string(connection.busy_wait().count()) +
        "; SET LOCAL statement_timeout = '" + kLongestStatement +
        "'; SET LOCAL idle_in_transaction_session_timeout = '" + kLongestIdle +
        "'; SET LOCAL synchronous_commit = on; " + PostgresConnection::session_sql()));
  } catch (const StorageError&) {
    connection.roll_back();  // the destructor does not run where the constructor throws
    throw;
  }
  open_ = true;
}

bool PostgresWriteScope::try_lock() {
  const std::string had =
      connection_.ask(std::string{"SELECT pg_catalog.pg_try_advisory_xact_lock("} + kWriteLock +
                      ", " + schema_number(connection_) + ")");
  connection_.note_write(had == "t");
  return had == "t";
}

PostgresWriteScope::~PostgresWriteScope() {
  connection_.note_write(false);
  if (open_) {
    connection_.roll_back();
  }
}

void PostgresWriteScope::commit() {
  const PGTransactionStatusType status = PQtransactionStatus(connection_.handle());
  // COMMIT of a transaction that an error has spoilt is a ROLLBACK without an error.
  if (status != PQTRANS_INTRANS) {
    throw StorageError(StorageTrouble::other,
                       connection_.path() +
                           ": the step cannot be committed, because a statement "
                           "of it failed or the connection was lost; it is taken "
                           "back");
  }
  PostgresResult result;
  try {
    result = connection_.exec("COMMIT");
  } catch (const PostgresError& error) {
    if (PQstatus(connection_.handle()) == CONNECTION_OK) {
      throw;
    }
    throw PostgresError(StorageTrouble::other,
                        error.state(),
                        connection_.path() +
                            ": the connection to the server was lost while a step "
                            "was being committed, so that it is not known whether "
                            "it counts: run again, the ledger tells");
  }
  open_ = false;
  if (std::string{PQcmdStatus(result.get())} != "COMMIT") {
    throw StorageError(StorageTrouble::other,
                       connection_.path() +
                           ": the server took the step back instead of "
                           "committing it");
  }
}

PostgresReadScope::PostgresReadScope(PostgresConnection& connection) : connection_(connection) {
  if (connection.in_transaction()) {
    return;
  }
  // BEGIN alone fixes nothing: the view is that of the first statement.
  const PostgresResult session =
      connection.exec(std::string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "} +
                      PostgresConnection::session_sql());
  try {
    connection.require_same_session(session);
  } catch (const StorageError&) {
    connection.end_reading();  // the destructor does not run where the constructor throws
    throw;
  }
  open_ = true;
}

PostgresReadScope::~PostgresReadScope() {
  if (open_) {
    connection_.end_reading();
  }
}

bool take_postgres_run_lock_of_write(PostgresConnection& connection) {
  return connection.ask(std::string{"SELECT pg_catalog.pg_try_advisory_xact_lock("} + kRunLock +
                        ", " + schema_number(connection) + ")") == "t";
}

bool take_postgres_run_lock(PostgresConnection& connection) {
  connection.require_same_session(connection.exec(PostgresConnection::session_sql()));
  return connection.ask(std::string{"SELECT pg_catalog.pg_try_advisory_lock("} + kRunLock + ", " +
                        schema_number(connection) + ")") == "t";
}

}  // namespace holdfast

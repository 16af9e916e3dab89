// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/database.h"
#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// A write transaction that first takes the lock by which all writes of Holdfast in one schema come
/// one after the other. Statements inside see what is committed when they begin, so rows are read
/// FOR UPDATE and the holds' version FOR SHARE.
class PostgresWriteScope final : public WriteScope {
 public:
  /// Errors: StorageError: busy where the lock was not had within the busy wait, read_only for a
  /// session that only reads, other where a transaction is open already.
  PostgresWriteScope(PostgresConnection& connection, Durability durability);
  /// A full one that takes the lock later, by try_lock(): before that it is no write to others, and
  /// rows are read without a lock. Errors: StorageError: read_only, other.
  struct LockLater {};
  PostgresWriteScope(PostgresConnection& connection, LockLater later);
  PostgresWriteScope(const PostgresWriteScope&) = delete;
  PostgresWriteScope& operator=(const PostgresWriteScope&) = delete;
  PostgresWriteScope(PostgresWriteScope&&) = delete;
  PostgresWriteScope& operator=(PostgresWriteScope&&) = delete;
  ~PostgresWriteScope() override;

  /// Takes the lock where nobody has it. Returns false, and waits for nobody, otherwise.
  [[nodiscard]] bool try_lock();

  /// Errors: StorageError where the server did not commit, or where the connection was lost so that
  /// nobody knows.
  void commit() override;

 private:
  PostgresConnection& connection_;
  bool open_ = false;
};

/// One snapshot. Does nothing inside a transaction, which is a view of its own.
class PostgresReadScope final : public ReadScope {
 public:
  explicit PostgresReadScope(PostgresConnection& connection);
  PostgresReadScope(const PostgresReadScope&) = delete;
  PostgresReadScope& operator=(const PostgresReadScope&) = delete;
  PostgresReadScope(PostgresReadScope&&) = delete;
  PostgresReadScope& operator=(PostgresReadScope&&) = delete;
  ~PostgresReadScope() override;

 private:
  PostgresConnection& connection_;
  bool open_ = false;
};

/// The lock of one run at a time, held by the session until it ends. Returns false where another
/// session has it.
[[nodiscard]] bool take_postgres_run_lock(PostgresConnection& connection);

/// The same until the write ends in which it is called: it is free as soon as that is committed.
[[nodiscard]] bool take_postgres_run_lock_of_write(PostgresConnection& connection);

}  // namespace holdfast

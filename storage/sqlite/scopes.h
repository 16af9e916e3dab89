// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/database.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/deletion_watch.h"

namespace holdfast {

/// A write transaction that takes the write lock at once.
class SqliteWriteScope final : public WriteScope {
 public:
  /// Errors: StorageError: busy where another program held the write lock for all of the busy wait,
  /// read_only for a connection that only reads.
  SqliteWriteScope(Connection& connection, Durability durability, DeletionWatch& deletions);
  SqliteWriteScope(const SqliteWriteScope&) = delete;
  SqliteWriteScope& operator=(const SqliteWriteScope&) = delete;
  SqliteWriteScope(SqliteWriteScope&&) = delete;
  SqliteWriteScope& operator=(SqliteWriteScope&&) = delete;
  ~SqliteWriteScope() override;

  /// Errors: StorageError where rows of the log went that dispose() did not delete.
  void commit() override;

 private:
  Connection& connection_;
  DeletionWatch& deletions_;
  bool open_ = false;
  bool guarded_ = false;  // the guards' pass was taken, and goes back before the commit
};

/// One snapshot in write-ahead-log mode. Does nothing in a rollback-journal mode, where it would
/// block writers, and inside a transaction, which is a view of its own.
class SqliteReadScope final : public ReadScope {
 public:
  explicit SqliteReadScope(Connection& connection);
  SqliteReadScope(const SqliteReadScope&) = delete;
  SqliteReadScope& operator=(const SqliteReadScope&) = delete;
  SqliteReadScope(SqliteReadScope&&) = delete;
  SqliteReadScope& operator=(SqliteReadScope&&) = delete;
  ~SqliteReadScope() override;

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace holdfast

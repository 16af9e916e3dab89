// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/database.h"

namespace holdfast {

/// How a connection may use the file.
enum class ConnectionMode { read_only, read_write, create };

/// The files that SQLite makes beside a write-ahead-log database when somebody reads it. Where they
/// were not there before, whoever only reads leaves none behind.
class SideFiles {
 public:
  SideFiles(const std::filesystem::path& database, ConnectionMode mode);
  SideFiles(const SideFiles&) = delete;
  SideFiles& operator=(const SideFiles&) = delete;
  SideFiles(SideFiles&&) = delete;
  SideFiles& operator=(SideFiles&&) = delete;
  ~SideFiles();

 private:
  std::filesystem::path database_;  // empty: there is nothing to take away
};

/// One connection to a SQLite file with every safe setting made: trusted_schema off,
/// cell_size_check on, defensive mode, secure_delete on, busy wait, cache, wal_autocheckpoint off
/// (Holdfast checkpoints by itself), foreign keys on. Never changes user_version, application_id or
/// journal_mode of a database that exists.
class Connection {
 public:
  /// Errors: StorageError: missing, not_a_database, corrupt, read_only, other.
  Connection(const OpenOptions& options, ConnectionMode mode);

  [[nodiscard]] SQLite::Database& db() { return db_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// True in write-ahead-log mode, where readers block nobody.
  [[nodiscard]] bool wal() const { return wal_; }
  [[nodiscard]] ConnectionMode mode() const { return mode_; }

 private:
  std::string path_;
  ConnectionMode mode_;
  SideFiles side_files_;  // outlives the connection that makes them
  SQLite::Database db_;
  bool wal_ = false;
};

/// `name` as an SQL identifier in double quotes, inner quotes doubled.
[[nodiscard]] std::string quoted(const std::string& name);

/// True where the database has a table (not a view) of this name; letter case as SQLite sees it.
[[nodiscard]] bool has_table(SQLite::Database& db, const std::string& name);

}  // namespace holdfast

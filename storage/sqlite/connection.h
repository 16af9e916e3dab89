// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/database.h"
#include "storage/registers/register_connection.h"

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
class Connection final : public RegisterConnection {
 public:
  /// Errors: StorageError: missing, not_a_database, corrupt, read_only, other.
  Connection(const OpenOptions& options, ConnectionMode mode);

  [[nodiscard]] SQLite::Database& db() { return db_; }
  [[nodiscard]] const std::string& path() const override { return path_; }
  /// The file itself, where path() may be a symbolic link: a text of SQLite's own, from which it
  /// makes the names of the files beside it.
  [[nodiscard]] const char* file() const;
  /// True in write-ahead-log mode, where readers block nobody.
  [[nodiscard]] bool wal() const { return wal_; }
  [[nodiscard]] ConnectionMode mode() const { return mode_; }

  [[nodiscard]] RegisterDialect dialect() const override { return RegisterDialect::sqlite; }
  /// SQLite has one writer at a time.
  [[nodiscard]] bool others_may_commit() const override { return false; }
  [[nodiscard]] std::unique_ptr<RegisterStatement> statement(const RegisterSql& sql,
                                                             RegisterRows rows) override;
  void run_script(const RegisterSql& sql) override { db_.exec(sql.sqlite); }
  [[nodiscard]] std::unique_ptr<RegisterSavepoint> savepoint() override;
  [[nodiscard]] std::unique_ptr<KeySet> any_key_set() override;
  [[nodiscard]] std::string check_advice() const override;
  void forget_guarded_terms() override;

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

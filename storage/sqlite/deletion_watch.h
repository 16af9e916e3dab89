// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <sqlite3.h>
#include <SQLiteCpp/Database.h>

namespace holdfast {

/// Counts the rows that go from one table of the main database, whoever deletes them over this
/// connection: triggers too. A connection has room for one watch. SQLite tells nothing about
/// tables WITHOUT ROWID.
class DeletionWatch {
 public:
  /// `table` as the schema spells it. The database has to outlive the watch.
  DeletionWatch(SQLite::Database& db, std::string table);
  DeletionWatch(const DeletionWatch&) = delete;
  DeletionWatch& operator=(const DeletionWatch&) = delete;
  DeletionWatch(DeletionWatch&&) = delete;
  DeletionWatch& operator=(DeletionWatch&&) = delete;
  ~DeletionWatch();

  /// Counts from zero again.
  void restart() { rows_ = 0; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }

 private:
  /// What SQLite calls for each row that changes; `watch` is the DeletionWatch.
  static void note(
      void* watch, int operation, const char* database, const char* table, sqlite3_int64 rowid);

  SQLite::Database& db_;
  std::string table_;
  std::int64_t rows_ = 0;
};

}  // namespace holdfast

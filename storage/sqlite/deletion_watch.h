// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <sqlite3.h>
#include <SQLiteCpp/Database.h>

namespace holdfast {

/// Makes whatever a trigger deletes go row by row: SQLite tells nobody about a table that it
/// empties at once. Takes the place of the connection's authorizer.
void empty_row_by_row(sqlite3* db);

/// Counts the rows that go from one table of the main database, whoever deletes them over this
/// connection: triggers too. A connection has room for one watch. SQLite tells nothing about
/// tables WITHOUT ROWID: judge_triggers() refuses those where a trigger could delete.
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

  /// Says what of a transaction was meant to go, between its begin and its commit.
  void begin() { unasked_ = 0; }
  void expect(std::int64_t rows) { unasked_ -= rows; }
  /// How many rows went since begin() that nobody has said.
  [[nodiscard]] std::int64_t unasked() const { return unasked_; }

 private:
  /// What SQLite calls for each row that changes; `watch` is the DeletionWatch.
  static void note(
      void* watch, int operation, const char* database, const char* table, sqlite3_int64 rowid);

  SQLite::Database& db_;
  std::string table_;
  std::int64_t rows_ = 0;
  std::int64_t unasked_ = 0;
};

}  // namespace holdfast

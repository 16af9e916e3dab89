// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sqlite3.h>
#include <SQLiteCpp/SQLiteCpp.h>

#include "policy/stored_value.h"

namespace holdfast {

/// One prepared statement for the hot paths: values as views, no allocation per column. Everything
/// else uses SQLite::Statement, whose columns share ownership of the statement.
/// Errors: SQLite::Exception from every call that can fail.
class Statement {
 public:
  Statement(SQLite::Database& database, const std::string& sql);

  /// Binds a value to `?index`, from 1 on. The bytes behind a view are copied.
  void bind(int index, const StoredView& value);

  /// Moves to the next row. Returns false where there is none.
  [[nodiscard]] bool step();

  /// Ends the reading, and gives the read lock back where no other statement holds it.
  void reset() noexcept { sqlite3_reset(statement_.get()); }

  /// The value of a column of the current row, from 0 on; a view lives until the next step() or
  /// reset().
  [[nodiscard]] StoredView column(int index) const;

  /// How many columns a row has.
  [[nodiscard]] int columns() const { return sqlite3_column_count(statement_.get()); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };

  sqlite3* handle_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Resets a statement that is prepared once and used often, at the end of each use.
class StatementUse {
 public:
  explicit StatementUse(Statement& statement) : statement_(statement) {}
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;
  StatementUse(StatementUse&&) = delete;
  StatementUse& operator=(StatementUse&&) = delete;
  ~StatementUse() { statement_.reset(); }

 private:
  Statement& statement_;
};

}  // namespace holdfast

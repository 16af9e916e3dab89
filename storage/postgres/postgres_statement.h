// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/stored_value.h"
#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// How a statement's rows come.
enum class PostgresRows {
  at_once,   ///< all of them in memory: few, or a statement that writes
  by_cursor  ///< some thousand at a time, so memory does not grow; other statements may run between
};

/// One prepared statement over $1, $2: values as views, in the way of SQLite's Statement. A cursor
/// opens a transaction of its own that only reads, where none is open.
/// Errors: PostgresError from every call that can fail; StorageError for a text with a NUL.
class PostgresStatement {
 public:
  PostgresStatement(PostgresConnection& connection,
                    std::string sql,
                    PostgresRows rows = PostgresRows::at_once);
  PostgresStatement(const PostgresStatement&) = delete;
  PostgresStatement& operator=(const PostgresStatement&) = delete;
  PostgresStatement(PostgresStatement&&) = delete;
  PostgresStatement& operator=(PostgresStatement&&) = delete;
  ~PostgresStatement() { reset(); }

  /// Binds a value to `$index`, from 1 on; those that are not bound are NULL.
  void bind(int index, const StoredView& value);
  /// Binds an array of integers: for `= ANY($1::bigint[])`.
  void bind_integers(int index, const std::vector<std::int64_t>& values);
  /// Binds the server's own text form of a value of any type.
  void bind_text(int index, std::string text);

  /// Sends a statement whose rows come at once, and does not wait for them: the next step() does.
  void send();
  /// Moves to the next row, and runs the statement first where it does not run yet.
  [[nodiscard]] bool step();
  /// The place of the current row among those that came at once, from 0 on, and the way back to it.
  [[nodiscard]] int row() const { return row_; }
  void move_to(int row) { row_ = row; }
  /// How many rows a statement that writes has changed; after the last step().
  [[nodiscard]] std::int64_t changed() const { return changed_; }
  /// Runs a statement that writes to its end, and gives how many rows it has changed.
  std::int64_t run();

  /// Ends the reading; values stay bound.
  void reset() noexcept;

  /// The value of a column of the current row, from 0 on: int2, int4, int8 and oid as integers,
  /// float4 and float8 as reals, bytea as bytes, everything else as the server's text. A view lives
  /// until the next step() or reset().
  [[nodiscard]] StoredView column(int index) const;
  [[nodiscard]] int columns() const;
  /// The oid of a column's type, of a statement that runs.
  [[nodiscard]] std::uint32_t column_type(int index) const;

 private:
  /// The bytes of a column in one row of those that are here.
  struct Decoded {
    int row = -1;
    std::string bytes;
  };

  [[nodiscard]] std::vector<const char*> values() const;
  [[nodiscard]] PostgresResult run_prepared();
  void open_cursor();
  void fetch();
  void take(PostgresResult result);

  PostgresConnection& connection_;
  std::string sql_;
  PostgresRows rows_;
  std::vector<std::optional<std::string>> values_;
  std::shared_ptr<PostgresSent> sent_;  // what was asked for and is not here yet
  PostgresResult result_;
  int row_ = -1;
  bool running_ = false;
  bool last_ = true;              // no further rows after those of result_
  std::string cursor_;            // its name, while it is open
  bool own_transaction_ = false;  // opened for the cursor
  std::int64_t changed_ = 0;
  // One per column, and decoded once for each row, so that views stay where they are.
  mutable std::vector<Decoded> bytes_;
};

/// The text of a column of the current row; empty where it has none.
[[nodiscard]] std::string text_at(const PostgresStatement& row, int column);
/// The integer of a column of the current row; 0 where it has none.
[[nodiscard]] std::int64_t integer_at(const PostgresStatement& row, int column);

/// Resets a statement at the end of its use.
class PostgresUse {
 public:
  explicit PostgresUse(PostgresStatement& statement) : statement_(statement) {}
  PostgresUse(const PostgresUse&) = delete;
  PostgresUse& operator=(const PostgresUse&) = delete;
  PostgresUse(PostgresUse&&) = delete;
  PostgresUse& operator=(PostgresUse&&) = delete;
  ~PostgresUse() { statement_.reset(); }

 private:
  PostgresStatement& statement_;
};

/// A value in the text form in which PostgreSQL takes it; none for nothing.
/// Errors: StorageError for a text with a NUL in it, which PostgreSQL cannot store.
[[nodiscard]] std::optional<std::string> postgres_text_of(const StoredView& value);

}  // namespace holdfast

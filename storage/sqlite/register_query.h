// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/instant.h"
#include "policy/stored_value.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// Where the registers live: in Holdfast's own tables, which may be missing before `init`.
struct RegisterHome {
  Connection& connection;
  bool set_up = false;
};

/// The value as SQLite stores it: instants as milliseconds, an empty optional as NULL.
[[nodiscard]] inline StoredView stored(std::int64_t value) {
  return value;
}
[[nodiscard]] inline StoredView stored(std::string_view text) {
  return text;
}
[[nodiscard]] inline StoredView stored(const std::string& text) {
  return std::string_view{text};
}
[[nodiscard]] inline StoredView stored(Instant instant) {
  return to_unix_ms(instant);
}
[[nodiscard]] inline StoredView stored(const StoredView& value) {
  return value;
}
[[nodiscard]] inline StoredView stored(BlobView bytes) {
  return bytes;
}
template <typename Value>
[[nodiscard]] StoredView stored(const std::optional<Value>& value) {
  return value ? stored(*value) : StoredView{};
}

/// One statement over Holdfast's own tables. It is prepared when it is first needed, because the
/// tables may be missing before `init`; text and bytes pass through it whole, whatever is in them.
class RegisterQuery {
 public:
  /// `sql` has to outlive the query: a constant.
  RegisterQuery(const RegisterHome& home, const char* sql) : home_(home), sql_(sql) {}

  /// Starts from the beginning with these values for ?1, ?2 and so on.
  /// Errors: StorageError (not_set_up) where the tables are missing.
  template <typename... Values>
  RegisterQuery& with(const Values&... values) {
    Statement& statement = ready();
    int index = 0;
    (statement.bind(++index, stored(values)), ...);
    return *this;
  }

  /// Moves to the next row. Returns false where there is none.
  [[nodiscard]] bool next();
  /// Runs a statement that writes, and returns how many rows it changed.
  std::int64_t run();
  /// As run(). Errors: StorageError naming `what` where it was not exactly one row.
  void run_one(const char* what);
  /// Ends the reading: nothing is read on, and no lock is kept.
  void reset();

  /// Columns of the current row, from 0 on. Errors: StorageError (corrupt) for a value of another
  /// type, with the path in front.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Instant instant(int column) const { return from_unix_ms(integer(column)); }
  [[nodiscard]] std::optional<Instant> optional_instant(int column) const;
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;
  /// Lives until the next step.
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  [[nodiscard]] Statement& ready();
  [[noreturn]] void refuse(int column, const char* wanted) const;

  RegisterHome home_;
  const char* sql_;
  std::optional<Statement> statement_;
};

/// Resets a query that is prepared once and used often, at the end of each use.
class QueryUse {
 public:
  explicit QueryUse(RegisterQuery& query) : query_(query) {}
  QueryUse(const QueryUse&) = delete;
  QueryUse& operator=(const QueryUse&) = delete;
  QueryUse(QueryUse&&) = delete;
  QueryUse& operator=(QueryUse&&) = delete;
  ~QueryUse() { query_.reset(); }

 private:
  RegisterQuery& query_;
};

}  // namespace holdfast

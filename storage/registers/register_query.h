// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/instant.h"
#include "policy/stored_value.h"
#include "storage/registers/register_connection.h"

namespace holdfast {

/// Where the registers live: in Holdfast's own tables, which may be missing before `init`.
struct RegisterHome {
  RegisterConnection& connection;
  bool set_up = false;
};

/// The value as the database stores it: instants as milliseconds, an empty optional as NULL.
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

/// A value for a column that keeps any type.
struct AnyValue {
  StoredView value;
};

inline void bind_to(RegisterStatement& statement, int index, const AnyValue& any) {
  statement.bind_any(index, any.value);
}
template <typename Value>
void bind_to(RegisterStatement& statement, int index, const Value& value) {
  statement.bind(index, stored(value));
}

/// One statement over Holdfast's own tables. It is prepared when it is first needed, because the
/// tables may be missing before `init`; text and bytes pass through it whole, whatever is in them.
class RegisterQuery {
 public:
  /// The texts of `sql` have to outlive the query: constants.
  RegisterQuery(const RegisterHome& home,
                const RegisterSql& sql,
                RegisterRows rows = RegisterRows::few)
      : home_(home), sql_(sql), rows_(rows) {}

  /// Starts from the beginning with these values for ?1, ?2 and so on.
  /// Errors: StorageError (not_set_up) where the tables are missing.
  template <typename... Values>
  RegisterQuery& with(const Values&... values) {
    RegisterStatement& statement = ready();
    int index = 0;
    (bind_to(statement, ++index, values), ...);
    return *this;
  }

  /// Moves to the next row. Returns false where there is none.
  [[nodiscard]] bool next();
  /// Runs a statement that writes, and returns how many rows it changed.
  std::int64_t run();
  /// As run(). Errors: StorageError naming `what` where it was not exactly one row.
  void run_one(const char* what);
  /// As run_one(), for a statement that returns a number: the id of the line that it adds.
  [[nodiscard]] std::int64_t add_one(const char* what);
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
  [[nodiscard]] RegisterStatement& ready();
  void require_one(std::int64_t changed, const char* what) const;
  [[noreturn]] void refuse(int column, const char* wanted) const;

  RegisterHome home_;
  RegisterSql sql_;
  RegisterRows rows_;
  std::unique_ptr<RegisterStatement> statement_;
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

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/statement.h"

#include <cstddef>
#include <new>
#include <string_view>
#include <type_traits>
#include <variant>

namespace holdfast {
namespace {

std::string_view view_of(const void* bytes, int length) {
  if (length == 0) {
    return {};
  }
  // SQLite answers so when it runs out of memory while it converts.
  if (bytes == nullptr) {
    throw std::bad_alloc{};
  }
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(length)};
}

/// Binds whatever stands in a StoredView; the answer is SQLite's result code.
struct Binder {
  sqlite3_stmt* statement;
  int index;

  int operator()(std::monostate /*nothing*/) const { return sqlite3_bind_null(statement, index); }
  int operator()(std::int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
  int operator()(double number) const { return sqlite3_bind_double(statement, index, number); }
  int operator()(std::string_view text) const {
    // A null pointer would bind NULL, and "" is not NULL.
    const char* bytes = text.empty() ? "" : text.data();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-cstyle-cast,performance-no-int-to-ptr): SQLite's
    // own
    return sqlite3_bind_text64(statement, index, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  int operator()(const BlobView& blob) const {
    if (blob.bytes.empty()) {
      return sqlite3_bind_zeroblob(statement, index, 0);
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-cstyle-cast,performance-no-int-to-ptr): SQLite's
    // own
    return sqlite3_bind_blob64(
        statement, index, blob.bytes.data(), blob.bytes.size(), SQLITE_TRANSIENT);
  }
};

sqlite3_stmt* prepare(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle,
                                        sql.c_str(),
                                        static_cast<int>(sql.size() + 1),
                                        SQLITE_PREPARE_PERSISTENT,
                                        &statement,
                                        nullptr);
  if (result != SQLITE_OK) {
    throw SQLite::Exception(handle, result);
  }
  return statement;
}

}  // namespace

Statement::Statement(SQLite::Database& database, const std::string& sql)
    : handle_(database.getHandle()), statement_(prepare(handle_, sql)) {}

void Statement::bind(int index, const StoredView& value) {
  const int result = std::visit(Binder{.statement = statement_.get(), .index = index}, value);
  if (result != SQLITE_OK) {
    throw SQLite::Exception(handle_, result);
  }
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) {
    return true;
  }
  if (result != SQLITE_DONE) {
    throw SQLite::Exception(handle_, result);
  }
  return false;
}

StoredView Statement::column(int index) const {
  // One look at the value instead of three at the column: each of those takes SQLite's mutex. Safe
  // because a connection belongs to one thread.
  sqlite3_value* const value = sqlite3_column_value(statement_.get(), index);
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_value_int64(value)};
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    case SQLITE_TEXT: {
      const unsigned char* const text = sqlite3_value_text(value);
      return view_of(text, sqlite3_value_bytes(value));
    }
    case SQLITE_BLOB: {
      const void* const bytes = sqlite3_value_blob(value);
      return BlobView{view_of(bytes, sqlite3_value_bytes(value))};
    }
    default:
      return std::monostate{};
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
// What the registers need of a SQLite connection.
#include <memory>

#include <SQLiteCpp/Savepoint.h>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/key_sets.h"
#include "storage/sqlite/sqlite_log_guard.h"
#include "storage/sqlite/statement.h"

namespace holdfast {
namespace {

class SqliteRegisterStatement final : public RegisterStatement {
 public:
  SqliteRegisterStatement(SQLite::Database& db, const char* sql)
      : handle_(db.getHandle()), statement_(db, sql) {}

  void bind(int index, const StoredView& value) override { statement_.bind(index, value); }
  /// A column without a type keeps each value as it is.
  void bind_any(int index, const StoredView& value) override { statement_.bind(index, value); }
  [[nodiscard]] bool step() override { return statement_.step(); }
  [[nodiscard]] std::int64_t changed() override { return sqlite3_changes64(handle_); }
  void reset() noexcept override { statement_.reset(); }
  [[nodiscard]] StoredView column(int index) override { return statement_.column(index); }

 private:
  sqlite3* handle_;
  Statement statement_;
};

class SqliteRegisterSavepoint final : public RegisterSavepoint {
 public:
  explicit SqliteRegisterSavepoint(SQLite::Database& db) : savepoint_(db, "holdfast_registers") {}
  void release() override { savepoint_.release(); }

 private:
  SQLite::Savepoint savepoint_;
};

}  // namespace

std::unique_ptr<RegisterStatement> Connection::statement(const RegisterSql& sql,
                                                         RegisterRows /*rows*/) {
  return std::make_unique<SqliteRegisterStatement>(db_, sql.sqlite);
}

std::unique_ptr<RegisterSavepoint> Connection::savepoint() {
  return std::make_unique<SqliteRegisterSavepoint>(db_);
}

std::unique_ptr<KeySet> Connection::any_key_set() {
  return std::make_unique<SpilledKeySet>(db_);
}

std::string Connection::check_advice() const {
  return "run \"sqlite3 FILE 'PRAGMA integrity_check'\", then ";
}

void Connection::forget_guarded_terms() {
  forget_guard_terms(*this);
}

}  // namespace holdfast

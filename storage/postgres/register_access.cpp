// SPDX-License-Identifier: Apache-2.0
// What the registers need of a PostgreSQL connection.
#include <cctype>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "storage/postgres/postgres_connection.h"
#include "storage/postgres/postgres_register_sql.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {
namespace {

class PostgresRegisterStatement final : public RegisterStatement {
 public:
  PostgresRegisterStatement(PostgresConnection& connection, std::string sql, PostgresRows rows)
      : statement_(connection, std::move(sql), rows) {}

  void bind(int index, const StoredView& value) override { statement_.bind(index, value); }
  /// As canonical bytes: their first letter is the type.
  void bind_any(int index, const StoredView& value) override {
    std::string bytes;
    append_canonical(bytes, value);
    statement_.bind(index, BlobView{bytes});
  }
  [[nodiscard]] bool step() override { return statement_.step(); }
  [[nodiscard]] std::int64_t changed() override { return statement_.changed(); }
  void reset() noexcept override { statement_.reset(); }
  [[nodiscard]] StoredView column(int index) override { return statement_.column(index); }

 private:
  PostgresStatement statement_;
};

/// A savepoint of the transaction that is open, or a transaction.
class PostgresRegisterSavepoint final : public RegisterSavepoint {
 public:
  explicit PostgresRegisterSavepoint(PostgresConnection& connection)
      : connection_(connection), inside_(connection.in_transaction()) {
    connection_.exec(inside_ ? "SAVEPOINT holdfast_registers" : "BEGIN");
  }
  PostgresRegisterSavepoint(const PostgresRegisterSavepoint&) = delete;
  PostgresRegisterSavepoint& operator=(const PostgresRegisterSavepoint&) = delete;
  PostgresRegisterSavepoint(PostgresRegisterSavepoint&&) = delete;
  PostgresRegisterSavepoint& operator=(PostgresRegisterSavepoint&&) = delete;
  ~PostgresRegisterSavepoint() override {
    if (released_) {
      return;
    }
    if (!inside_) {
      connection_.roll_back();
      return;
    }
    try {
      connection_.exec("ROLLBACK TO SAVEPOINT holdfast_registers");
    } catch (const StorageError&) {
      // Then the whole transaction is spoilt or gone, and cannot be committed.
    }
  }

  void release() override {
    connection_.exec(inside_ ? "RELEASE SAVEPOINT holdfast_registers" : "COMMIT");
    released_ = true;
  }

 private:
  PostgresConnection& connection_;
  bool inside_;
  bool released_ = false;
};

bool is_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

/// Where a literal in single quotes that begins at `at` ends, or a comment.
std::size_t end_of_quiet_part(std::string_view sql, std::size_t at) {
  const bool literal = sql[at] == '\'';
  const std::size_t end = sql.find(literal ? '\'' : '\n', at + 1);
  return end == std::string_view::npos ? sql.size() : end + 1;
}

}  // namespace

std::string postgres_register_sql(std::string_view sql, const std::string& schema) {
  std::string out;
  std::size_t at = 0;
  while (at < sql.size()) {
    const char letter = sql[at];
    if (letter == '\'' || sql.substr(at, 2) == "--") {
      const std::size_t end = end_of_quiet_part(sql, at);
      out += sql.substr(at, end - at);
      at = end;
    } else if (letter == '?') {
      out += '$';
      ++at;
    } else if (is_letter(letter)) {
      std::size_t end = at;
      while (end < sql.size() && is_letter(sql[end])) {
        ++end;
      }
      const std::string_view word = sql.substr(at, end - at);
      const bool qualified = !out.empty() && out.back() == '.';
      if (word == "temp" && sql.substr(end, 1) == ".") {
        out += "pg_temp";
      } else if (word.substr(0, 9) == "holdfast_" && !qualified) {
        out += postgres_quoted(schema) + "." + std::string{word};
      } else {
        out += word;
      }
      at = end;
    } else {
      out += letter;
      ++at;
    }
  }
  return out;
}

std::unique_ptr<RegisterStatement> PostgresConnection::statement(const RegisterSql& sql,
                                                                 RegisterRows rows) {
  return std::make_unique<PostgresRegisterStatement>(
      *this,
      postgres_register_sql(sql.postgres, schema_),
      rows == RegisterRows::many ? PostgresRows::by_cursor : PostgresRows::at_once);
}

void PostgresConnection::run_script(const RegisterSql& sql) {
  exec(postgres_register_sql(sql.postgres, schema_));
}

std::unique_ptr<RegisterSavepoint> PostgresConnection::savepoint() {
  return std::make_unique<PostgresRegisterSavepoint>(*this);
}

std::unique_ptr<KeySet> PostgresConnection::any_key_set() {
  return new_spilled_key_set();
}

}  // namespace holdfast

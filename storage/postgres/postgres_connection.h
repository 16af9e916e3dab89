// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/registers/register_connection.h"

// libpq's own types, so that no header of ours includes its header.
struct pg_conn;
struct pg_result;

namespace holdfast {

struct EndPostgres {
  void operator()(pg_conn* connection) const noexcept;
  void operator()(pg_result* result) const noexcept;
};
using PostgresResult = std::unique_ptr<pg_result, EndPostgres>;

/// A failure that the server or libpq has told, as one sentence with what to do.
class PostgresError : public StorageError {
 public:
  PostgresError(StorageTrouble trouble, std::string state, const std::string& message)
      : StorageError(trouble, message), state_(std::move(state)) {}
  /// The five letters of SQLSTATE; empty where the connection was lost.
  [[nodiscard]] const std::string& state() const { return state_; }

 private:
  std::string state_;
};

class PostgresError;

/// A statement that was sent, and whose answer is waited for when it is wanted.
struct PostgresSent {
  PostgresResult answer;
};

/// One session with every setting made that the meaning of values depends on: UTF-8, ISO times in
/// UTC, bytea as hex, reals that read back the same, row security as an error and never a filter.
/// A session that only reads says so to the server. Belongs to one thread.
class PostgresConnection final : public RegisterConnection {
 public:
  /// Errors: PostgresError: missing (no such database), other. A url that cannot be read is never
  /// quoted, because it may hold a password.
  explicit PostgresConnection(const OpenOptions& options);
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;
  PostgresConnection(PostgresConnection&&) = delete;
  PostgresConnection& operator=(PostgresConnection&&) = delete;
  ~PostgresConnection() override = default;

  /// Server, port and database, without user and password: what messages and reports name.
  [[nodiscard]] const std::string& path() const override { return path_; }
  /// The schema in which the table of the log is, and so Holdfast's own tables; where the log is
  /// not there, the first one of the search path that has Holdfast's, or in which a table would be
  /// made.
  [[nodiscard]] const std::string& schema() const { return schema_; }
  [[nodiscard]] bool reads_only() const { return reads_only_; }
  [[nodiscard]] std::chrono::milliseconds busy_wait() const { return busy_wait_; }

  /// The schemas in which the server looked names up when the session began, as the text of a
  /// name[].
  [[nodiscard]] const std::string& server_schemas() const { return server_schemas_; }
  /// The search path as the server gave it: for SET search_path.
  [[nodiscard]] const std::string& server_path() const { return server_path_; }
  /// From now on no function or operator but PostgreSQL's own is found without its schema. Not for
  /// a session in which triggers of others fire: they look names up in the same path.
  void keep_to_postgres_names();
  /// The path that the server gave: what triggers of others rely on.
  void use_server_path();

  /// Asks for what tells this session from every other; to be sent with what has to be done in it.
  [[nodiscard]] static const char* session_sql();
  /// Given what session_sql() answered. Errors: StorageError where it is another session's, which a
  /// pooler has put in the place of ours: its locks and settings are not ours.
  void require_same_session(const PostgresResult& answered) const;

  /// Runs one or more statements without values, in one exchange; gives the last one's result.
  /// Errors: PostgresError.
  PostgresResult exec(const std::string& sql);

  /// Sends one statement and does not wait for its answer, so that the server works on it while the
  /// caller is at something else. Other statements may run before the answer is taken.
  /// Errors: PostgresError.
  [[nodiscard]] std::shared_ptr<PostgresSent> send(const std::string& sql);
  /// The same for a prepared statement with its values.
  [[nodiscard]] std::shared_ptr<PostgresSent> send(const std::string& name,
                                                   const std::vector<const char*>& values);
  /// Waits for the answer. Errors: PostgresError.
  [[nodiscard]] PostgresResult answer(PostgresSent& sent);
  /// Waits for the answer to what was sent, and keeps it for whoever wants it.
  void hear_out() noexcept;
  /// Takes in what the server has sent of it so far, so that it need not wait with the rest.
  void take_in() noexcept;
  /// The first column of the first row as the server's text; "" where there is none or it is NULL.
  [[nodiscard]] std::string ask(const std::string& sql);

  /// False once the session is lost.
  [[nodiscard]] bool alive() const;
  /// True inside a transaction, also one that an error has spoilt.
  [[nodiscard]] bool in_transaction() const;
  /// True between the beginning and the end of a PostgresWriteScope: rows of the log are then read
  /// FOR UPDATE, so that what is decided is what is deleted.
  [[nodiscard]] bool in_write() const { return in_write_; }
  void note_write(bool writing) { in_write_ = writing; }
  /// Rolls back what is open; never throws: without a COMMIT nothing of it is ever seen.
  void roll_back() noexcept;
  /// Ends a transaction that only reads; never throws. What went into temporary tables stays.
  void end_reading() noexcept;

  /// The name under which the server knows the statement: prepared once for each text.
  /// Errors: PostgresError.
  [[nodiscard]] const std::string& prepared(const std::string& sql);

  [[nodiscard]] RegisterDialect dialect() const override { return RegisterDialect::postgres; }
  [[nodiscard]] bool others_may_commit() const override { return in_write_; }
  [[nodiscard]] std::unique_ptr<RegisterStatement> statement(const RegisterSql& sql,
                                                             RegisterRows rows) override;
  void run_script(const RegisterSql& sql) override;
  [[nodiscard]] std::unique_ptr<RegisterSavepoint> savepoint() override;
  [[nodiscard]] std::unique_ptr<KeySet> any_key_set() override;
  [[nodiscard]] std::string check_advice() const override { return ""; }
  /// There are no guards here.
  void forget_guarded_terms() override {}

  /// For a call of libpq's own; what was sent has been heard out by then.
  [[nodiscard]] pg_conn* handle() {
    hear_out();
    return connection_.get();
  }
  /// Hands back a result that is sound. Where the transaction was spoilt by a statement whose
  /// answer nobody has asked for yet, its error is the one that is told. Errors: PostgresError.
  [[nodiscard]] PostgresResult sound(pg_result* result);

 private:
  [[nodiscard]] std::shared_ptr<PostgresSent> note_sent(int done);
  [[nodiscard]] PostgresError error_of(const pg_result* result) const;

  std::string path_;
  bool reads_only_;
  std::chrono::milliseconds busy_wait_;
  std::unique_ptr<pg_conn, EndPostgres> connection_;
  std::string schema_;
  std::string server_schemas_;
  std::string server_path_;
  std::string session_;
  std::shared_ptr<PostgresSent> sent_;    // what the server has not answered yet; null: nothing
  std::shared_ptr<PostgresSent> failed_;  // whose answer is an error that nobody was told of
  bool in_write_ = false;
  std::map<std::string, std::string, std::less<>> prepared_;
};

/// A table by its schema and its name, as the catalogue has them.
struct PostgresTable {
  std::string schema;
  std::string name;
  std::uint32_t oid = 0;  ///< 0: there is none
  /// Both, quoted, for use in SQL.
  [[nodiscard]] std::string quoted() const;
};

/// The table, view or other relation that [events] means by `name`: the one of that name on the
/// search path, else, where it has a dot, schema and table. oid 0 where there is none.
[[nodiscard]] PostgresTable find_postgres_table(PostgresConnection& connection,
                                                const std::string& name);

/// `name` as an SQL identifier in double quotes, inner quotes doubled.
[[nodiscard]] std::string postgres_quoted(const std::string& name);

/// `text` as an SQL literal, for the few places that take no bound value.
[[nodiscard]] std::string postgres_literal(const std::string& text);

}  // namespace holdfast

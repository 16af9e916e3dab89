// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "policy/stored_value.h"
#include "storage/key_set.h"

namespace holdfast {

/// Which database the registers are in. Almost all of their SQL is the same in both.
enum class RegisterDialect { sqlite, postgres };

/// How a statement's rows come: `many` may be more than memory should hold at once.
enum class RegisterRows { few, many };

/// A statement in the words of either database. Parameters are ?1, ?2 in both.
struct RegisterSql {
  // NOLINTNEXTLINE(google-explicit-constructor): one text is the same statement in both.
  constexpr RegisterSql(const char* both) : sqlite(both), postgres(both) {}
  constexpr RegisterSql(const char* for_sqlite, const char* for_postgres)
      : sqlite(for_sqlite), postgres(for_postgres) {}
  const char* sqlite;
  const char* postgres;
};

/// One prepared statement over Holdfast's own tables.
class RegisterStatement {
 public:
  RegisterStatement() = default;
  RegisterStatement(const RegisterStatement&) = delete;
  RegisterStatement& operator=(const RegisterStatement&) = delete;
  RegisterStatement(RegisterStatement&&) = delete;
  RegisterStatement& operator=(RegisterStatement&&) = delete;
  virtual ~RegisterStatement() = default;

  /// Binds a value to `?index`, from 1 on. The bytes behind a view are copied.
  virtual void bind(int index, const StoredView& value) = 0;
  /// The same for a column that keeps values of any type with their type.
  virtual void bind_any(int index, const StoredView& value) = 0;
  /// Moves to the next row. Returns false where there is none.
  [[nodiscard]] virtual bool step() = 0;
  /// How many rows a statement that writes has changed, once step() has returned false.
  [[nodiscard]] virtual std::int64_t changed() = 0;
  /// Ends the reading: no lock is kept. Values stay bound.
  virtual void reset() noexcept = 0;
  /// The value of a column of the current row, from 0 on; a view lives until the next step() or
  /// reset().
  [[nodiscard]] virtual StoredView column(int index) = 0;
};

/// All or nothing, also where no transaction is open; leaving the scope without release() takes
/// everything back.
class RegisterSavepoint {
 public:
  RegisterSavepoint() = default;
  RegisterSavepoint(const RegisterSavepoint&) = delete;
  RegisterSavepoint& operator=(const RegisterSavepoint&) = delete;
  RegisterSavepoint(RegisterSavepoint&&) = delete;
  RegisterSavepoint& operator=(RegisterSavepoint&&) = delete;
  virtual ~RegisterSavepoint() = default;
  virtual void release() = 0;
};

/// What the registers need of the connection that they live on.
class RegisterConnection {
 public:
  RegisterConnection() = default;
  RegisterConnection(const RegisterConnection&) = delete;
  RegisterConnection& operator=(const RegisterConnection&) = delete;
  RegisterConnection(RegisterConnection&&) = delete;
  RegisterConnection& operator=(RegisterConnection&&) = delete;
  virtual ~RegisterConnection() = default;

  /// What messages name.
  [[nodiscard]] virtual const std::string& path() const = 0;
  [[nodiscard]] virtual RegisterDialect dialect() const = 0;
  /// True inside a write in which others may commit between two statements, so that what is read
  /// and must still hold at the commit has to be locked.
  [[nodiscard]] virtual bool others_may_commit() const = 0;
  [[nodiscard]] virtual std::unique_ptr<RegisterStatement> statement(const RegisterSql& sql,
                                                                     RegisterRows rows) = 0;
  /// Runs statements without values.
  virtual void run_script(const RegisterSql& sql) = 0;
  [[nodiscard]] virtual std::unique_ptr<RegisterSavepoint> savepoint() = 0;
  /// A set for keys of any kind.
  [[nodiscard]] virtual std::unique_ptr<KeySet> any_key_set() = 0;
  /// How somebody finds out whether the database is damaged, with ", then " behind it; may be
  /// empty.
  [[nodiscard]] virtual std::string check_advice() const = 0;
  /// Told where the terms change by which a guard of the log decides, inside that write.
  virtual void forget_guarded_terms() = 0;
};

}  // namespace holdfast

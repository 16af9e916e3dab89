// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/hold_answer.h"
#include "policy/row_facts.h"
#include "storage/erasure_register.h"

namespace holdfast {

/// What becomes of one column of a redacted row: NULL, or the token that stands for the person.
enum class Treatment { null, token };

struct TreatedColumn {
  std::string column;
  Treatment treatment = Treatment::null;
};

/// Whether a person's rows of a module's table go, or lose what names the person.
enum class ModuleAction { remove, redact };

/// One table of an erasure module.
/// Shapes: `columns` only with redact, not empty then; the subject column is always among what is
/// treated (token where the configuration does not say).
struct ModuleTable {
  std::string table;
  std::string subject;                ///< the column that names the person
  std::optional<std::string> tenant;  ///< the column that names the tenant; none: one tenant only
  ModuleAction action = ModuleAction::remove;
  std::vector<TreatedColumn> columns;
};

/// What an erasure did to one table.
struct TableErasure {
  std::int64_t before = 0;   ///< rows of the person
  std::int64_t changed = 0;  ///< deleted or redacted
  std::int64_t after = 0;    ///< rows that still name the person: has to be 0
};

/// Where Holdfast's audit rows can be: in the log, and beside it in holdfast_event.
enum class LogPlace { log, own_events };

/// What a pseudonymised row says in the place of what it said: none leaves a column as it is.
struct PersonalFields {
  std::optional<std::string> actor;
  std::optional<std::string> subject;
  std::optional<std::optional<std::string>>
      metadata;  ///< inner none: NULL, "{}" where it may not be
};

/// One row of a person with what the decision does not read.
struct PersonalRow {
  const RowFacts& facts;
  StoredView metadata;
  StoredView severity;
  std::span<const StoredView> unmapped;  ///< in the order of unmapped_columns()
};

using PersonalVisit = std::function<void(const PersonalRow&)>;
using SubjectVisit = std::function<void(const Subject&)>;
/// The values of one row in the order of the table's columns; views live as long as the call.
using CellVisit = std::function<void(std::span<const StoredView>)>;

/// A person's data in the modules' tables and in the audit log. Everything that writes belongs
/// inside a write.
class SubjectStore {
 public:
  SubjectStore() = default;
  SubjectStore(const SubjectStore&) = delete;
  SubjectStore& operator=(const SubjectStore&) = delete;
  SubjectStore(SubjectStore&&) = delete;
  SubjectStore& operator=(SubjectStore&&) = delete;
  virtual ~SubjectStore() = default;

  /// Throws StorageError(mapping) in one sentence where the table or a column is not there, is a
  /// view, belongs to SQLite or Holdfast or is the audit log, a treated column cannot take what the
  /// treatment puts there (NOT NULL, a number column for a token, part of a key for NULL), or a
  /// foreign key with an action would take rows of other tables along.
  virtual void require_module_table(const ModuleTable& table) = 0;
  [[nodiscard]] virtual std::int64_t count(const ModuleTable& table, const Subject& subject) = 0;
  /// The names of all columns, in the table's order.
  [[nodiscard]] virtual std::vector<std::string> columns_of(const ModuleTable& table) = 0;
  /// Every row that erase() would delete or redact now, whole, by ascending key: both ask with one
  /// condition. Reads row by row, whatever their number.
  virtual void for_each_row(const ModuleTable& table,
                            const Subject& subject,
                            const CellVisit& visit) = 0;
  /// Deletes or redacts the person's rows. Errors: StorageError where rows of the person are left.
  virtual TableErasure erase(const ModuleTable& table,
                             const Subject& subject,
                             const std::string& token) = 0;
  /// Every person that a table names, each once: for finding those who were erased before.
  virtual void for_each_subject(const ModuleTable& table, const SubjectVisit& visit) = 0;
  /// The same for the actors and subjects of the audit log.
  virtual void for_each_subject(LogPlace place, const SubjectVisit& visit) = 0;

  /// Throws StorageError(mapping) where the text is not one query that only reads, or does not give
  /// a column "id". Nothing of it is carried out.
  virtual void require_hold_query(const std::string& sql) = 0;
  /// The holds that a module's query reports; :subject and :tenant are bound. It runs under an
  /// authorizer that lets nothing but reads through, and for no longer than `limit`.
  /// Columns: id, and where there are: basis, locked, review_by. A `locked` that is neither 0 nor
  /// NULL counts as locked. Errors: StorageError.
  [[nodiscard]] virtual std::vector<ReportedHold> query_holds(const std::string& sql,
                                                              const Subject& subject,
                                                              std::chrono::milliseconds limit) = 0;

  /// True where a person's rows of the log are found by indexes on actor and subject.
  [[nodiscard]] virtual bool finds_by_index() const = 0;
  /// The keys of all rows whose actor or subject is exactly this person, ascending, each once; with
  /// `above`, only keys above it (ordered keys).
  [[nodiscard]] virtual std::vector<RowKey> rows_of(LogPlace place,
                                                    const Subject& subject,
                                                    std::optional<std::int64_t> above) = 0;
  /// The names of the columns that the mapping gives no meaning, in the table's order; generated
  /// ones are left out.
  [[nodiscard]] virtual std::vector<std::string> unmapped_columns(LogPlace place) = 0;
  /// Reads one row. Returns false where there is none.
  [[nodiscard]] virtual bool read_row(LogPlace place,
                                      const RowKey& key,
                                      const PersonalVisit& visit) = 0;
  /// Puts the fields into the one row with this key. Where a column of the log cannot hold text it
  /// becomes NULL instead. Errors: StorageError where it was not exactly one row, or such a column
  /// is NOT NULL.
  virtual void rewrite(LogPlace place, const RowKey& key, const PersonalFields& fields) = 0;
  /// Throws StorageError(mapping) where the log's actor, subject or metadata column could take
  /// neither the token nor NULL.
  virtual void require_rewritable_log() = 0;
};

}  // namespace holdfast

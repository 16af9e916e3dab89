// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/sqlite/mapped_table.h"
#include "storage/sqlite/statement.h"
#include "storage/sqlite/value_match.h"
#include "storage/sqlite/writable_column.h"
#include "storage/subject_store.h"

namespace holdfast {

/// One table of an erasure module as it stands in the database.
class ModuleRows {
 public:
  /// `log_table` is the name of the audit log's table. Errors: StorageError(mapping), as
  /// SubjectStore::require_module_table() says.
  ModuleRows(Connection& connection, const ModuleTable& table, const std::string& log_table);

  /// Throws where SQLite cannot find the rows: an unknown collation, for one.
  void require_countable();
  [[nodiscard]] std::int64_t count(const Subject& subject);
  [[nodiscard]] std::vector<std::string> columns() const;
  /// The rows that erase() would change, whole and in the order of their key.
  void for_each_row(const Subject& subject, const CellVisit& visit) const;
  /// Errors: StorageError where rows of the person are left, or the schema refuses.
  TableErasure erase(const Subject& subject, const std::string& token);
  void for_each_subject(const SubjectVisit& visit);

 private:
  struct Change {
    std::size_t column = 0;
    Treatment treatment = Treatment::null;
  };

  void refuse_effects_of_removal() const;
  void refuse_effects_of_redaction() const;
  void resolve_changes(const ModuleTable& table);
  void add_change(std::size_t column, Treatment treatment);
  [[nodiscard]] bool is_changed(const std::string& column) const;
  [[nodiscard]] std::string where(const Subject& subject) const;
  [[nodiscard]] Statement counting(const Subject& subject) const;
  [[nodiscard]] std::string key_order() const;
  [[nodiscard]] std::string change_sql() const;
  void bind(Statement& statement, const Subject& subject) const;
  [[nodiscard]] std::int64_t change(const Subject& subject, const std::string& token);

  Connection& connection_;
  MappedTable table_;
  ModuleAction action_;
  std::size_t subject_;
  std::optional<std::size_t> tenant_;
  TenantIndex tenant_index_ = TenantIndex::unused;
  std::vector<WritableColumn> writable_;
  std::vector<Change> changes_;
};

}  // namespace holdfast

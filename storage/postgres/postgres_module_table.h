// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/postgres_mapped_table.h"
#include "storage/postgres/postgres_query.h"
#include "storage/subject_store.h"

namespace holdfast {

/// One table of an erasure module as it stands in the database.
class PostgresModuleRows {
 public:
  /// `log` is the audit log's own table. Errors: StorageError(mapping), as
  /// SubjectStore::require_module_table() says.
  PostgresModuleRows(PostgresConnection& connection,
                     const ModuleTable& table,
                     const PostgresTable& log);

  [[nodiscard]] std::int64_t count(const Subject& subject) const;
  [[nodiscard]] std::vector<std::string> columns() const;
  /// The rows that erase() would change, whole and in the order of their key.
  void for_each_row(const Subject& subject, const CellVisit& visit) const;
  /// Errors: StorageError where rows of the person are left, or the schema refuses.
  [[nodiscard]] TableErasure erase(const Subject& subject, const std::string& token) const;
  void for_each_subject(const SubjectVisit& visit) const;

 private:
  struct Change {
    std::size_t column = 0;
    Treatment treatment = Treatment::null;
  };

  void refuse_effects() const;
  void resolve_changes(const ModuleTable& table);
  void add_change(std::size_t column, Treatment treatment);
  [[nodiscard]] bool is_changed(const std::string& column) const;
  [[nodiscard]] bool is_in_primary_key(std::size_t column) const;
  [[nodiscard]] std::string from() const;
  void add_where(PostgresQuery& query, const Subject& subject) const;
  [[nodiscard]] std::string key_order() const;
  [[nodiscard]] std::int64_t change(const Subject& subject, const std::string& token) const;

  PostgresConnection& connection_;
  PostgresMappedTable table_;
  ModuleAction action_;
  std::size_t subject_;
  std::optional<PostgresColumn> tenant_;
  std::vector<Change> changes_;
};

/// Where persons are named: a table, quoted, and expressions for its holdfast_log.
struct PostgresPersons {
  std::string table;
  std::string person;
  std::string tenant;
};

/// Visits every person that the sources name, each once.
void visit_postgres_subjects(PostgresConnection& connection,
                             const std::vector<PostgresPersons>& sources,
                             const SubjectVisit& visit);

/// The error of a write that a constraint of the table stopped, as one sentence; any other error as
/// it is.
[[nodiscard]] StorageError postgres_refused_write(const PostgresConnection& connection,
                                                  const std::string& table,
                                                  const PostgresError& error);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/row_reader.h"
#include "storage/sqlite/table_facts.h"
#include "storage/sqlite/value_match.h"
#include "storage/sqlite/writable_column.h"
#include "storage/subject_store.h"

namespace holdfast {

/// What a table of audit rows says about persons: the mapped log, or holdfast_event.
class PersonalLog {
 public:
  /// The connection has to outlive it. Errors: StorageError(mapping) where the table is gone.
  PersonalLog(Connection& connection, LogLayout layout);

  [[nodiscard]] bool finds_by_index() const { return by_index_; }
  [[nodiscard]] std::vector<RowKey> rows_of(const Subject& subject,
                                            std::optional<std::int64_t> above);
  [[nodiscard]] const std::vector<std::string>& unmapped_columns() const { return unmapped_; }
  [[nodiscard]] bool read_row(const RowKey& key, const PersonalVisit& visit);
  void rewrite(const RowKey& key, const PersonalFields& fields);
  void require_rewritable();
  void for_each_subject(const SubjectVisit& visit);

 private:
  /// A column that says something about a person; `position` is none where the log has none.
  struct Field {
    const char* setting;
    std::string column;
    std::optional<std::size_t> position;
  };
  static constexpr std::size_t kFields = 3;

  [[nodiscard]] Field field(const char* setting, const std::string& column) const;
  [[nodiscard]] bool leads_index(const Field& field) const;
  [[nodiscard]] bool leads_index_with_tenant(const Field& field) const;
  [[nodiscard]] std::vector<std::string> conditions() const;
  [[nodiscard]] StoredView writable_value(const Field& field,
                                          const std::optional<std::string>& value) const;
  void bind_key(Statement& statement, const RowKey& key, int first) const;
  void require_row(const RowKey& key);
  [[nodiscard]] Statement& rewriting(unsigned which);
  [[noreturn]] void refuse(const std::string& what) const;

  Connection& connection_;
  LogLayout layout_;
  TableFacts facts_;
  std::vector<WritableColumn> writable_;
  std::array<Field, kFields> fields_;  ///< actor, subject, metadata
  std::optional<std::size_t> tenant_;
  std::vector<std::string> unmapped_;  ///< columns without a meaning, by their names
  std::vector<StoredView> unmapped_values_;
  bool by_index_ = true;  ///< of all columns that name persons; one that is not there has no rows
  TenantIndex tenant_index_ = TenantIndex::unused;
  std::string key_match_;
  RowReader reader_;
  std::optional<Statement> read_row_;
  std::optional<Statement> find_key_;
  std::array<std::optional<Statement>, 1U << kFields> rewrites_;  ///< by the set of fields
};

/// The layout of holdfast_event.
[[nodiscard]] LogLayout own_events_layout();

}  // namespace holdfast

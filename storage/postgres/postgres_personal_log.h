// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/postgres_deletion_watch.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_row_reader.h"
#include "storage/subject_store.h"

namespace holdfast {

/// What a table of audit rows says about persons: the mapped log, or holdfast_event. Inside a write
/// every row that is read is locked until the write ends.
class PostgresPersonalLog {
 public:
  /// The connection has to outlive it.
  PostgresPersonalLog(PostgresConnection& connection, PostgresLogLayout layout);

  [[nodiscard]] bool finds_by_index() const { return layout_.persons_by_index; }
  [[nodiscard]] std::vector<RowKey> rows_of(const Subject& subject,
                                            std::optional<std::int64_t> above);
  [[nodiscard]] const std::vector<std::string>& unmapped_columns() const { return unmapped_; }
  [[nodiscard]] bool read_row(const RowKey& key, const PersonalVisit& visit);
  void rewrite(const RowKey& key, const PersonalFields& fields);
  void require_rewritable() const;
  void for_each_subject(const SubjectVisit& visit);

 private:
  /// A column that says something about a person; none where the log has none.
  struct Field {
    const char* setting;
    std::optional<PostgresColumn> column;
  };
  static constexpr std::size_t kFields = 3;
  static constexpr std::size_t kPersons = 2;  // fields that name a person: actor and subject

  [[nodiscard]] std::string lock() const;
  void require_row(const RowKey& key);
  [[nodiscard]] StoredView writable_value(const Field& field,
                                          const std::optional<std::string>& value) const;
  [[noreturn]] void refuse(const std::string& what) const;

  PostgresConnection& connection_;
  PostgresLogLayout layout_;
  std::array<Field, kFields> fields_;  ///< actor, subject, metadata
  std::vector<std::string> unmapped_;  ///< columns without a meaning, by their names
  std::string unmapped_values_;        ///< the same as expressions, each with a comma before it
  PostgresRowReader reader_;
  PostgresDeletionWatch watch_;
};

}  // namespace holdfast

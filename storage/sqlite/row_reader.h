// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "policy/row_facts.h"
#include "storage/facts_reader.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/statement.h"
#include "storage/value_form.h"
#include "storage/whole_row.h"

namespace holdfast {

/// Makes RowFacts of the rows of the audit log. The statement selects key_columns(layout) first.
class RowReader {
 public:
  RowReader(const LogLayout& layout, std::string table_name);

  /// What a SELECT has to list for read(): the key, then the facts.
  [[nodiscard]] static std::string columns(const LogLayout& layout);

  /// The same and every other column: for a WholeRow.
  [[nodiscard]] static WholeColumns whole_columns(const LogLayout& layout);

  /// The key columns alone, comma-separated.
  [[nodiscard]] static std::string key_columns(const LogLayout& layout);

  /// The key of the current row. Lives until the next call.
  /// Errors: StorageError where a column of the key is NULL.
  [[nodiscard]] const RowKey& read_key(const Statement& row) { return facts_.read_key(row); }

  /// The facts of the current row; first_seen, newest_reusable and plan are left at their defaults.
  /// Lives until the next call. Errors: as read_key.
  [[nodiscard]] RowFacts& read(const Statement& row) { return facts_.read(row); }

 private:
  FactsReader facts_;
};

}  // namespace holdfast

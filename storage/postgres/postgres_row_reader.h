// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "policy/row_facts.h"
#include "storage/facts_reader.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/whole_row.h"

namespace holdfast {

/// Makes RowFacts of the rows of the audit log. The statement selects the columns of the key first.
class PostgresRowReader {
 public:
  PostgresRowReader(const PostgresLogLayout& layout, std::string title)
      : facts_(layout.key.size(), std::move(title)), times_(layout.times), stamps_(layout.stamps) {}

  /// The columns of the key, comma-separated, for a SELECT.
  [[nodiscard]] static std::string key_columns(const PostgresLogLayout& layout);
  /// What a SELECT has to list for read(): the key, then the facts.
  [[nodiscard]] static std::string columns(const PostgresLogLayout& layout);

  /// The same and every other column: for a WholeRow.
  [[nodiscard]] static WholeColumns whole_columns(const PostgresLogLayout& layout);

  /// The key of the current row. Lives until the next call.
  [[nodiscard]] const RowKey& read_key(const PostgresStatement& row) {
    return facts_.read_key(row);
  }
  /// The facts of the current row. Lives until the next call.
  [[nodiscard]] RowFacts& read(const PostgresStatement& row);

 private:
  FactsReader facts_;
  PostgresTimes times_;
  PostgresTimes stamps_;
};

/// A time as it stands in the column, where that is a decimal number as the number: a whole one
/// exactly, any other as the nearest real. Everything else as it is.
[[nodiscard]] StoredView postgres_time(const StoredView& value, PostgresTimes times);

/// `holdfast_log."a" = $1::… AND …`: the row with one key, whose values are $first and so on.
[[nodiscard]] std::string postgres_key_match(const PostgresLogLayout& layout, int first = 1);
/// Binds the values of a key from $first on. Errors: StorageError where it is not one of this log.
void bind_postgres_key(PostgresStatement& statement,
                       const PostgresLogLayout& layout,
                       const RowKey& key,
                       int first = 1);

/// `ROWS FROM (unnest($1::…[]), …) WITH ORDINALITY AS wanted(k1, …, place)`: many keys as a table.
[[nodiscard]] std::string postgres_key_table(const PostgresLogLayout& layout);
/// `holdfast_log."a" = wanted.k1 AND …`.
[[nodiscard]] std::string postgres_key_join(const PostgresLogLayout& layout);
/// Binds the keys to the arrays of postgres_key_table().
void bind_postgres_keys(PostgresStatement& statement,
                        const PostgresLogLayout& layout,
                        std::span<const RowKey> keys);

}  // namespace holdfast

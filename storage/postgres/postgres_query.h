// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "policy/row_key.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {

/// SQL that is put together with its values, which are kept until it runs.
class PostgresQuery {
 public:
  explicit PostgresQuery(std::string sql) : sql_(std::move(sql)) {}

  void add(const std::string& text) { sql_ += text; }
  /// Adds the text, then a parameter with this value, then `after`: its cast.
  void add(const std::string& text, const StoredView& value, const std::string& after) {
    append_canonical(values_.emplace_back(), value);
    sql_ += text + "$" + std::to_string(values_.size()) + after;
  }

  [[nodiscard]] PostgresStatement prepare(PostgresConnection& connection,
                                          PostgresRows rows = PostgresRows::at_once) const {
    return {connection, sql_, rows};
  }
  /// Binds the values to the statement that prepare() gave.
  void bind_to(PostgresStatement& statement) const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const auto values = split_canonical(values_[i]);
      statement.bind(static_cast<int>(i + 1), values->front());
    }
  }

 private:
  std::string sql_;
  std::vector<std::string> values_;  ///< as canonical bytes
};

}  // namespace holdfast

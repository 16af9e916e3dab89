// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/audit_log.h"
#include "storage/sqlite/child_tables.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// The rows of the children. Each goes with its parent and has no decision of its own.
class ChildRows {
 public:
  /// Whether the keys are integers, whole runs of which go at once.
  enum class Ranges { no, yes };

  /// The database has to outlive it.
  ChildRows(SQLite::Database& db, std::vector<ChildLayout> children, Ranges ranges);

  /// Deletes the child rows of these keys, and counts them. With Ranges::yes they may be many that
  /// follow each other without a gap.
  void dispose_of(std::span<const RowKey> keys);
  /// How many dispose_of() would delete.
  [[nodiscard]] ChildCounts count_of(const RowKey& key);
  /// What went since the last call.
  [[nodiscard]] ChildCounts take();

 private:
  struct Child {
    ChildLayout layout;
    std::int64_t gone = 0;
    std::optional<Statement> dispose;
    std::optional<Statement> dispose_range;
    std::optional<Statement> count;
  };

  void bind(Statement& statement, const RowKey& key, const Child& child) const;

  SQLite::Database& db_;
  std::vector<Child> children_;
  Ranges ranges_;
};

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/child_rows.h"

#include <cassert>
#include <string>
#include <utility>

#include "storage/sqlite/row_reader.h"

namespace holdfast {
namespace {

std::string match_of(const ChildLayout& child) {
  std::string match;
  for (const std::string& column : child.columns) {
    match += (match.empty() ? "" : " AND ") + column + " = ?";
  }
  return match;
}

/// A column may hold what is no whole number, and that belongs to no row of the log. A whole number
/// that is stored as a real one is equal to a key, and so goes with it, as it does for a single
/// key.
std::string range_of(const ChildLayout& child) {
  const std::string& column = child.columns.front();
  return column + " >= ? AND " + column + " <= ? AND " + column + " = CAST(" + column +
         " AS INTEGER)";
}

}  // namespace

ChildRows::ChildRows(SQLite::Database& db, std::vector<ChildLayout> children, Ranges ranges)
    : db_(db), ranges_(ranges) {
  children_.reserve(children.size());
  for (ChildLayout& layout : children) {
    children_.push_back({.layout = std::move(layout)});
  }
}

void ChildRows::dispose_of(std::span<const RowKey> keys) {
  assert(keys.size() == 1 || ranges_ == Ranges::yes);
  for (Child& child : children_) {
    const std::string start = "DELETE FROM " + child.layout.table + " WHERE ";
    std::optional<Statement>& statement = keys.size() > 1 ? child.dispose_range : child.dispose;
    if (!statement) {
      statement.emplace(
          db_, start + (keys.size() > 1 ? range_of(child.layout) : match_of(child.layout)));
    }
    const StatementUse use{*statement};
    if (keys.size() > 1) {
      statement->bind(1, keys.front().as_integer());
      statement->bind(2, keys.back().as_integer());
    } else {
      bind(*statement, keys.front(), child);
    }
    (void)statement->step();
    child.gone += db_.getChanges();
  }
}

ChildCounts ChildRows::count_of(const RowKey& key) {
  ChildCounts counts;
  for (Child& child : children_) {
    if (!child.count) {
      child.count.emplace(
          db_, "SELECT count(*) FROM " + child.layout.table + " WHERE " + match_of(child.layout));
    }
    const StatementUse use{*child.count};
    bind(*child.count, key, child);
    if (child.count->step()) {
      const StoredView rows = child.count->column(0);
      counts[child.layout.name] = std::get<std::int64_t>(rows);
    }
  }
  return counts;
}

ChildCounts ChildRows::take() {
  ChildCounts counts;
  for (Child& child : children_) {
    counts[child.layout.name] = std::exchange(child.gone, 0);
  }
  return counts;
}

void ChildRows::bind(Statement& statement, const RowKey& key, const Child& child) const {
  const std::size_t width = child.layout.columns.size();
  if (key.is_integer() && width == 1) {
    statement.bind(1, key.as_integer());
    return;
  }
  const std::string bytes = key.bytes();
  int index = 1;
  for (const StoredView& value : key_values(bytes, width)) {
    statement.bind(index++, value);
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/log_pass.h"

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "storage/sqlite/row_reader.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr std::int64_t kLowestKey = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighestKey = std::numeric_limits<std::int64_t>::max();

/// Runs out after half the time that a piece may take: the last visit takes its share too.
class PieceClock {
 public:
  explicit PieceClock(std::chrono::milliseconds longest_read)
      : end_(std::chrono::steady_clock::now() + longest_read / 2) {}
  [[nodiscard]] bool ran_out() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

std::string placeholders(std::size_t count) {
  std::string list = "?";
  for (std::size_t i = 1; i < count; ++i) {
    list += ", ?";
  }
  return list;
}

void bind_twice(Statement& statement, const RowKey& key, std::size_t width) {
  const std::string bytes = key.bytes();
  const std::vector<StoredView> values = key_values(bytes, width);
  for (std::size_t i = 0; i < 2 * width; ++i) {
    statement.bind(static_cast<int>(i + 1), values[i % width]);
  }
}

}  // namespace

LogPass::LogPass(Connection& connection, const LogLayout& layout, std::string columns)
    : connection_(connection), layout_(layout), columns_(std::move(columns)) {}

void LogPass::run(const PassLimits& limits, const StatementVisit& visit) {
  if (connection_.wal()) {
    run_at_once(limits, visit);
  } else if (layout_.rowid_alias) {
    run_by_ordered_key(limits, visit);
  } else {
    run_by_key(limits, visit);
  }
}

void LogPass::run_at_once(const PassLimits& limits, const StatementVisit& visit) {
  const bool bounded = layout_.rowid_alias && limits.up_to;
  const std::string bound = bounded ? " WHERE " + layout_.key_columns.front() + " <= ?" : "";
  Statement rows{
      connection_.db(),
      "SELECT " + columns_ + " FROM " + layout_.table + bound + " ORDER BY " + layout_.pass_order};
  if (bounded) {
    rows.bind(1, *limits.up_to);
  }
  while (rows.step()) {
    visit(rows);
  }
}

void LogPass::run_by_ordered_key(const PassLimits& limits, const StatementVisit& visit) {
  const std::string& key = layout_.key_columns.front();
  Statement rows{connection_.db(),
                 "SELECT " + columns_ + " FROM " + layout_.table + " WHERE " + key + " >= ? AND " +
                     key + " <= ? ORDER BY " + key};
  std::int64_t from = kLowestKey;
  const std::int64_t up_to = limits.up_to.value_or(kHighestKey);
  while (true) {
    rows.bind(1, from);
    rows.bind(2, up_to);
    const auto last = read_piece(rows, limits.longest_read, visit);
    if (!last || last->as_integer() >= up_to) {
      return;
    }
    if (last->as_integer() < from) {
      refuse_standstill();
    }
    from = last->as_integer() + 1;
  }
}

void LogPass::run_by_key(const PassLimits& limits, const StatementVisit& visit) {
  const std::size_t width = layout_.key_columns.size();
  const std::string key = RowReader::key_columns(layout_);
  const std::string beyond = "(" + key + ") > (" + placeholders(width) + ")";
  const std::string select = "SELECT " + columns_;
  const std::string from = " FROM " + layout_.table;
  Statement first{connection_.db(), select + from + " ORDER BY " + key};
  // The same comparison once more as a column: there it looks at the values and not at the index.
  Statement further{connection_.db(),
                    select + ", " + beyond + from + " WHERE " + beyond + " ORDER BY " + key};
  const StatementVisit visit_further = [&](const Statement& row) {
    if (row.column(row.columns() - 1) != StoredView{std::int64_t{1}}) {
      refuse_standstill();
    }
    visit(row);
  };
  auto cursor = read_piece(first, limits.longest_read, visit);
  while (cursor) {
    bind_twice(further, *cursor, width);
    cursor = read_piece(further, limits.longest_read, visit_further);
  }
}

/// The key of the last row where time ran out before the rows did.
std::optional<RowKey> LogPass::read_piece(Statement& rows,
                                          std::chrono::milliseconds longest_read,
                                          const StatementVisit& visit) {
  const StatementUse use{rows};
  const PieceClock clock{longest_read};
  while (rows.step()) {
    visit(rows);
    if (clock.ran_out()) {
      RowReader reader{layout_, connection_.path() + ": table " + layout_.table};
      return reader.read_key(rows);
    }
  }
  return std::nullopt;
}

void LogPass::refuse_standstill() const {
  throw StorageError(StorageTrouble::corrupt,
                     connection_.path() + ": table " + layout_.table +
                         ": reading does not get past a key: the file is damaged, run \"PRAGMA "
                         "integrity_check\" and restore a backup");
}

}  // namespace holdfast

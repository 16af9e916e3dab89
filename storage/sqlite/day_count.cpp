// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/day_count.h"

#include <string>

#include "storage/day_counter.h"
#include "storage/sqlite/log_pass.h"
#include "storage/sqlite/row_reader.h"
#include "storage/sqlite/statement.h"

namespace holdfast {
namespace {

constexpr int kValues = 3;  // code, tenant, category

/// Counts the current row: code, tenant, category and time stand from `first` on.
void add_row(DayCounter& counter, const Statement& row, int first) {
  counter.add({row.column(first), row.column(first + 1), row.column(first + 2)},
              row.column(first + kValues));
}

}  // namespace

void count_log_days(Connection& connection,
                    const LogLayout& layout,
                    std::optional<std::int64_t> up_to,
                    const DayVisit& visit) {
  const std::string values =
      layout.code + ", " + layout.tenant + ", " + layout.category + ", " + layout.time;
  DayCounter counter(layout.time_format, visit);
  if (connection.wal() && layout.groups_in_index) {
    const bool bounded = layout.rowid_alias && up_to;
    Statement rows{connection.db(),
                   "SELECT " + values + " FROM " + layout.table + " INDEXED BY " +
                       layout.code_time_index +
                       (bounded ? " WHERE " + layout.key_columns.front() + " <= ?" : "") +
                       " ORDER BY " + layout.raw_code + ", " + layout.time};
    if (bounded) {
      rows.bind(1, *up_to);
    }
    while (rows.step()) {
      add_row(counter, rows, 0);
    }
  } else {
    const int first = static_cast<int>(layout.key_columns.size());
    LogPass{connection, layout, RowReader::key_columns(layout) + ", " + values}.run(
        {.up_to = up_to}, [&](const Statement& row) { add_row(counter, row, first); });
  }
  counter.finish();
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/day_count.h"

#include <cassert>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "policy/event_time.h"
#include "policy/row_key.h"
#include "storage/sqlite/log_pass.h"
#include "storage/sqlite/row_reader.h"
#include "storage/sqlite/statement.h"

namespace holdfast {
namespace {

constexpr int kValues = 3;  // code, tenant, category
// The calendar rule counts an event by its date in the eastmost zone.
constexpr std::chrono::hours kEastmostZone{14};

/// Rows come in stretches of one group and day: only the current stretch is remembered.
class DayCounter {
 public:
  DayCounter(TimeFormat format, const DayVisit& visit) : format_(format), visit_(visit) {}

  /// Counts the current row: code, tenant, category and time stand from `first` on.
  void add(const Statement& row, int first) {
    const auto time = parse_event_time(row.column(first + kValues), format_);
    if (!time) {
      return;
    }
    const auto day = date::floor<date::days>(*time + kEastmostZone);
    group_.clear();
    for (int i = 0; i < kValues; ++i) {
      append_canonical(group_, row.column(first + i));
    }
    if (rows_ == 0 || day != last_day_ || group_ != last_group_) {
      finish();
      last_day_ = day;
      last_group_ = group_;
    }
    ++rows_;
  }

  /// Visits the stretch that is being counted, and starts the next.
  void finish() {
    if (rows_ == 0) {
      return;
    }
    const auto values = split_canonical(last_group_);
    assert(values && values->size() == kValues);
    const std::vector<StoredView>& stored = *values;
    TextForm code;
    TextForm tenant;
    TextForm category;
    LogDay facts{.tenant = tenant.of(stored[1]),
                 .stored_category = category.of(stored[2]),
                 .first = Instant{last_day_} - kEastmostZone,
                 .rows = rows_};
    if (can_be_code(stored[0])) {
      facts.code = code.of(stored[0]);
    }
    rows_ = 0;
    visit_(facts);
  }

 private:
  TimeFormat format_;
  const DayVisit& visit_;
  std::string group_;       ///< the row's group as canonical bytes
  std::string last_group_;  ///< that of the stretch
  date::sys_days last_day_;
  std::int64_t rows_ = 0;
};

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
      counter.add(rows, 0);
    }
  } else {
    const int first = static_cast<int>(layout.key_columns.size());
    LogPass{connection, layout, RowReader::key_columns(layout) + ", " + values}.run(
        {.up_to = up_to}, [&](const Statement& row) { counter.add(row, first); });
  }
  counter.finish();
}

}  // namespace holdfast

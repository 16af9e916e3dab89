// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_log_counts.h"

#include <chrono>
#include <string>
#include <variant>

#include "policy/time_text.h"
#include "storage/day_counter.h"
#include "storage/postgres/postgres_candidates.h"
#include "storage/postgres/postgres_row_reader.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/value_form.h"

namespace holdfast {
namespace {

constexpr std::int64_t kGroupsAtOnce = 5'000;

bool is_bounded(const PostgresLogLayout& layout, std::optional<std::int64_t> up_to) {
  return up_to && layout.shape.ordered_keys;
}

/// ` FROM log WHERE …`, up to the key where keys have an order.
std::string from_log(const PostgresLogLayout& layout, std::optional<std::int64_t> up_to) {
  return " FROM " + layout.table + " AS " + kPostgresLog + " WHERE " +
         (is_bounded(layout, up_to) ? std::string{kPostgresLog} + "." + layout.key.front().name +
                                          " <= $1::pg_catalog.int8"
                                    : "true");
}

void bind_bound(PostgresStatement& statement,
                const PostgresLogLayout& layout,
                std::optional<std::int64_t> up_to) {
  if (is_bounded(layout, up_to)) {
    statement.bind(1, *up_to);
  }
}

/// Counts the groups of code, tenant and category, with whatever else is grouped by. The text of a
/// code is looked up once for each group.
std::string grouped(const PostgresLogLayout& layout,
                    const std::string& further,
                    const std::string& from) {
  return "SELECT counted.raw, " + postgres_code_of(layout.lookup_of, "counted.raw") +
         ", counted.tenant, counted.category, counted.further, counted.rows FROM (SELECT " +
         layout.grouping.at(0) + " AS raw, " + layout.grouping.at(1) + " AS tenant, " +
         layout.grouping.at(2) + " AS category, " + further + " AS further, count(*) AS rows" +
         from + " GROUP BY 1, 2, 3, 4) AS counted ORDER BY 1, 3, 4, 5";
}

template <typename Unit>
std::string day_of_number(const std::string& time) {
  const auto units = [](auto duration) {
    return std::to_string(std::chrono::duration_cast<Unit>(duration).count());
  };
  // From the beginning of the calendar on all numbers are positive, and so division rounds down.
  return "((" + time + "::pg_catalog.int8 - (" + units(kCalendarBegin.time_since_epoch()) + ") + " +
         units(kEastmostZone) + ") / " + units(date::days{1}) + ")";
}

template <typename Unit>
std::string inside_calendar(const std::string& time) {
  const auto units = [](Instant instant) {
    return std::to_string(std::chrono::duration_cast<Unit>(instant.time_since_epoch()).count());
  };
  return " AND " + time + " >= (" + units(kCalendarBegin) + ") AND " + time + " < (" +
         units(kCalendarEnd) + ")";
}

/// How the server counts days: from the first of the calendar on, and which rows have one.
struct DaySql {
  std::string number;
  std::string condition;
};

std::optional<DaySql> days_of_numbers(const PostgresLogLayout& layout) {
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const std::string& time = layout.time;
  switch (layout.time_format) {
    case TimeFormat::unix_s:
    case TimeFormat::unix_real:
      return DaySql{day_of_number<seconds>(time), inside_calendar<seconds>(time)};
    case TimeFormat::unix_ms:
      return DaySql{day_of_number<milliseconds>(time), inside_calendar<milliseconds>(time)};
    case TimeFormat::unix_us:
      return DaySql{day_of_number<microseconds>(time), inside_calendar<microseconds>(time)};
    case TimeFormat::iso8601:
    case TimeFormat::utc_text:
      break;
  }
  return std::nullopt;
}

DaySql days_of_times(const PostgresLogLayout& layout, const std::string& type) {
  const bool zoned = layout.times == PostgresTimes::zoned;
  const std::string utc = zoned ? "pg_catalog.timezone('UTC', " + layout.time + ")" : layout.time;
  const auto literal = [&](Instant instant) {
    return postgres_literal(postgres_instant(instant)) + "::" + type;
  };
  return {.number = "((" + utc + " + '" + std::to_string(kEastmostZone.count()) +
                    " hours'::pg_catalog.interval)::pg_catalog.date - "
                    "'0001-01-01'::pg_catalog.date)::pg_catalog.int8",
          .condition = " AND " + layout.time + " >= " + literal(kCalendarBegin) + " AND " +
                       layout.time + " < " + literal(kCalendarEnd)};
}

std::optional<DaySql> days_by_server(const PostgresLogLayout& layout) {
  switch (layout.times) {
    case PostgresTimes::integers:
      return days_of_numbers(layout);
    case PostgresTimes::zoned:
      return layout.time_format == TimeFormat::iso8601
                 ? std::optional{days_of_times(layout, "pg_catalog.timestamptz")}
                 : std::nullopt;
    case PostgresTimes::unzoned:
      return layout.time_format == TimeFormat::utc_text
                 ? std::optional{days_of_times(layout, "pg_catalog.timestamp")}
                 : std::nullopt;
    case PostgresTimes::reals:
    case PostgresTimes::decimals:
    case PostgresTimes::other:
      break;
  }
  return std::nullopt;
}

void count_days_here(PostgresConnection& connection,
                     const PostgresLogLayout& layout,
                     std::optional<std::int64_t> up_to,
                     const DayVisit& visit) {
  PostgresStatement rows{connection,
                         "SELECT " + layout.code + ", " + layout.tenant + ", " + layout.category +
                             ", " + layout.time + from_log(layout, up_to),
                         PostgresRows::by_cursor};
  bind_bound(rows, layout, up_to);
  DayCounter counter{layout.time_format, visit};
  while (rows.step()) {
    counter.add({rows.column(0), rows.column(1), rows.column(2)},
                postgres_time(rows.column(3), layout.times));
  }
  counter.finish();
}

/// From the row that the statement stands at to its last.
void visit_groups(PostgresStatement& rows, const GroupVisit& visit, const Pulse& pulse) {
  TextForm code;
  TextForm tenant;
  TextForm category;
  do {
    const StoredView stored_code = rows.column(1);
    LogGroup group{.stored_code = rows.column(0),
                   .tenant = tenant.of(rows.column(2)),
                   .stored_category = category.of(rows.column(3)),
                   .rows = integer_at(rows, 5)};
    if (can_be_code(stored_code)) {
      group.code = code.of(stored_code);
    }
    visit(group);
    if (pulse) {
      pulse();
    }
  } while (rows.step());
}

}  // namespace

std::int64_t count_postgres_rows(PostgresConnection& connection,
                                 const PostgresLogLayout& layout,
                                 std::optional<std::int64_t> up_to) {
  PostgresStatement row{connection, "SELECT count(*)" + from_log(layout, up_to)};
  bind_bound(row, layout, up_to);
  return row.step() ? integer_at(row, 0) : 0;
}

void count_postgres_groups(PostgresConnection& connection,
                           const PostgresLogLayout& layout,
                           std::optional<std::int64_t> up_to,
                           const GroupVisit& visit,
                           const Pulse& pulse) {
  const std::string sql = grouped(layout, "1", from_log(layout, up_to));
  // The server shares the counting among several of its processes only where all groups come at
  // once. Where those are too many for that they are counted again, to come some at a time.
  PostgresStatement at_once{connection, sql + " LIMIT " + std::to_string(kGroupsAtOnce + 1)};
  bind_bound(at_once, layout, up_to);
  const bool any = at_once.step();
  if (at_once.changed() <= kGroupsAtOnce) {
    if (any) {
      visit_groups(at_once, visit, pulse);
    }
    return;
  }
  at_once.reset();
  PostgresStatement rows{connection, sql, PostgresRows::by_cursor};
  bind_bound(rows, layout, up_to);
  if (rows.step()) {
    visit_groups(rows, visit, pulse);
  }
}

void count_postgres_days(PostgresConnection& connection,
                         const PostgresLogLayout& layout,
                         std::optional<std::int64_t> up_to,
                         const DayVisit& visit) {
  const std::optional<DaySql> days = days_by_server(layout);
  if (!days) {
    count_days_here(connection, layout, up_to, visit);
    return;
  }
  PostgresStatement rows{connection,
                         grouped(layout, days->number, from_log(layout, up_to) + days->condition),
                         PostgresRows::by_cursor};
  bind_bound(rows, layout, up_to);
  while (rows.step()) {
    const date::sys_days day =
        date::floor<date::days>(kCalendarBegin) + date::days{integer_at(rows, 4)};
    visit_log_day(
        {rows.column(1), rows.column(2), rows.column(3)}, day, integer_at(rows, 5), visit);
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_candidates.h"

#include <array>
#include <cassert>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "policy/row_key.h"
#include "policy/time_text.h"
#include "storage/postgres/postgres_query.h"
#include "storage/time_bounds.h"

namespace holdfast {
namespace {

/// The bounds as values of the column, with the type in which they are compared.
struct Bounds {
  std::string below_text;
  std::string above_text;
  TimeBounds values;
  std::string type;
  [[nodiscard]] StoredView below() const {
    return below_text.empty() ? values.below : StoredView{std::string_view{below_text}};
  }
  [[nodiscard]] StoredView above() const {
    return above_text.empty() ? values.above : StoredView{std::string_view{above_text}};
  }
};

Bounds bounds_of(const CandidateRange& range, const PostgresLogLayout& layout) {
  switch (layout.times) {
    case PostgresTimes::integers: {
      // Whole numbers of seconds are compared as such, so that an index is of use.
      const TimeFormat format =
          layout.time_format == TimeFormat::unix_real ? TimeFormat::unix_s : layout.time_format;
      return {.values = time_bounds(range, format), .type = "::pg_catalog.int8"};
    }
    case PostgresTimes::reals:
      return {.values = time_bounds(range, layout.time_format), .type = "::pg_catalog.float8"};
    case PostgresTimes::zoned:
      return {.below_text = postgres_instant(range.below),
              .above_text = postgres_instant(range.above),
              .type = "::pg_catalog.timestamptz"};
    case PostgresTimes::unzoned:
      return {.below_text = postgres_instant(range.below),
              .above_text = postgres_instant(range.above),
              .type = "::pg_catalog.timestamp"};
    case PostgresTimes::decimals:
    case PostgresTimes::other:
      break;
  }
  assert(false && "such times have no code_time_index");
  return {};
}

bool is_null(const CandidateRange& range) {
  return std::holds_alternative<std::monostate>(range.stored_code);
}

/// A text as an element of an array in the server's text form.
std::string element_of(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
    }
    out += letter;
  }
  return out + '"';
}

/// The codes as an array, which the server reads as one of the column's type.
std::string array_of(std::span<const CandidateRange* const> ranges) {
  std::string out = "{";
  for (const CandidateRange* const range : ranges) {
    out += out.size() == 1 ? "" : ",";
    out += element_of(postgres_text_of(range->stored_code).value_or(std::string{}));
  }
  return out + "}";
}

/// The rows of codes, whatever their time: of one, which may be NULL, or of several that are not.
PostgresQuery query_of(const PostgresLogLayout& layout,
                       std::span<const CandidateRange* const> ranges,
                       std::optional<std::int64_t> up_to,
                       const std::string& columns) {
  PostgresQuery query{"SELECT " + columns + " FROM " + layout.table + " AS " + kPostgresLog +
                      " WHERE "};
  if (ranges.size() > 1) {
    query.add(layout.raw_code + " = ANY (", std::string_view{array_of(ranges)}, ")");
  } else if (is_null(*ranges.front())) {
    query.add(layout.raw_code + " IS NULL");
  } else {
    query.add(layout.raw_code + " = ", ranges.front()->stored_code, "");
  }
  if (up_to && layout.shape.ordered_keys) {
    query.add(std::string{" AND "} + kPostgresLog + "." + layout.key.front().name + " <= ",
              *up_to,
              "::pg_catalog.int8");
  }
  return query;
}

/// Ranges by their bounds; that of rows without a code stays alone.
std::vector<std::vector<const CandidateRange*>> ranges_alike(
    std::span<const CandidateRange> ranges) {
  std::map<std::tuple<Instant, Instant, bool>, std::vector<const CandidateRange*>> alike;
  for (const CandidateRange& range : ranges) {
    alike[{range.below, range.above, is_null(range)}].push_back(&range);
  }
  std::vector<std::vector<const CandidateRange*>> groups;
  groups.reserve(alike.size());
  for (auto& [bounds, group] : alike) {
    groups.push_back(std::move(group));
  }
  return groups;
}

void visit_all(PostgresConnection& connection,
               const PostgresQuery& query,
               const PostgresVisit& visit) {
  PostgresStatement rows = query.prepare(connection, PostgresRows::by_cursor);
  query.bind_to(rows);
  while (rows.step()) {
    visit(rows);
  }
}

enum class Part { no_time, below, above };

void add_part(PostgresQuery& query, Part part, const std::string& time, const Bounds& bounds) {
  switch (part) {
    case Part::no_time:
      query.add(" AND " + time + " IS NULL");
      return;
    case Part::below:
      query.add(" AND " + time + " < ", bounds.below(), bounds.type);
      return;
    case Part::above:
      query.add(" AND " + time + " > ", bounds.above(), bounds.type);
      // Where the bounds have changed places, no row comes twice.
      query.add(" AND " + time + " >= ", bounds.below(), bounds.type);
      return;
  }
}

}  // namespace

std::string postgres_instant(Instant instant) {
  if (instant >= kCalendarEnd) {
    return "10000-01-01 00:00:00+00";
  }
  if (instant < kCalendarBegin) {
    return "0001-12-31 23:59:59.999+00 BC";
  }
  return to_rfc3339(instant);
}

// Candidates come in no order that means anything, and so no statement here asks for one.
void pass_postgres_candidates(PostgresConnection& connection,
                              const PostgresLogLayout& layout,
                              const PostgresCandidates& wanted,
                              const std::string& columns,
                              const PostgresVisit& visit) {
  for (const std::vector<const CandidateRange*>& alike : ranges_alike(wanted.ranges)) {
    const Bounds bounds = bounds_of(*alike.front(), layout);
    for (const Part part : std::array{Part::no_time, Part::below, Part::above}) {
      PostgresQuery query = query_of(layout, alike, wanted.up_to, columns);
      add_part(query, part, layout.time, bounds);
      visit_all(connection, query, visit);
    }
  }
}

void find_postgres_span(PostgresConnection& connection,
                        const PostgresLogLayout& layout,
                        const CandidateRange& range,
                        std::optional<std::int64_t> up_to,
                        const SpanVisit& visit) {
  const Bounds bounds = bounds_of(range, layout);
  std::vector<std::string> found;
  for (const char* const order : {"ASC", "DESC"}) {
    const CandidateRange* const only = &range;
    PostgresQuery query = query_of(layout, {&only, 1}, up_to, layout.time);
    query.add(" AND " + layout.time + " >= ", bounds.below(), bounds.type);
    query.add(" AND " + layout.time + " <= ", bounds.above(), bounds.type);
    query.add(" ORDER BY " + layout.time + " " + order + " LIMIT 1");
    PostgresStatement row = query.prepare(connection, PostgresRows::at_once);
    query.bind_to(row);
    if (!row.step()) {
      return;
    }
    append_canonical(found.emplace_back(), row.column(0));
  }
  const auto first = split_canonical(found.front());
  const auto last = split_canonical(found.back());
  visit({.first = first->front(), .last = last->front()});
}

}  // namespace holdfast

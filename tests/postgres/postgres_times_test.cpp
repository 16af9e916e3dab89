// SPDX-License-Identifier: Apache-2.0
// Times in every type of column: what can be read is the same instant everywhere, and what cannot
// is a candidate that the decision keeps.
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "policy/event_time.h"
#include "postgres_log.h"
#include "tests/policy/test_values.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// How one type of column stores the same eight rows: 1 is old, 2 new, 3 far in the future, 4 is
/// NULL, 5 beyond the calendar, 6 before it; 7 and 8 are what only this type has.
struct Column {
  const char* type;
  TimeFormat format;
  const char* rows;
};

const std::vector<Column>& columns() {
  static const std::vector<Column> all{
      {"timestamptz",
       TimeFormat::iso8601,
       "(1, '2020-01-01 01:30:00.1239+01:30'), (2, '2026-01-01 00:00Z'), (3, '2200-01-01Z'),"
       " (4, NULL), (5, '10001-01-01Z'), (6, '0044-03-15Z BC'), (7, 'infinity'), (8, '-infinity')"},
      {"timestamp",
       TimeFormat::utc_text,
       "(1, '2020-01-01 00:00:00.1239'), (2, '2026-01-01'), (3, '2200-01-01'), (4, NULL),"
       " (5, '10001-01-01'), (6, '0044-03-15 BC'), (7, 'infinity'), (8, '-infinity')"},
      {"bigint",
       TimeFormat::unix_ms,
       "(1, 1577836800123), (2, 1767225600000), (3, 7258118400000), (4, NULL),"
       " (5, 253433923200000), (6, -99999999999999), (7, 9223372036854775807),"
       " (8, -9223372036854775808)"},
      {"int",
       TimeFormat::unix_s,
       "(1, 1577836800), (2, 1767225600), (3, 2147483647), (4, NULL), (5, NULL), (6, NULL),"
       " (7, NULL), (8, NULL)"},
      {"bigint",
       TimeFormat::unix_us,
       "(1, 1577836800123900), (2, 1767225600000000), (3, 7258118400000000), (4, NULL),"
       " (5, 253433923200000000), (6, -99999999999999999), (7, 9223372036854775807),"
       " (8, -9223372036854775808)"},
      {"float8",
       TimeFormat::unix_real,
       "(1, 1577836800.1239), (2, 1767225600), (3, 7258118400), (4, NULL), (5, 253433923200),"
       " (6, -99999999999.9), (7, 'NaN'), (8, '-Infinity')"},
      {"numeric",
       TimeFormat::unix_real,
       "(1, 1577836800.1239), (2, 1767225600.000), (3, 7258118400), (4, NULL), (5, 253433923200),"
       " (6, -99999999999.9), (7, 'NaN'), (8, 1e40)"},
      {"text",
       TimeFormat::iso8601,
       "(1, '2020-01-01T00:00:00.123Z'), (2, '2026-01-01 00:00:00+00'), (3, '2200-01-01T00:00:00Z'),"
       " (4, NULL), (5, '10001-01-01T00:00:00Z'), (6, ''), (7, 'soon'), (8, '2020-01-01 00:00:00')"},
  };
  return all;
}

std::string table_of(const Column& column) {
  return std::string{"CREATE TABLE audit_events (id bigint PRIMARY KEY, occurred_at "} +
         column.type +
         ", code text DEFAULT 'A'); CREATE INDEX ON audit_events (code, occurred_at);"
         "INSERT INTO audit_events (id, occurred_at) VALUES " +
         column.rows;
}

}  // namespace

TEST_CASE("a time is read from every type of column, or known not to be one", "[times]") {
  for (const Column& column : columns()) {
    INFO(column.type << " " << to_token(column.format));
    PostgresScratchLog scratch{table_of(column)};
    const auto log = scratch.open({.time_format = column.format});
    std::map<std::string, std::string> read;
    log->scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& facts) {
      const auto time = parse_event_time(facts.time, column.format);
      read[facts.key->display()] = time ? to_rfc3339(*time) : "none";
    });
    const bool whole = column.format == TimeFormat::unix_s;
    CHECK(read.at("1") == (whole ? "2020-01-01T00:00:00Z" : "2020-01-01T00:00:00.123Z"));
    CHECK(read.at("2") == "2026-01-01T00:00:00Z");
    for (const char* const key : {"4", "5", "6", "7", "8"}) {
      INFO(key);
      CHECK(read.at(key) == "none");
    }
  }
}

TEST_CASE("an index gives every row that is due or cannot be read", "[times]") {
  for (const Column& column : columns()) {
    PostgresScratchLog scratch{table_of(column)};
    const auto log = scratch.open({.time_format = column.format});
    if (!log->shape().code_time_index) {
      continue;
    }
    INFO(column.type << " " << to_token(column.format));
    // One millisecond decides about row 1; row 2 is sane, everything else has to be looked at.
    const Instant first = column.format == TimeFormat::unix_s ? at("2020-01-01T00:00:00Z")
                                                              : at("2020-01-01T00:00:00.123Z");
    const Instant above = at("2030-01-01");
    using Keys = std::vector<std::string>;
    CHECK(candidate_keys(*log, first, above) == Keys{"3", "4", "5", "6", "7", "8"});
    CHECK(candidate_keys(*log, first + std::chrono::milliseconds{1}, above) ==
          Keys{"1", "3", "4", "5", "6", "7", "8"});
    CHECK(candidate_keys(*log, kEndOfTime, above).size() == 8);
    std::string span;
    log->find_span({.stored_code = std::string_view{"A"}, .below = first, .above = above},
                   {},
                   [&](const TimeSpan& found) {
                     for (const StoredView& time : {found.first, found.last}) {
                       const auto instant = parse_event_time(time, column.format);
                       span += instant ? to_rfc3339(*instant) + " " : "none ";
                     }
                   });
    CHECK(span == to_rfc3339(first) + " 2026-01-01T00:00:00Z ");
  }
}

TEST_CASE("days are counted alike in every type of column", "[times]") {
  for (const Column& column : columns()) {
    INFO(column.type << " " << to_token(column.format));
    PostgresScratchLog scratch{table_of(column)};
    const auto log = scratch.open({.time_format = column.format});
    const auto counted = days(*log);
    CHECK(counted.at("A|-|2019-12-31T10:00:00Z") == 1);
    CHECK(counted.at("A|-|2025-12-31T10:00:00Z") == 1);
    CHECK(counted.size() == 3);
  }
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/postgres/postgres_table_facts.h"

namespace holdfast {

/// One column of the log's key.
struct PostgresKeyColumn {
  std::string name;  ///< quoted
  std::string type;  ///< quoted, for casts
  PostgresKind kind = PostgresKind::other;
};

/// How a column holds its times.
enum class PostgresTimes { integers, reals, decimals, zoned, unzoned, other };

/// The audit log's table as SQL. In every expression the table is called holdfast_log; a column
/// that the log does not have is a NULL of type text.
struct PostgresLogLayout {
  PostgresTable where;
  std::string table;   ///< quoted, with its schema
  std::string schema;  ///< quoted: that of Holdfast's own tables
  std::vector<PostgresKeyColumn> key;
  bool integer_keys = false;  ///< one column of whole numbers: every key is an integer
  std::string time;
  std::string raw_code;
  std::string code;       ///< raw_code, or its text from the lookup table
  std::string lookup_of;  ///< the latter with a NUL for raw_code; empty: there is no lookup
  std::string tenant;
  std::string actor;
  std::string subject;
  std::string category;
  std::string retain_until;
  std::string severity;
  std::string metadata;
  std::optional<PostgresColumn> tenant_column;
  std::optional<PostgresColumn> actor_column;
  std::optional<PostgresColumn> subject_column;
  std::optional<PostgresColumn> metadata_column;
  bool persons_by_index = false;  ///< actor and subject are found by an index
  TimeFormat time_format = TimeFormat::unix_ms;
  PostgresTimes times = PostgresTimes::other;
  PostgresTimes stamps = PostgresTimes::other;
  std::vector<std::string> columns;  ///< expressions: all but generated ones, in the table's order
  std::vector<std::string> own_columns;  ///< the same, names alone: for INSERT
  std::vector<std::string> grouping;     ///< code, tenant and category: equal values read alike
  bool triggers = false;                 ///< something fires when rows change
  bool without_log = false;              ///< there is no table to be locked or written
  LogShape shape;
};

/// The table in every statement.
inline constexpr const char* kPostgresLog = "holdfast_log";

/// Where a log has no such column.
inline constexpr const char* kPostgresNothing = "NULL::pg_catalog.text";

/// A column as an expression that reads it.
[[nodiscard]] std::string postgres_reading(const PostgresColumn& column);

/// The same as an expression whose equal values read alike: for grouping.
[[nodiscard]] std::string postgres_grouping(const PostgresColumn& column);

/// Probes the table of the mapping: columns, declared key, foreign keys, triggers, indexes.
/// Errors: StorageError(mapping) in one sentence, as PostgresMappedTable and find_postgres_key()
/// say, and for a foreign key that refers to the log, children, a trigger whose work nobody could
/// check, and own_events = "log" into a table that does not fit.
[[nodiscard]] PostgresLogLayout probe_postgres_log(PostgresConnection& connection,
                                                   const OpenOptions& options);

/// The layout of holdfast_event.
[[nodiscard]] PostgresLogLayout postgres_own_events(PostgresConnection& connection);

/// Where the log is not looked at: no row, in columns of the usual names.
[[nodiscard]] PostgresLogLayout postgres_layout_without_log(PostgresConnection& connection);

/// PostgresLogLayout::lookup_of for a code that the statement calls so, or the code itself.
[[nodiscard]] std::string postgres_code_of(std::string lookup, const std::string& code);

/// What check says about the triggers, the indexes and the times of the log; refuses triggers that
/// cannot be watched. Part of probe_postgres_log().
void judge_postgres_log(PostgresConnection& connection,
                        const PostgresTableFacts& facts,
                        PostgresLogLayout& layout);

}  // namespace holdfast

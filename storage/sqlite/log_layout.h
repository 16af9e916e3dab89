// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/sqlite/child_tables.h"
#include "storage/sqlite/connection.h"

namespace holdfast {

/// The audit log's table as SQL: every name quoted, absent columns as the word NULL.
struct LogLayout {
  std::string table;                     ///< quoted
  std::vector<std::string> key_columns;  ///< quoted, in the order of the mapping
  bool rowid_table = true;               ///< false: WITHOUT ROWID
  bool rowid_alias = false;  ///< the key is the rowid under its declared name (INTEGER PRIMARY KEY)
  bool autoincrement = false;
  std::string time;      ///< quoted column
  std::string raw_code;  ///< quoted column
  std::string code;      ///< expression: raw_code, or its text from the lookup table
  std::string tenant = "NULL";
  std::string actor = "NULL";
  std::string subject = "NULL";
  std::string category = "NULL";
  std::string retain_until = "NULL";
  std::string severity = "NULL";
  std::string metadata = "NULL";
  TimeFormat time_format = TimeFormat::unix_ms;
  std::string code_time_index;   ///< quoted name; empty: none
  bool groups_in_index = false;  ///< that index alone tells code, tenant and category of every row
  std::vector<std::string> columns;  ///< quoted: all but generated ones, in the table's order
  std::vector<ChildLayout> children;
  std::string pass_order;  ///< ORDER BY of a full pass, in the order of the table's pages
  LogShape shape;
};

/// Probes the table of the mapping: columns, declared key, foreign keys, triggers, indexes.
/// Errors: StorageError(mapping) in one sentence: no such table, a view or virtual table, a column
/// that is not there, no declared key over `id`, a key that can be NULL, own_events = "log" into a
/// table that does not fit; and those of probe_children() and judge_triggers().
[[nodiscard]] LogLayout probe_log(Connection& connection, const OpenOptions& options);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

namespace holdfast {

/// What SQLite makes of values that go into a column, by the rules for declared types.
enum class Affinity { integer, text, blob, real, numeric };

/// One column as it was declared.
struct ColumnFacts {
  std::string name;
  std::string declared_type;
  std::string collation;
  Affinity affinity = Affinity::blob;
  bool not_null = false;
  bool has_default = false;
  bool generated = false;
  bool in_primary_key = false;
};

/// One key column of an index; `column` is none for an expression or the rowid.
struct IndexPart {
  std::optional<std::size_t> column;
  bool descending = false;
  std::string collation;
};

/// One index.
struct IndexFacts {
  std::string name;
  bool unique = false;
  bool partial = false;
  bool primary_key = false;
  std::vector<IndexPart> parts;
};

/// An object that stands where a table could.
enum class TableKind { ordinary, view, virtual_table, shadow_table };

/// A table as the schema declares it.
struct TableFacts {
  std::string name;  ///< in the letter case of its declaration
  TableKind kind = TableKind::ordinary;
  bool without_rowid = false;
  bool strict = false;
  bool autoincrement = false;
  std::vector<ColumnFacts> columns;
  std::vector<IndexFacts> indexes;

  /// The position of a column; letter case as SQLite sees it (ASCII letters alike).
  [[nodiscard]] std::optional<std::size_t> find_column(const std::string& column_name) const;
};

/// A column of some table with a foreign key.
struct ReferringColumn {
  std::string table;
  std::string column;
};

/// Reads the declaration of a table of the main database; none where there is no such name.
/// Shapes: no columns and indexes for a view or virtual table.
[[nodiscard]] std::optional<TableFacts> read_table_facts(SQLite::Database& db,
                                                         const std::string& name);

/// The names of all ordinary tables that are neither SQLite's nor Holdfast's, in order.
[[nodiscard]] std::vector<std::string> table_names(SQLite::Database& db);

/// The first column, by table name, whose foreign key refers to the table; none where there is
/// none.
[[nodiscard]] std::optional<ReferringColumn> find_referring_column(SQLite::Database& db,
                                                                   const std::string& table);

/// The rowid under whichever of its names no column took; "" where all are taken.
[[nodiscard]] std::string rowid_name(const TableFacts& table);

/// One trigger, with its text as the schema keeps it.
struct TriggerFacts {
  std::string name;
  std::string sql;
};

/// The triggers that fire when a row of the table is deleted, by name.
[[nodiscard]] std::vector<TriggerFacts> delete_triggers(SQLite::Database& db,
                                                        const std::string& table);

/// The same for triggers that fire when a row is added.
[[nodiscard]] std::vector<TriggerFacts> insert_triggers(SQLite::Database& db,
                                                        const std::string& table);

/// The same for triggers that fire when a row is changed.
[[nodiscard]] std::vector<TriggerFacts> update_triggers(SQLite::Database& db,
                                                        const std::string& table);

/// True where two names are one to SQLite: ASCII letters compare without case.
[[nodiscard]] bool same_name(const std::string& left, const std::string& right);

}  // namespace holdfast

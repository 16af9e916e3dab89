// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/table_facts.h"

namespace holdfast {

/// A name that the configuration gives, and the setting where it stands ("[events].time").
struct Setting {
  std::string name;
  std::string place;
};

/// An ordinary table that the configuration names, with the sentences for what does not fit.
class MappedTable {
 public:
  /// Errors: StorageError(mapping): no such table, a view, a virtual table, one of SQLite's or
  /// Holdfast's own.
  MappedTable(Connection& connection, const Setting& table);

  [[nodiscard]] const TableFacts& facts() const { return facts_; }
  [[nodiscard]] Connection& connection() const { return connection_; }

  /// The position of a column. Errors: StorageError(mapping) where there is none.
  [[nodiscard]] std::size_t require_column(const Setting& column) const;

  /// The name of a column as an SQL identifier.
  [[nodiscard]] std::string quoted_column(std::size_t position) const;

  /// Throws StorageError(mapping): `audit.db: table "logs" <what>`.
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  Connection& connection_;
  TableFacts facts_;
};

/// Which columns tell the rows of a table apart.
struct DeclaredKey {
  std::vector<std::size_t> columns;
  bool rowid_alias = false;  ///< INTEGER PRIMARY KEY: the rowid under a name of its own
};

/// The key that the table declares over exactly these columns: its primary key, or a whole UNIQUE
/// index of columns that cannot be NULL. Keeps the order of `id`.
/// Errors: StorageError(mapping): no such column or key, or a row whose key is NULL.
[[nodiscard]] DeclaredKey find_declared_key(const MappedTable& table,
                                            const std::vector<std::string>& id);

/// True where the column alone is a key of the table that the schema enforces.
[[nodiscard]] bool is_unique_column(const TableFacts& table, std::size_t column);

/// Names in quotes with commas between them, `"a", "b"`; cut short where there are very many.
[[nodiscard]] std::string name_list(const std::vector<std::string>& names);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/postgres/postgres_table_facts.h"

namespace holdfast {

/// A name that the configuration gives, and the setting where it stands ("[events].time").
struct PostgresSetting {
  std::string name;
  std::string place;
};

/// A table that the configuration names, with the sentences for what does not fit.
class PostgresMappedTable {
 public:
  /// Errors: StorageError(mapping): no such table; a view, a foreign or a temporary table; one with
  /// partitions on other servers, with tables that inherit from it, or with rules; one whose rows
  /// row security hides; one of the server's or Holdfast's own.
  PostgresMappedTable(PostgresConnection& connection, const PostgresSetting& table);

  [[nodiscard]] const PostgresTableFacts& facts() const { return facts_; }
  [[nodiscard]] PostgresConnection& connection() const { return connection_; }
  /// Schema and name, quoted.
  [[nodiscard]] std::string quoted() const { return facts_.table.quoted(); }

  /// The position of a column. Errors: StorageError(mapping) where there is none.
  [[nodiscard]] std::size_t require_column(const PostgresSetting& column) const;

  /// Throws StorageError(mapping): `HOST/DB: table "logs" <what>`.
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  PostgresConnection& connection_;
  PostgresTableFacts facts_;
};

/// The key that the table declares over exactly these columns: its primary key, or a whole unique
/// index over columns that cannot be NULL. Keeps the order of `id`. Errors: StorageError(mapping):
/// no such column or key, or a column whose equal values may be written differently.
[[nodiscard]] std::vector<std::size_t> find_postgres_key(const PostgresMappedTable& table,
                                                         const std::vector<std::string>& id);

/// True where the column alone is a key that the schema enforces.
[[nodiscard]] bool is_unique_in(const PostgresTableFacts& table, std::size_t column);

/// True where a whole index begins with these columns.
[[nodiscard]] bool has_postgres_index(const PostgresTableFacts& table,
                                      const std::vector<std::size_t>& columns);

/// Names in quotes with commas between them; cut short where there are very many.
[[nodiscard]] std::string postgres_name_list(const std::vector<std::string>& names);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/writable_column.h"

#include <set>

#include <sqlite3.h>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kSelectStrict = R"sql(
  SELECT strict FROM pragma_table_list(?1) WHERE schema = 'main' ORDER BY name
)sql";

constexpr const char* kSelectReferring = R"sql(
  SELECT "from" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq
)sql";

constexpr const char* kSelectKeysTo = R"sql(
  SELECT s.name, f."from", coalesce(f."to", ''), f.on_update, f.on_delete, f.id
  FROM sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
  WHERE s.type = 'table' AND f."table" = ?1 COLLATE NOCASE
  ORDER BY s.name, f.id, f.seq
)sql";

bool is_strict(SQLite::Database& db, const std::string& table) {
  SQLite::Statement query{db, kSelectStrict};
  query.bind(1, table);
  return query.executeStep() && query.getColumn(0).getInt() != 0;
}

/// The columns whose values have to stand in another table.
std::set<std::size_t> referring_columns(SQLite::Database& db, const TableFacts& table) {
  SQLite::Statement query{db, kSelectReferring};
  query.bind(1, table.name);
  std::set<std::size_t> positions;
  while (query.executeStep()) {
    if (const auto position = table.find_column(query.getColumn(0).getString())) {
      positions.insert(*position);
    }
  }
  return positions;
}

/// SQLite itself would keep text in a number column, but who reads it expects a number.
bool holds_text(const ColumnFacts& column, bool strict) {
  switch (column.affinity) {
    case Affinity::text:
    case Affinity::numeric:
      return true;
    case Affinity::blob:
      return !strict;
    case Affinity::integer:
    case Affinity::real:
      return false;
  }
  return false;
}

}  // namespace

std::vector<WritableColumn> writable_columns(SQLite::Database& db, const TableFacts& table) {
  const bool strict = is_strict(db, table.name);
  const std::set<std::size_t> referring = referring_columns(db, table);
  std::vector<WritableColumn> writable;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnFacts& column = table.columns[i];
    writable.push_back(
        {.text = !column.generated && holds_text(column, strict) && !referring.contains(i),
         .nothing = !column.generated && !column.not_null && !column.in_primary_key});
  }
  return writable;
}

std::vector<ForeignKeyPart> foreign_keys_to(SQLite::Database& db, const std::string& table) {
  SQLite::Statement query{db, kSelectKeysTo};
  query.bind(1, table);
  std::vector<ForeignKeyPart> parts;
  while (query.executeStep()) {
    parts.push_back({.table = query.getColumn(0).getString(),
                     .number = query.getColumn(5).getInt(),
                     .column = query.getColumn(1).getString(),
                     .parent_column = query.getColumn(2).getString(),
                     .on_update = query.getColumn(3).getString(),
                     .on_delete = query.getColumn(4).getString()});
  }
  return parts;
}

bool has_index_on(const TableFacts& table, const std::vector<std::size_t>& columns) {
  for (const IndexFacts& index : table.indexes) {
    bool begins = !index.partial && index.parts.size() >= columns.size();
    for (std::size_t i = 0; begins && i < columns.size(); ++i) {
      begins = index.parts[i].column == columns[i] &&
               same_name(index.parts[i].collation, table.columns[columns[i]].collation);
    }
    if (begins) {
      return true;
    }
  }
  return false;
}

StorageError refused_write(Connection& connection,
                           const std::string& table,
                           const SQLite::Exception& error) {
  if (error.getErrorCode() % 256 != SQLITE_CONSTRAINT) {
    return as_storage_error(error, connection.path());
  }
  std::string tables;
  const bool foreign_key = error.getExtendedErrorCode() == SQLITE_CONSTRAINT_FOREIGNKEY;
  for (const ForeignKeyPart& key :
       foreign_key ? foreign_keys_to(connection.db(), table) : std::vector<ForeignKeyPart>{}) {
    tables += (tables.empty() ? "; rows refer to it from " : ", ") + key.table + "." + key.column;
  }
  return {StorageTrouble::other,
          connection.path() + ": table \"" + table + "\" refused the erasure (" + error.what() +
              ")" + tables + ": it is taken back; erase first what refers to those rows"};
}

}  // namespace holdfast

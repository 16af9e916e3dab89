// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/mapped_table.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "policy/spelling.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kIdPlace = "[events].id";
constexpr std::size_t kMostNames = 20;  // a line that a person still reads

/// The prefixes that SQLite and Holdfast keep for themselves.
bool is_reserved(const std::string& name) {
  const auto starts_with = [&name](const std::string& prefix) {
    return same_name(name.substr(0, prefix.size()), prefix);
  };
  return starts_with("sqlite_") || starts_with("holdfast_");
}

std::string in_quotes(const std::string& name) {
  return '"' + name + '"';
}

/// `; did you mean "x"?` or, where nothing is near, `; it has: ...`.
std::string suggestion(const std::string& wrong, const std::vector<std::string>& names) {
  const auto nearest = nearest_spelling(wrong, names);
  if (nearest) {
    return "; did you mean " + in_quotes(*nearest) + "?";
  }
  return names.empty() ? "; it has none" : "; it has: " + name_list(names);
}

[[noreturn]] void refuse_table(Connection& connection,
                               const Setting& table,
                               const std::string& what) {
  throw StorageError(StorageTrouble::mapping,
                     connection.path() + ": " + in_quotes(table.name) + " (" + table.place + ") " +
                         what + ": name the table that holds the rows");
}

TableFacts require_table(Connection& connection, const Setting& table) {
  if (is_reserved(table.name)) {
    refuse_table(connection, table, "belongs to SQLite or to Holdfast itself");
  }
  auto facts = read_table_facts(connection.db(), table.name);
  if (!facts) {
    throw StorageError(StorageTrouble::mapping,
                       connection.path() + ": no table " + in_quotes(table.name) + " (" +
                           table.place + ")" +
                           suggestion(table.name, table_names(connection.db())));
  }
  switch (facts->kind) {
    case TableKind::view:
      refuse_table(connection, table, "is a view");
    case TableKind::virtual_table:
      refuse_table(connection, table, "is a virtual table");
    case TableKind::shadow_table:
      refuse_table(connection, table, "is part of a virtual table");
    case TableKind::ordinary:
      break;
  }
  return *std::move(facts);
}

std::vector<std::string> column_names(const TableFacts& table) {
  std::vector<std::string> names;
  for (const ColumnFacts& column : table.columns) {
    names.push_back(column.name);
  }
  return names;
}

using Positions = std::set<std::size_t>;

Positions primary_key(const TableFacts& table) {
  Positions positions;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].in_primary_key) {
      positions.insert(i);
    }
  }
  return positions;
}

const IndexFacts* primary_key_index(const TableFacts& table) {
  const auto found = std::find_if(table.indexes.begin(),
                                  table.indexes.end(),
                                  [](const IndexFacts& index) { return index.primary_key; });
  return found == table.indexes.end() ? nullptr : &*found;
}

/// The columns that an index tells apart as `=` does; none for an expression, or where it compares
/// with another collation than the column and so would let equal rows in.
std::optional<Positions> plain_columns(const TableFacts& table, const IndexFacts& index) {
  Positions positions;
  for (const IndexPart& part : index.parts) {
    if (!part.column || !same_name(part.collation, table.columns[*part.column].collation)) {
      return std::nullopt;
    }
    positions.insert(*part.column);
  }
  return positions;
}

bool has_unique_index(const TableFacts& table, const Positions& key) {
  const bool all_filled = std::all_of(key.begin(), key.end(), [&](std::size_t position) {
    return table.columns[position].not_null;
  });
  return all_filled &&
         std::any_of(table.indexes.begin(), table.indexes.end(), [&](const IndexFacts& index) {
           return index.unique && !index.partial && plain_columns(table, index) == key;
         });
}

/// A table of rowids without an index for its primary key has the rowid for one. `INTEGER PRIMARY
/// KEY DESC` has such an index: for compatibility it is a column like any other.
bool is_rowid_alias(const TableFacts& table) {
  return !table.without_rowid && primary_key_index(table) == nullptr;
}

bool is_primary_key(const TableFacts& table, const Positions& key) {
  if (primary_key(table) != key) {
    return false;
  }
  const IndexFacts* const index = primary_key_index(table);
  return index == nullptr || plain_columns(table, *index) == key;
}

bool has_null(const MappedTable& table, std::size_t position) {
  const std::string column = table.quoted_column(position);
  std::string sql = "SELECT 1 FROM " + quoted(table.facts().name);
  sql += " WHERE " + column + " IS NULL ORDER BY " + column + " LIMIT 1";
  return SQLite::Statement{table.connection().db(), sql}.executeStep();
}

/// In a table of rowids SQLite lets NULL into every primary key that is not declared NOT NULL.
void refuse_null_keys(const MappedTable& table, const DeclaredKey& key) {
  if (key.rowid_alias || table.facts().without_rowid) {
    return;
  }
  for (const std::size_t position : key.columns) {
    const ColumnFacts& column = table.facts().columns[position];
    if (!column.not_null && has_null(table, position)) {
      table.refuse("has rows where " + in_quotes(column.name) + " (" + kIdPlace +
                   ") is NULL: a row without a whole key cannot be told from others; fill it in, "
                   "or name another key");
    }
  }
}

[[noreturn]] void refuse_undeclared_key(const MappedTable& table,
                                        const std::vector<std::string>& id) {
  table.refuse("has no declared key over " + name_list(id) + " (" + kIdPlace +
               "): a bare rowid is no identity, VACUUM renumbers it; name the columns of its "
               "PRIMARY KEY, or of a UNIQUE index whose columns are all NOT NULL");
}

bool is_bare_rowid(const TableFacts& table, const std::string& name) {
  const bool rowid_name =
      same_name(name, "rowid") || same_name(name, "oid") || same_name(name, "_rowid_");
  return rowid_name && !table.find_column(name);
}

}  // namespace

MappedTable::MappedTable(Connection& connection, const Setting& table)
    : connection_(connection), facts_(require_table(connection, table)) {}

std::size_t MappedTable::require_column(const Setting& column) const {
  const auto position = facts_.find_column(column.name);
  if (!position) {
    refuse("has no column " + in_quotes(column.name) + " (" + column.place + ")" +
           suggestion(column.name, column_names(facts_)));
  }
  return *position;
}

std::string MappedTable::quoted_column(std::size_t position) const {
  return quoted(facts_.columns[position].name);
}

void MappedTable::refuse(const std::string& what) const {
  throw StorageError(StorageTrouble::mapping,
                     connection_.path() + ": table " + in_quotes(facts_.name) + " " + what);
}

DeclaredKey find_declared_key(const MappedTable& table, const std::vector<std::string>& id) {
  const TableFacts& facts = table.facts();
  DeclaredKey key;
  Positions positions;
  for (const std::string& name : id) {
    if (is_bare_rowid(facts, name)) {
      refuse_undeclared_key(table, id);
    }
    key.columns.push_back(table.require_column({.name = name, .place = kIdPlace}));
    if (!positions.insert(key.columns.back()).second) {
      table.refuse("has " + in_quotes(name) + " twice in " + kIdPlace + ": name it once");
    }
  }
  const bool primary = !positions.empty() && is_primary_key(facts, positions);
  if (!primary && (positions.empty() || !has_unique_index(facts, positions))) {
    refuse_undeclared_key(table, id);
  }
  key.rowid_alias = primary && is_rowid_alias(facts);
  refuse_null_keys(table, key);
  return key;
}

bool is_unique_column(const TableFacts& table, std::size_t column) {
  const Positions key{column};
  // NULLs repeat in a UNIQUE index, but no code equals NULL.
  return is_primary_key(table, key) ||
         std::any_of(table.indexes.begin(), table.indexes.end(), [&](const IndexFacts& index) {
           return index.unique && !index.partial && plain_columns(table, index) == key;
         });
}

std::string name_list(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    list += i == 0 ? "" : ", ";
    list += in_quotes(names[i]);
  }
  return names.size() > kMostNames ? list + ", ..." : list;
}

}  // namespace holdfast

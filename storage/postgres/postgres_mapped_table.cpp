// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_mapped_table.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "policy/spelling.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kIdPlace = "[events].id";
constexpr std::size_t kMostNames = 20;  // a line that a person still reads

std::string in_quotes(const std::string& name) {
  return '"' + name + '"';
}

std::string suggestion(const std::string& wrong, const std::vector<std::string>& names) {
  const auto nearest = nearest_spelling(wrong, names);
  if (nearest) {
    return "; did you mean " + in_quotes(*nearest) + "?";
  }
  return names.empty() ? "; it has none" : "; it has: " + postgres_name_list(names);
}

[[noreturn]] void refuse_table(const PostgresConnection& connection,
                               const PostgresSetting& table,
                               const std::string& what) {
  throw StorageError(
      StorageTrouble::mapping,
      connection.path() + ": " + in_quotes(table.name) + " (" + table.place + ") " + what);
}

bool is_reserved(const PostgresTable& table) {
  return table.name.rfind("holdfast_", 0) == 0 || table.schema.rfind("pg_", 0) == 0 ||
         table.schema == "information_schema";
}

const char* const kNameTheTable = ": name the table that holds the rows";

/// What stands in the way of knowing what a statement reads or deletes; empty where nothing does.
std::string objection_to(const PostgresTableFacts& facts) {
  if (is_reserved(facts.table)) {
    return std::string{"belongs to the server or to Holdfast itself"} + kNameTheTable;
  }
  if (facts.kind == 'v' || facts.kind == 'm') {
    return std::string{"is a view"} + kNameTheTable;
  }
  if (facts.kind == 'f' || facts.foreign_parts) {
    return "has rows on another server, whose commits are not those of this one, so a row could go "
           "without being counted: run Holdfast on the server that has them";
  }
  if (facts.temporary) {
    return "is a temporary table, which is gone with its session" + std::string{kNameTheTable};
  }
  if (facts.inherited) {
    return "has tables that inherit from it without being its partitions: their rows show in it, "
           "but its key says nothing about them; detach them (NO INHERIT), or make them partitions";
  }
  if (!facts.rules.empty()) {
    return "has the rule " + in_quotes(facts.rules.front()) +
           ", which rewrites what Holdfast asks and deletes: drop it";
  }
  if (facts.hides_rows) {
    return "has row security, which hides rows from this role: give the role BYPASSRLS, or make it "
           "the owner";
  }
  return {};
}

/// Whether Citus has spread the table's rows, or copies of them, over other nodes.
bool is_distributed(PostgresConnection& connection, const PostgresTable& table) {
  if (connection.ask("SELECT pg_catalog.to_regclass('pg_catalog.pg_dist_partition')").empty()) {
    return false;
  }
  PostgresStatement row{connection,
                        "SELECT 1 FROM pg_catalog.pg_dist_partition WHERE "
                        "logicalrelid::pg_catalog.oid = $1::pg_catalog.oid"};
  row.bind(1, static_cast<std::int64_t>(table.oid));
  return row.step();
}

PostgresTableFacts require_table(PostgresConnection& connection, const PostgresSetting& table) {
  auto facts = read_postgres_table(connection, table.name);
  if (!facts) {
    throw StorageError(StorageTrouble::mapping,
                       connection.path() + ": no table " + in_quotes(table.name) + " (" +
                           table.place + ")" +
                           suggestion(table.name, postgres_table_names(connection)));
  }
  const std::string objection =
      is_distributed(connection, facts->table)
          ? "is a distributed table of Citus, whose rows are on other nodes, so a row could go "
            "without being counted: run Holdfast on the nodes, over the shards that they have"
          : objection_to(*facts);
  if (!objection.empty()) {
    refuse_table(connection, table, objection);
  }
  return *std::move(facts);
}

std::vector<std::string> column_names(const PostgresTableFacts& table) {
  std::vector<std::string> names;
  for (const PostgresColumn& column : table.columns) {
    names.push_back(column.name);
  }
  return names;
}

using Positions = std::set<std::size_t>;

bool is_key(const PostgresTableFacts& table, const Positions& key) {
  const bool all_filled = std::all_of(key.begin(), key.end(), [&](std::size_t position) {
    return table.columns[position].not_null;
  });
  return all_filled && !key.empty() &&
         std::any_of(table.indexes.begin(), table.indexes.end(), [&](const PostgresIndex& index) {
           Positions columns;
           for (const auto& column : index.columns) {
             if (!column) {
               return false;
             }
             columns.insert(*column);
           }
           return index.unique && index.whole && columns == key;
         });
}

void refuse_inexact(const PostgresMappedTable& table, std::size_t position) {
  const PostgresColumn& column = table.facts().columns[position];
  if (!column.exact) {
    table.refuse("has " + in_quotes(column.name) + " (" + column.declared + ") in its key (" +
                 kIdPlace +
                 "), a type or collation in which one value may be written in several ways: name a "
                 "key of whole numbers, text, uuid, bytes or times");
  }
}

}  // namespace

PostgresMappedTable::PostgresMappedTable(PostgresConnection& connection,
                                         const PostgresSetting& table)
    : connection_(connection), facts_(require_table(connection, table)) {}

std::size_t PostgresMappedTable::require_column(const PostgresSetting& column) const {
  const auto position = facts_.find_column(column.name);
  if (!position) {
    refuse("has no column " + in_quotes(column.name) + " (" + column.place + ")" +
           suggestion(column.name, column_names(facts_)));
  }
  return *position;
}

void PostgresMappedTable::refuse(const std::string& what) const {
  throw StorageError(StorageTrouble::mapping,
                     connection_.path() + ": table " + in_quotes(facts_.table.name) + " " + what);
}

std::vector<std::size_t> find_postgres_key(const PostgresMappedTable& table,
                                           const std::vector<std::string>& id) {
  const PostgresTableFacts& facts = table.facts();
  std::vector<std::size_t> key;
  Positions positions;
  for (const std::string& name : id) {
    const bool bare = (name == "ctid" || name == "oid") && !facts.find_column(name);
    if (bare) {
      table.refuse("has no column \"" + name + "\" (" + kIdPlace +
                   "): the place where a row lies is no identity, another row of another partition "
                   "may have the same; name the columns of its primary key");
    }
    key.push_back(table.require_column({.name = name, .place = kIdPlace}));
    if (!positions.insert(key.back()).second) {
      table.refuse("has " + in_quotes(name) + " twice in " + kIdPlace + ": name it once");
    }
  }
  if (!is_key(facts, positions)) {
    table.refuse("has no declared key over " + postgres_name_list(id) + " (" + kIdPlace +
                 "): name the columns of its PRIMARY KEY, or of a UNIQUE constraint that is not "
                 "deferrable and whose columns are all NOT NULL; a partitioned table's has the "
                 "columns of the partitions in it");
  }
  for (const std::size_t position : key) {
    refuse_inexact(table, position);
  }
  return key;
}

bool is_unique_in(const PostgresTableFacts& table, std::size_t column) {
  // NULLs repeat in a unique index, but no code equals NULL.
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const PostgresIndex& index) {
    return index.unique && index.whole && index.columns.size() == 1 &&
           index.columns.front() == column;
  });
}

bool has_postgres_index(const PostgresTableFacts& table, const std::vector<std::size_t>& columns) {
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const PostgresIndex& index) {
    bool begins = index.whole && index.columns.size() >= columns.size();
    for (std::size_t i = 0; begins && i < columns.size(); ++i) {
      begins = index.columns[i] == columns[i];
    }
    return begins;
  });
}

std::string postgres_name_list(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    list += i == 0 ? "" : ", ";
    list += in_quotes(names[i]);
  }
  return names.size() > kMostNames ? list + ", ..." : list;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/child_tables.h"

#include <algorithm>
#include <utility>

#include "storage/sqlite/writable_column.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kTablePlace = "[events].children.table";
constexpr const char* kColumnPlace = "[events].children.column";

constexpr const char* kLogRefersTo = R"sql(
  SELECT "from" FROM pragma_foreign_key_list(?1, 'main')
  WHERE "table" = ?2 COLLATE NOCASE
  ORDER BY id, seq
  LIMIT 1
)sql";

constexpr const char* kRefersElsewhere = R"sql(
  SELECT "from", "table" FROM pragma_foreign_key_list(?1, 'main')
  WHERE "table" <> ?2 COLLATE NOCASE
  ORDER BY id, seq
)sql";

/// A foreign key with all its columns.
struct ForeignKey {
  std::string table;
  std::vector<std::string> columns;
  std::vector<std::string> parent_columns;
  std::string on_delete;
};

std::string in_quotes(const std::string& name) {
  return '"' + name + '"';
}

std::string sql_list(const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) {
    list += (list.empty() ? "" : ", ") + quoted(column);
  }
  return list;
}

/// The primary key's columns in its order: what a foreign key without parent columns refers to.
std::vector<std::string> primary_key_columns(const TableFacts& table) {
  std::vector<std::string> columns;
  for (const IndexFacts& index : table.indexes) {
    for (const IndexPart& part : index.parts) {
      if (index.primary_key && part.column) {
        columns.push_back(table.columns[*part.column].name);
      }
    }
  }
  for (const ColumnFacts& column : table.columns) {
    if (columns.empty() && column.in_primary_key) {
      return {column.name};  // INTEGER PRIMARY KEY has no index
    }
  }
  return columns;
}

std::vector<ForeignKey> keys_to(SQLite::Database& db, const TableFacts& table) {
  std::vector<ForeignKey> keys;
  const ForeignKeyPart* before = nullptr;
  const std::vector<ForeignKeyPart> parts = foreign_keys_to(db, table.name);
  for (const ForeignKeyPart& part : parts) {
    if (before == nullptr || before->table != part.table || before->number != part.number) {
      keys.push_back({.table = part.table, .on_delete = part.on_delete});
    }
    keys.back().columns.push_back(part.column);
    if (!part.parent_column.empty()) {
      keys.back().parent_columns.push_back(part.parent_column);
    }
    before = &part;
  }
  for (ForeignKey& key : keys) {
    if (key.parent_columns.empty()) {
      key.parent_columns = primary_key_columns(table);
    }
  }
  return keys;
}

std::vector<std::string> names_of_key(const TableFacts& log, const DeclaredKey& key) {
  std::vector<std::string> names;
  for (const std::size_t column : key.columns) {
    names.push_back(log.columns[column].name);
  }
  return names;
}

/// Where a name stands in a list; its size where it does not.
std::size_t place_in(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find_if(
      names.begin(), names.end(), [&](const std::string& other) { return same_name(other, name); });
  return static_cast<std::size_t>(found - names.begin());
}

/// True where the foreign key pairs the child's columns with the log's key just as `columns` does.
bool pairs_alike(const ForeignKey& foreign,
                 const std::vector<std::string>& columns,
                 const std::vector<std::string>& key) {
  if (foreign.columns.size() != key.size() || foreign.parent_columns.size() != key.size()) {
    return false;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::size_t place = place_in(key, foreign.parent_columns[i]);
    if (place == key.size() || !same_name(columns[place], foreign.columns[i])) {
      return false;
    }
  }
  return true;
}

/// Why rows of the log that the table names cannot simply go.
std::string effect_of(const std::string& on_delete) {
  if (on_delete == "CASCADE") {
    return "ON DELETE CASCADE would delete rows there that nobody counts";
  }
  if (on_delete == "SET NULL" || on_delete == "SET DEFAULT") {
    return "ON DELETE " + on_delete + " would change rows there that nobody counts";
  }
  return "rows there would name rows of the log that are gone, and SQLite refuses that";
}

std::string toml_list(const std::vector<std::string>& columns) {
  return columns.size() == 1 ? in_quotes(columns.front()) : '[' + name_list(columns) + ']';
}

/// What to write, where it can be written.
std::string advice_for(const ForeignKey& foreign, const std::vector<std::string>& key) {
  std::vector<std::string> ordered(key.size());
  for (std::size_t i = 0; i < foreign.columns.size() && i < foreign.parent_columns.size(); ++i) {
    const std::size_t place = place_in(key, foreign.parent_columns[i]);
    if (place < key.size()) {
      ordered[place] = foreign.columns[i];
    }
  }
  if (foreign.columns.size() != key.size() || !pairs_alike(foreign, ordered, key)) {
    return "it refers to " + name_list(foreign.parent_columns) + " and not to the key " +
           name_list(key) + " ([events].id): name that key there, or drop that foreign key";
  }
  return "where those rows may go with theirs write children = [{ table = " +
         in_quotes(foreign.table) + ", column = " + toml_list(ordered) +
         " }] in [events], otherwise drop that foreign key";
}

[[noreturn]] void refuse_undeclared(Connection& connection,
                                    const TableFacts& log,
                                    const ForeignKey& foreign,
                                    const std::vector<std::string>& key) {
  const std::string start = connection.path() + ": table " + in_quotes(foreign.table) + " column " +
                            name_list(foreign.columns) + " refers to " + in_quotes(log.name) + ": ";
  if (same_name(foreign.table, log.name)) {
    throw StorageError(StorageTrouble::mapping,
                       start +
                           "a row of the log cannot go before those that refer to it, which may "
                           "have to stay; drop that foreign key, or map a table without one");
  }
  throw StorageError(StorageTrouble::mapping,
                     start + effect_of(foreign.on_delete) + "; " + advice_for(foreign, key));
}

/// True where equal values in the two columns are one value to SQLite, so that a child's row has
/// one parent at the most.
bool compares_alike(const ColumnFacts& child, const ColumnFacts& parent) {
  const bool whole = parent.affinity == Affinity::integer &&
                     (child.affinity == Affinity::integer || child.affinity == Affinity::numeric);
  return (whole || child.affinity == parent.affinity) &&
         same_name(child.collation, parent.collation);
}

void refuse_shared_table(const MappedTable& log,
                         const MappedTable& child,
                         const LogMapping& mapping) {
  const std::string& name = child.facts().name;
  if (same_name(name, log.facts().name)) {
    child.refuse(std::string{"is the audit log itself ("} + kTablePlace +
                 "): its rows are decided one by one, and none goes with another; name other "
                 "tables only");
  }
  if (mapping.code_lookup && same_name(mapping.code_lookup->table, name)) {
    child.refuse(std::string{"has the texts of the codes ([events].code_lookup), which all rows "
                             "share: take it out of "} +
                 kTablePlace);
  }
  SQLite::Statement query{child.connection().db(), kLogRefersTo};
  query.bind(1, log.facts().name);
  query.bind(2, name);
  if (query.executeStep()) {
    child.refuse("is what rows of the log refer to (column " +
                 in_quotes(query.getColumn(0).getString()) +
                 "): several of them may share a row of it, so it is no child; take it out of " +
                 kTablePlace);
  }
}

void refuse_effects(const MappedTable& child) {
  SQLite::Database& db = child.connection().db();
  const auto referring = foreign_keys_to(db, child.facts().name);
  if (!referring.empty()) {
    child.refuse("is referred to by table " + in_quotes(referring.front().table) + " column " +
                 in_quotes(referring.front().column) +
                 ": this version deletes children, and not what refers to them; drop that foreign "
                 "key, or leave the log alone");
  }
  const auto triggers = delete_triggers(db, child.facts().name);
  if (!triggers.empty()) {
    child.refuse("has trigger " + in_quotes(triggers.front().name) +
                 ", which fires when a row is deleted: what it changes nobody counts; drop it");
  }
}

/// Which foreign keys of the child refer to the log; every one of them has to say what the mapping
/// says.
bool has_matching_key(const MappedTable& log,
                      const MappedTable& child,
                      const std::vector<std::string>& columns,
                      const std::vector<std::string>& key) {
  bool found = false;
  for (const ForeignKey& foreign : keys_to(child.connection().db(), log.facts())) {
    if (!same_name(foreign.table, child.facts().name)) {
      continue;
    }
    if (!pairs_alike(foreign, columns, key)) {
      child.refuse("refers to the log with column " + name_list(foreign.columns) + " (to " +
                   name_list(foreign.parent_columns) + "), and " + kColumnPlace + " says " +
                   name_list(columns) + " (to " + name_list(key) +
                   "): a row that two rows of the log may share is no child");
    }
    found = true;
  }
  return found;
}

/// For a child without a foreign key to the log: none may say that its columns name something else.
void refuse_other_parent(const MappedTable& log,
                         const MappedTable& child,
                         const std::vector<std::string>& columns) {
  SQLite::Statement query{child.connection().db(), kRefersElsewhere};
  query.bind(1, child.facts().name);
  query.bind(2, log.facts().name);
  while (query.executeStep()) {
    const std::string column = query.getColumn(0).getString();
    if (place_in(columns, column) != columns.size()) {
      child.refuse("refers to table " + in_quotes(query.getColumn(1).getString()) +
                   " with column " + in_quotes(column) + " (" + kColumnPlace +
                   "), and to the log with none: its rows are that table's; name the column that "
                   "refers to the log, or declare that foreign key");
    }
  }
}

/// One child while it is being probed.
class ChildProbe {
 public:
  ChildProbe(const MappedTable& log,
             const DeclaredKey& key,
             const LogMapping& mapping,
             const ChildTable& declared)
      : log_(log),
        key_(key),
        child_(log.connection(), {.name = declared.table, .place = kTablePlace}) {
    refuse_shared_table(log, child_, mapping);
    if (declared.columns.size() != key.columns.size()) {
      child_.refuse("needs " + std::to_string(key.columns.size()) + " columns in " + kColumnPlace +
                    ", one for each of " + name_list(names_of_key(log.facts(), key)) +
                    " ([events].id)");
    }
    for (const std::string& column : declared.columns) {
      positions_.push_back(child_.require_column({.name = column, .place = kColumnPlace}));
      names_.push_back(child_.facts().columns[positions_.back()].name);
    }
  }

  void add_to(ChildTables& found) const {
    refuse_effects(child_);
    refuse_other_comparison();
    const bool foreign_key =
        has_matching_key(log_, child_, names_, names_of_key(log_.facts(), key_));
    const bool unique = names_.size() == 1 && is_unique_column(child_.facts(), positions_.front());
    const std::string& name = child_.facts().name;
    if (!foreign_key) {
      refuse_other_parent(log_, child_, names_);
    }
    if (!foreign_key && unique) {
      child_.refuse("has its own key in column " + name_list(names_) + " (" + kColumnPlace +
                    "), and no foreign key says that it names rows of the log: declare that "
                    "foreign key, or name the column that refers to the log");
    }
    if (!foreign_key) {
      found.doubts.push_back("no foreign key says that column " + name_list(names_) + " of \"" +
                             name + "\" names rows of the log: [events].children is believed");
    }
    const bool indexed = unique || has_index_on(child_.facts(), positions_);
    if (!indexed) {
      found.doubts.push_back("every delete reads all of \"" + name +
                             "\", and writers wait meanwhile; this would help: " + index_advice());
    }
    found.doubts.push_back("rows of child \"" + name +
                           "\" go with theirs and are in no archive and no digest: \"archive "
                           "restore\" puts none of them back");
    found.layouts.push_back({.name = name, .table = quoted(name)});
    for (const std::string& column : names_) {
      found.layouts.back().columns.push_back(quoted(column));
    }
    found.shapes.push_back({.table = name, .columns = names_, .indexed = indexed});
  }

  [[nodiscard]] const std::string& name() const { return child_.facts().name; }
  void refuse_twice() const {
    child_.refuse(std::string{"is there twice in "} + kTablePlace +
                  ": a row of it would go with one row of the log while another may have to stay; "
                  "name it once");
  }

 private:
  void refuse_other_comparison() const {
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      const ColumnFacts& column = child_.facts().columns[positions_[i]];
      const ColumnFacts& parent = log_.facts().columns[key_.columns[i]];
      if (!compares_alike(column, parent)) {
        child_.refuse("compares column " + in_quotes(column.name) + " (" + kColumnPlace +
                      ") in another way than the log does " + in_quotes(parent.name) +
                      ", so that a row could belong to several: declare both with one type and "
                      "collation");
      }
    }
  }

  [[nodiscard]] std::string index_advice() const {
    const std::string& table = child_.facts().name;
    std::string columns;
    for (const std::string& column : names_) {
      columns += '_' + column;
    }
    return "CREATE INDEX " + quoted(table + columns) + " ON " + quoted(table) + " (" +
           sql_list(names_) + ")";
  }

  const MappedTable& log_;
  const DeclaredKey& key_;
  MappedTable child_;
  std::vector<std::size_t> positions_;
  std::vector<std::string> names_;
};

}  // namespace

ChildTables probe_children(const MappedTable& log,
                           const DeclaredKey& key,
                           const LogMapping& mapping) {
  ChildTables found;
  for (const ChildTable& declared : mapping.children) {
    const ChildProbe child{log, key, mapping, declared};
    for (const ChildLayout& other : found.layouts) {
      if (same_name(other.name, child.name())) {
        child.refuse_twice();
      }
    }
    child.add_to(found);
  }
  for (const ForeignKey& foreign : keys_to(log.connection().db(), log.facts())) {
    const bool declared =
        std::any_of(found.layouts.begin(), found.layouts.end(), [&](const ChildLayout& child) {
          return same_name(child.name, foreign.table);
        });
    if (!declared) {
      refuse_undeclared(log.connection(), log.facts(), foreign, names_of_key(log.facts(), key));
    }
  }
  return found;
}

}  // namespace holdfast

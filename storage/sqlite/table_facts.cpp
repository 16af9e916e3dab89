// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/table_facts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <sqlite3.h>

namespace holdfast {
namespace {

constexpr const char* kSelectTable = R"sql(
  SELECT name, type, wr, strict FROM pragma_table_list(?1)
  WHERE schema = 'main'
  ORDER BY name
)sql";

constexpr const char* kSelectTableSql = R"sql(
  SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 ORDER BY rowid
)sql";

constexpr const char* kSelectTableNames = R"sql(
  SELECT name FROM sqlite_schema
  WHERE type = 'table' AND rootpage > 0
    AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE 'holdfast\_%' ESCAPE '\'
  ORDER BY name
)sql";

constexpr const char* kSelectColumns = R"sql(
  SELECT name, type, "notnull", dflt_value IS NOT NULL, pk, hidden
  FROM pragma_table_xinfo(?1, 'main')
  ORDER BY cid
)sql";

constexpr const char* kSelectIndexes = R"sql(
  SELECT name, "unique", partial, origin FROM pragma_index_list(?1, 'main') ORDER BY seq
)sql";

constexpr const char* kSelectIndexParts = R"sql(
  SELECT cid, "desc", coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno
)sql";

constexpr const char* kSelectReferring = R"sql(
  SELECT s.name, f."from"
  FROM sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
  WHERE s.type = 'table' AND f."table" = ?1 COLLATE NOCASE
  ORDER BY s.name, f.id, f.seq
  LIMIT 1
)sql";

constexpr const char* kSelectTriggers = R"sql(
  SELECT name, sql FROM sqlite_schema
  WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE
  ORDER BY name
)sql";

char ascii_upper(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

std::string ascii_upper(std::string_view text) {
  std::string upper{text};
  std::transform(
      upper.begin(), upper.end(), upper.begin(), [](char letter) { return ascii_upper(letter); });
  return upper;
}

bool is_word_letter(char letter) {
  const char upper = ascii_upper(letter);
  return (upper >= 'A' && upper <= 'Z') || (letter >= '0' && letter <= '9') || letter == '_' ||
         letter == '$' || static_cast<unsigned char>(letter) >= 0x80U;
}

/// Where what starts at `begin` of `sql` ends, given its closing mark; unclosed reaches to the end.
std::size_t end_after(std::string_view sql, std::size_t begin, std::string_view closing) {
  const std::size_t found = sql.find(closing, begin);
  return found == std::string_view::npos ? sql.size() : found + closing.size();
}

/// The words of a statement in capitals, without comments; "" stands for anything in quotes. A
/// doubled quote inside quotes comes out as a second "", which nobody here minds.
std::vector<std::string> words_of(std::string_view sql) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < sql.size()) {
    const std::string_view rest = sql.substr(at);
    const char letter = rest.front();
    if (rest.starts_with("--")) {
      at = end_after(sql, at, "\n");
    } else if (rest.starts_with("/*")) {
      at = end_after(sql, at + 2, "*/");
    } else if (std::string_view{"'\"`["}.find(letter) != std::string_view::npos) {
      const char closing = letter == '[' ? ']' : letter;
      at = end_after(sql, at + 1, {&closing, 1});
      words.emplace_back();
    } else if (is_word_letter(letter)) {
      const auto* const end = std::find_if_not(rest.begin(), rest.end(), is_word_letter);
      const auto length = static_cast<std::size_t>(end - rest.begin());
      words.push_back(ascii_upper(rest.substr(0, length)));
      at += length;
    } else {
      ++at;
    }
  }
  return words;
}

/// The rules of https://www.sqlite.org/datatype3.html, section 3.1, in their order. ANY in a
/// STRICT table takes every value as it is.
Affinity affinity_of(const std::string& declared_type, bool strict) {
  const std::string type = ascii_upper(declared_type);
  if (strict && type == "ANY") {
    return Affinity::blob;
  }
  const auto has = [&type](const char* part) {
    return type.find(part) != std::string::npos;
  };
  if (has("INT")) {
    return Affinity::integer;
  }
  if (has("CHAR") || has("CLOB") || has("TEXT")) {
    return Affinity::text;
  }
  if (has("BLOB") || type.empty()) {
    return Affinity::blob;
  }
  if (has("REAL") || has("FLOA") || has("DOUB")) {
    return Affinity::real;
  }
  return Affinity::numeric;
}

TableKind kind_of(const std::string& word) {
  if (word == "view") {
    return TableKind::view;
  }
  if (word == "virtual") {
    return TableKind::virtual_table;
  }
  return word == "shadow" ? TableKind::shadow_table : TableKind::ordinary;
}

/// No pragma tells the collation of a column.
std::string collation_of(SQLite::Database& db, const TableFacts& table, const std::string& column) {
  const char* collation = nullptr;
  const int result = sqlite3_table_column_metadata(db.getHandle(),
                                                   "main",
                                                   table.name.c_str(),
                                                   column.c_str(),
                                                   nullptr,
                                                   &collation,
                                                   nullptr,
                                                   nullptr,
                                                   nullptr);
  if (result != SQLITE_OK) {
    throw SQLite::Exception(db.getHandle(), result);
  }
  return collation == nullptr ? "BINARY" : collation;
}

void read_columns(SQLite::Database& db, TableFacts& table) {
  SQLite::Statement query{db, kSelectColumns};
  query.bind(1, table.name);
  while (query.executeStep()) {
    ColumnFacts column{.name = query.getColumn(0).getString(),
                       .declared_type = query.getColumn(1).getString(),
                       .not_null = query.getColumn(2).getInt() != 0,
                       .has_default = query.getColumn(3).getInt() != 0,
                       .generated = query.getColumn(5).getInt() != 0,
                       .in_primary_key = query.getColumn(4).getInt() != 0};
    column.affinity = affinity_of(column.declared_type, table.strict);
    column.collation = collation_of(db, table, column.name);
    table.columns.push_back(std::move(column));
  }
}

std::vector<IndexPart> read_index_parts(SQLite::Database& db, const std::string& index) {
  SQLite::Statement query{db, kSelectIndexParts};
  query.bind(1, index);
  std::vector<IndexPart> parts;
  while (query.executeStep()) {
    const int position = query.getColumn(0).getInt();
    IndexPart part{.descending = query.getColumn(1).getInt() != 0,
                   .collation = query.getColumn(2).getString()};
    if (position >= 0) {
      part.column = static_cast<std::size_t>(position);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

void read_indexes(SQLite::Database& db, TableFacts& table) {
  SQLite::Statement query{db, kSelectIndexes};
  query.bind(1, table.name);
  while (query.executeStep()) {
    const std::string name = query.getColumn(0).getString();
    table.indexes.push_back({.name = name,
                             .unique = query.getColumn(1).getInt() != 0,
                             .partial = query.getColumn(2).getInt() != 0,
                             .primary_key = query.getColumn(3).getString() == "pk",
                             .parts = read_index_parts(db, name)});
  }
}

/// The word is reserved: outside quotes and comments it can only be the one of a primary key.
bool has_autoincrement(SQLite::Database& db, const std::string& table) {
  SQLite::Statement query{db, kSelectTableSql};
  query.bind(1, table);
  if (!query.executeStep()) {
    return false;
  }
  const auto words = words_of(query.getColumn(0).getString());
  return std::find(words.begin(), words.end(), "AUTOINCREMENT") != words.end();
}

constexpr std::size_t kFirstAfterName = 3;
constexpr std::array<std::string_view, 3> kEvents{"DELETE", "INSERT", "UPDATE"};

/// SQLite keeps the text as "CREATE TRIGGER name [BEFORE|AFTER|INSTEAD OF] event ...".
bool fires_on(std::string_view wanted, const std::string& sql) {
  const auto words = words_of(sql);
  const auto skipped = static_cast<std::ptrdiff_t>(std::min(kFirstAfterName, words.size()));
  const auto event =
      std::find_first_of(words.begin() + skipped, words.end(), kEvents.begin(), kEvents.end());
  return event != words.end() && *event == wanted;
}

std::vector<TriggerFacts> triggers_on(SQLite::Database& db,
                                      const std::string& table,
                                      std::string_view event) {
  SQLite::Statement query{db, kSelectTriggers};
  query.bind(1, table);
  std::vector<TriggerFacts> triggers;
  while (query.executeStep()) {
    std::string sql = query.getColumn(1).getString();
    if (fires_on(event, sql)) {
      triggers.push_back({.name = query.getColumn(0).getString(), .sql = std::move(sql)});
    }
  }
  return triggers;
}

}  // namespace

std::optional<std::size_t> TableFacts::find_column(const std::string& column_name) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const ColumnFacts& column) {
    return same_name(column.name, column_name);
  });
  if (found == columns.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - columns.begin());
}

std::optional<TableFacts> read_table_facts(SQLite::Database& db, const std::string& name) {
  SQLite::Statement query{db, kSelectTable};
  query.bind(1, name);
  if (!query.executeStep()) {
    return std::nullopt;
  }
  TableFacts table{.name = query.getColumn(0).getString(),
                   .kind = kind_of(query.getColumn(1).getString()),
                   .without_rowid = query.getColumn(2).getInt() != 0,
                   .strict = query.getColumn(3).getInt() != 0};
  if (table.kind != TableKind::ordinary) {
    return table;
  }
  table.autoincrement = has_autoincrement(db, table.name);
  read_columns(db, table);
  read_indexes(db, table);
  return table;
}

std::vector<std::string> table_names(SQLite::Database& db) {
  SQLite::Statement query{db, kSelectTableNames};
  std::vector<std::string> names;
  while (query.executeStep()) {
    names.push_back(query.getColumn(0).getString());
  }
  return names;
}

std::optional<ReferringColumn> find_referring_column(SQLite::Database& db,
                                                     const std::string& table) {
  SQLite::Statement query{db, kSelectReferring};
  query.bind(1, table);
  if (!query.executeStep()) {
    return std::nullopt;
  }
  return ReferringColumn{.table = query.getColumn(0).getString(),
                         .column = query.getColumn(1).getString()};
}

std::string rowid_name(const TableFacts& table) {
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    if (!table.find_column(name)) {
      return name;
    }
  }
  return {};
}

std::vector<TriggerFacts> delete_triggers(SQLite::Database& db, const std::string& table) {
  return triggers_on(db, table, "DELETE");
}

std::vector<TriggerFacts> insert_triggers(SQLite::Database& db, const std::string& table) {
  return triggers_on(db, table, "INSERT");
}

std::vector<TriggerFacts> update_triggers(SQLite::Database& db, const std::string& table) {
  return triggers_on(db, table, "UPDATE");
}

bool same_name(const std::string& left, const std::string& right) {
  return ascii_upper(left) == ascii_upper(right);
}

}  // namespace holdfast

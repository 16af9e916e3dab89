// SPDX-License-Identifier: Apache-2.0
// A database on a server of which nothing is known: its tables, and some of their rows.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "storage/database.h"
#include "storage/database_survey.h"
#include "storage/postgres/postgres_mapped_table.h"
#include "storage/postgres/postgres_row_reader.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/postgres/postgres_table_facts.h"

namespace holdfast {
namespace {

// In every schema: an application's tables need not be in the path of Holdfast's role.
constexpr const char* kSelectTables = R"sql(
SELECT n.nspname, c.relname, c.oid::pg_catalog.int8
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
  AND c.relname NOT LIKE 'holdfast\_%'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname
)sql";

constexpr const char* kSelectLinks = R"sql(
SELECT a.attname, n.nspname, c.relname, c.oid::pg_catalog.int8, p.attname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
JOIN pg_catalog.pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[1]
WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'f'
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  AND pg_catalog.array_length(k.conkey, 1) = 1
ORDER BY a.attnum, k.oid
)sql";

constexpr const char* kMostLetters = "200";
constexpr std::chrono::milliseconds kLongestWait{2'000};
constexpr const char* kLongestLook = "20s";

/// The columns of each index that may be a key, the primary key first.
std::vector<std::vector<std::string>> possible_keys(const PostgresTableFacts& facts) {
  std::vector<std::vector<std::string>> keys;
  for (const PostgresIndex& index : facts.indexes) {
    const bool columns_only = std::all_of(
        index.columns.begin(), index.columns.end(), [](const auto& column) { return column; });
    if (!index.unique || !index.whole || !columns_only) {
      continue;
    }
    std::vector<std::string> names;
    for (const auto& column : index.columns) {
      names.push_back(facts.columns[*column].name);
    }
    keys.insert(index.primary ? keys.begin() : keys.end(), std::move(names));
  }
  return keys;
}

/// Of char(n) only where there is no other: those are short signs.
std::string first_text_column(const PostgresTableFacts& facts, const std::string& but) {
  const auto first_of = [&](PostgresKind kind) {
    const auto found =
        std::find_if(facts.columns.begin(), facts.columns.end(), [&](const PostgresColumn& column) {
          return column.name != but && column.kind == kind;
        });
    return found == facts.columns.end() ? std::string{} : found->name;
  };
  std::string text = first_of(PostgresKind::text);
  return text.empty() ? first_of(PostgresKind::padded) : text;
}

/// Enough of a value to tell what it is: a log may have megabytes in each row.
std::string short_form(const PostgresColumn& column) {
  std::string name = "holdfast_sampled." + postgres_quoted(column.name);
  switch (column.kind) {
    case PostgresKind::text:
    case PostgresKind::padded:
    case PostgresKind::numeric:
      return "pg_catalog.left(" + name + "::pg_catalog.text, " + kMostLetters + ")";
    case PostgresKind::other:
      // Never by a cast, which its owner may have made: by the type's own output.
      return "pg_catalog.left(pg_catalog.format('%s', " + name + "), " + kMostLetters + ")";
    case PostgresKind::bytes:
      return "pg_catalog.substring(" + name + ", 1, " + kMostLetters + ")";
    default:
      return name;
  }
}

class PostgresSurvey final : public DatabaseSurvey {
 public:
  /// Anybody may have made what is in the database: from the beginning no name leads to a function
  /// or an operator of others, and nothing is waited for or looked at for long.
  explicit PostgresSurvey(const std::string& url)
      : connection_(OpenOptions{.url = url, .read_only = true, .busy_wait = kLongestWait}) {
    connection_.keep_to_postgres_names();
    connection_.exec(std::string{"SET statement_timeout = '"} + kLongestLook + "'");
  }

  [[nodiscard]] std::vector<SurveyTable> tables() override {
    std::vector<SurveyTable> found;
    PostgresStatement rows{connection_, kSelectTables};
    while (rows.step()) {
      found.push_back(table_of(rows));
    }
    return found;
  }

  [[nodiscard]] std::string sample(
      const SurveyTable& table,
      std::size_t most,
      const std::function<void(std::size_t, const StoredView&)>& visit) override {
    return obstacle([&] {
      const auto facts = read_postgres_table(connection_, table.name);
      const bool same = facts && facts->table.oid == oids_.at(table.name) &&
                        (facts->kind == 'r' || facts->kind == 'p');
      if (!same || facts->hides_rows || facts->foreign_parts) {
        throw StorageError(StorageTrouble::mapping,
                           !same               ? "it is another one meanwhile"
                           : facts->hides_rows ? "row security hides some from this role"
                                               : "some are on another server");
      }
      visit_rows(*facts, table, most, visit);
    });
  }

 private:
  /// Calls `action`. Returns what is in its way, "" for nothing. Errors: StorageError where the
  /// session is lost.
  template <typename Action>
  [[nodiscard]] std::string obstacle(const Action& action) {
    try {
      action();
    } catch (const StorageError& error) {
      if (!connection_.alive()) {
        throw;
      }
      return error.what();
    }
    return {};
  }

  [[nodiscard]] SurveyTable table_of(const PostgresStatement& row) {
    const std::string bare = text_at(row, 1);
    SurveyTable table{.kind = SurveyKind::postgres, .name = text_at(row, 0)};
    table.name += "." + bare;
    table.unread = obstacle([&] { look_at(table, bare, integer_at(row, 2)); });
    return table;
  }

  /// Errors: StorageError where [events].table has no name for it, or it cannot be looked at now.
  void look_at(SurveyTable& table, const std::string& bare, std::int64_t oid) {
    const std::string name = name_of(bare, table.name, oid);
    const auto facts = read_postgres_table(connection_, name);
    if (!facts || facts->table.oid != static_cast<std::uint32_t>(oid)) {
      throw StorageError(StorageTrouble::mapping, "no name in a configuration leads to it");
    }
    table.name = name;
    table.key = declared_key(*facts);
    for (const PostgresColumn& column : facts->columns) {
      table.columns.push_back({.name = column.name, .declared_type = column.declared});
    }
    read_links(*facts, table);
    oids_[name] = facts->table.oid;
  }

  /// As the configuration names it: with its schema where the path does not lead to it.
  [[nodiscard]] std::string name_of(const std::string& bare,
                                    const std::string& whole,
                                    std::int64_t oid) {
    return find_postgres_table(connection_, bare).oid == static_cast<std::uint32_t>(oid) ? bare
                                                                                         : whole;
  }

  [[nodiscard]] std::vector<std::string> declared_key(const PostgresTableFacts& facts) {
    for (std::vector<std::string>& key : possible_keys(facts)) {
      // Where it is no key that tells rows apart, the next may be.
      if (obstacle([&] { require_key(facts, key); }).empty()) {
        return std::move(key);
      }
    }
    return {};
  }

  void require_key(const PostgresTableFacts& facts, const std::vector<std::string>& key) {
    const PostgresMappedTable mapped{
        connection_, {.name = facts.table.schema + "." + facts.table.name, .place = "--table"}};
    (void)find_postgres_key(mapped, key);
    if (mapped.facts().table.oid != facts.table.oid) {
      mapped.refuse("is another one meanwhile");
    }
  }

  void read_links(const PostgresTableFacts& facts, SurveyTable& table) {
    PostgresStatement rows{connection_, kSelectLinks};
    rows.bind(1, static_cast<std::int64_t>(facts.table.oid));
    while (rows.step()) {
      // What cannot be looked at is no lookup.
      (void)obstacle([&] { read_link(rows, table); });
    }
  }

  void read_link(const PostgresStatement& row, SurveyTable& table) {
    const std::string bare = text_at(row, 2);
    SurveyLink link{.column = text_at(row, 0),
                    .table = name_of(bare, text_at(row, 1) + "." + bare, integer_at(row, 3)),
                    .table_column = text_at(row, 4)};
    const auto other = read_postgres_table(connection_, link.table);
    if (other && other->table.oid == static_cast<std::uint32_t>(integer_at(row, 3))) {
      table.link_texts.push_back(first_text_column(*other, link.table_column));
      table.links.push_back(std::move(link));
    }
  }

  /// What to read of each column, and how.
  struct Columns {
    std::string sql;
    std::vector<PostgresTimes> forms;
  };

  [[nodiscard]] static Columns columns_of(const PostgresTableFacts& facts,
                                          const SurveyTable& table) {
    Columns columns;
    for (const SurveyColumn& wanted : table.columns) {
      const auto place = facts.find_column(wanted.name);
      const PostgresColumn* const column = place ? &facts.columns[*place] : nullptr;
      columns.sql += columns.sql.empty() ? "" : ", ";
      columns.sql += column != nullptr ? short_form(*column) : "NULL::pg_catalog.text";
      columns.forms.push_back(column != nullptr && column->kind == PostgresKind::numeric
                                  ? PostgresTimes::decimals
                                  : PostgresTimes::other);
    }
    return columns;
  }

  void visit_rows(const PostgresTableFacts& facts,
                  const SurveyTable& table,
                  std::size_t most,
                  const std::function<void(std::size_t, const StoredView&)>& visit) {
    const Columns columns = columns_of(facts, table);
    const std::string from =
        "SELECT " + columns.sql + " FROM " + facts.table.quoted() + " AS holdfast_sampled";
    if (table.key.empty() || !facts.find_column(table.key.front())) {
      // All that can be had of it without reading it.
      (void)visit_some(from + " LIMIT " + std::to_string(most), columns, visit);
      return;
    }
    const std::string order =
        from + " ORDER BY holdfast_sampled." + postgres_quoted(table.key.front());
    const std::string limit = " LIMIT " + std::to_string(most / 2);
    if (visit_some(order + " ASC" + limit, columns, visit) == most / 2) {
      (void)visit_some(order + " DESC" + limit, columns, visit);
    }
  }

  /// In a transaction that can only read. Returns how many rows there were.
  [[nodiscard]] std::size_t visit_some(
      const std::string& sql,
      const Columns& columns,
      const std::function<void(std::size_t, const StoredView&)>& visit) {
    PostgresStatement rows{connection_, sql, PostgresRows::by_cursor};
    std::size_t met = 0;
    for (; rows.step(); ++met) {
      for (std::size_t i = 0; i < columns.forms.size(); ++i) {
        visit(i, postgres_time(rows.column(static_cast<int>(i)), columns.forms[i]));
      }
    }
    return met;
  }

  PostgresConnection connection_;
  std::map<std::string, std::uint32_t> oids_;  // of the tables that were looked at
};

}  // namespace

std::unique_ptr<DatabaseSurvey> survey_postgres(const std::string& url) {
  return std::make_unique<PostgresSurvey>(url);
}

}  // namespace holdfast

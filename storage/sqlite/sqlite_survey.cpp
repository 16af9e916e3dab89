// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <utility>

#include "storage/database_survey.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/mapped_table.h"
#include "storage/sqlite/statement.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kSelectLinks = R"sql(
  SELECT "from", "table", coalesce("to", '')
  FROM pragma_foreign_key_list(?1, 'main') AS f
  WHERE (SELECT count(*) FROM pragma_foreign_key_list(?1, 'main') AS o WHERE o.id = f.id) = 1
  ORDER BY id
)sql";

std::vector<std::string> column_names_of(const TableFacts& facts, const IndexFacts& index) {
  std::vector<std::string> names;
  for (const IndexPart& part : index.parts) {
    names.push_back(part.column ? facts.columns[*part.column].name : "");
  }
  return names;
}

/// The columns of each key that the table may have declared, the primary key first.
std::vector<std::vector<std::string>> possible_keys(const TableFacts& facts) {
  std::vector<std::vector<std::string>> keys;
  for (const IndexFacts& index : facts.indexes) {
    if (index.unique && !index.partial) {
      keys.insert(index.primary_key ? keys.begin() : keys.end(), column_names_of(facts, index));
    }
  }
  const auto rowid = std::find_if(
      facts.columns.begin(), facts.columns.end(), [](const auto& it) { return it.in_primary_key; });
  if (rowid != facts.columns.end()) {
    keys.insert(keys.begin(), {rowid->name});
  }
  return keys;
}

std::vector<std::string> declared_key(const MappedTable& table) {
  for (const std::vector<std::string>& key : possible_keys(table.facts())) {
    try {
      (void)find_declared_key(table, key);
      return key;
    } catch (const StorageError&) {
      // Not a key that tells rows apart; the next may be.
      continue;
    }
  }
  return {};
}

std::string first_text_column(const TableFacts& facts, const std::string& but) {
  for (const ColumnFacts& column : facts.columns) {
    if (column.affinity == Affinity::text && !same_name(column.name, but)) {
      return column.name;
    }
  }
  return {};
}

class SqliteSurvey final : public DatabaseSurvey {
 public:
  explicit SqliteSurvey(const std::filesystem::path& path)
      : connection_(OpenOptions{.path = path, .read_only = true}, ConnectionMode::read_only) {}

  [[nodiscard]] std::vector<SurveyTable> tables() override {
    std::vector<SurveyTable> found;
    for (const std::string& name : table_names(connection_.db())) {
      auto facts = read_table_facts(connection_.db(), name);
      if (!facts || facts->kind != TableKind::ordinary) {
        continue;
      }
      const MappedTable mapped{connection_, {.name = name, .place = "--table"}};
      SurveyTable table{.name = facts->name, .key = declared_key(mapped)};
      for (const ColumnFacts& column : facts->columns) {
        table.columns.push_back({.name = column.name, .declared_type = column.declared_type});
      }
      read_links(table);
      found.push_back(std::move(table));
    }
    return found;
  }

  [[nodiscard]] std::string sample(
      const SurveyTable& table,
      std::size_t most,
      const std::function<void(std::size_t, const StoredView&)>& visit) override {
    const auto facts = read_table_facts(connection_.db(), table.name);
    std::string order = facts && !facts->without_rowid ? rowid_name(*facts) : std::string{};
    for (const std::string& column : table.key) {
      order = order.empty() ? quoted(column) : order;
    }
    std::string columns;
    for (const SurveyColumn& column : table.columns) {
      columns += (columns.empty() ? "" : ", ") + quoted(column.name);
    }
    for (const char* direction : {"ASC", "DESC"}) {
      Statement rows{connection_.db(),
                     "SELECT " + columns + " FROM " + quoted(table.name) +
                         (order.empty() ? "" : " ORDER BY " + order + " " + direction) + " LIMIT " +
                         std::to_string(most / 2)};
      std::size_t met = 0;
      while (rows.step()) {
        ++met;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
          visit(i, rows.column(static_cast<int>(i)));
        }
      }
      if (met < most / 2) {
        break;  // that was the whole table
      }
    }
    return {};
  }

 private:
  void read_links(SurveyTable& table) {
    SQLite::Statement query{connection_.db(), kSelectLinks};
    query.bind(1, table.name);
    while (query.executeStep()) {
      SurveyLink link{.column = query.getColumn(0).getString(),
                      .table = query.getColumn(1).getString(),
                      .table_column = query.getColumn(2).getString()};
      const auto facts = read_table_facts(connection_.db(), link.table);
      if (!facts || facts->kind != TableKind::ordinary) {
        continue;
      }
      for (const ColumnFacts& column : facts->columns) {
        if (link.table_column.empty() && column.in_primary_key) {
          link.table_column = column.name;
        }
      }
      table.link_texts.push_back(first_text_column(*facts, link.table_column));
      table.links.push_back(std::move(link));
    }
  }

  Connection connection_;
};

}  // namespace

std::unique_ptr<DatabaseSurvey> survey_sqlite(const std::filesystem::path& path) {
  try {
    return std::make_unique<SqliteSurvey>(path);
  } catch (const SQLite::Exception& error) {
    throw as_storage_error(error, path.string());
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "policy/stored_value.h"

namespace holdfast {

/// A column as its table declares it.
struct SurveyColumn {
  std::string name;
  std::string declared_type;
};

/// A column that refers to one of another table.
struct SurveyLink {
  std::string column;
  std::string table;
  std::string table_column;
};

/// What kind of database is looked at.
enum class SurveyKind { sqlite, postgres };

/// A table that could be an audit log.
struct SurveyTable {
  SurveyKind kind = SurveyKind::sqlite;
  std::string name;         ///< as [events].table takes it
  std::string unread = {};  ///< why it could not be looked at
  std::vector<SurveyColumn> columns;
  std::vector<std::string> key;   ///< the columns of a declared key; empty: there is none
  std::vector<SurveyLink> links;  ///< foreign keys of one column
  /// The first column of text in each table that a link leads to, by the link's place; "" for none.
  std::vector<std::string> link_texts;
};

/// A database that nothing is known of, for whoever looks for the audit log in it. Only reads.
class DatabaseSurvey {
 public:
  DatabaseSurvey() = default;
  DatabaseSurvey(const DatabaseSurvey&) = delete;
  DatabaseSurvey& operator=(const DatabaseSurvey&) = delete;
  DatabaseSurvey(DatabaseSurvey&&) = delete;
  DatabaseSurvey& operator=(DatabaseSurvey&&) = delete;
  virtual ~DatabaseSurvey() = default;

  /// All ordinary tables that are neither the database's own nor Holdfast's, by name; of a server
  /// those that this role may read.
  [[nodiscard]] virtual std::vector<SurveyTable> tables() = 0;

  /// Visits up to `most` values of each column of the table, in their order: the first rows of the
  /// table and its last. Long values may be cut. Returns why they cannot be read, "" where they
  /// can.
  [[nodiscard]] virtual std::string sample(
      const SurveyTable& table,
      std::size_t most,
      const std::function<void(std::size_t, const StoredView&)>& visit) = 0;
};

/// Opens the database for reading. Errors: StorageError; of the second also for a build without
/// PostgreSQL.
[[nodiscard]] std::unique_ptr<DatabaseSurvey> survey_sqlite(const std::filesystem::path& path);
[[nodiscard]] std::unique_ptr<DatabaseSurvey> survey_postgres(const std::string& url);

}  // namespace holdfast

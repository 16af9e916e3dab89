// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "storage/postgres/postgres_connection.h"
#include "storage/postgres/postgres_hold_query.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_module_table.h"
#include "storage/postgres/postgres_personal_log.h"
#include "storage/registers/subject_tables.h"

namespace holdfast {

/// How PostgreSQL finds persons' data.
struct PostgresSubjects {
  using Connection = PostgresConnection;
  using Layout = PostgresLogLayout;
  using LogTable = PostgresTable;
  using Log = PostgresPersonalLog;
  using ModuleRows = PostgresModuleRows;

  [[nodiscard]] static LogTable log_table(const Layout& layout) { return layout.where; }
  [[nodiscard]] static Layout own_events(Connection& connection) {
    return postgres_own_events(connection);
  }
  /// The table was looked at when its rows were named.
  static void require_countable(const ModuleRows& /*rows*/) {}
  static void check_hold_query(Connection& connection, const std::string& sql) {
    check_postgres_hold_query(connection, sql);
  }
  [[nodiscard]] static std::vector<ReportedHold> run_hold_query(Connection& connection,
                                                                const std::string& sql,
                                                                const Subject& subject,
                                                                std::chrono::milliseconds limit) {
    return run_postgres_hold_query(connection, sql, subject, limit);
  }
};

/// Persons' data in the tables of a PostgreSQL database.
using PostgresSubjectStore = SubjectTables<PostgresSubjects>;

}  // namespace holdfast

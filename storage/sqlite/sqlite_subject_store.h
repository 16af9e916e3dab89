// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "storage/registers/subject_tables.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/hold_query.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/module_table.h"
#include "storage/sqlite/personal_log.h"

namespace holdfast {

/// How SQLite finds persons' data.
struct SqliteSubjects {
  using Connection = holdfast::Connection;
  using Layout = LogLayout;
  using LogTable = std::string;
  using Log = PersonalLog;
  using ModuleRows = holdfast::ModuleRows;

  [[nodiscard]] static LogTable log_table(const Layout& layout) {
    return layout.shape.mapping.at("table");
  }
  [[nodiscard]] static Layout own_events(Connection& /*connection*/) { return own_events_layout(); }
  static void require_countable(ModuleRows rows) { rows.require_countable(); }
  static void check_hold_query(Connection& connection, const std::string& sql) {
    holdfast::check_hold_query(connection, sql);
  }
  [[nodiscard]] static std::vector<ReportedHold> run_hold_query(Connection& connection,
                                                                const std::string& sql,
                                                                const Subject& subject,
                                                                std::chrono::milliseconds limit) {
    return holdfast::run_hold_query(connection, sql, subject, limit);
  }
};

/// Persons' data in the tables of a SQLite database.
using SqliteSubjectStore = SubjectTables<SqliteSubjects>;

}  // namespace holdfast

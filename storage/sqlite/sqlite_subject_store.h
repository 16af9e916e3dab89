// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/personal_log.h"
#include "storage/sqlite/register_query.h"
#include "storage/subject_store.h"

namespace holdfast {

/// Persons' data in the tables of a SQLite database.
class SqliteSubjectStore final : public SubjectStore {
 public:
  /// The home's connection has to outlive the store.
  SqliteSubjectStore(const RegisterHome& home, const LogLayout& layout);

  void require_module_table(const ModuleTable& table) override;
  [[nodiscard]] std::int64_t count(const ModuleTable& table, const Subject& subject) override;
  [[nodiscard]] std::vector<std::string> columns_of(const ModuleTable& table) override;
  void for_each_row(const ModuleTable& table,
                    const Subject& subject,
                    const CellVisit& visit) override;
  TableErasure erase(const ModuleTable& table,
                     const Subject& subject,
                     const std::string& token) override;
  void for_each_subject(const ModuleTable& table, const SubjectVisit& visit) override;
  void for_each_subject(LogPlace place, const SubjectVisit& visit) override;

  void require_hold_query(const std::string& sql) override;
  [[nodiscard]] std::vector<ReportedHold> query_holds(const std::string& sql,
                                                      const Subject& subject,
                                                      std::chrono::milliseconds limit) override;

  [[nodiscard]] bool finds_by_index() const override { return log_.finds_by_index(); }
  [[nodiscard]] std::vector<RowKey> rows_of(LogPlace place,
                                            const Subject& subject,
                                            std::optional<std::int64_t> above) override;
  [[nodiscard]] std::vector<std::string> unmapped_columns(LogPlace place) override;
  [[nodiscard]] bool read_row(LogPlace place,
                              const RowKey& key,
                              const PersonalVisit& visit) override;
  void rewrite(LogPlace place, const RowKey& key, const PersonalFields& fields) override;
  void require_rewritable_log() override { log_.require_rewritable(); }

 private:
  /// Null where the place is not there: before `init` there are no own events.
  [[nodiscard]] PersonalLog* find(LogPlace place);

  Connection& connection_;
  std::string log_table_;
  PersonalLog log_;
  std::optional<PersonalLog> own_events_;
};

}  // namespace holdfast

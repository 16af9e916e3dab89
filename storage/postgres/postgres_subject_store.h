// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/postgres/postgres_connection.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/subject_store.h"

namespace holdfast {

/// Persons' data in the tables of a PostgreSQL database: not looked into yet, so everything but a
/// question about the indexes is refused with a sentence.
class PostgresSubjectStore final : public SubjectStore {
 public:
  /// Both have to outlive the store. `set_up`: Holdfast's own tables are there.
  PostgresSubjectStore(PostgresConnection& connection,
                       bool /*set_up*/,
                       const PostgresLogLayout& layout)
      : connection_(connection), layout_(layout) {}

  void require_module_table(const ModuleTable& /*table*/) override { refuse(); }
  [[nodiscard]] std::int64_t count(const ModuleTable& /*table*/,
                                   const Subject& /*subject*/) override {
    refuse();
  }
  [[nodiscard]] std::vector<std::string> columns_of(const ModuleTable& /*table*/) override {
    refuse();
  }
  void for_each_row(const ModuleTable& /*table*/,
                    const Subject& /*subject*/,
                    const CellVisit& /*visit*/) override {
    refuse();
  }
  TableErasure erase(const ModuleTable& /*table*/,
                     const Subject& /*subject*/,
                     const std::string& /*token*/) override {
    refuse();
  }
  void for_each_subject(const ModuleTable& /*table*/, const SubjectVisit& /*visit*/) override {
    refuse();
  }
  void for_each_subject(LogPlace /*place*/, const SubjectVisit& /*visit*/) override { refuse(); }
  void require_hold_query(const std::string& /*sql*/) override { refuse(); }
  [[nodiscard]] std::vector<ReportedHold> query_holds(
      const std::string& /*sql*/,
      const Subject& /*subject*/,
      std::chrono::milliseconds /*limit*/) override {
    refuse();
  }
  [[nodiscard]] bool finds_by_index() const override { return layout_.persons_by_index; }
  [[nodiscard]] std::vector<RowKey> rows_of(LogPlace /*place*/,
                                            const Subject& /*subject*/,
                                            std::optional<std::int64_t> /*above*/) override {
    refuse();
  }
  [[nodiscard]] bool read_row(LogPlace /*place*/,
                              const RowKey& /*key*/,
                              const PersonalVisit& /*visit*/) override {
    refuse();
  }
  void rewrite(LogPlace /*place*/,
               const RowKey& /*key*/,
               const PersonalFields& /*fields*/) override {
    refuse();
  }
  void require_rewritable_log() override { refuse(); }

 private:
  [[noreturn]] void refuse() const {
    throw StorageError(StorageTrouble::mapping,
                       connection_.path() +
                           ": erasure and export of a person's rows are for SQLite so far: take "
                           "their sections out of the configuration");
  }

  PostgresConnection& connection_;
  const PostgresLogLayout& layout_;
};

}  // namespace holdfast

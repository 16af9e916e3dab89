// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/storage_error.h"
#include "storage/subject_store.h"

namespace holdfast {

/// Persons' data in the tables of one database. `Backend` says how it is found there:
/// - types: Connection, Layout (of the log), LogTable (its name), Log (rows of persons in it) and
///   ModuleRows (rows of persons in a table of a module);
/// - functions: log_table(), own_events(), require_countable(), check_hold_query() and
///   run_hold_query().
template <typename Backend>
class SubjectTables final : public SubjectStore {
 public:
  using Connection = typename Backend::Connection;
  using Layout = typename Backend::Layout;
  using Log = typename Backend::Log;
  using ModuleRows = typename Backend::ModuleRows;

  /// The connection has to outlive the store. `set_up`: Holdfast's own tables are there.
  SubjectTables(Connection& connection, bool set_up, const Layout& layout)
      : connection_(connection), log_table_(Backend::log_table(layout)), log_(connection, layout) {
    if (set_up) {
      own_events_.emplace(connection, Backend::own_events(connection));
    }
  }

  void require_module_table(const ModuleTable& table) override {
    Backend::require_countable(rows(table));
  }
  [[nodiscard]] std::int64_t count(const ModuleTable& table, const Subject& subject) override {
    return rows(table).count(subject);
  }
  [[nodiscard]] std::vector<std::string> columns_of(const ModuleTable& table) override {
    return rows(table).columns();
  }
  void for_each_row(const ModuleTable& table,
                    const Subject& subject,
                    const CellVisit& visit) override {
    rows(table).for_each_row(subject, visit);
  }
  TableErasure erase(const ModuleTable& table,
                     const Subject& subject,
                     const std::string& token) override {
    return rows(table).erase(subject, token);
  }
  void for_each_subject(const ModuleTable& table, const SubjectVisit& visit) override {
    rows(table).for_each_subject(visit);
  }
  void for_each_subject(LogPlace place, const SubjectVisit& visit) override {
    if (Log* const log = find(place)) {
      log->for_each_subject(visit);
    }
  }

  void require_hold_query(const std::string& sql) override {
    Backend::check_hold_query(connection_, sql);
  }
  [[nodiscard]] std::vector<ReportedHold> query_holds(const std::string& sql,
                                                      const Subject& subject,
                                                      std::chrono::milliseconds limit) override {
    return Backend::run_hold_query(connection_, sql, subject, limit);
  }

  [[nodiscard]] bool finds_by_index() const override { return log_.finds_by_index(); }
  [[nodiscard]] std::vector<RowKey> rows_of(LogPlace place,
                                            const Subject& subject,
                                            std::optional<std::int64_t> above) override {
    Log* const log = find(place);
    return log == nullptr ? std::vector<RowKey>{} : log->rows_of(subject, above);
  }
  [[nodiscard]] std::vector<std::string> unmapped_columns(LogPlace place) override {
    Log* const log = find(place);
    return log == nullptr ? std::vector<std::string>{} : log->unmapped_columns();
  }
  [[nodiscard]] bool read_row(LogPlace place,
                              const RowKey& key,
                              const PersonalVisit& visit) override {
    Log* const log = find(place);
    return log != nullptr && log->read_row(key, visit);
  }
  void rewrite(LogPlace place, const RowKey& key, const PersonalFields& fields) override {
    Log* const log = find(place);
    if (log == nullptr) {
      throw StorageError(
          StorageTrouble::not_set_up,
          connection_.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
    }
    log->rewrite(key, fields);
  }
  void require_rewritable_log() override { log_.require_rewritable(); }

 private:
  [[nodiscard]] ModuleRows rows(const ModuleTable& table) {
    return {connection_, table, log_table_};
  }
  /// Null where the place is not there: before `init` there are no own events.
  [[nodiscard]] Log* find(LogPlace place) {
    switch (place) {
      case LogPlace::log:
        return &log_;
      case LogPlace::own_events:
        return own_events_ ? &*own_events_ : nullptr;
    }
    return nullptr;
  }

  Connection& connection_;
  typename Backend::LogTable log_table_;
  Log log_;
  std::optional<Log> own_events_;
};

}  // namespace holdfast

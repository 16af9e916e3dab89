// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_subject_store.h"

#include "storage/sqlite/hold_query.h"
#include "storage/sqlite/module_table.h"
#include "storage/storage_error.h"

namespace holdfast {

SqliteSubjectStore::SqliteSubjectStore(const RegisterHome& home, const LogLayout& layout)
    : connection_(home.connection),
      log_table_(layout.shape.mapping.at("table")),
      log_(home.connection, layout) {
  if (home.set_up) {
    own_events_.emplace(home.connection, own_events_layout());
  }
}

PersonalLog* SqliteSubjectStore::find(LogPlace place) {
  switch (place) {
    case LogPlace::log:
      return &log_;
    case LogPlace::own_events:
      return own_events_ ? &*own_events_ : nullptr;
  }
  return nullptr;
}

void SqliteSubjectStore::require_module_table(const ModuleTable& table) {
  ModuleRows{connection_, table, log_table_}.require_countable();
}

std::int64_t SqliteSubjectStore::count(const ModuleTable& table, const Subject& subject) {
  return ModuleRows{connection_, table, log_table_}.count(subject);
}

std::vector<std::string> SqliteSubjectStore::columns_of(const ModuleTable& table) {
  return ModuleRows{connection_, table, log_table_}.columns();
}

void SqliteSubjectStore::for_each_row(const ModuleTable& table,
                                      const Subject& subject,
                                      const CellVisit& visit) {
  ModuleRows{connection_, table, log_table_}.for_each_row(subject, visit);
}

TableErasure SqliteSubjectStore::erase(const ModuleTable& table,
                                       const Subject& subject,
                                       const std::string& token) {
  return ModuleRows{connection_, table, log_table_}.erase(subject, token);
}

void SqliteSubjectStore::for_each_subject(const ModuleTable& table, const SubjectVisit& visit) {
  ModuleRows{connection_, table, log_table_}.for_each_subject(visit);
}

void SqliteSubjectStore::for_each_subject(LogPlace place, const SubjectVisit& visit) {
  if (PersonalLog* const log = find(place)) {
    log->for_each_subject(visit);
  }
}

void SqliteSubjectStore::require_hold_query(const std::string& sql) {
  check_hold_query(connection_, sql);
}

std::vector<ReportedHold> SqliteSubjectStore::query_holds(const std::string& sql,
                                                          const Subject& subject,
                                                          std::chrono::milliseconds limit) {
  return run_hold_query(connection_, sql, subject, limit);
}

std::vector<RowKey> SqliteSubjectStore::rows_of(LogPlace place,
                                                const Subject& subject,
                                                std::optional<std::int64_t> above) {
  PersonalLog* const log = find(place);
  return log == nullptr ? std::vector<RowKey>{} : log->rows_of(subject, above);
}

std::vector<std::string> SqliteSubjectStore::unmapped_columns(LogPlace place) {
  PersonalLog* const log = find(place);
  return log == nullptr ? std::vector<std::string>{} : log->unmapped_columns();
}

bool SqliteSubjectStore::read_row(LogPlace place, const RowKey& key, const PersonalVisit& visit) {
  PersonalLog* const log = find(place);
  return log != nullptr && log->read_row(key, visit);
}

void SqliteSubjectStore::rewrite(LogPlace place, const RowKey& key, const PersonalFields& fields) {
  PersonalLog* const log = find(place);
  if (log == nullptr) {
    throw StorageError(
        StorageTrouble::not_set_up,
        connection_.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
  }
  log->rewrite(key, fields);
}

}  // namespace holdfast

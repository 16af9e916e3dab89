// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_subject_store.h"

#include "storage/postgres/postgres_hold_query.h"
#include "storage/postgres/postgres_module_table.h"
#include "storage/storage_error.h"

namespace holdfast {

PostgresSubjectStore::PostgresSubjectStore(PostgresConnection& connection,
                                           bool set_up,
                                           const PostgresLogLayout& layout)
    : connection_(connection), log_table_(layout.where), log_(connection, layout) {
  if (set_up) {
    own_events_.emplace(connection, postgres_own_events(connection));
  }
}

PostgresPersonalLog* PostgresSubjectStore::find(LogPlace place) {
  switch (place) {
    case LogPlace::log:
      return &log_;
    case LogPlace::own_events:
      return own_events_ ? &*own_events_ : nullptr;
  }
  return nullptr;
}

void PostgresSubjectStore::require_module_table(const ModuleTable& table) {
  const PostgresModuleRows rows{connection_, table, log_table_};
}

std::int64_t PostgresSubjectStore::count(const ModuleTable& table, const Subject& subject) {
  return PostgresModuleRows{connection_, table, log_table_}.count(subject);
}

std::vector<std::string> PostgresSubjectStore::columns_of(const ModuleTable& table) {
  return PostgresModuleRows{connection_, table, log_table_}.columns();
}

void PostgresSubjectStore::for_each_row(const ModuleTable& table,
                                        const Subject& subject,
                                        const CellVisit& visit) {
  PostgresModuleRows{connection_, table, log_table_}.for_each_row(subject, visit);
}

TableErasure PostgresSubjectStore::erase(const ModuleTable& table,
                                         const Subject& subject,
                                         const std::string& token) {
  return PostgresModuleRows{connection_, table, log_table_}.erase(subject, token);
}

void PostgresSubjectStore::for_each_subject(const ModuleTable& table, const SubjectVisit& visit) {
  PostgresModuleRows{connection_, table, log_table_}.for_each_subject(visit);
}

void PostgresSubjectStore::for_each_subject(LogPlace place, const SubjectVisit& visit) {
  if (PostgresPersonalLog* const log = find(place)) {
    log->for_each_subject(visit);
  }
}

void PostgresSubjectStore::require_hold_query(const std::string& sql) {
  check_postgres_hold_query(connection_, sql);
}

std::vector<ReportedHold> PostgresSubjectStore::query_holds(const std::string& sql,
                                                            const Subject& subject,
                                                            std::chrono::milliseconds limit) {
  return run_postgres_hold_query(connection_, sql, subject, limit);
}

std::vector<RowKey> PostgresSubjectStore::rows_of(LogPlace place,
                                                  const Subject& subject,
                                                  std::optional<std::int64_t> above) {
  PostgresPersonalLog* const log = find(place);
  return log == nullptr ? std::vector<RowKey>{} : log->rows_of(subject, above);
}

std::vector<std::string> PostgresSubjectStore::unmapped_columns(LogPlace place) {
  PostgresPersonalLog* const log = find(place);
  return log == nullptr ? std::vector<std::string>{} : log->unmapped_columns();
}

bool PostgresSubjectStore::read_row(LogPlace place, const RowKey& key, const PersonalVisit& visit) {
  PostgresPersonalLog* const log = find(place);
  return log != nullptr && log->read_row(key, visit);
}

void PostgresSubjectStore::rewrite(LogPlace place,
                                   const RowKey& key,
                                   const PersonalFields& fields) {
  PostgresPersonalLog* const log = find(place);
  if (log == nullptr) {
    throw StorageError(
        StorageTrouble::not_set_up,
        connection_.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
  }
  log->rewrite(key, fields);
}

}  // namespace holdfast

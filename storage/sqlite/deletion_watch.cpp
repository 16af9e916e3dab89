// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/deletion_watch.h"

#include <string_view>
#include <utility>

namespace holdfast {
namespace {

int answer(void* /*nothing*/,
           int action,
           const char* /*table*/,
           const char* /*unused*/,
           const char* /*database*/,
           const char* trigger) {
  // For a delete this is SQLite's word for "not all at once"; the rows go all the same.
  return action == SQLITE_DELETE && trigger != nullptr ? SQLITE_IGNORE : SQLITE_OK;
}

}  // namespace

void empty_row_by_row(sqlite3* db) {
  sqlite3_set_authorizer(db, answer, nullptr);
}

DeletionWatch::DeletionWatch(SQLite::Database& db, std::string table)
    : db_(db), table_(std::move(table)) {
  empty_row_by_row(db_.getHandle());
  sqlite3_update_hook(db_.getHandle(), note, this);
}

DeletionWatch::~DeletionWatch() {
  sqlite3_update_hook(db_.getHandle(), nullptr, nullptr);
}

void DeletionWatch::note(
    void* watch, int operation, const char* database, const char* table, sqlite3_int64 /*rowid*/) {
  auto* const self = static_cast<DeletionWatch*>(watch);
  const bool of_ours = std::string_view{database} == "main" && self->table_ == table;
  if (operation == SQLITE_DELETE && of_ours) {
    ++self->rows_;
    ++self->unasked_;
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/deletion_watch.h"

#include <string_view>
#include <utility>

namespace holdfast {

DeletionWatch::DeletionWatch(SQLite::Database& db, std::string table)
    : db_(db), table_(std::move(table)) {
  sqlite3_update_hook(db_.getHandle(), note, this);
}

DeletionWatch::~DeletionWatch() {
  sqlite3_update_hook(db_.getHandle(), nullptr, nullptr);
}

void DeletionWatch::note(
    void* watch, int operation, const char* database, const char* table, sqlite3_int64 /*rowid*/) {
  auto* const self = static_cast<DeletionWatch*>(watch);
  const bool of_ours = std::string_view{database} == "main" && self->table_ == table;
  self->rows_ += operation == SQLITE_DELETE && of_ours ? 1 : 0;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/register_query.h"

#include <variant>

#include <sqlite3.h>

#include "storage/storage_error.h"

namespace holdfast {

Statement& RegisterQuery::ready() {
  if (!home_.set_up) {
    throw StorageError(
        StorageTrouble::not_set_up,
        home_.connection.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
  }
  if (!statement_) {
    statement_.emplace(home_.connection.db(), sql_);
  }
  statement_->reset();
  return *statement_;
}

bool RegisterQuery::next() {
  return statement_->step();
}

std::int64_t RegisterQuery::run() {
  const StatementUse use{*statement_};
  while (statement_->step()) {
    // A statement that writes has no rows to give; SQLite still wants to be asked to the end.
  }
  return sqlite3_changes64(home_.connection.db().getHandle());
}

void RegisterQuery::run_one(const char* what) {
  const std::int64_t changed = run();
  if (changed != 1) {
    throw StorageError(StorageTrouble::other,
                       home_.connection.path() + ": " + what + ": " + std::to_string(changed) +
                           " lines changed instead of one; the step is taken back");
  }
}

void RegisterQuery::reset() {
  if (statement_) {
    statement_->reset();
  }
}

void RegisterQuery::refuse(int column, const char* wanted) const {
  throw StorageError(StorageTrouble::corrupt,
                     home_.connection.path() +
                         ": a line of Holdfast's own tables cannot be read (no " + wanted +
                         " in column " + std::to_string(column + 1) +
                         "): run \"sqlite3 FILE 'PRAGMA integrity_check'\", then restore a backup");
}

std::int64_t RegisterQuery::integer(int column) const {
  const StoredView value = statement_->column(column);
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) {
    refuse(column, "integer");
  }
  return *number;
}

std::string RegisterQuery::text(int column) const {
  const StoredView value = statement_->column(column);
  const auto* words = std::get_if<std::string_view>(&value);
  if (words == nullptr) {
    refuse(column, "text");
  }
  return std::string{*words};
}

std::string_view RegisterQuery::bytes(int column) const {
  const StoredView value = statement_->column(column);
  const auto* blob = std::get_if<BlobView>(&value);
  if (blob == nullptr) {
    refuse(column, "bytes");
  }
  return blob->bytes;
}

bool RegisterQuery::is_null(int column) const {
  return std::holds_alternative<std::monostate>(statement_->column(column));
}

std::optional<Instant> RegisterQuery::optional_instant(int column) const {
  return is_null(column) ? std::nullopt : std::optional{instant(column)};
}

std::optional<std::string> RegisterQuery::optional_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional{text(column)};
}

}  // namespace holdfast

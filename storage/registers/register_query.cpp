// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/register_query.h"

#include <variant>

#include "storage/storage_error.h"

namespace holdfast {

namespace {

/// Ends the reading of a statement at the end of a scope.
class StatementEnd {
 public:
  explicit StatementEnd(RegisterStatement& statement) : statement_(statement) {}
  StatementEnd(const StatementEnd&) = delete;
  StatementEnd& operator=(const StatementEnd&) = delete;
  StatementEnd(StatementEnd&&) = delete;
  StatementEnd& operator=(StatementEnd&&) = delete;
  ~StatementEnd() { statement_.reset(); }

 private:
  RegisterStatement& statement_;
};

}  // namespace

RegisterStatement& RegisterQuery::ready() {
  if (!home_.set_up) {
    throw StorageError(
        StorageTrouble::not_set_up,
        home_.connection.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
  }
  if (!statement_) {
    statement_ = home_.connection.statement(sql_, rows_);
  }
  statement_->reset();
  return *statement_;
}

bool RegisterQuery::next() {
  return statement_->step();
}

std::int64_t RegisterQuery::run() {
  const StatementEnd end{*statement_};
  while (statement_->step()) {
    // A statement that writes has no rows to give; it still wants to be asked to the end.
  }
  return statement_->changed();
}

void RegisterQuery::require_one(std::int64_t changed, const char* what) const {
  if (changed != 1) {
    throw StorageError(StorageTrouble::other,
                       home_.connection.path() + ": " + what + ": " + std::to_string(changed) +
                           " lines changed instead of one; the step is taken back");
  }
}

void RegisterQuery::run_one(const char* what) {
  require_one(run(), what);
}

std::int64_t RegisterQuery::add_one(const char* what) {
  const StatementEnd end{*statement_};
  const std::int64_t id = statement_->step() ? integer(0) : 0;
  while (statement_->step()) {
    // As above; a second line would be counted below.
  }
  require_one(statement_->changed(), what);
  return id;
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
                         "): " + home_.connection.check_advice() + "restore a backup");
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

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/key_sets.h"

#include <variant>

namespace holdfast {
namespace {

constexpr const char* kFreeNumber = R"sql(
SELECT coalesce(max(CAST(substr(name, 15) AS INTEGER)), 0) + 1
FROM sqlite_temp_schema WHERE name LIKE 'holdfast\_keys\_%' ESCAPE '\'
)sql";

std::string make_table(SQLite::Database& db) {
  const std::string number = db.execAndGet(kFreeNumber).getString();
  std::string table = "temp.holdfast_keys_" + number;
  db.exec("CREATE TABLE " + table + " (key BLOB PRIMARY KEY) WITHOUT ROWID");
  return table;
}

std::string_view blob_of(const Statement& statement, int column) {
  const StoredView value = statement.column(column);
  const auto* blob = std::get_if<BlobView>(&value);
  return blob == nullptr ? std::string_view{} : blob->bytes;
}

std::int64_t integer_of(const Statement& statement, int column) {
  const StoredView value = statement.column(column);
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

}  // namespace

SpilledKeySet::SpilledKeySet(SQLite::Database& db)
    : db_(db),
      table_(make_table(db)),
      insert_(db, "INSERT INTO " + table_ + " (key) VALUES (?1) ON CONFLICT (key) DO NOTHING"),
      find_(db, "SELECT 1 FROM " + table_ + " WHERE key = ?1"),
      count_(db, "SELECT count(*) FROM " + table_),
      read_(db, "SELECT key FROM " + table_ + " WHERE key > ?1 ORDER BY key LIMIT ?2") {}

SpilledKeySet::~SpilledKeySet() {
  insert_.reset();
  find_.reset();
  count_.reset();
  read_.reset();
  // Ignored where it fails: a temporary table goes with the connection at the latest.
  (void)db_.tryExec("DROP TABLE " + table_);
}

void SpilledKeySet::add(const RowKey& key) {
  add_bytes(key.bytes());
}

void SpilledKeySet::add_bytes(std::string_view key) {
  const StatementUse use{insert_};
  insert_.bind(1, BlobView{key});
  (void)insert_.step();
}

bool SpilledKeySet::contains(const RowKey& key) {
  const StatementUse use{find_};
  find_.bind(1, BlobView{key.bytes()});
  return find_.step();
}

std::int64_t SpilledKeySet::size() {
  const StatementUse use{count_};
  return count_.step() ? integer_of(count_, 0) : 0;
}

void SpilledKeySet::rewind() {
  read_to_.clear();
}

std::vector<RowKey> SpilledKeySet::next(std::size_t most) {
  const StatementUse use{read_};
  read_.bind(1, BlobView{read_to_});
  read_.bind(2, static_cast<std::int64_t>(most));
  std::vector<RowKey> found;
  while (read_.step()) {
    found.push_back(key_from(blob_of(read_, 0)));
  }
  if (!found.empty()) {
    read_to_ = found.back().bytes();
  }
  return found;
}

void SpilledKeySet::for_each_bytes(const std::function<void(std::string_view)>& visit) {
  Statement by_bytes(db_, "SELECT key FROM " + table_ + " ORDER BY key");
  while (by_bytes.step()) {
    visit(blob_of(by_bytes, 0));
  }
}

}  // namespace holdfast

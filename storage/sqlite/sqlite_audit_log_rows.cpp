// SPDX-License-Identifier: Apache-2.0
// Single rows of the audit log: what is read before one goes, and how one comes back.

#include <algorithm>
#include <utility>
#include <variant>

#include "storage/sqlite/day_count.h"
#include "storage/sqlite/log_pass.h"
#include "storage/sqlite/log_triggers.h"
#include "storage/sqlite/sqlite_audit_log.h"
#include "storage/sqlite/sqlite_log_guard.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

/// True where one look at a range of keys is cheaper than one look for each. They have to ascend.
bool lie_close(std::span<const RowKey> keys) {
  constexpr std::uint64_t kMostRoom = 4;  // between two keys
  constexpr std::size_t kFewest = 4;
  if (keys.size() < kFewest || !keys.front().is_integer() || !keys.back().is_integer() ||
      keys.back().as_integer() <= keys.front().as_integer()) {
    return false;
  }
  const auto room = static_cast<std::uint64_t>(keys.back().as_integer()) -
                    static_cast<std::uint64_t>(keys.front().as_integer());
  return room / kMostRoom < keys.size() && std::is_sorted(keys.begin(), keys.end());
}

std::string range_sql(const LogLayout& layout, const std::string& columns) {
  const std::string& key = layout.key_columns.front();
  return "SELECT " + columns + " FROM " + layout.table + " WHERE " + key + " >= ? AND " + key +
         " <= ? ORDER BY " + key;
}

std::string placeholders(std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    list += i == 0 ? "?" : ", ?";
  }
  return list;
}

}  // namespace

void SqliteAuditLog::count_days(std::optional<std::int64_t> up_to, const DayVisit& visit) {
  count_log_days(connection_, layout_, up_to, visit);
}

RowFacts* SqliteAuditLog::find_row(Statement& row, const RowKey& key) {
  bind_key(row, key);
  if (!row.step()) {
    return nullptr;
  }
  RowFacts& facts = row_reader_.read(row);
  // A column without letter case finds "a" for "A", but that is another row's key.
  if (*facts.key != key) {
    return nullptr;
  }
  facts.newest_reusable = layout_.shape.reuses_newest_key && is_newest(key, highest_key());
  return &facts;
}

bool SqliteAuditLog::read_row(const RowKey& key, const RowVisit& visit) {
  Statement& row = prepared(read_row_, [this] {
    return "SELECT " + RowReader::columns(layout_) + " FROM " + layout_.table + " WHERE " +
           key_match_ + " ORDER BY " + layout_.pass_order;
  });
  const StatementUse use{row};
  const RowFacts* facts = find_row(row, key);
  if (facts != nullptr) {
    visit(*facts);
  }
  return facts != nullptr;
}

bool SqliteAuditLog::read_whole_row(const RowKey& key, const ContentVisit& visit) {
  Statement& row = prepared(read_whole_row_, [this] {
    return "SELECT " + whole_columns_.list() + " FROM " + layout_.table + " WHERE " + key_match_ +
           " ORDER BY " + layout_.pass_order;
  });
  const StatementUse use{row};
  const RowFacts* facts = find_row(row, key);
  if (facts != nullptr) {
    visit(*facts, WholeRow{row, whole_columns_});
  }
  return facts != nullptr;
}

void SqliteAuditLog::read_rows(std::span<const RowKey> keys, const RowVisit& visit) {
  if (!layout_.rowid_alias || !lie_close(keys)) {
    for (const RowKey& key : keys) {
      (void)read_row(key, visit);
    }
    return;
  }
  Statement& rows =
      prepared(read_range_, [this] { return range_sql(layout_, RowReader::columns(layout_)); });
  read_range(rows, keys, [&](const RowFacts& facts) { visit(facts); });
}

void SqliteAuditLog::read_whole_rows(std::span<const RowKey> keys, const ContentVisit& visit) {
  if (!layout_.rowid_alias || !lie_close(keys)) {
    for (const RowKey& key : keys) {
      (void)read_whole_row(key, visit);
    }
    return;
  }
  Statement& rows =
      prepared(read_whole_range_, [this] { return range_sql(layout_, whole_columns_.list()); });
  read_range(rows, keys, [&](const RowFacts& facts) {
    visit(facts, WholeRow{rows, whole_columns_});
  });
}

void SqliteAuditLog::read_range(Statement& rows,
                                std::span<const RowKey> keys,
                                const std::function<void(RowFacts&)>& visit) {
  const StatementUse use{rows};
  rows.bind(1, keys.front().as_integer());
  rows.bind(2, keys.back().as_integer());
  const auto newest = layout_.shape.reuses_newest_key ? highest_key() : std::nullopt;
  auto wanted = keys.begin();
  while (wanted != keys.end() && rows.step()) {
    const StoredView stored = rows.column(0);
    const auto* const key = std::get_if<std::int64_t>(&stored);
    while (key != nullptr && wanted != keys.end() && wanted->as_integer() < *key) {
      ++wanted;
    }
    if (key == nullptr || wanted == keys.end() || wanted->as_integer() != *key) {
      continue;
    }
    RowFacts& facts = row_reader_.read(rows);
    facts.newest_reusable = is_newest(*wanted, newest);
    visit(facts);
    ++wanted;
  }
}

void SqliteAuditLog::for_each_key(const KeyVisit& visit) {
  RowReader reader = new_reader();
  LogPass{connection_, layout_, RowReader::key_columns(layout_)}.run(
      {}, [&](const Statement& row) { visit(reader.read_key(row)); });
}

bool SqliteAuditLog::put_back(const RowKey& key, std::string_view content) {
  if (read_row(key, [](const RowFacts&) {})) {
    return false;
  }
  const auto values = split_canonical(content);
  if (!values || values->size() != layout_.columns.size()) {
    throw StorageError(StorageTrouble::mapping,
                       title() + ": row " + key.display() +
                           " was kept with other columns than the " +
                           "table has today, so it cannot be put back");
  }
  Statement& row = prepared(put_back_, [this] {
    refuse_unwatched_triggers(connection_, layout_, TriggerEvent::row_added);
    return "INSERT INTO " + layout_.table + " (" + listed(layout_.columns) + ") VALUES (" +
           placeholders(layout_.columns.size()) + ")";
  });
  const bool laid_down = lay_down_pass(connection_);
  {
    const StatementUse use{row};
    int index = 1;
    for (const StoredView& value : *values) {
      row.bind(index++, value);
    }
    (void)row.step();
  }
  if (laid_down) {
    (void)take_pass(connection_);
  }
  std::string now_there;
  (void)read_whole_row(
      key, [&](const RowFacts&, const RowContent& whole) { whole.append_to(now_there); });
  if (now_there != content) {
    throw StorageError(StorageTrouble::other,
                       title() + ": row " + key.display() +
                           " did not come back as it was: look for a trigger of the table, or a "
                           "column whose type was changed");
  }
  return true;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_audit_log.h"

#include <cassert>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "storage/sqlite/candidate_pass.h"
#include "storage/sqlite/group_counter.h"
#include "storage/sqlite/log_pass.h"
#include "storage/sqlite/sqlite_log_guard.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kAppendOwn = R"sql(
  INSERT INTO holdfast_event
    (occurred_at, tenant, code, severity, actor, subject, retain_until, metadata)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
)sql";

constexpr std::int64_t kHighestKey = std::numeric_limits<std::int64_t>::max();

std::string append_to_log_sql(const LogLayout& layout) {
  return "INSERT INTO " + layout.table + " (" + layout.time + ", " + layout.tenant + ", " +
         layout.raw_code + ", " + layout.severity + ", " + layout.actor + ", " + layout.subject +
         ", " + layout.retain_until + ", " + layout.metadata +
         ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
}

std::string key_match(const LogLayout& layout) {
  std::string match;
  for (const std::string& column : layout.key_columns) {
    match += (match.empty() ? "" : " AND ") + column + " = ?";
  }
  return match;
}

std::optional<std::int64_t> parse_integer(const std::string& typed) {
  std::int64_t number = 0;
  const char* const end = typed.data() + typed.size();
  const auto parsed = std::from_chars(typed.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::string> parse_hex(const std::string& typed) {
  if (typed.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  for (std::size_t i = 0; i < typed.size(); i += 2) {
    unsigned number = 0;
    const char* const end = typed.data() + i + 2;
    const auto parsed = std::from_chars(typed.data() + i, end, number, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
      return std::nullopt;
    }
    bytes += static_cast<char>(static_cast<unsigned char>(number));
  }
  return bytes;
}

StoredView stored(const std::optional<std::string>& text) {
  return text ? StoredView{std::string_view{*text}} : StoredView{};
}

/// How many of the first keys are integers that follow each other without a gap; at least 1.
std::size_t length_of_run(std::span<const RowKey> keys) {
  std::size_t length = 1;
  while (length < keys.size() && keys[length].is_integer() &&
         keys[length - 1].as_integer() != kHighestKey &&
         keys[length].as_integer() == keys[length - 1].as_integer() + 1) {
    ++length;
  }
  return length;
}

/// Counts with the read lock, in one look at the smallest index; the few rows above `up_to` are
/// taken off again, because a count with a bound would read the whole table.
std::int64_t count_at_once(Connection& connection,
                           const LogLayout& layout,
                           std::optional<std::int64_t> up_to) {
  const std::string all = "(SELECT count(*) FROM " + layout.table;
  const bool bounded = layout.rowid_alias && up_to;
  const std::string above =
      bounded ? " - " + all + " WHERE " + layout.key_columns.front() + " > ?)" : "";
  SQLite::Statement query{connection.db(), "SELECT " + all + ")" + above};
  if (bounded) {
    query.bind(1, *up_to);
  }
  query.executeStep();
  return query.getColumn(0).getInt64();
}

}  // namespace

SqliteAuditLog::SqliteAuditLog(Connection& connection, LogLayout layout, bool append_into_log)
    : connection_(connection),
      layout_(std::move(layout)),
      append_into_log_(append_into_log),
      key_match_(key_match(layout_)),
      row_reader_(layout_, title()),
      whole_columns_(RowReader::whole_columns(layout_)),
      children_(connection.db(),
                layout_.children,
                layout_.rowid_alias ? ChildRows::Ranges::yes : ChildRows::Ranges::no),
      deletions_(connection.db(), layout_.shape.mapping.at("table")) {
  assert(!append_into_log || layout_.shape.made_by_init);
}

std::optional<std::int64_t> SqliteAuditLog::highest_key() {
  return end_key(highest_, "max");
}

std::optional<std::int64_t> SqliteAuditLog::lowest_key() {
  return end_key(lowest_, "min");
}

std::optional<std::int64_t> SqliteAuditLog::end_key(std::optional<Statement>& statement,
                                                    const char* end) {
  if (!layout_.shape.ordered_keys) {
    return std::nullopt;
  }
  Statement& query = prepared(statement, [&] {
    return std::string("SELECT ") + end + "(" + layout_.key_columns.front() + ") FROM " +
           layout_.table;
  });
  const StatementUse use{query};
  if (!query.step()) {
    return std::nullopt;
  }
  const StoredView found = query.column(0);
  const auto* const key = std::get_if<std::int64_t>(&found);
  return key == nullptr ? std::nullopt : std::optional{*key};
}

std::int64_t SqliteAuditLog::count_rows(std::optional<std::int64_t> up_to) {
  if (connection_.wal()) {
    return count_at_once(connection_, layout_, up_to);
  }
  std::int64_t rows = 0;
  LogPass{connection_, layout_, RowReader::key_columns(layout_)}.run(
      {.up_to = up_to}, [&rows](const Statement& /*row*/) { ++rows; });
  return rows;
}

std::int64_t SqliteAuditLog::count_rows_between(std::int64_t after, std::int64_t up_to) {
  const std::string& key = layout_.key_columns.front();
  SQLite::Statement query{
      connection_.db(),
      "SELECT count(*) FROM " + layout_.table + " WHERE " + key + " > ? AND " + key + " <= ?"};
  query.bind(1, after);
  query.bind(2, up_to);
  query.executeStep();
  return query.getColumn(0).getInt64();
}

void SqliteAuditLog::scan_all(std::optional<std::int64_t> up_to,
                              std::chrono::milliseconds longest_read,
                              const RowVisit& visit) {
  RowReader reader = new_reader();
  const auto newest = newest_at_scan();
  LogPass{connection_, layout_, RowReader::columns(layout_)}.run(
      {.up_to = up_to, .longest_read = longest_read}, [&](const Statement& row) {
        RowFacts& facts = reader.read(row);
        facts.newest_reusable = is_newest(*facts.key, newest);
        visit(facts);
      });
}

void SqliteAuditLog::count_groups(std::optional<std::int64_t> up_to,
                                  const GroupVisit& visit,
                                  const Pulse& pulse) {
  count_log_groups(connection_, layout_, {.up_to = up_to}, visit, pulse);
}

std::optional<std::string> SqliteAuditLog::middle_code(std::optional<std::int64_t> up_to) {
  return find_middle_code(connection_, layout_, up_to);
}

void SqliteAuditLog::count_groups_of(const CodesPart& part,
                                     std::optional<std::int64_t> up_to,
                                     const GroupVisit& visit,
                                     const Pulse& pulse) {
  count_log_groups(connection_, layout_, {.up_to = up_to, .part = &part}, visit, pulse);
}

void SqliteAuditLog::scan_candidates(const CandidateRange& range,
                                     std::optional<std::int64_t> up_to,
                                     const RowVisit& visit) {
  assert(layout_.shape.code_time_index);
  RowReader reader = new_reader();
  const auto newest = newest_at_scan();
  pass_candidates(connection_, layout_, range, up_to, [&](const Statement& row) {
    RowFacts& facts = reader.read(row);
    facts.newest_reusable = is_newest(*facts.key, newest);
    visit(facts);
  });
}

void SqliteAuditLog::scan_candidate_keys(const CandidateRange& range,
                                         std::optional<std::int64_t> up_to,
                                         const KeyVisit& visit) {
  assert(layout_.shape.code_time_index);
  RowReader reader = new_reader();
  pass_candidate_keys(connection_, layout_, range, up_to, [&](const Statement& row) {
    visit(reader.read_key(row));
  });
}

void SqliteAuditLog::find_span(const CandidateRange& range,
                               std::optional<std::int64_t> up_to,
                               const SpanVisit& visit) {
  assert(layout_.shape.code_time_index);
  span_between_candidates(connection_, layout_, range, up_to, visit);
}

std::optional<RowKey> SqliteAuditLog::find_key(const std::string& typed) {
  if (layout_.key_columns.size() > 1) {
    return find_joined_key(typed);
  }
  const auto integer = parse_integer(typed);
  if (layout_.rowid_alias) {
    return integer ? find_value(*integer) : std::nullopt;
  }
  auto found = find_value(std::string_view{typed});
  const auto bytes = parse_hex(typed);
  if (!found && bytes) {
    found = find_value(BlobView{*bytes});
  }
  if (!found && integer) {
    found = find_value(*integer);
  }
  return found;
}

void SqliteAuditLog::dispose(std::span<const RowKey> keys) {
  while (!keys.empty()) {
    // Numbers without a gap leave no room for a row that is not among them.
    const std::size_t together = layout_.rowid_alias ? length_of_run(keys) : 1;
    children_.dispose_of(keys.first(together));
    if (together > 1) {
      Statement& rows = prepared(dispose_range_, [this] {
        const std::string& key = layout_.key_columns.front();
        return "DELETE FROM " + layout_.table + " WHERE " + key + " >= ? AND " + key + " <= ?";
      });
      const StatementUse use{rows};
      rows.bind(1, keys.front().as_integer());
      rows.bind(2, keys[together - 1].as_integer());
      dispose_with(rows, keys.front(), static_cast<std::int64_t>(together));
    } else {
      Statement& row = prepared(
          dispose_, [this] { return "DELETE FROM " + layout_.table + " WHERE " + key_match_; });
      const StatementUse use{row};
      bind_key(row, keys.front());
      dispose_with(row, keys.front(), 1);
    }
    keys = keys.subspan(together);
  }
}

void SqliteAuditLog::dispose_with(Statement& rows, const RowKey& first, std::int64_t count) {
  deletions_.restart();
  (void)rows.step();
  // Rows that a trigger changes are not in this number, but the watch has seen them.
  const std::int64_t deleted = connection_.db().getChanges();
  const std::string which = "row " + first.display();
  if (deleted != count) {
    throw StorageError(StorageTrouble::other,
                       title() + ": deleting " + which + (count > 1 ? " and those after it" : "") +
                           " deleted " + std::to_string(deleted) + " rows instead of " +
                           std::to_string(count) +
                           ", so it is taken back: look for a trigger of the table, and run "
                           "\"holdfast check\"");
  }
  if (deletions_.rows() > count) {
    throw StorageError(StorageTrouble::other,
                       title() + ": a trigger deletes further rows of the table when " + which +
                           " is deleted, and those may have to stay, so it is taken back: drop "
                           "that trigger (\"holdfast check\" names it)");
  }
  deletions_.expect(count);
}

void SqliteAuditLog::append(const AuditEvent& event) {
  Statement& row = prepared(append_, [this] {
    return append_into_log_ ? append_to_log_sql(layout_) : std::string{kAppendOwn};
  });
  // What the triggers of the table do to its rows is not Holdfast's doing.
  const bool laid_down = append_into_log_ && lay_down_pass(connection_);
  write_event(row, event);
  if (laid_down) {
    (void)take_pass(connection_);
  }
}

void SqliteAuditLog::append_aside(const AuditEvent& event) {
  write_event(prepared(append_aside_, [] { return std::string{kAppendOwn}; }), event);
}

void SqliteAuditLog::write_event(Statement& row, const AuditEvent& event) {
  const StatementUse use{row};
  int index = 1;
  row.bind(index++, to_unix_ms(event.occurred_at));
  row.bind(index++, stored(event.tenant));
  row.bind(index++, std::string_view{event.code});
  row.bind(index++, std::string_view{event.severity});
  row.bind(index++, std::string_view{event.actor});
  row.bind(index++, stored(event.subject));
  row.bind(index++,
           event.retain_until ? StoredView{to_unix_ms(*event.retain_until)} : StoredView{});
  row.bind(index++, std::string_view{event.metadata});
  (void)row.step();
  if (connection_.db().getChanges() != 1) {
    throw StorageError(StorageTrouble::other,
                       title() + ": Holdfast's audit row " + event.code +
                           " was not written: look for a trigger of the table");
  }
}

std::string SqliteAuditLog::title() const {
  return connection_.path() + ": table " + layout_.table;
}

RowReader SqliteAuditLog::new_reader() const {
  return {layout_, title()};
}

void SqliteAuditLog::bind_key(Statement& statement, const RowKey& key) const {
  if (key.is_integer() && layout_.key_columns.size() == 1) {
    statement.bind(1, key.as_integer());
    return;
  }
  const std::string bytes = key.bytes();
  int index = 1;
  for (const StoredView& value : key_values(bytes, layout_.key_columns.size())) {
    statement.bind(index++, value);
  }
}

bool SqliteAuditLog::is_newest(const RowKey& key, std::optional<std::int64_t> newest) const {
  return layout_.shape.reuses_newest_key &&
         (key.as_integer() == newest || key.as_integer() == first_newest_);
}

std::optional<std::int64_t> SqliteAuditLog::newest_at_scan() {
  if (!layout_.shape.reuses_newest_key) {
    return std::nullopt;
  }
  const auto newest = highest_key();
  if (!first_newest_) {
    first_newest_ = newest;
  }
  return newest;
}

std::optional<RowKey> SqliteAuditLog::find_value(const StoredView& value) {
  const std::string key = RowReader::key_columns(layout_);
  Statement row{connection_.db(),
                "SELECT " + key + " FROM " + layout_.table + " WHERE " + key_match_ + " ORDER BY " +
                    key + " LIMIT 1"};
  row.bind(1, value);
  return row.step() ? std::optional{new_reader().read_key(row)} : std::nullopt;
}

std::optional<RowKey> SqliteAuditLog::find_joined_key(const std::string& typed) {
  RowReader reader = new_reader();
  std::optional<RowKey> found;
  LogPass{connection_, layout_, RowReader::key_columns(layout_)}.run({}, [&](const Statement& row) {
    const RowKey& key = reader.read_key(row);
    if (key.display() != typed) {
      return;
    }
    if (found) {
      throw StorageError(StorageTrouble::other,
                         title() + ": more than one row has a key that reads \"" + typed + "\"");
    }
    found = key;
  });
  return found;
}

}  // namespace holdfast

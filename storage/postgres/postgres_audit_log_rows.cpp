// SPDX-License-Identifier: Apache-2.0
// Single rows of the audit log: what a person types, what Holdfast adds, and how one comes back.

#include <charconv>
#include <system_error>
#include <utility>
#include <variant>

#include "storage/postgres/postgres_audit_log.h"
#include "storage/postgres/postgres_value_match.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kEventColumns =
    " (occurred_at, tenant, code, severity, actor, subject, retain_until, metadata)";
constexpr const char* kEventValues = " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

std::string append_aside_sql(const PostgresLogLayout& layout) {
  return "INSERT INTO " + layout.schema + ".holdfast_event" + kEventColumns + kEventValues;
}

std::string append_to_log_sql(const PostgresLogLayout& layout) {
  std::string names;
  for (const char* const setting :
       {"time", "tenant", "code", "severity", "actor", "subject", "retain_until", "metadata"}) {
    names += (names.empty() ? "" : ", ") + postgres_quoted(layout.shape.mapping.at(setting));
  }
  return "INSERT INTO " + layout.table + " (" + names + ")" + kEventValues;
}

StoredView stored(const std::optional<std::string>& text) {
  return text ? StoredView{std::string_view{*text}} : StoredView{};
}

std::optional<std::int64_t> parse_integer(const std::string& typed) {
  std::int64_t number = 0;
  const char* const end = typed.data() + typed.size();
  const auto parsed = std::from_chars(typed.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional{number} : std::nullopt;
}

std::string insert_sql(const PostgresLogLayout& layout) {
  std::string names;
  std::string values;
  for (std::size_t i = 0; i < layout.own_columns.size(); ++i) {
    names += (i == 0 ? "" : ", ") + layout.own_columns[i];
    values += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
  }
  // A key that the server always hands out itself takes the old one only so.
  return "INSERT INTO " + layout.table + " (" + names + ") OVERRIDING SYSTEM VALUE VALUES (" +
         values + ")";
}

}  // namespace

std::optional<RowKey> PostgresAuditLog::find_key(const std::string& typed) {
  if (layout_.key.size() == 1 && typed.find('\0') == std::string::npos) {
    switch (layout_.key.front().kind) {
      case PostgresKind::integer: {
        const auto integer = parse_integer(typed);
        return integer ? find_by_index(*integer) : std::nullopt;
      }
      case PostgresKind::text:
      case PostgresKind::padded:
        return find_by_index(std::string_view{typed});
      case PostgresKind::uuid:
        return is_postgres_uuid(typed) ? find_by_index(std::string_view{typed}) : std::nullopt;
      case PostgresKind::real:
      case PostgresKind::numeric:
      case PostgresKind::bytes:
      case PostgresKind::timestamp:
      case PostgresKind::timestamptz:
      case PostgresKind::plain:
      case PostgresKind::other:
        break;
    }
  }
  // What a person may have typed need not be a value of the type, and the server would take an
  // error for the end of the transaction.
  return find_by_reading(typed);
}

std::optional<RowKey> PostgresAuditLog::find_by_index(const StoredView& value) {
  PostgresStatement row{connection_,
                        "SELECT " + PostgresRowReader::key_columns(layout_) + " FROM " +
                            layout_.table + " AS " + kPostgresLog + " WHERE " +
                            postgres_key_match(layout_)};
  row.bind(1, value);
  return row.step() ? std::optional{new_reader().read_key(row)} : std::nullopt;
}

std::optional<RowKey> PostgresAuditLog::find_by_reading(const std::string& typed) {
  std::optional<RowKey> found;
  for_each_key([&](const RowKey& key) {
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

void PostgresAuditLog::append(const AuditEvent& event) {
  write_event(append_into_log_ ? append_to_log_sql(layout_) : append_aside_sql(layout_), event);
}

void PostgresAuditLog::append_aside(const AuditEvent& event) {
  write_event(append_aside_sql(layout_), event);
}

void PostgresAuditLog::write_event(const std::string& sql, const AuditEvent& event) {
  watch_.restart();
  PostgresStatement row{connection_, sql};
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
  if (row.run() != 1) {
    throw StorageError(StorageTrouble::other,
                       title() + ": Holdfast's audit row " + event.code +
                           " was not written: look for a trigger of the table");
  }
  watch_.require_at_most(0, "writing Holdfast's audit row " + event.code);
}

bool PostgresAuditLog::put_back(const RowKey& key, std::string_view content) {
  if (read_row(key, [](const RowFacts&) {})) {
    return false;
  }
  const auto values = split_canonical(content);
  if (!values || values->size() != layout_.columns.size()) {
    throw StorageError(StorageTrouble::mapping,
                       title() + ": row " + key.display() +
                           " was kept with other columns than the table has today, so it cannot "
                           "be put back");
  }
  const std::string what = "putting back row " + key.display();
  watch_.restart();
  PostgresStatement row{connection_, insert_sql(layout_)};
  int index = 1;
  for (const StoredView& value : *values) {
    row.bind(index++, value);
  }
  (void)row.run();
  watch_.require_at_most(0, what);
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

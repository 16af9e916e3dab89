// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_hold_query.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <variant>

#include "policy/event_time.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/storage_error.h"
#include "storage/value_form.h"

namespace holdfast {
namespace {

// More holds on one person than anybody could read: the query forgot its WHERE.
constexpr std::size_t kMostHolds = 10'000;
constexpr Oid kBool = 16;  // pg_type.dat

[[noreturn]] void refuse(const PostgresConnection& connection, const std::string& what) {
  throw StorageError(StorageTrouble::mapping,
                     connection.path() + ": the hold query " + what +
                         ": write one SELECT that only reads and gives the columns id, and where "
                         "there are, basis, locked and review_by");
}

/// A part of a transaction, or one of its own, that only reads and leaves nothing behind. What the
/// server refuses in it does not spoil the rest.
class ReadsOnly {
 public:
  ReadsOnly(PostgresConnection& connection, std::chrono::milliseconds limit)
      : connection_(connection), inside_(connection.in_transaction()) {
    connection.exec(inside_ ? "SAVEPOINT holdfast_hold_query" : "BEGIN");
    // The query's own names are meant as the server would look them up.
    connection.exec("SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = " +
                    std::to_string(std::max<std::int64_t>(limit.count(), 1)) +
                    "; SELECT pg_catalog.set_config('search_path', " +
                    postgres_literal(connection.server_path()) + ", true)");
  }
  ReadsOnly(const ReadsOnly&) = delete;
  ReadsOnly& operator=(const ReadsOnly&) = delete;
  ReadsOnly(ReadsOnly&&) = delete;
  ReadsOnly& operator=(ReadsOnly&&) = delete;
  // Where this fails the connection is lost, and the next statement says so.
  ~ReadsOnly() {
    PQclear(PQexec(connection_.handle(),
                   inside_ ? "ROLLBACK TO SAVEPOINT holdfast_hold_query; "
                             "RELEASE SAVEPOINT holdfast_hold_query"
                           : "ROLLBACK"));
  }

 private:
  PostgresConnection& connection_;
  bool inside_;
};

/// The query as a table, so that nothing but a query fits: no second statement, nothing that
/// writes.
std::string as_table(const PostgresConnection& connection, const std::string& sql) {
  if (sql.find('\0') != std::string::npos) {
    refuse(connection, "has a zero byte in it");
  }
  std::string query = with_hold_parameters(connection.path(), sql);
  const std::size_t last = query.find_last_not_of(" \t\r\n");
  if (last == std::string::npos) {
    refuse(connection, "is empty");
  }
  query.resize(last + 1);
  // On lines of its own: it may end with a comment. Both parameters have to be there.
  return "FROM (\n" + query +
         "\n) AS holdfast_hold_query, (SELECT $1::pg_catalog.text, $2::pg_catalog.text) AS "
         "holdfast_parameters(holdfast_subject, holdfast_tenant)";
}

using Names = std::set<std::string>;

/// The columns that the query gives, without carrying anything of it out.
Names columns_of(PostgresConnection& connection, const std::string& table) {
  const std::string name = connection.prepared("SELECT * " + table);
  const PostgresResult described =
      connection.sound(PQdescribePrepared(connection.handle(), name.c_str()));
  Names names;
  for (int i = 0; i < PQnfields(described.get()); ++i) {
    names.insert(PQfname(described.get(), i));
  }
  return names;
}

Names require_columns(PostgresConnection& connection, const std::string& table) {
  try {
    Names names = columns_of(connection, table);
    if (!names.contains("id")) {
      refuse(connection, "has no column \"id\"");
    }
    return names;
  } catch (const PostgresError& error) {
    // 42: the text is no query, or names what is not there; 0A: what no part of a query can be.
    if (error.state().rfind("42", 0) == 0 || error.state().rfind("0A", 0) == 0) {
      refuse(connection, std::string{"cannot be run ("} + error.what() + ")");
    }
    throw;
  }
}

std::string text_of(const StoredView& value) {
  TextForm form;
  return std::string{form.of(value).value_or("")};
}

/// Only a plain no is a no.
bool is_locked(const StoredView& value, Oid type) {
  if (type == kBool && value == StoredView{std::string_view{"f"}}) {
    return false;
  }
  return !std::holds_alternative<std::monostate>(value) && value != StoredView{std::int64_t{0}} &&
         value != StoredView{0.0};
}

/// UTC milliseconds, a time with a zone, a day, or a time without a zone, which is then UTC.
std::optional<Instant> review_of(const StoredView& value) {
  const auto* const text = std::get_if<std::string_view>(&value);
  if (text == nullptr) {
    return parse_event_time(value, TimeFormat::unix_ms);
  }
  const auto instant = parse_rfc3339(*text);
  if (instant) {
    return *instant;
  }
  const auto zoned = parse_event_time(value, TimeFormat::iso8601);
  return zoned ? zoned : parse_event_time(value, TimeFormat::utc_text);
}

std::vector<ReportedHold> read_holds(PostgresConnection& connection,
                                     const std::string& table,
                                     const Names& names,
                                     const Subject& subject) {
  std::string list = "id";
  for (const char* const column : {"basis", "locked", "review_by"}) {
    list += std::string{", "} + (names.contains(column) ? "" : "NULL AS ") + column;
  }
  PostgresStatement rows{
      connection, "SELECT " + list + " " + table + " LIMIT " + std::to_string(kMostHolds + 1)};
  const std::string tenant = subject.tenant.value_or("");
  rows.bind(1, std::string_view{subject.person});
  rows.bind(2, std::string_view{tenant});
  std::vector<ReportedHold> holds;
  while (rows.step()) {
    const StoredView id = rows.column(0);
    if (std::holds_alternative<std::monostate>(id)) {
      refuse(connection, "gives a line whose id is NULL, which could be any hold");
    }
    holds.push_back({.id = text_of(id),
                     .basis = text_of(rows.column(1)),
                     .locked = is_locked(rows.column(2), rows.column_type(2)),
                     .review_by = review_of(rows.column(3))});
  }
  return holds;
}

}  // namespace

void check_postgres_hold_query(PostgresConnection& connection, const std::string& sql) {
  const std::string table = as_table(connection, sql);
  const ReadsOnly guard{connection, std::chrono::minutes{1}};
  (void)require_columns(connection, table);
}

std::vector<ReportedHold> run_postgres_hold_query(PostgresConnection& connection,
                                                  const std::string& sql,
                                                  const Subject& subject,
                                                  std::chrono::milliseconds limit) {
  const std::string table = as_table(connection, sql);
  const ReadsOnly guard{connection, limit};
  const Names names = require_columns(connection, table);
  std::vector<ReportedHold> holds;
  try {
    holds = read_holds(connection, table, names, subject);
  } catch (const PostgresError& error) {
    if (error.state() == "57014") {
      throw StorageError(StorageTrouble::other,
                         connection.path() + ": the hold query did not answer within " +
                             std::to_string(limit.count()) +
                             " ms: give it an index, or raise the module's time limit");
    }
    if (error.state() == "25006") {
      refuse(connection, "tried more than to read");
    }
    throw;
  }
  if (holds.size() > kMostHolds) {
    refuse(connection, "gives more than " + std::to_string(kMostHolds) + " holds for one subject");
  }
  return holds;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/postgres/postgres_error.h"
#include "storage/postgres/postgres_url.h"

namespace holdfast {
namespace {

// The server says so of every statement after one that failed in the same transaction.
constexpr std::string_view kSpoiltTransaction = "25P02";

// Set by statements and not in the start-up packet, which poolers refuse.
constexpr const char* kSettings = R"sql(
SET client_encoding = 'UTF8';
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET cursor_tuple_fraction = 1.0;
SET standard_conforming_strings = on;
SET row_security = off;
SET statement_timeout = 0;
SET tcp_keepalives_idle = 60;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 6;
SET client_min_messages = 'error'
)sql";

constexpr const char* kReadsOnly = "SET default_transaction_read_only = on";

// What would let rows go, or holds be overlooked, without a word: see refuse_unsafe_settings().
constexpr const char* kUnsafeSetting = R"sql(
SELECT name FROM pg_catalog.pg_settings
WHERE (name = 'session_replication_role' AND setting <> 'origin')
   OR (name IN ('zero_damaged_pages', 'ignore_checksum_failure') AND setting = 'on')
ORDER BY name
)sql";

// As pg_table_is_visible() would say under the path that the server gave: the first of any kind
// with that name hides the others.
constexpr const char* kFindVisible = R"sql(
SELECT nspname, relname, oid FROM (
  SELECT n.nspname, c.relname, c.oid, c.relkind FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = $1::pg_catalog.name AND n.nspname = ANY ($2::pg_catalog.name[])
  ORDER BY pg_catalog.array_position($2::pg_catalog.name[], n.nspname) LIMIT 1) AS first
WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
)sql";

constexpr const char* kFindInSchema = R"sql(
SELECT n.nspname, c.relname, c.oid FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $1::pg_catalog.name AND n.nspname = $2::pg_catalog.name
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.oid
)sql";

constexpr int kOldestServer = 130000;
constexpr std::size_t kMostOfName = 63;  // bytes

/// A word that no other session has.
std::string new_session() {
  constexpr int kWords = 4;
  std::random_device chance;
  std::string word;
  for (int i = 0; i < kWords; ++i) {
    word += (word.empty() ? "" : "-") + std::to_string(chance());
  }
  return word;
}

struct pg_conn* connect(PostgresUrlParts said) {
  said.emplace("connect_timeout", "15");
  // A peer that is gone is found out in about two minutes, not in hours.
  said.emplace("keepalives_idle", "60");
  said.emplace("keepalives_interval", "10");
  said.emplace("keepalives_count", "6");
  said.emplace("tcp_user_timeout", "120000");
  said["application_name"] = "holdfast";
  said["client_encoding"] = "UTF8";
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : said) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectdbParams(keywords.data(), values.data(), 0);
}

std::string or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

PostgresTable table_of(const pg_result* rows) {
  if (PQntuples(rows) == 0) {
    return {};
  }
  return {.schema = PQgetvalue(rows, 0, 0),
          .name = PQgetvalue(rows, 0, 1),
          .oid = static_cast<std::uint32_t>(std::strtoul(PQgetvalue(rows, 0, 2), nullptr, 10))};
}

/// Where Holdfast's own tables are or would be made.
std::string own_schema(PostgresConnection& connection, const std::string& log) {
  const PostgresTable table = find_postgres_table(connection, log);
  if (table.oid != 0) {
    return table.schema;
  }
  const PostgresTable own = find_postgres_table(connection, "holdfast_meta");
  return own.oid != 0 ? own.schema : connection.ask("SELECT pg_catalog.current_schema()");
}

void refuse_unsafe_settings(PostgresConnection& connection) {
  const std::string name = connection.ask(kUnsafeSetting);
  if (!name.empty()) {
    throw PostgresError(StorageTrouble::other,
                        "",
                        connection.path() + ": the setting " + name +
                            " is not the ordinary one for this role or server, and with it holds "
                            "could be overlooked: reset it, then run again");
  }
}

}  // namespace

void EndPostgres::operator()(pg_conn* connection) const noexcept {
  PQfinish(connection);
}

void EndPostgres::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

PostgresConnection::PostgresConnection(const OpenOptions& options)
    : reads_only_(options.read_only),
      // The server takes 0 for a wait without an end.
      busy_wait_(std::max(options.busy_wait, std::chrono::milliseconds{1})) {
  if (const auto problem = postgres_url_problem(options.url)) {
    throw PostgresError(StorageTrouble::other, "", "[database].url " + *problem);
  }
  const PostgresUrlParts said = parts_of_url(options.url).value_or(PostgresUrlParts{});
  path_ = shown_path(said);
  connection_.reset(connect(said));
  if (PQstatus(handle()) != CONNECTION_OK) {
    const std::string why = or_empty(PQerrorMessage(handle()));
    // libpq tells no SQLSTATE of a connection that was not made; the server's words are these in
    // every language but one, and then the sentence is the general one.
    const bool no_database = why.find("does not exist") != std::string::npos &&
                             why.find("database \"") != std::string::npos;
    const bool not_let_in = why.find("authentication failed") != std::string::npos ||
                            why.find("no password supplied") != std::string::npos ||
                            why.find("pg_hba.conf") != std::string::npos;
    throw postgres_error(path_, no_database ? "3D000" : not_let_in ? "28000" : "08001", why);
  }
  if (PQserverVersion(handle()) < kOldestServer) {
    throw PostgresError(StorageTrouble::other,
                        "",
                        path_ +
                            ": the server is older than PostgreSQL 13, which Holdfast does not "
                            "know: upgrade it");
  }
  exec(kSettings);
  exec("SET lock_timeout = " + std::to_string(busy_wait_.count()));
  if (reads_only_) {
    exec(kReadsOnly);
  }
  refuse_unsafe_settings(*this);
  session_ = new_session();
  exec("SET holdfast.session = " + postgres_literal(session_));
  server_path_ = ask("SELECT pg_catalog.current_setting('search_path')");
  server_schemas_ = ask("SELECT pg_catalog.current_schemas(true)::pg_catalog.text");
  schema_ = own_schema(*this, options.mapping.table);
  if (schema_.find('%') != std::string::npos) {
    throw PostgresError(StorageTrouble::other,
                        "",
                        path_ +
                            ": the schema of Holdfast's own tables has a % in its name, which "
                            "Holdfast does not take: put the log into another one");
  }
  if (schema_.empty()) {
    throw PostgresError(StorageTrouble::other,
                        "",
                        path_ +
                            ": the search path of this role names no schema that is there: set "
                            "it with ALTER ROLE … SET search_path");
  }
}

PostgresResult PostgresConnection::exec(const std::string& sql) {
  return sound(PQexec(handle(), sql.c_str()));
}

std::shared_ptr<PostgresSent> PostgresConnection::send(const std::string& sql) {
  return note_sent(PQsendQuery(handle(), sql.c_str()));
}

std::shared_ptr<PostgresSent> PostgresConnection::send(const std::string& name,
                                                       const std::vector<const char*>& values) {
  return note_sent(PQsendQueryPrepared(
      handle(), name.c_str(), static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0));
}

std::shared_ptr<PostgresSent> PostgresConnection::note_sent(int done) {
  if (done != 1) {
    throw postgres_error(path_, "", or_empty(PQerrorMessage(connection_.get())));
  }
  sent_ = std::make_shared<PostgresSent>();
  return sent_;
}

void PostgresConnection::hear_out() noexcept {
  while (sent_) {
    PostgresResult next{PQgetResult(connection_.get())};
    if (next == nullptr) {
      const bool told = !failed_ || !failed_->answer;
      if (told && PQresultStatus(sent_->answer.get()) == PGRES_FATAL_ERROR) {
        failed_ = sent_;  // the first one spoilt the transaction
      }
      sent_.reset();
    } else {
      sent_->answer = std::move(next);  // of several, the last one tells how it ended
    }
  }
}

void PostgresConnection::take_in() noexcept {
  if (sent_) {
    // Whoever waits for the answer is told what went wrong.
    (void)PQconsumeInput(connection_.get());
  }
}

PostgresResult PostgresConnection::answer(PostgresSent& sent) {
  if (sent_.get() == &sent) {
    hear_out();
  }
  return sound(sent.answer.release());
}

std::string PostgresConnection::ask(const std::string& sql) {
  const PostgresResult rows = exec(sql);
  return PQntuples(rows.get()) == 0 ? "" : std::string{PQgetvalue(rows.get(), 0, 0)};
}

bool PostgresConnection::alive() const {
  return PQstatus(connection_.get()) == CONNECTION_OK;
}

bool PostgresConnection::in_transaction() const {
  // While an answer is on its way: active, and so inside one or not worth a difference.
  const PGTransactionStatusType status = PQtransactionStatus(connection_.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

void PostgresConnection::roll_back() noexcept {
  sent_.reset();  // libpq throws away what is still to come
  failed_.reset();
  if (in_transaction()) {
    PQclear(PQexec(handle(), "ROLLBACK"));
  }
}

void PostgresConnection::end_reading() noexcept {
  sent_.reset();
  failed_.reset();
  if (in_transaction()) {
    PQclear(PQexec(handle(), "COMMIT"));
  }
}

const std::string& PostgresConnection::prepared(const std::string& sql) {
  const auto found = prepared_.find(sql);
  if (found != prepared_.end()) {
    return found->second;
  }
  const std::string name = "holdfast_" + std::to_string(prepared_.size() + 1);
  (void)sound(PQprepare(handle(), name.c_str(), sql.c_str(), 0, nullptr));
  return prepared_.emplace(sql, name).first->second;
}

PostgresResult PostgresConnection::sound(pg_result* result) {
  PostgresResult owned{result};
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
      failed_.reset();
      return owned;
    default:
      break;
  }
  const std::string state = or_empty(PQresultErrorField(result, PG_DIAG_SQLSTATE));
  if (state == kSpoiltTransaction && failed_ && failed_->answer) {
    throw error_of(std::exchange(failed_, nullptr)->answer.get());
  }
  failed_.reset();
  throw error_of(result);
}

PostgresError PostgresConnection::error_of(const pg_result* result) const {
  // The detail and the statement are left out: they may quote values of rows.
  const std::string primary = or_empty(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
  return postgres_error(path_,
                        or_empty(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
                        primary.empty() ? or_empty(PQerrorMessage(connection_.get())) : primary);
}

std::string PostgresTable::quoted() const {
  return postgres_quoted(schema) + "." + postgres_quoted(name);
}

PostgresTable find_postgres_table(PostgresConnection& connection, const std::string& name) {
  // A name may have anything in it, and not only the configuration's word for it: bound, always.
  const auto find = [&](const char* sql, const std::string& first, const std::string& second) {
    const std::array<const char*, 2> values{first.c_str(), second.c_str()};
    return table_of(connection
                        .sound(PQexecParams(connection.handle(),
                                            sql,
                                            static_cast<int>(values.size()),
                                            nullptr,
                                            values.data(),
                                            nullptr,
                                            nullptr,
                                            0))
                        .get());
  };
  // The server would cut longer ones, and find another table.
  const auto fits = [](const std::string& part) {
    return part.size() <= kMostOfName;
  };
  PostgresTable visible =
      fits(name) ? find(kFindVisible, name, connection.server_schemas()) : PostgresTable{};
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) {
    return visible;
  }
  const std::string schema = name.substr(0, dot);
  const std::string rest = name.substr(dot + 1);
  PostgresTable qualified =
      fits(schema) && fits(rest) ? find(kFindInSchema, rest, schema) : PostgresTable{};
  if (visible.oid != 0 && qualified.oid != 0 && visible.oid != qualified.oid) {
    throw PostgresError(StorageTrouble::mapping,
                        "",
                        connection.path() + ": \"" + name +
                            "\" means two tables: one in the schema \"" + schema +
                            "\", and one in \"" + visible.schema +
                            "\" that has the whole of it for its name: rename that one");
  }
  return visible.oid != 0 ? visible : qualified;
}

std::string postgres_quoted(const std::string& name) {
  std::string out = "\"";
  for (const char letter : name) {
    out += letter;
    if (letter == '"') {
      out += letter;
    }
  }
  return out + '"';
}

std::string postgres_literal(const std::string& text) {
  // standard_conforming_strings is on, so a backslash is a letter like any other.
  std::string out = "'";
  for (const char letter : text) {
    out += letter;
    if (letter == '\'') {
      out += letter;
    }
  }
  return out + '\'';
}

}  // namespace holdfast

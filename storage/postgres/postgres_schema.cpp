// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_schema.h"

#include <array>
#include <string_view>

#include "storage/postgres/postgres_register_sql.h"
#include "storage/postgres/postgres_schema_text.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/registers/register_query.h"

namespace holdfast {
namespace {

// That of SQLite's tables with the same columns.
constexpr std::int64_t kVersion = 4;

// Tables that refer to another one stand before it.
constexpr std::array<const char*, 21> kTables = {"holdfast_run_slice",
                                                 "holdfast_run",
                                                 "holdfast_clock",
                                                 "holdfast_policy",
                                                 "holdfast_hold_term",
                                                 "holdfast_hold",
                                                 "holdfast_plan_key",
                                                 "holdfast_approval",
                                                 "holdfast_plan",
                                                 "holdfast_erasure_attempt",
                                                 "holdfast_erasure_receipt",
                                                 "holdfast_erasure",
                                                 "holdfast_erasure_key",
                                                 "holdfast_export",
                                                 "holdfast_first_seen",
                                                 "holdfast_bookmark",
                                                 "holdfast_journal",
                                                 "holdfast_event",
                                                 "holdfast_witness",
                                                 "holdfast_restored",
                                                 "holdfast_meta"};

constexpr const char* kHasTable = R"sql(
SELECT count(*) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r'
)sql";

// Fires after each row, or after a TRUNCATE (type bits: row 1, INSERT 4, DELETE 8, UPDATE 16,
// TRUNCATE 32; not before or instead), always, without a condition, and runs the function with just
// this body.
constexpr const char* kSoundTriggers = R"sql(
SELECT count(*) FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE n.nspname = $1 AND c.relname IN ('holdfast_hold', 'holdfast_hold_term', 'holdfast_bookmark')
  AND ((t.tgname = 'hold_changed' AND t.tgtype = 29)
       OR (t.tgname = 'hold_emptied' AND t.tgtype = 32))
  AND t.tgenabled = 'A' AND t.tgqual IS NULL
  AND t.tgattr = '' AND t.tgoldtable IS NULL AND t.tgnewtable IS NULL
  AND p.pronamespace = n.oid AND p.proname = 'holdfast_hold_changed' AND p.prosecdef
  AND p.prosrc = $2
)sql";

constexpr std::int64_t kTriggers = 6;  // two on each table

constexpr const char* kOtherRules = R"sql(
SELECT count(*) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname LIKE 'holdfast\_%' AND c.relkind = 'r'
  AND (c.relhasrules OR c.relrowsecurity OR c.relpersistence <> 'p')
)sql";

constexpr const char* kOpenIndexes = R"sql(
SELECT count(*) FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname IN ('erasure_open', 'export_open') AND i.indisunique
  AND i.indisvalid
)sql";

constexpr const char* kSelectVersion = R"sql(
SELECT value::bigint FROM holdfast_meta WHERE key = 'schema_version'
)sql";

constexpr const char* kStoreVersion = R"sql(
INSERT INTO holdfast_meta (key, value) VALUES ('schema_version', ?1)
)sql";

std::int64_t count(PostgresConnection& connection,
                   const char* sql,
                   std::string_view first,
                   std::optional<std::string> second = std::nullopt) {
  PostgresStatement statement{connection, sql};
  statement.bind(1, first);
  if (second) {
    statement.bind_text(2, *std::move(second));
  }
  return statement.step() ? std::get<std::int64_t>(statement.column(0)) : 0;
}

bool has_table(PostgresConnection& connection, const char* name) {
  return count(connection, kHasTable, connection.schema(), name) > 0;
}

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

std::string function_body(const PostgresConnection& connection) {
  return replaced(kPostgresHoldChanged, "%schema%", postgres_quoted(connection.schema()));
}

[[noreturn]] void refuse(const PostgresConnection& connection, const std::string& what) {
  throw StorageError(StorageTrouble::corrupt,
                     connection.path() + ": " + what +
                         ": somebody has changed Holdfast's own tables; restore a backup before "
                         "anything is deleted");
}

void require_whole(PostgresConnection& connection) {
  for (const char* const name : kTables) {
    if (!has_table(connection, name)) {
      refuse(connection,
             std::string{"Holdfast's table "} + name +
                 " is missing although others of its own are there");
    }
  }
  require_postgres_triggers(connection);
  if (count(connection, kOtherRules, connection.schema()) != 0) {
    refuse(connection, "a table of Holdfast's own has a rule or row security, or is not logged");
  }
  if (count(connection, kOpenIndexes, connection.schema()) != 2) {
    refuse(connection, "an index that lets one person have one open request only is missing");
  }
}

}  // namespace

std::optional<std::int64_t> postgres_schema_version(PostgresConnection& connection) {
  if (!has_table(connection, "holdfast_meta")) {
    return std::nullopt;
  }
  RegisterQuery query({.connection = connection, .set_up = true}, kSelectVersion);
  if (!query.with().next()) {
    throw StorageError(
        StorageTrouble::corrupt,
        connection.path() + ": holdfast_meta does not say which schema it has: restore a backup");
  }
  return query.integer(0);
}

bool is_set_up_in_postgres(PostgresConnection& connection) {
  const std::optional<std::int64_t> version = postgres_schema_version(connection);
  if (!version) {
    if (!own_postgres_tables(connection).empty()) {
      refuse(connection, "Holdfast's table holdfast_meta is missing although others are there");
    }
    return false;
  }
  const std::string found = connection.path() + ": schema " + std::to_string(*version) +
                            " of Holdfast's own tables, this program knows " +
                            std::to_string(kVersion);
  if (*version > kVersion) {
    throw StorageError(StorageTrouble::newer_schema, found + ": use the newer Holdfast");
  }
  if (*version < kVersion) {
    throw StorageError(StorageTrouble::older_schema,
                       found + ": nothing made by a released Holdfast has that; restore a backup");
  }
  require_whole(connection);
  return true;
}

void require_postgres_triggers(PostgresConnection& connection) {
  if (count(connection, kSoundTriggers, connection.schema(), function_body(connection)) !=
      kTriggers) {
    refuse(
        connection,
        "the triggers that count changes of holds and bookmarks are not as \"holdfast init\" made them");
  }
}

void make_postgres_schema(PostgresConnection& connection) {
  connection.run_script(kPostgresTables);
  const std::string triggers = postgres_register_sql(kPostgresTriggers, connection.schema());
  connection.exec(replaced(triggers, "%body%", postgres_literal(function_body(connection))));
  RegisterQuery store({.connection = connection, .set_up = true}, kStoreVersion);
  store.with(std::to_string(kVersion)).run_one("the schema version");
}

std::vector<std::string> own_postgres_tables(PostgresConnection& connection) {
  std::vector<std::string> tables;
  for (const char* const name : kTables) {
    if (has_table(connection, name)) {
      tables.emplace_back(name);
    }
  }
  return tables;
}

void drop_postgres_table(PostgresConnection& connection, const std::string& table) {
  connection.exec("DROP TABLE " + postgres_quoted(connection.schema()) + "." +
                  postgres_quoted(table));
}

void drop_postgres_function(PostgresConnection& connection) {
  connection.exec("DROP FUNCTION IF EXISTS " + postgres_quoted(connection.schema()) +
                  ".holdfast_hold_changed()");
}

}  // namespace holdfast

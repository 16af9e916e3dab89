// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/schema.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <SQLiteCpp/Savepoint.h>

#include "storage/registers/register_query.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

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
constexpr std::array<const char*, 6> kTriggers = {"holdfast_hold_inserted",
                                                  "holdfast_hold_updated",
                                                  "holdfast_hold_deleted",
                                                  "holdfast_hold_term_inserted",
                                                  "holdfast_hold_term_updated",
                                                  "holdfast_hold_term_deleted"};

// Without them a subject could have two open requests.
constexpr const char* kOpenErasures = "holdfast_erasure_open";
constexpr const char* kOpenExports = "holdfast_export_open";

constexpr const char* kHasObject = R"sql(
SELECT count(*) FROM sqlite_schema WHERE type = ?1 AND name = ?2
)sql";

constexpr const char* kSelectVersion = R"sql(
SELECT value FROM holdfast_meta WHERE key = 'schema_version'
)sql";

constexpr const char* kStoreVersion = R"sql(
INSERT INTO holdfast_meta (key, value) VALUES ('schema_version', ?1)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
)sql";

bool has_object(Connection& connection, std::string_view type, std::string_view name) {
  RegisterQuery query({.connection = connection, .set_up = true}, kHasObject);
  return query.with(type, name).next() && query.integer(0) > 0;
}

void require_object(Connection& connection, const char* type, const char* name) {
  if (!has_object(connection, type, name)) {
    throw StorageError(StorageTrouble::corrupt,
                       connection.path() + ": Holdfast's " + type + " " + name +
                           " is missing although others of its own are there: somebody took it "
                           "out; restore a backup before anything is deleted");
  }
}

void refuse_newer(Connection& connection, std::int64_t found, std::int64_t known) {
  throw StorageError(StorageTrouble::newer_schema,
                     connection.path() + ": made by a newer Holdfast (schema " +
                         std::to_string(found) + ", this program knows " + std::to_string(known) +
                         "): use that program");
}

std::string older_message(Connection& connection, std::int64_t found, std::int64_t wanted) {
  return connection.path() + ": schema " + std::to_string(found) + ", this program needs " +
         std::to_string(wanted) + ": run \"holdfast init\"";
}

void take_step(Connection& connection, const MigrationStep& step) {
  connection.db().exec(step.sql);
  RegisterQuery store({.connection = connection, .set_up = true}, kStoreVersion);
  store.with(step.version).run_one("the schema version");
}

}  // namespace

std::optional<std::int64_t> schema_version(Connection& connection) {
  if (!has_object(connection, "table", "holdfast_meta")) {
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

bool migrate(Connection& connection, std::span<const MigrationStep> steps, std::int64_t target) {
  SQLite::Savepoint savepoint(connection.db(), "holdfast_migration");
  const std::int64_t before = schema_version(connection).value_or(0);
  if (before > target) {
    refuse_newer(connection, before, target);
  }
  std::int64_t version = before;
  for (const MigrationStep& step : steps) {
    if (step.version == version + 1 && step.version <= target) {
      take_step(connection, step);
      version = step.version;
    }
  }
  if (version != target) {
    throw StorageError(StorageTrouble::older_schema, older_message(connection, version, target));
  }
  savepoint.release();
  return before != target;
}

bool is_set_up(Connection& connection) {
  const std::optional<std::int64_t> version = schema_version(connection);
  if (!version) {
    if (!own_tables(connection).empty()) {
      require_object(connection, "table", "holdfast_meta");
    }
    return false;
  }
  if (*version > kSchemaVersion) {
    refuse_newer(connection, *version, kSchemaVersion);
  }
  if (*version < kSchemaVersion) {
    throw StorageError(StorageTrouble::older_schema,
                       older_message(connection, *version, kSchemaVersion));
  }
  for (const char* name : kTables) {
    require_object(connection, "table", name);
  }
  for (const char* name : kTriggers) {
    require_object(connection, "trigger", name);
  }
  require_object(connection, "index", kOpenErasures);
  require_object(connection, "index", kOpenExports);
  return true;
}

std::vector<std::string> register_names() {
  return {kTables.begin(), kTables.end()};
}

std::vector<std::string> own_tables(Connection& connection) {
  std::vector<std::string> tables;
  for (const char* name : kTables) {
    if (has_object(connection, "table", name)) {
      tables.emplace_back(name);
    }
  }
  return tables;
}

bool is_own_trigger(const std::string& name, const std::string& sql) {
  const auto steps = migration_steps();
  return std::find(kTriggers.begin(), kTriggers.end(), name) != kTriggers.end() && !sql.empty() &&
         std::any_of(steps.begin(), steps.end(), [&](const MigrationStep& step) {
           return std::string_view{step.sql}.find(sql) != std::string_view::npos;
         });
}

}  // namespace holdfast

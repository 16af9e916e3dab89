// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"

namespace holdfast {

/// The schema of Holdfast's own tables that this program works with. It stands in holdfast_meta:
/// user_version belongs to the application.
inline constexpr std::int64_t kSchemaVersion = 4;

/// One step that brings Holdfast's own tables to `version` from the one before.
struct MigrationStep {
  std::int64_t version = 0;
  const char* sql = "";
};

/// The steps of this program, ascending, the last one to kSchemaVersion.
[[nodiscard]] std::span<const MigrationStep> migration_steps();

/// The version of the tables that are there; none where there are none.
/// Errors: StorageError (corrupt) where the version cannot be read.
[[nodiscard]] std::optional<std::int64_t> schema_version(Connection& connection);

/// Takes the steps above the version that is there, up to `target`, all or none; returns whether
/// there were any. A commit of its own, or a part of the transaction that is going on.
/// Errors: StorageError (newer_schema) where the version is above `target`, (older_schema) where
/// the steps do not lead there; what a step fails with. Nothing is changed then.
bool migrate(Connection& connection, std::span<const MigrationStep> steps, std::int64_t target);

/// True where Holdfast's own tables are there, whole, and of kSchemaVersion; false where there are
/// none. Errors: StorageError: newer_schema, older_schema, corrupt where only some are there: a
/// register that is gone is not an empty one.
[[nodiscard]] bool is_set_up(Connection& connection);

/// The names of Holdfast's own tables, but for those of the guards.
[[nodiscard]] std::vector<std::string> register_names();

/// Holdfast's own tables that are there, in an order in which they can be dropped; their triggers
/// and indexes go with them.
[[nodiscard]] std::vector<std::string> own_tables(Connection& connection);

/// True where a trigger is one that comes with Holdfast's own tables, by its name and every letter.
[[nodiscard]] bool is_own_trigger(const std::string& name, const std::string& sql);

}  // namespace holdfast

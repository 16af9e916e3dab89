// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// The version of Holdfast's own tables that the schema of the connection has; none where there are
/// none. Errors: StorageError (corrupt) where the version cannot be read.
[[nodiscard]] std::optional<std::int64_t> postgres_schema_version(PostgresConnection& connection);

/// True where Holdfast's own tables are there, whole, with the triggers that count changes of holds
/// just as they were made and always on; false where there are none. Errors: StorageError:
/// newer_schema, older_schema, corrupt where only some are there or a trigger is not as it was
/// made.
[[nodiscard]] bool is_set_up_in_postgres(PostgresConnection& connection);

/// Throws as is_set_up_in_postgres() where the triggers that count changes of holds are not whole.
void require_postgres_triggers(PostgresConnection& connection);

/// Makes Holdfast's own tables in the schema of the connection. Inside a transaction.
void make_postgres_schema(PostgresConnection& connection);

/// Holdfast's own tables that are there, in an order in which they can be dropped.
[[nodiscard]] std::vector<std::string> own_postgres_tables(PostgresConnection& connection);

/// Drops one of Holdfast's own tables, or nothing where it has no such table.
void drop_postgres_table(PostgresConnection& connection, const std::string& table);
/// Drops the function of the triggers.
void drop_postgres_function(PostgresConnection& connection);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// Runs a VACUUM of a table and its partitions, outside of a transaction, and asks the server's
/// statistics what came of it: a table of which the role is not the owner is skipped, and the
/// server calls that a success. Returns how many dead rows are left, because somebody may still
/// look at them; none where the server keeps no statistics.
/// Errors: PostgresError; StorageError where a table was skipped.
[[nodiscard]] std::optional<std::int64_t> vacuum_postgres_table(PostgresConnection& connection,
                                                                const PostgresTable& table,
                                                                const std::string& statement);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// Runs a VACUUM, outside of a transaction, and listens to the server: it skips a table of which
/// the role is not the owner, and calls that a success.
/// Errors: PostgresError; StorageError with the server's words where any table was skipped.
void vacuum_postgres_table(PostgresConnection& connection, const std::string& statement);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "storage/postgres/postgres_connection.h"
#include "storage/subject_store.h"

namespace holdfast {

/// The query with $1 and $2 in the place of :subject and :tenant, as text; quotes, comments and
/// casts are left as they are. Errors: StorageError(mapping) for any other parameter, and for a
/// quote or comment without an end.
[[nodiscard]] std::string with_hold_parameters(const std::string& path, const std::string& sql);

/// Throws StorageError(mapping) where the text is not one query that only reads, has no column
/// "id", or a parameter other than :subject and :tenant. Nothing of it is carried out.
void check_postgres_hold_query(PostgresConnection& connection, const std::string& sql);

/// What the query reports about a subject; the empty tenant is bound as empty text, never NULL.
/// Also inside a write, which goes on whatever the query does: it runs in a part of the transaction
/// that only reads and is rolled back.
/// Errors: StorageError: as check_postgres_hold_query(), no answer in time, a line without an id,
/// too many.
[[nodiscard]] std::vector<ReportedHold> run_postgres_hold_query(PostgresConnection& connection,
                                                                const std::string& sql,
                                                                const Subject& subject,
                                                                std::chrono::milliseconds limit);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/subject_store.h"

namespace holdfast {

/// Throws StorageError(mapping) where the text is not one query that only reads, has no column
/// "id", or a parameter other than :subject and :tenant. Nothing of it is carried out.
void check_hold_query(Connection& connection, const std::string& sql);

/// What the query reports about a subject; the empty tenant is bound as empty text, never NULL.
/// Also inside a write of the same connection, which goes on whatever the query does.
/// Errors: StorageError: as check_hold_query(), no answer in time, a line without an id, too many.
[[nodiscard]] std::vector<ReportedHold> run_hold_query(Connection& connection,
                                                       const std::string& sql,
                                                       const Subject& subject,
                                                       std::chrono::milliseconds limit);

}  // namespace holdfast

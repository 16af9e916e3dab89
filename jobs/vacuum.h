// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Writes the database file anew, which takes free pages and what deleted rows left in others out
/// of it, and empties the write-ahead log. Deletes no row: the log is counted before and after. The
/// caller holds the RunLock. Errors: StorageError; JobError where the counts differ.
[[nodiscard]] nlohmann::json vacuum_database(const Desk& desk);

}  // namespace holdfast

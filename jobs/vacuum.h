// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Gives the room of deleted rows back, and deletes none: the log is counted before and after. A
/// database file is written anew, which takes free pages and what deleted rows left in others out
/// of it, and the write-ahead log is emptied; a server vacuums the log. The caller holds the
/// RunLock. Errors: StorageError; JobError where the counts differ.
[[nodiscard]] nlohmann::json vacuum_database(const Desk& desk);

}  // namespace holdfast

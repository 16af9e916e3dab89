// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

// The verbs of `archive`. All of them need [archive]: JobError(invalid) where it is not set.

/// Every archive of this database: its state, what is in it, when it is destroyed.
[[nodiscard]] nlohmann::json list_archives(const Desk& desk);

/// Checks one archive, or for `run` = 0 all. `ok` is false where one does not hold; `problem` is
/// the first.
[[nodiscard]] nlohmann::json verify_archives(const Desk& desk, std::int64_t run);

/// Puts rows of a deleted run back into the log: all of them, or those with these keys. Each batch
/// is one transaction; a row that is there already is counted and left alone, so that an
/// interrupted call can be repeated. Rows about people who were erased stay in the archive and are
/// counted, also those of whom nobody can tell because the tenant's key is gone. Administrators
/// only, under the run lock. Errors: ArchiveError where the archive does not pass its check;
/// JobError(refused) where the log is another table or has other columns.
[[nodiscard]] nlohmann::json restore_archive(const Desk& desk,
                                             std::int64_t run,
                                             const std::vector<std::string>& keys);

/// Destroys one archive before its time. Administrators only, under the run lock. Errors:
/// JobError(refused) where a hold covers a row in it.
[[nodiscard]] nlohmann::json destroy_one_archive(const Desk& desk,
                                                 std::int64_t run,
                                                 const std::string& reason);

}  // namespace holdfast

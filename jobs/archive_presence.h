// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/archive_store.h"
#include "storage/database.h"

namespace holdfast {

/// The runs that put rows into an archive by the ledger, and of which the folder has neither the
/// archive nor its manifest or tombstone, ascending. Null `store`, which is no [archive] section:
/// all of them. Errors: ArchiveError where the folder cannot be read.
[[nodiscard]] std::vector<std::int64_t> archives_not_there(Database& database, ArchiveStore* store);

/// One sentence about such runs, with their number and the first of them. `runs` is not empty.
[[nodiscard]] std::string not_there_sentence(const std::vector<std::int64_t>& runs,
                                             const ArchiveStore* store);

}  // namespace holdfast

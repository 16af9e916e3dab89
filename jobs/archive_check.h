// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/archive_keeper.h"

namespace holdfast {

/// What was found about the archive of one run.
struct ArchiveFinding {
  std::int64_t run = 0;
  std::string file;
  ArchiveState state = ArchiveState::whole;
  std::int64_t rows = 0;
  bool digests = false;  ///< the salt is still there, so the rows' digests could be recomputed
  std::string problem;   ///< the first thing that does not hold, a whole sentence; empty: all holds
};

/// Checks one archive against its manifest and against the ledger: bytes, SHA-256, frames, rows,
/// and with the salt the digest of every slice. Errors: StorageError; what is wrong with files is a
/// finding.
[[nodiscard]] ArchiveFinding check_archive(const ArchiveShelf& shelf, std::int64_t run);

/// The same for every run that has an archive in the folder, or should have one by the ledger.
[[nodiscard]] std::vector<ArchiveFinding> check_archives(const ArchiveShelf& shelf);

}  // namespace holdfast

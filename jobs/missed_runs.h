// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/run_report.h"
#include "policy/instant.h"

namespace holdfast {

/// A run that failed before the ledger could take a line of it: the disk was full, the database was
/// locked or could not be opened.
struct MissedRun {
  Instant at;
  RunError error;
  std::string started_by;
  std::string host;
  std::int64_t left_out = 0;  ///< runs between it and the note before that have no note any more
};

/// The notes of missed runs as text of a fixed size: its space is taken while there is some, so
/// that a full disk has room for the note that says so.
constexpr std::size_t kMissedNotesBytes = 4096;

/// Shapes: exactly kMissedNotesBytes. A sentence that is too long is cut; where there are too many
/// runs, the oldest and the newest stay, and MissedRun::left_out counts the others.
[[nodiscard]] std::string write_missed(std::vector<MissedRun> runs);

/// Errors: none. A line that cannot be read is a missed run all the same, at the beginning of time,
/// with the reason "unreadable".
[[nodiscard]] std::vector<MissedRun> read_missed(std::string_view notes);

}  // namespace holdfast

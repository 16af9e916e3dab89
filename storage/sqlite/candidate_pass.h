// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/audit_log.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/log_pass.h"

namespace holdfast {

/// Visits the candidates of one code along the (code, time) index, each once; RowReader reads the
/// rows. Where readers block writers, in pieces of kLongestPiece that end between two times.
/// Errors: StorageError where a piece does not get past the one before; what `visit` throws.
void pass_candidates(Connection& connection,
                     const LogLayout& layout,
                     const CandidateRange& range,
                     std::optional<std::int64_t> up_to,
                     const StatementVisit& visit);

/// The same for their keys alone, which the index has where the key is the rowid.
void pass_candidate_keys(Connection& connection,
                         const LogLayout& layout,
                         const CandidateRange& range,
                         std::optional<std::int64_t> up_to,
                         const StatementVisit& visit);

/// The first and the last time of one code's rows that are no candidates; does not visit where
/// there are none.
void span_between_candidates(Connection& connection,
                             const LogLayout& layout,
                             const CandidateRange& range,
                             std::optional<std::int64_t> up_to,
                             const SpanVisit& visit);

}  // namespace holdfast

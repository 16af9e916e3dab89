// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "storage/audit_log.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {

using PostgresVisit = std::function<void(const PostgresStatement&)>;

/// Candidates of which codes, and up to which key where keys have an order.
struct PostgresCandidates {
  std::span<const CandidateRange> ranges;
  std::optional<std::int64_t> up_to;
};

/// Visits the candidates of codes, as AuditLog::scan_candidates() says; `columns` is what the
/// SELECT lists. Codes with the same bounds share a statement: the server then reads each page of
/// the table once for all of them. Only with a code_time_index.
void pass_postgres_candidates(PostgresConnection& connection,
                              const PostgresLogLayout& layout,
                              const PostgresCandidates& wanted,
                              const std::string& columns,
                              const PostgresVisit& visit);

/// As AuditLog::find_span() says.
void find_postgres_span(PostgresConnection& connection,
                        const PostgresLogLayout& layout,
                        const CandidateRange& range,
                        std::optional<std::int64_t> up_to,
                        const SpanVisit& visit);

/// An instant as the server reads it, whatever the year.
[[nodiscard]] std::string postgres_instant(Instant instant);

}  // namespace holdfast

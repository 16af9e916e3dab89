// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "storage/audit_log.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {

using PostgresVisit = std::function<void(const PostgresStatement&)>;

/// Visits the candidates of one code, as AuditLog::scan_candidates() says; `columns` is what the
/// SELECT lists. Only with a code_time_index.
void pass_postgres_candidates(PostgresConnection& connection,
                              const PostgresLogLayout& layout,
                              const CandidateRange& range,
                              std::optional<std::int64_t> up_to,
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

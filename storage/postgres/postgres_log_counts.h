// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/audit_log.h"
#include "storage/postgres/postgres_log_layout.h"

namespace holdfast {

/// As AuditLog::count_rows() says.
[[nodiscard]] std::int64_t count_postgres_rows(PostgresConnection& connection,
                                               const PostgresLogLayout& layout,
                                               std::optional<std::int64_t> up_to);

/// As AuditLog::count_groups() says: the server counts, and only the groups come over.
void count_postgres_groups(PostgresConnection& connection,
                           const PostgresLogLayout& layout,
                           std::optional<std::int64_t> up_to,
                           const GroupVisit& visit,
                           const Pulse& pulse);

/// As AuditLog::count_days() says: the server counts where its own arithmetic says the same as
/// parse_event_time(), otherwise every row comes over.
void count_postgres_days(PostgresConnection& connection,
                         const PostgresLogLayout& layout,
                         std::optional<std::int64_t> up_to,
                         const DayVisit& visit);

}  // namespace holdfast

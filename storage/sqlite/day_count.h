// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/audit_log.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"

namespace holdfast {

/// Counts rows by code, tenant, own category and day, as AuditLog::count_days() says.
void count_log_days(Connection& connection,
                    const LogLayout& layout,
                    std::optional<std::int64_t> up_to,
                    const DayVisit& visit);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "jobs/desk.h"

namespace holdfast {

/// What would stop every completion: a module's table, its hold query, or the audit log's columns;
/// then what is wrong with the copies of persons' data, see export_faults().
/// One sentence each, in the order of the configuration. Reads only, asks
/// nobody about anybody. Errors: StorageError where the database itself cannot be read.
[[nodiscard]] std::vector<std::string> erasure_faults(const Desk& desk);

/// Sentences about what an erasure leaves as it is in rows that stay: tables of [events].children,
/// and columns of the log that [events] does not map. None where nobody erases: there are no
/// modules and no requests.
[[nodiscard]] std::vector<std::string> left_by_erasures(const Desk& desk);

}  // namespace holdfast

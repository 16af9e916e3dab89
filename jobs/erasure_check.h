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

/// A sentence about tables of [events].children, whose rows an erasure leaves as they are; empty
/// where there are none, or no modules.
[[nodiscard]] std::string left_by_erasures(const Desk& desk);

}  // namespace holdfast

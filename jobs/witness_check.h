// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// {state, file, lines, beside_database, message}: how the witness file stands to the database;
/// state is "none" where there is no file to compare. Reads only.
[[nodiscard]] nlohmann::json witness_status(const Desk& desk);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "jobs/desk.h"
#include "policy/legal_hold.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What one pass over the log says about a hold: how many rows it covers, and which of its terms
/// are nowhere, or there in other letter case only.
struct HoldSurvey {
  std::int64_t rows = 0;
  std::map<std::string, std::int64_t> near;  ///< value that differs by case only, to its rows
  std::set<std::string> tenants;
  std::set<std::string> codes;

  /// [{value, rows}], at most 10.
  [[nodiscard]] nlohmann::json near_misses() const;
};

/// Reads the whole log once; in rollback-journal mode in pieces no longer than max_lock.
[[nodiscard]] HoldSurvey survey(const Desk& desk, const HoldScope& scope);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "policy/instant.h"
#include "policy/row_key.h"
#include "policy/stored_value.h"

namespace holdfast {

/// What an approved plan says about a row; no_plan where the run is not under an approval.
enum class PlanCover { no_plan, covered, outside };

/// Everything that the decision may know about one row, as it is stored. Views live as long as the
/// row.
struct RowFacts {
  const RowKey* key = nullptr;
  StoredView time;
  std::optional<std::string_view> code;  ///< none: NULL, or of a kind that no code can have
  std::optional<std::string_view> tenant;
  std::optional<std::string_view> actor;
  std::optional<std::string_view> subject;
  std::optional<std::string_view> stored_category;  ///< only where rows carry their own
  StoredView retain_until;                          ///< the row's own stamp, as stored

  std::optional<Instant> first_seen;  ///< when a run first met this row with a bad time
  bool newest_reusable = false;       ///< the highest key of a table that would use it again
  PlanCover plan = PlanCover::no_plan;
};

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "policy/rule_book.h"
#include "storage/database.h"

namespace holdfast {

/// What a plan is bound to beside its keys.
struct PlanBinding {
  std::string policy_digest;
  std::string hold_digest;
  const RuleBook& rules;  ///< for its cut-offs
};

/// SHA-256 over database, policy, hold set, cut-offs and every key. Rewinds nothing.
[[nodiscard]] std::string plan_digest(Database& database, const PlanBinding& plan, KeySet& keys);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/plan_digest.h"

#include <string_view>

#include "jobs/digest.h"

namespace holdfast {

std::string plan_digest(Database& database, const PlanBinding& plan, KeySet& keys) {
  Sha256 digest;
  digest.update("holdfast plan 1\n" + database.identity() + "\n" + plan.policy_digest + "\n" +
                plan.hold_digest + "\n");
  for (const std::string& cutoff : plan.rules.cutoffs()) {
    digest.update(cutoff + "\n");
  }
  keys.for_each_bytes([&digest](std::string_view bytes) { digest.update(bytes); });
  return digest.hex();
}

}  // namespace holdfast

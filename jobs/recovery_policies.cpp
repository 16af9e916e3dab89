// SPDX-License-Identifier: Apache-2.0
// The versions of the policy that a restored backup has forgotten.

#include <algorithm>
#include <vector>

#include "jobs/json_text.h"
#include "jobs/recovery.h"
#include "jobs/witness_notes.h"

namespace holdfast {

void put_back_policies(const Desk& desk,
                       const std::vector<WitnessLine>& lines,
                       nlohmann::json& result) {
  const auto write = desk.database.begin_write(Durability::full);
  std::vector<StoredPolicy> known = desk.database.policies().versions();
  for (const WitnessLine& line : lines) {
    if (line.kind != "policy") {
      continue;
    }
    StoredPolicy lost = policy_of_witness(witness_body(line));
    if (std::any_of(known.begin(), known.end(), [&](const StoredPolicy& version) {
          return version.digest == lost.digest && version.in_force_from == lost.in_force_from;
        })) {
      continue;
    }
    // Versions are in force one after the other: a later beginning only makes its end wait longer.
    if (!known.empty()) {
      lost.in_force_from = std::max(lost.in_force_from, known.back().in_force_from);
    }
    const std::int64_t number = lost.version;
    lost.version = desk.database.policies().add(lost);
    note_in_journal(desk,
                    "policy_put_back",
                    compact({{"version", lost.version}, {"had_number", number}}),
                    "a restored backup had forgotten it");
    result["policies_put_back"].push_back(lost.version);
    known.push_back(std::move(lost));
  }
  write->commit();
}

}  // namespace holdfast

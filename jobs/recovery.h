// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "jobs/desk.h"
#include "jobs/witness.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Whether an administrator says that the witness file is lost, or not to be believed.
enum class NewWitness { no, yes };

/// Brings a restored backup up to what the witness file knows: holds placed since are active again
/// (also those that were released since), erasures are carried out again, keys that were destroyed
/// stay so, the run clock moves forward, the ledger has the lost runs, and the outbox goes on after
/// the file's last line. Killed half-way it can be called again: runs stay refused until all is
/// done. With NewWitness::yes a file that is gone, damaged, or another database's is replaced by a
/// new one from the outbox; holds that only the readable part of the old one knows are put back.
/// Administrators only; the caller holds the RunLock. Errors: JobError(refused) where it takes
/// NewWitness::yes; JobError(failed) where an erasure could not be carried out again.
[[nodiscard]] nlohmann::json recover(const Desk& desk, NewWitness wish);

/// Adds the runs that these lines tell of to the ledger, closed and without a record; one that the
/// ledger has as open is closed. Call inside a write. Repeating it changes nothing. Returns
/// [{run_id, outcome, deleted, rows_back, number_taken}]; rows_back were deleted and are in the log
/// again, number_taken where another run has the number.
[[nodiscard]] nlohmann::json add_lost_runs(Database& database,
                                           const std::vector<WitnessLine>& lines);

/// Places the holds again that only the lost lines know, all in one write, and adds to the lists
/// holds_put_back and holds_released_since of the result. A hold of the register stands for one
/// lost hold at most. One that was released since stays active: who released it looks again.
void put_back_holds(const Desk& desk, const WitnessComparison& found, nlohmann::json& result);

/// Adds the versions of the policy that only these lines know, in their order, and their numbers to
/// the list policies_put_back of the result: what they tightened or loosened waits as it did.
void put_back_policies(const Desk& desk,
                       const std::vector<WitnessLine>& lines,
                       nlohmann::json& result);

/// Puts the completed erasures of these lines into the register, so that `erasure reapply` finds
/// the persons who came back, and keys that were forgotten since out of it. Returns those that
/// nobody can be matched to, with the reason. In writes of its own.
[[nodiscard]] nlohmann::json put_back_erasures(const Desk& desk,
                                               const std::vector<WitnessLine>& lines);

/// Forgets and destroys the keys that these lines say were destroyed; after the erasures, which may
/// need one that a restored folder brought back. Returns [{tenant, key}].
[[nodiscard]] nlohmann::json forget_lost_keys(const Desk& desk,
                                              const std::vector<WitnessLine>& lines);

}  // namespace holdfast

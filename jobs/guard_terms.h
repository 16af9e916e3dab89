// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "jobs/decision_context.h"
#include "storage/log_guard.h"

namespace holdfast {

/// What the guards in the database are told: for each code a time before which a run with this
/// context lets every row go that is sane, not held and without a stamp, whichever tenant it
/// belongs to. Rows of which that depends on more than their code and time stay guarded: no code at
/// all under an approved plan, or where rows go into an archive.
[[nodiscard]] GuardTerms guard_terms(const DecisionContext& context);

/// Tells the guards, where there are any, in a write of its own. Returns what is not as it should
/// be with them, as sentences.
[[nodiscard]] std::vector<std::string> tell_guards(Database& database,
                                                   const DecisionContext& context);

}  // namespace holdfast

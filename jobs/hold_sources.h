// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "jobs/decision_context.h"
#include "jobs/hold_command.h"
#include "jobs/settings.h"
#include "policy/hold_answer.h"
#include "storage/database.h"

namespace holdfast {

/// The name under which Holdfast's own hold register answers.
inline constexpr const char* kOwnRegister = "holdfast";

/// The answers of every module whose hold source is a program. They take as long as the programs
/// do, so ask before the write lock is taken.
[[nodiscard]] std::vector<ModuleReport> ask_programs(const Settings& settings,
                                                     HoldCommand& programs,
                                                     const Subject& subject);

/// What the hold register and the modules say about one subject. Call it inside the transaction
/// that relies on it.
struct HoldQuestion {
  Database& database;
  const Settings& settings;
  const DecisionContext& context;             ///< with the holds as they are now
  const PolicyState& policy;                  ///< a hold source that was loosened waits
  const std::vector<RowKey>& rows;            ///< the subject's rows of the log
  const std::vector<ModuleReport>& programs;  ///< ask_programs()
  Subject subject;
  std::string token;  ///< empty where the tenant has no key yet
};

/// One report per module, the register's first. A module that does not answer, or whose source was
/// changed or taken out less than policy_shorten_delay ago, has status `error`. Throws nothing for
/// what a module does; StorageError where the register itself cannot be read.
[[nodiscard]] HoldAnswer ask_everybody(const HoldQuestion& question);

/// The ids of the register's holds that matter to a subject: those that name the person, or cover
/// one of the rows, or everything. Holds in their release grace count.
[[nodiscard]] std::vector<const LegalHold*> holds_of_subject(const HoldQuestion& question);

/// The digest of a hold set as one request shows it: an override is bound to it.
[[nodiscard]] std::string hold_answer_digest(std::int64_t request, const HoldAnswer& answer);

}  // namespace holdfast

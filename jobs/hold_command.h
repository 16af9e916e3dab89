// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/settings.h"
#include "policy/hold_answer.h"
#include "storage/erasure_register.h"

namespace holdfast {

/// Asks the program of a module whether a subject's data must stay.
class HoldCommand {
 public:
  HoldCommand() = default;
  HoldCommand(const HoldCommand&) = delete;
  HoldCommand& operator=(const HoldCommand&) = delete;
  HoldCommand(HoldCommand&&) = delete;
  HoldCommand& operator=(HoldCommand&&) = delete;
  virtual ~HoldCommand() = default;

  /// Runs `module.holds_command` without a shell and with a clean environment, gives it
  /// {"module", "tenant", "subject"} as one line of JSON on its standard input, and reads its
  /// answer. Never throws for what the program does: hanging, crashing, an exit status other than
  /// 0, garbage, an answer of another module or for another subject are all a report with status
  /// `error` whose problem names the module.
  [[nodiscard]] virtual ModuleReport ask(const ErasureModule& module, const Subject& subject) = 0;
};

/// What a module's program printed, {module, subject, status, holds: [{id, basis, locked,
/// review_by}]}, as a report. Never throws: whatever is missing, unknown or about somebody else is
/// status `error`. `clear` with holds, and `hold` without any, contradict themselves: `error`.
[[nodiscard]] ModuleReport parse_module_answer(const std::string& printed,
                                               const ErasureModule& module,
                                               const Subject& subject);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "jobs/hold_command.h"

namespace holdfast {

/// Asks the programs of modules as run_program() runs them: at most 256 KiB of answer and 512 MiB
/// of address space. A program that why_not_run() speaks against is not started.
class HoldProcess : public HoldCommand {
 public:
  /// What a program that fails wrote to its standard error (the first 4 KiB, in one line) stands in
  /// the problem, without the name of the subject.
  [[nodiscard]] ModuleReport ask(const ErasureModule& module, const Subject& subject) override;
};

/// The first 4 KiB of what a program wrote, in one line of UTF-8, with "[subject]" wherever the
/// person is named: as they are or escaped as in JSON, in either letter case (ASCII).
/// Shapes: where `written` was cut off it has more than 4 KiB by a person's longest form at least,
/// so that no name is shown by half.
[[nodiscard]] std::string without_person(std::string_view written, std::string_view person);

}  // namespace holdfast

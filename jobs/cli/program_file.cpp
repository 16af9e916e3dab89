// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/program_file.h"

#include <system_error>

#include "jobs/cli/trusted_path.h"

namespace holdfast {

std::optional<std::string> why_not_run(const std::filesystem::path& program) {
  if (!program.is_absolute()) {
    return program.string() + " is no absolute path";
  }
  std::error_code fault;
  const std::filesystem::path real = std::filesystem::canonical(program, fault);
  if (fault) {
    return program.string() + ": " + fault.message();
  }
  if (!std::filesystem::is_regular_file(real, fault)) {
    return real.string() + " is no file";
  }
  return why_not_trust(program);
}

}  // namespace holdfast

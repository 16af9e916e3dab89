// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/monitoring_check.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "jobs/cli/webhook.h"

namespace holdfast {

std::vector<std::string> monitoring_faults(const Settings& settings) {
  std::vector<std::string> faults;
  if (!settings.metrics_textfile.empty()) {
    const std::filesystem::path folder = settings.metrics_textfile.parent_path();
    std::error_code unreadable;
    if (!std::filesystem::is_directory(folder, unreadable)) {
      faults.push_back("[metrics].textfile: there is no folder " + folder.string() +
                       ", so no run can write its metrics there: make it");
    } else if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      faults.push_back("[metrics].textfile: " + folder.string() + " cannot be written to (" +
                       std::generic_category().message(errno) +
                       "), so no run can write its metrics there");
    }
  }
  if (settings.webhook) {
    if (const auto fault = webhook_secret_fault(settings.webhook->secret_file)) {
      faults.push_back("[webhook].secret_file: " + *fault);
    }
  }
  return faults;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include "jobs/outcome.h"

namespace holdfast {

/// A command that cannot be carried out: what, on what, what to do; and how the program exits.
class JobError : public std::runtime_error {
 public:
  JobError(ExitStatus status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  [[nodiscard]] ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace holdfast

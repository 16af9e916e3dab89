// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

#include "jobs/run_report.h"

namespace holdfast {

/// An exception as the error of a run: a token that scripts can rely on, and a whole sentence.
[[nodiscard]] RunError run_error(const std::exception& error, const std::string& database);

}  // namespace holdfast

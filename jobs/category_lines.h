// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/run_report.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// One line of `categories` of a plan or a run, as jobs/README.md describes it.
[[nodiscard]] nlohmann::json category_line(const CategoryLine& line);

/// The same in the canonical form of a record, written at once: with many tenants there are a
/// hundred thousand of them.
[[nodiscard]] std::string category_line_text(const CategoryLine& line);

}  // namespace holdfast

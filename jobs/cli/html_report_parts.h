// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/cli/html_page.h"
#include "jobs/cli/html_report.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// A record on its way to a page.
struct ReportSource {
  const nlohmann::json& record;
  PageMark mark;
  std::string catalogue_url;
};

// Each gives one or more groups of the record as sections, in the order of their numbers.
[[nodiscard]] Html report_summary(const ReportSource& source);
[[nodiscard]] Html report_charts(const ReportSource& source);     // deleted and kept
[[nodiscard]] Html report_origin(const ReportSource& source);     // 1 to 3
[[nodiscard]] Html report_figures(const ReportSource& source);    // 4 to 6
[[nodiscard]] Html report_registers(const ReportSource& source);  // 7 to 9
[[nodiscard]] Html report_proof(const ReportSource& source);      // 10 to 13

/// What a group says that this record was written without.
[[nodiscard]] Html not_recorded();

/// The sentence about an amount of rows, "1 row", "2 rows".
[[nodiscard]] std::string rows_words(const nlohmann::json& value);

}  // namespace holdfast

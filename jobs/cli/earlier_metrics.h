// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "jobs/monitor_figures.h"
#include "policy/instant.h"

namespace holdfast {

/// What the file of an earlier run says that a run needs which cannot read its ledger.
struct EarlierMetrics {
  std::optional<RunStreak> streak;
  std::optional<std::string> database;  ///< its label
};

/// Reads what metrics_text() wrote. Others may have changed the file since: what is no number, or
/// cannot have been true by `now`, is left out. Never throws.
[[nodiscard]] EarlierMetrics parse_earlier_metrics(const std::string& text, Instant now);

}  // namespace holdfast

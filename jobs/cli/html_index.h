// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace holdfast {

/// What spans runs as one page: deletions per night, rows kept by reason, size of the log, oldest
/// row against its window, forecast, every run. Shapes: `trend` as run_trend() gives it; a run is
/// linked where `with_page` says that its page lies beside this one.
[[nodiscard]] std::string html_index(const nlohmann::json& trend,
                                     const std::set<std::int64_t>& with_page);

}  // namespace holdfast

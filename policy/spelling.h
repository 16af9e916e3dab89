// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// The candidate that a mistyped word most likely meant, none where nothing is near (more than a
/// third of its letters, at least two, would have to change). Case differences cost less than
/// letters.
[[nodiscard]] std::optional<std::string> nearest_spelling(
    std::string_view word, const std::vector<std::string>& candidates);

}  // namespace holdfast

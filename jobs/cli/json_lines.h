// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace holdfast {

/// JSON for people to read on paper: indented, and what holds only plain values on one line.
[[nodiscard]] std::string json_lines(const nlohmann::json& value);

}  // namespace holdfast

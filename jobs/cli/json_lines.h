// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace holdfast {

/// JSON for people to read on paper: indented, and what holds only plain values on one line.
[[nodiscard]] std::string json_lines(const nlohmann::json& value);

/// Writes JSON without white space as the library does with an indent of two, without making values
/// of it: a record can be very long.
void write_indented(std::string_view text, std::ostream& out);

}  // namespace holdfast

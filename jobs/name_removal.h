// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "policy/legal_hold.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Puts "[subject]" in the place of each name in every text inside the value; tokens stay. A name
/// of one or two letters, or of digits alone, is taken for a name only where it is the whole text.
void take_out_names(nlohmann::json& value, const std::vector<std::string>& names);

/// The persons whom a hold is about: their names, and apart from them the tokens that stand for
/// erased ones.
struct HoldPersons {
  std::vector<std::string> names;
  std::vector<std::string> tokens;
};
[[nodiscard]] HoldPersons persons_of(const HoldScope& scope);

/// The text as UTF-8 without these names, as take_out_names() takes them out.
[[nodiscard]] std::string without_names(const std::string& text,
                                        const std::vector<std::string>& names);
/// A text of a hold as UTF-8, without the names of those whom the hold is about.
[[nodiscard]] std::string without_names(const std::string& text, const HoldScope& scope);

}  // namespace holdfast

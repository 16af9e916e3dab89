// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "policy/stored_value.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What may stay of a pseudonymised row's metadata, and who has to go from it.
struct MetadataRule {
  std::set<std::string, std::less<>> keep;  ///< top-level keys
  std::string_view person;
  std::string_view token;
  bool own_row = false;  ///< of an erasure or a copy: what Holdfast counted and timed stays
};

/// The metadata without what could name the person: of a JSON object the keys that the rule keeps,
/// in which a text that is the person becomes the token and one that contains the person goes;
/// anything else is free text and goes whole. Returns none where nothing is left. Never throws.
[[nodiscard]] std::optional<std::string> filter_metadata(const StoredView& metadata,
                                                         const MetadataRule& rule);

/// The text with the token wherever it says the person's name.
[[nodiscard]] std::string without_person(std::string text,
                                         std::string_view person,
                                         std::string_view token);

/// The keys that Holdfast itself writes into the rows of an erasure: none of them names the
/// subject.
[[nodiscard]] const std::set<std::string, std::less<>>& own_erasure_keys();
/// The same for the rows of a person's copy.
[[nodiscard]] const std::set<std::string, std::less<>>& own_export_keys();

/// True for a number, time or digest of Holdfast's own, in which the id of a person called "1"
/// appears by chance.
[[nodiscard]] bool made_by_holdfast(const std::string& key, const nlohmann::json& value);

}  // namespace holdfast

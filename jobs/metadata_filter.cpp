// SPDX-License-Identifier: Apache-2.0
#include "jobs/metadata_filter.h"

#include <variant>

#include "jobs/json_text.h"
#include "policy/instant.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kDigestDigits = 64;
constexpr int kDeepest = 32;  // JSON nested deeper than this is no metadata that anybody reads

bool is_digest(const std::string& text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// The value with the token for the person; none where it has to go.
std::optional<json> clean(const json& value, const MetadataRule& rule, int depth) {
  if (depth > kDeepest) {
    return std::nullopt;
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text == rule.person) {
      return json(rule.token);
    }
    return text.find(rule.person) == std::string::npos ? std::optional{value} : std::nullopt;
  }
  if (value.is_array()) {
    json list = json::array();
    for (const json& item : value) {
      if (auto kept = clean(item, rule, depth + 1)) {
        list.push_back(*std::move(kept));
      }
    }
    return list;
  }
  if (value.is_object()) {
    json object = json::object();
    for (const auto& [key, item] : value.items()) {
      auto kept = clean(item, rule, depth + 1);
      if (kept && key.find(rule.person) == std::string::npos) {
        object[key] = *std::move(kept);
      }
    }
    return object;
  }
  // A person may be a number: 4711 under a key that stays would still name them.
  return value.dump() == rule.person ? std::optional{json(rule.token)} : std::optional{value};
}

}  // namespace

bool made_by_holdfast(const std::string& key, const json& value) {
  if (key == "request_id" || key == "run_id" || key == "export_id" || key == "rows") {
    return value.is_number_integer();
  }
  if (!value.is_string()) {
    return false;
  }
  const auto& text = value.get_ref<const std::string&>();
  if (key == "deadline" || key == "cooloff_until" || key == "expires_at") {
    return parse_rfc3339(text).has_value();
  }
  return (key == "hold_digest" || key == "sha256") && is_digest(text);
}

std::optional<std::string> filter_metadata(const StoredView& metadata, const MetadataRule& rule) {
  const auto* const text = std::get_if<std::string_view>(&metadata);
  if (text == nullptr) {
    return std::nullopt;
  }
  const json parsed = parse_foreign(*text);
  if (!parsed.is_object()) {
    return std::nullopt;
  }
  json kept = json::object();
  for (const auto& [key, value] : parsed.items()) {
    if (!rule.keep.contains(key)) {
      continue;
    }
    if (rule.own_row && made_by_holdfast(key, value)) {
      kept[key] = value;
    } else if (auto cleaned = clean(value, rule, 0)) {
      kept[key] = *std::move(cleaned);
    }
  }
  return kept.empty() ? std::nullopt : std::optional{compact(kept)};
}

std::string without_person(std::string text, std::string_view person, std::string_view token) {
  if (person.empty()) {
    return text;
  }
  std::size_t at = 0;
  while ((at = text.find(person, at)) != std::string::npos) {
    text.replace(at, person.size(), token);
    at += token.size();
  }
  return text;
}

const std::set<std::string, std::less<>>& own_erasure_keys() {
  static const std::set<std::string, std::less<>> keys = {"request_id",
                                                          "run_id",
                                                          "reason",
                                                          "deadline",
                                                          "cooloff_until",
                                                          "approved_by",
                                                          "hold_digest",
                                                          "holds",
                                                          "modules",
                                                          "rows_deleted",
                                                          "rows_pseudonymised"};
  return keys;
}

const std::set<std::string, std::less<>>& own_export_keys() {
  static const std::set<std::string, std::less<>> keys = {
      "export_id", "run_id", "expires_at", "rows", "sha256"};
  return keys;
}

}  // namespace holdfast

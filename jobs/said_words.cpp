// SPDX-License-Identifier: Apache-2.0
#include "jobs/said_words.h"

#include <algorithm>
#include <cctype>

namespace holdfast {
namespace {

enum class Letter { plain, other_script, joint, sign };

/// Joints are what stands inside of logins and addresses.
Letter kind_of(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  if (byte > 0x7F) {
    return Letter::other_script;
  }
  if (std::isalnum(byte) != 0) {
    return Letter::plain;
  }
  return std::string_view{"_.@+-:"}.find(letter) == std::string_view::npos ? Letter::sign
                                                                           : Letter::joint;
}

/// Calls `visit` for each run of plain letters and digits, and of letters of other scripts, among
/// which quotation marks and dashes are as well.
template <typename Visit>
void for_each_part(std::string_view text, const Visit& visit) {
  std::size_t from = 0;
  while (from < text.size()) {
    const Letter kind = kind_of(text[from]);
    std::size_t to = from + 1;
    while (to < text.size() && kind_of(text[to]) == kind) {
      ++to;
    }
    if (kind == Letter::plain || kind == Letter::other_script) {
      visit(text.substr(from, to - from));
    }
    from = to;
  }
}

}  // namespace

void SaidWords::take(const nlohmann::json& value) {
  if (value.is_string()) {
    take_text(value.get_ref<const std::string&>());
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      take_text(key);
      take(item);
    }
  } else if (value.is_array()) {
    for (const nlohmann::json& item : value) {
      take(item);
    }
  } else if (!value.is_null()) {
    words_.insert(value.dump());
  }
}

void SaidWords::take_text(const std::string& text) {
  if (!words_.insert(text).second) {
    return;
  }
  texts_ += text + '\n';
  for_each_part(text, [this](std::string_view part) { words_.emplace(part); });
}

bool SaidWords::say(std::string_view name) const {
  if (name.empty()) {
    return false;
  }
  if (words_.contains(name)) {
    return true;
  }
  // Reading all the texts once more for every name would take too long where names are many: one of
  // letters and joints is looked for only where each of its parts was said.
  bool may_be_said = true;
  const bool has_signs = std::any_of(
      name.begin(), name.end(), [](char letter) { return kind_of(letter) == Letter::sign; });
  if (!has_signs) {
    for_each_part(
        name, [&](std::string_view part) { may_be_said = may_be_said && words_.contains(part); });
  }
  return may_be_said && texts_.find(name) != std::string::npos;
}

}  // namespace holdfast

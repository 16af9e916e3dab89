// SPDX-License-Identifier: Apache-2.0
#include "jobs/said_words.h"

#include <algorithm>
#include <cctype>

namespace holdfast {
namespace {

/// Letters, digits, bytes of other scripts, and what stands inside of logins and addresses.
bool in_word(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte > 0x7F || std::isalnum(byte) != 0 ||
         std::string_view{"_.@+-:"}.find(letter) != std::string_view::npos;
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
  auto from = text.begin();
  while (from != text.end()) {
    from = std::find_if(from, text.end(), in_word);
    const auto to = std::find_if_not(from, text.end(), in_word);
    words_.emplace(from, to);
    from = to;
  }
}

bool SaidWords::say(std::string_view name) const {
  if (name.empty()) {
    return false;
  }
  return words_.contains(name) || (!std::all_of(name.begin(), name.end(), in_word) &&
                                   texts_.find(name) != std::string::npos);
}

}  // namespace holdfast

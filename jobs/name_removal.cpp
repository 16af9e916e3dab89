// SPDX-License-Identifier: Apache-2.0
#include "jobs/name_removal.h"

#include <algorithm>
#include <cctype>

#include "jobs/erasure_keys.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::string_view kInPlaceOfName = "[subject]";
constexpr std::size_t kShortestName = 3;

bool in_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0;
}

/// Long enough, and no number, which could as well be part of a date or a digest.
bool can_be_told(const std::string& name) {
  return name.size() >= kShortestName && std::any_of(name.begin(), name.end(), [](char letter) {
           return std::isdigit(static_cast<unsigned char>(letter)) == 0;
         });
}

void take_out_name(std::string& text, const std::string& name) {
  std::size_t from = 0;
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, from)) {
    const std::size_t end = at + name.size();
    const bool inside = (at > 0 && in_word(text[at - 1]) && in_word(name.front())) ||
                        (end < text.size() && in_word(text[end]) && in_word(name.back()));
    if (inside) {
      from = at + 1;
      continue;
    }
    text.replace(at, name.size(), kInPlaceOfName);
    from = at + kInPlaceOfName.size();
  }
}

void take_out_of_text(std::string& text, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (text == utf8_text(name)) {
      text = kInPlaceOfName;
    } else if (can_be_told(name)) {
      take_out_name(text, utf8_text(name));
    }
  }
}

}  // namespace

void take_out_names(json& value, const std::vector<std::string>& names) {
  if (value.is_structured()) {
    for (json& entry : value) {
      take_out_names(entry, names);
    }
  } else if (value.is_string()) {
    take_out_of_text(value.get_ref<std::string&>(), names);
  }
}

HoldPersons persons_of(const HoldScope& scope) {
  HoldPersons persons;
  for (const auto* terms : {&scope.persons, &scope.actors, &scope.subjects}) {
    for (const std::string& term : *terms) {
      if (is_erasure_token(term)) {
        persons.tokens.push_back(term);
      } else if (!term.empty()) {
        persons.names.push_back(term);
      }
    }
  }
  return persons;
}

std::string without_names(const std::string& text, const std::vector<std::string>& names) {
  std::string left = utf8_text(text);
  take_out_of_text(left, names);
  return left;
}

std::string without_names(const std::string& text, const HoldScope& scope) {
  return without_names(text, persons_of(scope).names);
}

}  // namespace holdfast

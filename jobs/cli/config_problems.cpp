// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_problems.h"

#include <algorithm>
#include <utility>

#include "policy/spelling.h"

namespace holdfast {
namespace {

constexpr char kDelete = 0x7F;

bool is_control(char letter) {
  return (letter >= 0 && letter < ' ') || letter == kDelete;
}

/// Keys and values come from a file: what would break a line of a message is shown as a "?".
std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

}  // namespace

bool holds_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

std::string in_quotes(std::string_view text) {
  return '"' + std::string{text} + '"';
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto nearest = nearest_spelling(word, candidates);
  return nearest ? " (did you mean " + in_quotes(*nearest) + "?)" : std::string{};
}

void ConfigProblems::add(ConfigLine line, std::string key, std::string sentence) {
  problems_.push_back({.line = line, .key = std::move(key), .sentence = std::move(sentence)});
}

std::string ConfigProblems::text(const std::string& file) const {
  std::vector<Problem> in_order = problems_;
  std::stable_sort(in_order.begin(), in_order.end(), [](const Problem& a, const Problem& b) {
    return a.line < b.line;
  });
  std::string all;
  for (const Problem& problem : in_order) {
    const std::string place = problem.line == 0 ? file : file + ':' + std::to_string(problem.line);
    all += all.empty() ? "" : "\n";
    all += printable(place + ": " + problem.key + ": " + problem.sentence);
  }
  return all;
}

void ConfigProblems::note_line(std::string key, ConfigLine line) {
  lines_.insert_or_assign(std::move(key), line);
}

ConfigLine ConfigProblems::line_of(std::string_view key) const {
  while (!key.empty()) {
    const auto found = lines_.find(key);
    if (found != lines_.end()) {
      return found->second;
    }
    const std::size_t dot = key.rfind('.');
    key = key.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return 0;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/json_lines.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kStep = 2;  // blanks per level

bool is_flat(const json& value) {
  return std::none_of(
      value.begin(), value.end(), [](const json& entry) { return entry.is_structured(); });
}

void add_lines(const json& value, std::size_t depth, std::string& out) {
  if (!value.is_structured() || is_flat(value)) {
    out += value.dump();
    return;
  }
  out += value.is_object() ? "{" : "[";
  const char* gap = "\n";
  for (const auto& [name, entry] : value.items()) {
    out += gap + std::string((depth + 1) * kStep, ' ');
    out += value.is_object() ? json(name).dump() + ": " : "";
    add_lines(entry, depth + 1, out);
    gap = ",\n";
  }
  out += "\n" + std::string(depth * kStep, ' ') + (value.is_object() ? "}" : "]");
}

/// Where the string that begins at `from` ends: behind its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t from) {
  std::size_t at = from + 1;
  while (at < text.size() && text[at] != '"') {
    at += text[at] == '\\' ? 2 : 1;
  }
  return std::min(at + 1, text.size());
}

void begin_line(std::ostream& out, std::size_t depth) {
  out << '\n' << std::setw(static_cast<int>(depth * kStep)) << "";
}

}  // namespace

void write_indented(std::string_view text, std::ostream& out) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    const bool opens = letter == '{' || letter == '[';
    if (letter == '"') {
      const std::size_t end = end_of_string(text, at);
      out << text.substr(at, end - at);
      at = end - 1;
    } else if (opens && (next == '}' || next == ']')) {
      out << letter << next;
      ++at;
    } else if (opens) {
      out << letter;
      begin_line(out, ++depth);
    } else if (letter == '}' || letter == ']') {
      begin_line(out, depth > 0 ? --depth : 0);
      out << letter;
    } else if (letter == ',') {
      out << letter;
      begin_line(out, depth);
    } else if (letter == ':') {
      out << ": ";
    } else {
      out << letter;
    }
  }
}

std::string json_lines(const json& value) {
  std::string out;
  add_lines(value, 0, out);
  return out;
}

}  // namespace holdfast

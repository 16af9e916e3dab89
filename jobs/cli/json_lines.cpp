// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/json_lines.h"

#include <algorithm>
#include <ostream>
#include <string>

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

/// Where a number, or another word without quotes, ends.
std::size_t end_of_word(std::string_view text, std::size_t from) {
  return std::min(text.find_first_of(",:]}", from), text.size());
}

void begin_line(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(depth * kStep, ' ');
}

}  // namespace

void write_indented(std::string_view text, std::ostream& out) {
  constexpr std::size_t kAtOnce = std::size_t{64} * 1024;
  std::string lines;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char letter = text[at];
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    std::size_t end = at + 1;
    if ((letter == '{' || letter == '[') && (next == '}' || next == ']')) {
      lines += letter;
      lines += next;
      ++end;
    } else if (letter == '{' || letter == '[') {
      lines += letter;
      begin_line(lines, ++depth);
    } else if (letter == '}' || letter == ']') {
      begin_line(lines, depth > 0 ? --depth : 0);
      lines += letter;
    } else if (letter == ',') {
      lines += letter;
      begin_line(lines, depth);
    } else if (letter == ':') {
      lines += ": ";
    } else {
      end = letter == '"' ? end_of_string(text, at) : end_of_word(text, end);
      lines += text.substr(at, end - at);
    }
    at = end;
    if (lines.size() >= kAtOnce) {
      out << lines;
      lines.clear();
    }
  }
  out << lines;
}

std::string json_lines(const json& value) {
  std::string out;
  add_lines(value, 0, out);
  return out;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/json_lines.h"

#include <algorithm>

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

}  // namespace

std::string json_lines(const json& value) {
  std::string out;
  add_lines(value, 0, out);
  return out;
}

}  // namespace holdfast

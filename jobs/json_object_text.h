// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/instant.h"

namespace holdfast {

/// Writes one JSON object at once, without values in between: what compact() makes of the same
/// object, where the keys are given in their order and are plain letters.
class JsonObjectText {
 public:
  /// Adds to `out`, which outlives it.
  explicit JsonObjectText(std::string& out) : out_(out) { out_ += '{'; }

  /// Writes the key; what follows is added to what this returns.
  std::string& key(std::string_view name);
  /// What compact() makes of utf8_text().
  void text(std::string_view name, std::string_view bytes);
  /// What compact() makes of the number; a record takes exact_number().
  void number(std::string_view name, std::int64_t value);
  /// What compact() makes of exact_integer().
  void exact_number(std::string_view name, std::int64_t value);
  void flag(std::string_view name, bool value);
  /// RFC 3339, or null.
  void time(std::string_view name, const std::optional<Instant>& instant);
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

/// Writes an array of what `add` writes for each of `values`.
template <typename Values, typename Add>
void add_json_array(const Values& values, std::string& out, const Add& add) {
  out += '[';
  bool first = true;
  for (const auto& value : values) {
    out += first ? "" : ",";
    first = false;
    add(value, out);
  }
  out += ']';
}

}  // namespace holdfast

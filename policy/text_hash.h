// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace holdfast {

/// Hashes text of either kind, so that a map of strings is searched with a view and without a copy.
struct TextHash {
  // NOLINTNEXTLINE(readability-identifier-naming): the standard library asks for this name
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

template <typename Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

}  // namespace holdfast

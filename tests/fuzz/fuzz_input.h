// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace holdfast::fuzzing {

/// What a fuzzer claims about every input. Where it does not hold the process ends, which the
/// fuzzer takes for a finding; the sentence stands in its log.
inline void require(bool holds, const char* sentence) {
  if (!holds) {
    (void)std::fprintf(stderr, "does not hold: %s\n", sentence);
    std::abort();
  }
}

/// Takes an input apart from its front. An input that is at its end gives zeros and empty texts, so
/// that every input means something.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
      : rest_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  [[nodiscard]] std::uint8_t byte() {
    if (rest_.empty()) {
      return 0;
    }
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }

  /// True for one half of the values of a byte.
  [[nodiscard]] bool yes() { return (byte() & 1U) != 0; }

  /// A number below `most`, which is at most 256.
  [[nodiscard]] std::size_t below(std::size_t most) { return byte() % most; }

  /// Eight bytes as they are.
  [[nodiscard]] std::int64_t integer() {
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) {
      bits = (bits << 8U) | byte();
    }
    return static_cast<std::int64_t>(bits);
  }

  /// Up to the next zero byte, which is taken too.
  [[nodiscard]] std::string_view text() {
    const std::size_t end = std::min(rest_.find('\0'), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return found;
  }

  /// Everything that is left.
  [[nodiscard]] std::string_view rest() {
    const std::string_view all = rest_;
    rest_ = {};
    return all;
  }

 private:
  std::string_view rest_;
};

/// An integer brought into `[from, until)`.
[[nodiscard]] inline std::int64_t brought_into(std::int64_t number,
                                               std::int64_t from,
                                               std::int64_t until) {
  const auto span = static_cast<std::uint64_t>(until) - static_cast<std::uint64_t>(from);
  const auto place = static_cast<std::uint64_t>(number) % span;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) + place);
}

}  // namespace holdfast::fuzzing

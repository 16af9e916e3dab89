// SPDX-License-Identifier: Apache-2.0
#include "policy/spelling.h"

#include <algorithm>
#include <cstddef>

namespace holdfast {
namespace {

// A changed letter costs four, so that the wrong case of a whole word still costs less than the
// third of its letters that may change.
constexpr std::size_t kLetter = 4;
constexpr std::size_t kCase = 1;

char to_lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::size_t cost_of(char from, char to) {
  if (from == to) {
    return 0;
  }
  return to_lower(from) == to_lower(to) ? kCase : kLetter;
}

using Costs = std::vector<std::size_t>;

/// The costs of turning `from` into each beginning of `to`, out of those for one and for two
/// letters of `from` fewer: a letter is put in, left out, changed, or swapped with the one before.
void fill_row(Costs& row,
              std::string_view from,
              std::string_view to,
              const Costs& one_fewer,
              const Costs& two_fewer) {
  const std::size_t i = from.size();
  row[0] = i * kLetter;
  for (std::size_t j = 1; j <= to.size(); ++j) {
    const std::size_t changed = one_fewer[j - 1] + cost_of(from[i - 1], to[j - 1]);
    row[j] = std::min(std::min(one_fewer[j], row[j - 1]) + kLetter, changed);
    if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
      row[j] = std::min(row[j], two_fewer[j - 2] + kLetter);
    }
  }
}

std::size_t distance(std::string_view from, std::string_view to) {
  Costs two_fewer(to.size() + 1);
  Costs one_fewer(to.size() + 1);
  Costs row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) {
    row[j] = j * kLetter;
  }
  for (std::size_t i = 1; i <= from.size(); ++i) {
    two_fewer.swap(one_fewer);
    one_fewer.swap(row);
    fill_row(row, from.substr(0, i), to, one_fewer, two_fewer);
  }
  return row.back();
}

std::size_t length_difference(std::string_view a, std::string_view b) {
  return std::max(a.size(), b.size()) - std::min(a.size(), b.size());
}

}  // namespace

std::optional<std::string> nearest_spelling(std::string_view word,
                                            const std::vector<std::string>& candidates) {
  const std::size_t allowed = kLetter * std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string> nearest;
  std::size_t least = allowed + 1;
  for (const std::string& candidate : candidates) {
    if (length_difference(word, candidate) * kLetter >= least) {
      continue;
    }
    const std::size_t cost = distance(word, candidate);
    if (cost < least) {
      least = cost;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace holdfast

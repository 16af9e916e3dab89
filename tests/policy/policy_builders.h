// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iostream>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/catalogue.h"
#include "policy/legal_hold.h"
#include "policy/reason.h"
#include "policy/retention_policy.h"
#include "tests/policy/test_values.h"

namespace holdfast {

/// So that a check that fails names the reason.
inline std::ostream& operator<<(std::ostream& out, Reason reason) {
  return out << to_token(reason);
}

}  // namespace holdfast

namespace holdfast::testing {

/// The built-in catalogue and no window at all.
inline PolicySnapshot no_windows() {
  PolicySnapshot snapshot;
  copy_catalogue(Catalogue::built_in(), snapshot);
  return snapshot;
}

/// An entry with this window.
inline WindowEntry keep_for(std::string_view text) {
  return {.window = window(text)};
}

/// An entry with this floor and no window.
inline WindowEntry at_least(std::string_view text) {
  return {.at_least = window(text)};
}

/// An entry with this window that may not be shortened.
inline WindowEntry locked_for(std::string_view text) {
  return {.window = window(text), .locked = true};
}

/// A preset of the reviewer's own with this floor.
inline PresetBinding preset(std::string_view min, std::vector<std::string> categories) {
  return {.name = "house-rule", .categories = std::move(categories), .min = window(min)};
}

/// An active hold with this scope.
inline LegalHold hold(std::int64_t id, const HoldScope& scope) {
  return {.id = id,
          .matter = "M-" + std::to_string(id),
          .scope = scope,
          .placed_by = "alice",
          .placed_at = at("2026-01-01")};
}

/// The same hold, released.
inline LegalHold released(LegalHold hold, Instant when) {
  hold.released_at = when;
  return hold;
}

/// Random numbers that are the same in every run; prints the seed. Another one: --rng-seed N.
class Chance {
 public:
  Chance() : Chance(Catch::rngSeed() != 0 ? Catch::rngSeed() : 20261123) {}

  [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(engine_);
  }
  [[nodiscard]] bool one_in(std::int64_t cases) { return between(1, cases) == 1; }
  template <typename Container>
  [[nodiscard]] const auto& one_of(const Container& values) {
    return values[static_cast<std::size_t>(
        between(0, static_cast<std::int64_t>(std::size(values)) - 1))];
  }

 private:
  explicit Chance(std::uint64_t seed) : engine_{seed} { std::cout << "seed " << seed << '\n'; }

  std::mt19937_64 engine_;
};

}  // namespace holdfast::testing

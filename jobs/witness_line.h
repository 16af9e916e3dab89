// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/instant.h"
#include "storage/witness_outbox.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// A line before it has its place in the chain.
struct WitnessNote {
  Instant at;
  std::string kind;
  nlohmann::json body;
};

/// The kind of the first line, which says whose witness it is.
inline constexpr std::string_view kWitnessOfDatabase = "database";

/// What stands before the first line in place of a hash.
inline constexpr std::string_view kNoWitnessHash =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// The line that follows: canonical JSON of at, body, kind, previous and seq, with `hash` =
/// SHA-256 of it without the hash. `previous` is the hash of the line before, 64 zeros before the
/// first.
[[nodiscard]] WitnessLine next_witness_line(const std::optional<WitnessLine>& last,
                                            const WitnessNote& note);

/// What is left of a line whose text may not be kept: its number and its place in the chain.
/// Whoever reads it takes its hash on trust, so in a file it counts only where the outbox has the
/// very same.
[[nodiscard]] std::string withheld_line(const WitnessLine& line);
/// The kind that such a line is read as; its body is empty.
inline constexpr std::string_view kWithheld = "withheld";

/// The body of a line that was read with its chain.
[[nodiscard]] nlohmann::json witness_body(const WitnessLine& line);

/// The lines of a file as far as their chain holds.
struct WitnessChain {
  std::vector<WitnessLine> lines;
  std::int64_t bad_line = 0;  ///< counted from 1; 0: none
  std::string fault;          ///< what is wrong with it
};
/// Two threads read a half each where there are many.
[[nodiscard]] WitnessChain read_witness_chain(std::vector<std::string> lines);

/// Whether what the outbox says of a line, and where, is what its hash was made of.
[[nodiscard]] bool says_what_its_hash_says(const WitnessLine& line, const std::string& previous);

}  // namespace holdfast

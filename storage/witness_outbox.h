// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"

namespace holdfast {

/// One line of the witness file, as it stands there.
struct WitnessLine {
  std::int64_t seq = 0;  ///< 1, 2, 3 and so on without gaps
  Instant at;
  std::string
      kind;  ///< "run", "hold", "erasure", "approval", "clock", "key_forgotten", "recovered"
  std::string line;  ///< canonical JSON with its hash, without a line end
  std::string hash;  ///< SHA-256 in hex, of the line without its hash
};

/// The outbox of the witness file: a line is added in the transaction that it speaks of, and goes
/// into the file after the commit, so that a crash in between loses nothing.
class WitnessOutbox {
 public:
  WitnessOutbox() = default;
  WitnessOutbox(const WitnessOutbox&) = delete;
  WitnessOutbox& operator=(const WitnessOutbox&) = delete;
  WitnessOutbox(WitnessOutbox&&) = delete;
  WitnessOutbox& operator=(WitnessOutbox&&) = delete;
  virtual ~WitnessOutbox() = default;

  /// Adds a line under its own number. Call inside a write.
  virtual void add(const WitnessLine& line) = 0;
  /// Puts other text in a line's place, under the same number and hash: for a line that may not be
  /// kept. Call inside a write.
  virtual void replace_text(std::int64_t seq, const std::string& line) = 0;
  [[nodiscard]] virtual std::optional<WitnessLine> last() = 0;
  [[nodiscard]] virtual std::optional<WitnessLine> find(std::int64_t seq) = 0;
  /// Visits the lines after the one with this number, ascending, one at a time.
  virtual void for_each(std::int64_t after, const std::function<void(WitnessLine&&)>& visit) = 0;
  /// The same as a list.
  [[nodiscard]] virtual std::vector<WitnessLine> since(std::int64_t seq) = 0;
};

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/instant.h"

namespace holdfast {

/// What a module says about a subject. `clear` has to be said: no answer is a hold.
enum class HoldStatus { clear, hold, error };

[[nodiscard]] std::string_view to_token(HoldStatus status);
[[nodiscard]] std::optional<HoldStatus> parse_hold_status(std::string_view word);

/// One hold that a module reports for a subject.
struct ReportedHold {
  std::string id;
  std::string basis;
  bool locked = false;  ///< nobody may override it
  std::optional<Instant> review_by;

  [[nodiscard]] bool operator==(const ReportedHold&) const = default;
};

/// The answer of one module. Holdfast's own register answers as the module "holdfast".
struct ModuleReport {
  std::string module;
  HoldStatus status = HoldStatus::error;
  std::vector<ReportedHold> holds;
  std::string problem;  ///< why there is no answer, where status is error

  [[nodiscard]] bool operator==(const ModuleReport&) const = default;
};

/// The answers of all modules for one subject.
/// Shapes: an answer without any report is no answer: the register is always asked.
struct HoldAnswer {
  std::vector<ModuleReport> reports;

  /// True where every module answered and none has a hold.
  [[nodiscard]] bool all_clear() const;
  /// True where every module answered, whatever it said. "clear" with holds and "hold" without any
  /// contradict themselves and are no answer.
  [[nodiscard]] bool complete() const;
  /// True where a reported hold is locked.
  [[nodiscard]] bool any_locked() const;
};

/// The bytes that the digest of a hold set covers: modules and holds in a fixed order and each
/// once, each value with its length, so that the same set has the same digest whoever asks and
/// whenever. The problem of a module that did not answer is not among them.
[[nodiscard]] std::string canonical_bytes(const HoldAnswer& answer);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "policy/decision.h"

namespace holdfast {

// The inside of the decision: shared by decide() and explain(), for nobody else.

/// One row with everything that the tests share worked out once.
struct Reading {
  const RowFacts& row;
  const DecisionFrame& frame;
  Rule rule;
  std::optional<Instant> stored_time;  ///< as parsed, sane or not
  bool bad_time = false;
  Instant time = kEndOfTime;  ///< what windows count from; kEndOfTime where nobody knows yet
};

[[nodiscard]] Reading read_row_facts(const RowFacts& row, const DecisionFrame& frame);
[[nodiscard]] HoldCandidate hold_candidate(const Reading& reading);
[[nodiscard]] bool is_sane(const std::optional<Instant>& time, const DecisionFrame& frame);
/// True for a hold that was released, and not long enough ago.
[[nodiscard]] bool in_grace(const LegalHold& hold, const DecisionFrame& frame);
/// The row's stamp, none where it has none or where it cannot be read.
[[nodiscard]] std::optional<Instant> readable_stamp(const Reading& reading);

/// True where a hold that covers the row satisfies the predicate; asks no further then.
template <typename Predicate>
[[nodiscard]] bool any_hold(const Reading& reading, Predicate predicate) {
  if (reading.frame.holds == nullptr || reading.frame.holds->empty()) {
    return false;
  }
  bool found = false;
  reading.frame.holds->for_each_match(hold_candidate(reading), [&](const LegalHold& hold) {
    found = predicate(hold);
    return !found;
  });
  return found;
}

/// One test of the decision: the reason that it gives, and whether it keeps a row.
struct DecisionTest {
  Reason reason;
  bool (*keeps)(const Reading&);
};

/// All tests in the order of their reasons; a row that none of them keeps is expired.
[[nodiscard]] std::span<const DecisionTest> decision_tests();

}  // namespace holdfast

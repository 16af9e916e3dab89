// SPDX-License-Identifier: Apache-2.0
#include "policy/decision.h"

#include <algorithm>

#include "policy/decision_tests.h"

namespace holdfast {

Decision decide(const RowFacts& row, const DecisionFrame& frame) {
  const Reading reading = read_row_facts(row, frame);
  Decision decision{.reason = Reason::expired,
                    .category = reading.rule.category,
                    .category_differs = reading.rule.category_differs,
                    .bad_time = reading.bad_time,
                    .time = reading.bad_time ? std::nullopt : reading.stored_time,
                    .window_cutoff = reading.rule.window_cutoff(),
                    .inside_window = reason_inside_window(reading.rule)};
  const auto tests = decision_tests();
  const auto kept = std::find_if(
      tests.begin(), tests.end(), [&](const DecisionTest& test) { return test.keeps(reading); });
  if (kept != tests.end()) {
    decision.reason = kept->reason;
  }
  return decision;
}

Reason reason_inside_window(const Rule& rule) {
  if (!rule.code_known) {
    return Reason::unknown_code;
  }
  return rule.has_window ? Reason::window : Reason::no_policy;
}

bool has_bad_time(const RowFacts& row, const DecisionFrame& frame) {
  return !is_sane(parse_event_time(row.time, frame.time_format), frame);
}

HoldCandidate as_hold_candidate(const RowFacts& row, const DecisionFrame& frame) {
  return hold_candidate(read_row_facts(row, frame));
}

}  // namespace holdfast

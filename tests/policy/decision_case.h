// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "policy/decision.h"
#include "tests/policy/policy_builders.h"

namespace holdfast::testing {

/// When the decisions of these tests are made. The cut-offs that day: 13 months end on
/// 2025-10-21T10:00Z, 12 months on 2025-11-21T10:00Z, 24 months on 2024-11-21T10:00Z, 90 days on
/// 2026-08-23T10:00Z, 7 years on 2019-11-21T10:00Z, 10 years on 2016-11-21T10:00Z.
inline const Instant kNow = at("2026-11-23T03:00:00Z");

inline constexpr std::string_view kCode = "ACCOUNT_PROFILE_UPDATE";

/// A stored time as milliseconds.
inline StoredView stored(std::string_view text) {
  return to_unix_ms(at(text));
}

/// One row and everything that the decision about it depends on. As it stands, the row goes: it is
/// of 2020, its category is kept for 13 months, and nothing else protects it.
struct DecisionCase {
  PolicySnapshot policy = no_windows();
  std::vector<PolicySnapshot> older;
  std::vector<LegalHold> holds;
  DecisionFrame frame{.clock = {.system_now = kNow, .as_of = kNow},
                      .earliest_plausible = at("2000-01-01"),
                      .hold_release_grace = std::chrono::hours{24 * 30}};
  RowKey key = RowKey::integer(7);
  RowFacts row{.time = stored("2020-02-02"), .code = kCode, .tenant = "acme"};

  DecisionCase() { policy.retention.category["account"] = keep_for("13 months"); }
};

/// What was decided, with nothing that points into the policy.
struct Verdict {
  Reason reason;
  std::string category;
  bool category_differs;
  bool bad_time;

  [[nodiscard]] bool operator==(const Verdict&) const = default;
};

/// A decision case with its policies worked out, ready to be asked.
class DecisionBench {
 public:
  explicit DecisionBench(const DecisionCase& each)
      : case_(each), holds_(each.holds), frame_(each.frame), row_(each.row) {
    frame_.policy = &books_.emplace_back(case_.policy, frame_.clock.as_of);
    for (const PolicySnapshot& older : case_.older) {
      frame_.older_policies.push_back(&books_.emplace_back(older, frame_.clock.as_of));
    }
    frame_.holds = &holds_;
    row_.key = &case_.key;
  }
  DecisionBench(const DecisionBench&) = delete;
  DecisionBench& operator=(const DecisionBench&) = delete;
  DecisionBench(DecisionBench&&) = delete;
  DecisionBench& operator=(DecisionBench&&) = delete;
  ~DecisionBench() = default;

  [[nodiscard]] Decision decide() const { return holdfast::decide(row_, frame_); }
  [[nodiscard]] DecisionTrace explain() const { return holdfast::explain(row_, frame_); }
  [[nodiscard]] bool bad_time() const { return has_bad_time(row_, frame_); }

 private:
  DecisionCase case_;
  std::deque<RuleBook> books_;
  HoldIndex holds_;
  DecisionFrame frame_;
  RowFacts row_;
};

inline Verdict verdict(const Decision& decision) {
  return {.reason = decision.reason,
          .category = std::string(decision.category),
          .category_differs = decision.category_differs,
          .bad_time = decision.bad_time};
}

inline Verdict decided(const DecisionCase& each) {
  return verdict(DecisionBench{each}.decide());
}

inline Reason reason_of(const DecisionCase& each) {
  return decided(each).reason;
}

}  // namespace holdfast::testing

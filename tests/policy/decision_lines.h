// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/decision_case.h"

namespace holdfast::testing {

/// One change to a row that would go, and what is decided then.
struct DecisionLine {
  const char* what;
  std::function<void(DecisionCase&)> change;
  Reason reason;
};

inline void check_each(const std::vector<DecisionLine>& lines) {
  for (const DecisionLine& line : lines) {
    CAPTURE(line.what);
    DecisionCase each;
    line.change(each);
    CHECK(reason_of(each) == line.reason);
  }
}

inline constexpr std::chrono::milliseconds kGrace = std::chrono::hours{24 * 30};

[[nodiscard]] inline HoldScope on_subject(const std::string& name) {
  return {.subjects = {name}};
}

}  // namespace holdfast::testing

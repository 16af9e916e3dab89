// SPDX-License-Identifier: Apache-2.0
#include "jobs/outcome.h"

#include <set>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

using namespace holdfast;

TEST_CASE("each outcome has its word, exit status and audit code", "[outcome]") {
  struct Line {
    Outcome outcome;
    std::string_view token;
    int exit;
    std::string_view code;
  };
  const std::vector<Line> lines{
      {Outcome::completed, "completed", 0, "AUDIT_PRUNE_RUN_COMPLETED"},
      {Outcome::partial, "partial", 3, "AUDIT_PRUNE_RUN_COMPLETED"},
      {Outcome::limited, "limited", 4, "AUDIT_PRUNE_RUN_COMPLETED"},
      {Outcome::refused, "refused", 4, "AUDIT_PRUNE_RUN_FAILED"},
      {Outcome::failed, "failed", 1, "AUDIT_PRUNE_RUN_FAILED"},
      {Outcome::invalid, "invalid", 2, "AUDIT_PRUNE_RUN_FAILED"},
      {Outcome::interrupted, "interrupted", 130, "AUDIT_PRUNE_RUN_COMPLETED"},
  };
  for (const Line& line : lines) {
    CAPTURE(line.token);
    CHECK(to_token(line.outcome) == line.token);
    CHECK((parse_outcome(line.token) == line.outcome));
    CHECK(static_cast<int>(exit_status(line.outcome)) == line.exit);
    CHECK(audit_code(line.outcome) == line.code);
  }
  CHECK_FALSE(parse_outcome("").has_value());
  CHECK_FALSE(parse_outcome("Completed").has_value());
  CHECK(static_cast<int>(ExitStatus::another_run) == 11);
}

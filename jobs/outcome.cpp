// SPDX-License-Identifier: Apache-2.0
#include "jobs/outcome.h"

#include <array>

namespace holdfast {
namespace {

struct OutcomeFacts {
  Outcome outcome;
  std::string_view token;
  ExitStatus exit;
  bool failed;
};

constexpr std::array<OutcomeFacts, 7> kOutcomes = {{
    {Outcome::completed, "completed", ExitStatus::done, false},
    {Outcome::partial, "partial", ExitStatus::stopped_early, false},
    {Outcome::limited, "limited", ExitStatus::refused, false},
    {Outcome::refused, "refused", ExitStatus::refused, true},
    {Outcome::failed, "failed", ExitStatus::failed, true},
    {Outcome::invalid, "invalid", ExitStatus::invalid, true},
    {Outcome::interrupted, "interrupted", ExitStatus::interrupted, false},
}};

const OutcomeFacts& facts(Outcome outcome) {
  return kOutcomes.at(static_cast<std::size_t>(outcome));
}

}  // namespace

std::string_view to_token(Outcome outcome) {
  return facts(outcome).token;
}

std::optional<Outcome> parse_outcome(std::string_view token) {
  for (const OutcomeFacts& entry : kOutcomes) {
    if (entry.token == token) {
      return entry.outcome;
    }
  }
  return std::nullopt;
}

ExitStatus exit_status(Outcome outcome) {
  return facts(outcome).exit;
}

std::string_view audit_code(Outcome outcome) {
  return facts(outcome).failed ? "AUDIT_PRUNE_RUN_FAILED" : "AUDIT_PRUNE_RUN_COMPLETED";
}

}  // namespace holdfast

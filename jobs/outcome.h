// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace holdfast {

/// How a run ended. Source: the table of outcomes in jobs/README.md.
enum class Outcome { completed, partial, limited, refused, failed, invalid, interrupted };

/// "completed", "partial", …: as JSON, ledger and audit events say it.
[[nodiscard]] std::string_view to_token(Outcome outcome);
[[nodiscard]] std::optional<Outcome> parse_outcome(std::string_view token);

/// The exit statuses of every verb.
enum class ExitStatus {
  done = 0,
  failed = 1,
  invalid = 2,
  stopped_early = 3,
  refused = 4,
  another_run = 11,
  interrupted = 130
};

[[nodiscard]] ExitStatus exit_status(Outcome outcome);

/// The code that the outcome is logged under: AUDIT_PRUNE_RUN_COMPLETED or AUDIT_PRUNE_RUN_FAILED.
[[nodiscard]] std::string_view audit_code(Outcome outcome);

}  // namespace holdfast

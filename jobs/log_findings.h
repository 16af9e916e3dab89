// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "policy/catalogue.h"
#include "policy/event_time.h"
#include "storage/database.h"

namespace holdfast {

/// What a whole pass over the log found.
struct LogFindings {
  std::int64_t rows = 0;
  std::int64_t bad_times = 0;  ///< unreadable, or not between 2000 and the next day
  std::optional<Instant> earliest;
  std::optional<Instant> latest;
  std::int64_t without_code = 0;
  std::map<std::string, std::int64_t, std::less<>> codes;  ///< up to kMostCodes of them
  std::int64_t further_codes = 0;                          ///< rows of others
  static constexpr std::size_t kMostCodes = 5'000;
};

/// Reads every row once, in pieces where readers block writers.
[[nodiscard]] LogFindings look_over(AuditLog& log, TimeFormat format, Instant now);

/// The list of the codes that the catalogue does not have, each with its rows, in a category that
/// has no window; empty where it has them all.
[[nodiscard]] std::string suggested_codes(const LogFindings& findings, const Catalogue& catalogue);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/desk.h"
#include "policy/legal_hold.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What `hold place` is asked for, as typed.
struct HoldRequest {
  std::string matter;
  std::string reason;
  std::string kind = "legal";
  std::string basis;
  std::string review_by;  ///< a date, or empty
  bool locked = false;
  HoldScope scope;      ///< from and until are worked out from the next two
  std::string from;     ///< a date (that day in every zone) or RFC 3339
  std::string to;       ///< the same, included
  bool future = false;  ///< terms that are nowhere yet are meant
};

/// Places a hold, and says which rows it covers now and what differs from its terms by letter case
/// only. Errors: JobError(invalid) where it would cover nothing by mistake.
[[nodiscard]] nlohmann::json place_hold(const Desk& desk, HoldRequest request);

/// Ends a hold; its rows stay for hold_release_grace more. Administrators only.
[[nodiscard]] nlohmann::json release_hold(const Desk& desk,
                                          std::int64_t id,
                                          const std::string& reason);

/// Sets the date by which somebody looks at the hold again. Holds never end by themselves.
[[nodiscard]] nlohmann::json review_hold(const Desk& desk,
                                         std::int64_t id,
                                         const std::string& until,
                                         const std::string& reason);

/// Holds by ascending id; which: active ones, or all.
[[nodiscard]] nlohmann::json list_holds(const Desk& desk, bool released_too);

[[nodiscard]] nlohmann::json show_hold(const Desk& desk, std::int64_t id);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace holdfast {

/// Why a row is kept, or `expired`: why it goes. Every row has exactly one, the first that applies
/// in this order. Source: the table in policy/README.md.
enum class Reason {
  bad_time,
  unknown_code,
  no_policy,
  window,
  hold,
  hold_grace,
  row_stamp,
  floor,
  code_floor,
  policy_delay,
  not_consumed,
  not_archived,
  newest_id,
  limit,
  not_reached,
  expired
};

inline constexpr std::size_t kReasons = 16;

/// All reasons in the order of the tests.
inline constexpr std::array<Reason, kReasons> kAllReasons = {Reason::bad_time,
                                                             Reason::unknown_code,
                                                             Reason::no_policy,
                                                             Reason::window,
                                                             Reason::hold,
                                                             Reason::hold_grace,
                                                             Reason::row_stamp,
                                                             Reason::floor,
                                                             Reason::code_floor,
                                                             Reason::policy_delay,
                                                             Reason::not_consumed,
                                                             Reason::not_archived,
                                                             Reason::newest_id,
                                                             Reason::limit,
                                                             Reason::not_reached,
                                                             Reason::expired};

/// The word that reports, JSON and registers use: "bad_time", "hold", "expired".
[[nodiscard]] std::string_view to_token(Reason reason);
/// One line that says what the reason means, for people.
[[nodiscard]] std::string_view meaning(Reason reason);
[[nodiscard]] std::optional<Reason> parse_reason(std::string_view token);

}  // namespace holdfast

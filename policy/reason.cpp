// SPDX-License-Identifier: Apache-2.0
#include "policy/reason.h"

namespace holdfast {
namespace {

struct ReasonText {
  std::string_view token;
  std::string_view meaning;
};

constexpr std::array<ReasonText, kReasons> kTexts = {{
    {"bad_time", "its time cannot be trusted; the window counts from when a run first saw it"},
    {"unknown_code", "its code is neither in the catalogue nor an alias"},
    {"no_policy", "no retention window is set for it"},
    {"window", "its retention window has not ended"},
    {"hold", "an active hold covers it"},
    {"hold_grace", "a hold that covered it was released only a short while ago"},
    {"row_stamp", "its own stamp keeps it, or cannot be read"},
    {"floor", "a floor of its category has not been reached"},
    {"code_floor", "the floor of its code has not been reached"},
    {"policy_delay", "an older policy version, still in its delay, keeps it"},
    {"not_consumed", "a consumer of the log has not read it yet"},
    {"not_archived", "it is in no verified archive"},
    {"newest_id", "it has the highest id, which the table would use again"},
    {"limit", "its category exceeds the safety limit and no approved plan covers it"},
    {"not_reached", "it is due, and the run ended first"},
    {"expired", "its retention window has ended and nothing protects it"},
}};

}  // namespace

std::string_view to_token(Reason reason) {
  return kTexts.at(static_cast<std::size_t>(reason)).token;
}

std::string_view meaning(Reason reason) {
  return kTexts.at(static_cast<std::size_t>(reason)).meaning;
}

std::optional<Reason> parse_reason(std::string_view token) {
  for (const Reason reason : kAllReasons) {
    if (to_token(reason) == token) {
      return reason;
    }
  }
  return std::nullopt;
}

}  // namespace holdfast

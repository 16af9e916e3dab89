// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "policy/erasure_request.h"

namespace holdfast {
namespace {

constexpr std::array<std::pair<ErasureState, std::string_view>, 5> kStateWords{{
    {ErasureState::requested, "requested"},
    {ErasureState::approved, "approved"},
    {ErasureState::completed, "completed"},
    {ErasureState::rejected, "rejected"},
    {ErasureState::cancelled, "cancelled"},
}};

constexpr std::array<std::pair<ErasureDeed, std::string_view>, 8> kDeedWords{{
    {ErasureDeed::request, "request"},
    {ErasureDeed::approve, "approve"},
    {ErasureDeed::reject, "reject"},
    {ErasureDeed::cancel, "cancel"},
    {ErasureDeed::extend, "extend"},
    {ErasureDeed::complete, "complete"},
    {ErasureDeed::complete_when_due, "complete_when_due"},
    {ErasureDeed::nightly, "nightly"},
}};

}  // namespace

std::string_view to_token(ErasureState state) {
  for (const auto& [each, word] : kStateWords) {
    if (each == state) {
      return word;
    }
  }
  return "unknown";
}

std::optional<ErasureState> parse_erasure_state(std::string_view token) {
  for (const auto& [state, word] : kStateWords) {
    if (word == token) {
      return state;
    }
  }
  return std::nullopt;
}

bool is_terminal(ErasureState state) {
  return state != ErasureState::requested && state != ErasureState::approved;
}

std::string_view to_token(ErasureDeed deed) {
  for (const auto& [each, word] : kDeedWords) {
    if (each == deed) {
      return word;
    }
  }
  return "unknown";
}

const std::vector<std::string>& rejection_reasons() {
  static const std::vector<std::string> reasons{"identity_not_proven",
                                                "unfounded",
                                                "17_3_a",
                                                "17_3_b",
                                                "17_3_c",
                                                "17_3_d",
                                                "17_3_e",
                                                "not_controller"};
  return reasons;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "policy/erasure_request.h"
#include "tests/policy/test_values.h"

namespace holdfast::testing {

/// The clock of every test that does not say otherwise: the cool-off of the request is over, and
/// its answer is not due yet.
inline const Instant kErasureNow = at("2026-02-01T09:00:00Z");

/// A request of p-1 from 10 January: approved by alice and confirmed by bob where it got that far.
inline ErasureRequest request_in(ErasureState state) {
  ErasureRequest request{.id = 7,
                         .subject = "p-1",
                         .state = state,
                         .requested_by = "p-1",
                         .requested_at = at("2026-01-10T12:00:00Z"),
                         .deadline = at("2026-02-11")};
  if (state == ErasureState::approved || state == ErasureState::completed) {
    request.approved_by = "alice";
    request.approved_at = at("2026-01-11T12:00:00Z");
    request.cooloff_until = at("2026-01-24T12:00:00Z");
    request.confirmed_by = "bob";
    request.confirmed_at = at("2026-01-12T12:00:00Z");
  }
  return request;
}

/// Somebody without any role.
inline ErasureFacts somebody(std::string who) {
  return {.who = std::move(who), .system_now = kErasureNow, .guard_now = kErasureNow};
}

inline ErasureFacts administrator(std::string who) {
  ErasureFacts facts = somebody(std::move(who));
  facts.administrator = true;
  return facts;
}

inline ErasureFacts the_subject() {
  ErasureFacts facts = somebody("p-1");
  facts.is_subject = true;
  return facts;
}

inline ErasureFacts subject_and_administrator() {
  ErasureFacts facts = the_subject();
  facts.administrator = true;
  return facts;
}

inline ErasureFacts trusted_service() {
  ErasureFacts facts = somebody("portal");
  facts.trusted_service = true;
  return facts;
}

/// The same person with a reason.
inline ErasureFacts because(ErasureFacts facts, std::string reason) {
  facts.reason = std::move(reason);
  return facts;
}

/// The same person at another time by both clocks.
inline ErasureFacts when(ErasureFacts facts, Instant now) {
  facts.system_now = now;
  facts.guard_now = now;
  return facts;
}

/// The same person once the modules have answered.
inline ErasureFacts told(ErasureFacts facts, const HoldAnswer& answer) {
  facts.holds = &answer;
  facts.holds_digest = "digest-1";
  return facts;
}

/// Answers of the modules.
inline const ModuleReport kClearReport{.module = "holdfast", .status = HoldStatus::clear};
inline const ModuleReport kHeldReport{
    .module = "billing", .status = HoldStatus::hold, .holds = {{.id = "H-1", .basis = "tax"}}};
inline const ModuleReport kLockedReport{
    .module = "court", .status = HoldStatus::hold, .holds = {{.id = "H-2", .locked = true}}};
inline const ModuleReport kSilentReport{
    .module = "crm", .status = HoldStatus::error, .problem = "no answer within 10 s"};
inline const HoldAnswer kClear{.reports = {kClearReport}};
inline const HoldAnswer kHeld{.reports = {kClearReport, kHeldReport}};
inline const HoldAnswer kLocked{.reports = {kHeldReport, kLockedReport}};
inline const HoldAnswer kSilent{.reports = {kClearReport, kSilentReport}};
inline const HoldAnswer kNobodyAsked{};

/// A step in one line: kind, line, state, (reason), what is to be done, +rows.
inline std::string text_of(const ErasureStep& step) {
  constexpr std::array<std::string_view, 5> kinds{
      "refused", "unchanged", "blocked", "done", "ask_holds"};
  constexpr std::string_view prefix = "ACCOUNT_DELETION_";
  std::string text{kinds.at(static_cast<std::size_t>(step.kind))};
  text += " " + std::to_string(step.line) + " " + std::string{to_token(step.state)};
  text += step.reason.empty() ? "" : " (" + step.reason + ")";
  text += step.new_request ? " new" : "";
  text += step.store_confirmation ? " confirm" : "";
  text += step.erase ? " erase" : "";
  text += step.suspends_holds ? " suspend" : "";
  text += step.cooloff_until ? " cooloff=" + to_rfc3339(*step.cooloff_until) : "";
  text += step.deadline ? " deadline=" + to_rfc3339(*step.deadline) : "";
  for (const ErasureEvent& event : step.events) {
    text += " +" + std::string{event.code.substr(prefix.size())} + "/" +
            std::string{event.severity} + (event.stamped_ten_years ? "/10 years" : "");
  }
  return text;
}

/// The step of a deed on a request in this state.
inline std::string step_text(ErasureState state, ErasureDeed deed, const ErasureFacts& facts) {
  const ErasureRequest request = request_in(state);
  return text_of(step_erasure(&request, deed, facts));
}

}  // namespace holdfast::testing

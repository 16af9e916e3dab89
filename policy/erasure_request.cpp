// SPDX-License-Identifier: Apache-2.0
#include "policy/erasure_request.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace holdfast {
namespace {

using Kind = ErasureStep::Kind;

constexpr ErasureEvent kRequested{.code = "ACCOUNT_DELETION_REQUEST", .severity = "Notice"};
constexpr ErasureEvent kApproved{.code = "ACCOUNT_DELETION_APPROVED", .severity = "Notice"};
constexpr ErasureEvent kRejected{.code = "ACCOUNT_DELETION_REJECTED", .severity = "Warning"};
constexpr ErasureEvent kCancelled{.code = "ACCOUNT_DELETION_CANCELLED", .severity = "Info"};
constexpr ErasureEvent kCompleted{.code = "ACCOUNT_DELETION_COMPLETED", .severity = "Warning"};
constexpr ErasureEvent kBlockedByHolds{.code = "ACCOUNT_DELETION_BLOCKED_BY_HOLDS",
                                       .severity = "Warning"};
constexpr ErasureEvent kOverridden{
    .code = "ACCOUNT_DELETION_HOLDS_OVERRIDDEN", .severity = "Critical", .stamped_ten_years = true};
constexpr ErasureEvent kDualControl{.code = "ACCOUNT_DELETION_DUAL_CONTROL_BLOCKED",
                                    .severity = "Warning"};
constexpr ErasureEvent kCoolOff{.code = "ACCOUNT_DELETION_COOLOFF_BLOCKED", .severity = "Warning"};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// How many characters UTF-8 text has: bytes that only continue one are not counted.
std::size_t characters(std::string_view text) {
  constexpr unsigned top_bits = 0xC0U;
  constexpr unsigned continuation = 0x80U;
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & top_bits) != continuation;
  }));
}

/// A step that leaves the request as it is and no audit row.
ErasureStep no_change(Kind kind, const ErasureRequest& request, int line, std::string_view reason) {
  return {.kind = kind, .line = line, .state = request.state, .reason = std::string{reason}};
}

ErasureStep refused(const ErasureRequest& request, int line, std::string_view reason) {
  return no_change(Kind::refused, request, line, reason);
}

ErasureStep unchanged(const ErasureRequest& request, int line, std::string_view reason) {
  return no_change(Kind::unchanged, request, line, reason);
}

ErasureStep blocked(const ErasureRequest& request,
                    int line,
                    std::string_view reason,
                    const ErasureEvent& event) {
  ErasureStep step = no_change(Kind::blocked, request, line, reason);
  step.events = {event};
  return step;
}

ErasureStep done(int line, ErasureState state, std::vector<ErasureEvent> events) {
  return {.kind = Kind::done, .line = line, .state = state, .events = std::move(events)};
}

/// Lines 1 to 4.
ErasureStep step_request(const ErasureRequest* request, const ErasureFacts& facts) {
  const ErasureRequest none;
  const ErasureRequest& newest = request == nullptr ? none : *request;
  if (!facts.is_subject && !facts.administrator && !facts.trusted_service) {
    return refused(newest, 2, "may_not_request");
  }
  if (request != nullptr && request->open()) {
    return unchanged(newest, 3, "open_already");
  }
  const bool completed = newest.state == ErasureState::completed;
  if (completed && !facts.subject_data_there) {
    return unchanged(newest, 4, "erased_already");
  }
  ErasureStep step = done(completed ? 4 : 1, ErasureState::requested, {kRequested});
  step.new_request = true;
  step.deadline = answer_deadline(facts.system_now);
  return step;
}

/// Lines 5 to 7.
ErasureStep step_approve(const ErasureRequest& request, const ErasureFacts& facts) {
  if (request.state == ErasureState::approved) {
    return unchanged(request, 7, "approved_already");
  }
  if (!facts.administrator) {
    return refused(request, 6, "not_administrator");
  }
  if (facts.is_subject) {
    return refused(request, 6, "is_subject");
  }
  ErasureStep step = done(5, ErasureState::approved, {kApproved});
  step.cooloff_until = cooloff_end(request.requested_at, facts.system_now, facts.cool_off);
  return step;
}

/// Lines 8 and 10.
ErasureStep step_reject(const ErasureRequest& request, const ErasureFacts& facts) {
  if (!facts.administrator) {
    return refused(request, 10, "not_administrator");
  }
  const std::vector<std::string>& reasons = rejection_reasons();
  if (std::find(reasons.begin(), reasons.end(), facts.reason) == reasons.end()) {
    return refused(request, 8, "unknown_rejection_reason");
  }
  return done(8, ErasureState::rejected, {kRejected});
}

/// Lines 9 and 10.
ErasureStep step_cancel(const ErasureRequest& request, const ErasureFacts& facts) {
  if (!facts.is_subject && !facts.administrator) {
    return refused(request, 10, "not_subject_or_administrator");
  }
  return done(9, ErasureState::cancelled, {kCancelled});
}

/// Line 11.
ErasureStep step_extend(const ErasureRequest& request, const ErasureFacts& facts) {
  if (!facts.administrator) {
    return refused(request, 11, "not_administrator");
  }
  if (request.extended) {
    return refused(request, 11, "extended_already");
  }
  if (facts.system_now >= request.deadline) {
    return refused(request, 11, "deadline_over");
  }
  if (trimmed(facts.reason).empty()) {
    return refused(request, 11, "reason_missing");
  }
  ErasureStep step = done(11, request.state, {});
  step.deadline = extended_deadline(request.deadline);
  return step;
}

ErasureStep erased(int line, std::vector<ErasureEvent> events) {
  ErasureStep step = done(line, ErasureState::completed, std::move(events));
  step.erase = true;
  return step;
}

/// Lines 18 and 19: the answer is not clear and an override is wanted. What no reason could help
/// is found first, so that every attempt at holds leaves its row.
ErasureStep step_override(const ErasureRequest& request, const ErasureFacts& facts) {
  if (!facts.holds->complete()) {
    return blocked(request, 18, "module_unanswered", kBlockedByHolds);
  }
  if (facts.holds->any_locked()) {
    return blocked(request, 18, "hold_locked", kBlockedByHolds);
  }
  if (facts.override_digest != facts.holds_digest) {
    return blocked(request, 18, "override_stale", kBlockedByHolds);
  }
  if (characters(trimmed(facts.reason)) < kShortestOverrideReason) {
    return refused(request, 19, "override_reason_too_short");
  }
  ErasureStep step = erased(19, {kOverridden, kCompleted});
  step.suspends_holds = true;
  return step;
}

/// Lines 17 to 20: every earlier guard is open.
ErasureStep step_holds(const ErasureRequest& request, const ErasureFacts& facts) {
  if (facts.holds == nullptr) {
    return no_change(Kind::ask_holds, request, 0, "");
  }
  if (facts.holds->all_clear()) {
    return erased(20, {kCompleted});
  }
  if (!facts.override_digest.empty()) {
    return step_override(request, facts);
  }
  return blocked(
      request, 17, facts.holds->complete() ? "holds" : "module_unanswered", kBlockedByHolds);
}

/// Lines 13 to 20 and 24, for an approved request.
ErasureStep step_completion(const ErasureRequest& request,
                            ErasureDeed deed,
                            const ErasureFacts& facts) {
  if (request.approved_by.empty()) {
    return refused(request, 13, "approver_unknown");
  }
  if (facts.who == request.approved_by) {
    return blocked(request, 13, "dual_control", kDualControl);
  }
  if (!facts.administrator) {
    return refused(request, 14, "not_administrator");
  }
  if (facts.is_subject) {
    return refused(request, 14, "is_subject");
  }
  if (deed == ErasureDeed::complete_when_due) {
    ErasureStep step = done(15, request.state, {});
    step.store_confirmation = true;
    return step;
  }
  if (!request.cooloff_until || facts.guard_now < *request.cooloff_until) {
    return blocked(request, 16, "cool_off", kCoolOff);
  }
  if (facts.open_export != 0) {
    return refused(request, 24, "export_open");
  }
  return step_holds(request, facts);
}

/// Lines 12 to 20.
ErasureStep step_complete(const ErasureRequest& request,
                          ErasureDeed deed,
                          const ErasureFacts& facts) {
  if (request.state != ErasureState::approved) {
    return refused(request, 12, "not_approved");
  }
  if (deed == ErasureDeed::nightly &&
      (request.confirmed_by.empty() || facts.who != request.confirmed_by)) {
    return refused(request, 15, "not_confirmed");
  }
  return step_completion(request, deed, facts);
}

/// Lines 21 and 22.
ErasureStep step_ended(const ErasureRequest& request, ErasureDeed deed) {
  const bool completion = deed == ErasureDeed::complete || deed == ErasureDeed::complete_when_due;
  if (completion && request.state == ErasureState::completed) {
    return unchanged(request, 21, "completed_already");
  }
  return refused(request, 22, "ended");
}

}  // namespace

ErasureStep step_erasure(const ErasureRequest* request,
                         ErasureDeed deed,
                         const ErasureFacts& facts) {
  if (deed == ErasureDeed::request) {
    return step_request(request, facts);
  }
  if (request == nullptr) {
    return {.kind = Kind::refused, .reason = "no_request"};
  }
  if (!request->open()) {
    return step_ended(*request, deed);
  }
  switch (deed) {
    case ErasureDeed::approve:
      return step_approve(*request, facts);
    case ErasureDeed::reject:
      return step_reject(*request, facts);
    case ErasureDeed::cancel:
      return step_cancel(*request, facts);
    case ErasureDeed::extend:
      return step_extend(*request, facts);
    case ErasureDeed::complete:
    case ErasureDeed::complete_when_due:
    case ErasureDeed::nightly:
      return step_complete(*request, deed, facts);
    case ErasureDeed::request:
      break;
  }
  return refused(*request, 0, "unknown_deed");
}

}  // namespace holdfast

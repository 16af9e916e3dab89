// SPDX-License-Identifier: Apache-2.0
#include "policy/export_request.h"

#include <array>
#include <utility>

namespace holdfast {
namespace {

using Kind = ExportStep::Kind;

constexpr std::array<std::pair<ExportState, std::string_view>, 3> kStateWords{{
    {ExportState::requested, "requested"},
    {ExportState::ready, "ready"},
    {ExportState::destroyed, "destroyed"},
}};

constexpr ErasureEvent kRequested{.code = "ACCOUNT_DATA_EXPORT_REQUEST", .severity = "Notice"};
constexpr ErasureEvent kReady{.code = "ACCOUNT_DATA_EXPORT_READY", .severity = "Info"};
constexpr ErasureEvent kDownloaded{.code = "ACCOUNT_DATA_EXPORT_DOWNLOADED", .severity = "Info"};

ExportStep no_change(Kind kind, const ExportRequest& request, int line, std::string_view reason) {
  return {.kind = kind, .line = line, .state = request.state, .reason = std::string{reason}};
}

ExportStep refused(const ExportRequest& request, int line, std::string_view reason) {
  return no_change(Kind::refused, request, line, reason);
}

ExportStep unchanged(const ExportRequest& request, int line, std::string_view reason) {
  return no_change(Kind::unchanged, request, line, reason);
}

ExportStep done(int line, ExportState state, std::vector<ErasureEvent> events) {
  return {.kind = Kind::done, .line = line, .state = state, .events = std::move(events)};
}

ExportStep destroyed(int line, std::string_view why) {
  ExportStep step = done(line, ExportState::destroyed, {});
  step.end_reason = why;
  return step;
}

bool may_fetch(const ExportFacts& facts) {
  return facts.is_subject || facts.administrator || facts.trusted_service;
}

/// Lines 1 to 3.
ExportStep step_request(const ExportRequest* request, const ExportFacts& facts) {
  const ExportRequest none;
  const ExportRequest& newest = request == nullptr ? none : *request;
  if (!may_fetch(facts)) {
    return refused(newest, 2, "may_not_request");
  }
  if (request != nullptr && is_open(newest, facts.guard_now)) {
    return unchanged(newest, 3, "open_already");
  }
  return done(1, ExportState::requested, {kRequested});
}

/// Lines 4 to 6.
ExportStep step_make(const ExportRequest& request, const ExportFacts& facts) {
  if (!facts.administrator && !facts.trusted_service && !facts.nightly) {
    return refused(request, 5, "may_not_make");
  }
  if (request.state == ExportState::ready) {
    return unchanged(request, 6, "ready_already");
  }
  return done(4, ExportState::ready, {kReady});
}

/// Lines 7 to 9. Who may not fetch it learns nothing of its state.
ExportStep step_download(const ExportRequest& request, const ExportFacts& facts) {
  if (!may_fetch(facts)) {
    return refused(request, 8, "may_not_download");
  }
  if (request.state == ExportState::requested) {
    return refused(request, 9, "not_ready");
  }
  if (is_expired(request, facts.guard_now)) {
    return refused(request, 9, "expired");
  }
  return done(7, ExportState::ready, {kDownloaded});
}

/// Lines 10 and 11.
ExportStep step_destroy(const ExportRequest& request, const ExportFacts& facts) {
  if (!facts.is_subject && !facts.administrator) {
    return refused(request, 11, "not_subject_or_administrator");
  }
  return destroyed(10, "command");
}

/// Line 12.
ExportStep step_expire(const ExportRequest& request, const ExportFacts& facts) {
  if (!facts.nightly || !is_expired(request, facts.guard_now)) {
    return refused(request, 12, "not_expired");
  }
  return destroyed(12, "expired");
}

/// Line 14.
ExportStep step_ended(const ExportRequest& request, ExportDeed deed, const ExportFacts& facts) {
  if (deed == ExportDeed::destroy && (facts.is_subject || facts.administrator)) {
    return unchanged(request, 14, "destroyed_already");
  }
  return refused(request, 14, "ended");
}

}  // namespace

std::string_view to_token(ExportState state) {
  for (const auto& [each, word] : kStateWords) {
    if (each == state) {
      return word;
    }
  }
  return "unknown";
}

std::optional<ExportState> parse_export_state(std::string_view token) {
  for (const auto& [state, word] : kStateWords) {
    if (word == token) {
      return state;
    }
  }
  return std::nullopt;
}

/// One that is ready and does not say until when has expired: nobody knows for how long it may be
/// handed out.
bool is_expired(const ExportRequest& request, Instant guard_now) {
  return request.state == ExportState::ready &&
         (!request.expires_at || *request.expires_at <= guard_now);
}

bool is_open(const ExportRequest& request, Instant guard_now) {
  switch (request.state) {
    case ExportState::requested:
      return true;
    case ExportState::ready:
      return request.downloads == 0 && !is_expired(request, guard_now);
    case ExportState::destroyed:
      return false;
  }
  return false;
}

ExportStep step_export(const ExportRequest* request, ExportDeed deed, const ExportFacts& facts) {
  if (deed == ExportDeed::request) {
    return step_request(request, facts);
  }
  if (request == nullptr) {
    return {.kind = Kind::refused, .reason = "no_request"};
  }
  if (request->state == ExportState::destroyed) {
    return step_ended(*request, deed, facts);
  }
  switch (deed) {
    case ExportDeed::make:
      return step_make(*request, facts);
    case ExportDeed::download:
      return step_download(*request, facts);
    case ExportDeed::destroy:
      return step_destroy(*request, facts);
    case ExportDeed::expire:
      return step_expire(*request, facts);
    case ExportDeed::erase:
      return destroyed(13, "erased");
    case ExportDeed::request:
      break;
  }
  return refused(*request, 0, "unknown_deed");
}

}  // namespace holdfast

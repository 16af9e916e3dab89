// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_document.h"

#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNamedHolds = 100;

json text_or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(utf8_text(text));
}

std::string_view word(DeadlineState state) {
  switch (state) {
    case DeadlineState::far:
      return "far";
    case DeadlineState::due_soon:
      return "due_soon";
    case DeadlineState::overdue:
      return "overdue";
  }
  return {};
}

}  // namespace

json request_json(const ErasureRequest& request, Instant system_now) {
  return {
      {"id", request.id},
      {"tenant", json_or_null(request.tenant)},
      {"subject", utf8_text(request.subject)},
      {"state", to_token(request.state)},
      {"requested_by", utf8_text(request.requested_by)},
      {"requested_at", to_rfc3339(request.requested_at)},
      {"deadline", to_rfc3339(request.deadline)},
      {"answer", request.open() ? json(word(deadline_state(request, system_now))) : json(nullptr)},
      {"extended", request.extended},
      {"approved_by", text_or_null(request.approved_by)},
      {"approved_at", json_time(request.approved_at)},
      {"cooloff_until", json_time(request.cooloff_until)},
      {"confirmed_by", text_or_null(request.confirmed_by)},
      {"confirmed_at", json_time(request.confirmed_at)},
      {"ended_by", text_or_null(request.ended_by)},
      {"ended_at", json_time(request.ended_at)},
      {"end_reason", text_or_null(request.end_reason)}};
}

json answer_json(const HoldAnswer& answer) {
  json reports = json::array();
  for (const ModuleReport& report : answer.reports) {
    json holds = json::array();
    for (const ReportedHold& hold : report.holds) {
      holds.push_back({{"id", utf8_text(hold.id)},
                       {"basis", utf8_text(hold.basis)},
                       {"locked", hold.locked},
                       {"review_by", json_time(hold.review_by)}});
    }
    reports.push_back({{"module", utf8_text(report.module)},
                       {"status", to_token(report.status)},
                       {"holds", std::move(holds)},
                       {"problem", text_or_null(report.problem)}});
  }
  return reports;
}

json attempt_json(const ErasureAttempt& attempt) {
  return {{"at", to_rfc3339(attempt.at)},
          {"who", utf8_text(attempt.who)},
          {"deed", attempt.deed},
          {"outcome", attempt.outcome},
          {"hold_digest", text_or_null(attempt.hold_digest)}};
}

json named_holds_json(const HoldAnswer& answer) {
  json list = json::array();
  for (const ModuleReport& report : answer.reports) {
    for (const ReportedHold& hold : report.holds) {
      if (list.size() < kMostNamedHolds) {
        list.push_back({{"module", utf8_text(report.module)}, {"id", utf8_text(hold.id)}});
      }
    }
    if (report.status == HoldStatus::error && list.size() < kMostNamedHolds) {
      list.push_back({{"module", utf8_text(report.module)}, {"id", nullptr}});
    }
  }
  return list;
}

}  // namespace holdfast

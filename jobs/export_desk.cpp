// SPDX-License-Identifier: Apache-2.0
#include "jobs/export_desk.h"

#include <array>
#include <string_view>

#include "jobs/export_upkeep.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// A rule in words: what it says, and who or what could do it.
struct RuleSentence {
  std::string_view token;
  std::string_view sentence;
};

constexpr std::array<RuleSentence, 8> kRefusals = {{
    {"may_not_request",
     "only the subject, an administrator or a service of [identity].services may ask for it"},
    {"may_not_make",
     "only an administrator, a service of [identity].services or the nightly run "
     "may make it"},
    {"may_not_download",
     "only the subject, an administrator or a service of [identity].services may fetch it"},
    {"not_subject_or_administrator", "only the subject or an administrator may destroy it"},
    {"not_ready",
     "it is not made yet: the nightly run makes it, or \"holdfast export make\" does now"},
    {"expired",
     "it was kept for as long as [export].keep says: ask for a new one with \"holdfast "
     "export request\""},
    {"ended", "it is destroyed: ask for a new one with \"holdfast export request\""},
    {"not_expired", "it is still to be kept"},
}};

std::string refusal_sentence(const ExportResult& result) {
  const std::string name =
      result.request.id == 0 ? "an export" : "export " + std::to_string(result.request.id);
  for (const RuleSentence& rule : kRefusals) {
    if (rule.token == result.step.reason) {
      return name + " (" + result.step.reason + "): " + std::string(rule.sentence);
    }
  }
  return name + ": refused (" + result.step.reason + ")";
}

json text_or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(utf8_text(text));
}

json export_json(const Desk& desk, const ExportRequest& request, Instant guard_now) {
  return {{"id", request.id},
          {"tenant", json_or_null(request.tenant)},
          {"subject", utf8_text(request.subject)},
          {"state", to_token(request.state)},
          {"requested_by", utf8_text(request.requested_by)},
          {"requested_at", to_rfc3339(request.requested_at)},
          {"made_by", text_or_null(request.made_by)},
          {"made_at", json_time(request.made_at)},
          {"expires_at", json_time(request.expires_at)},
          {"expired", is_expired(request, guard_now)},
          {"open", is_open(request, guard_now)},
          {"file", text_or_null(request.file)},
          {"bytes", request.bytes},
          {"sha256", text_or_null(request.sha256)},
          {"rows", request.rows},
          {"downloads", request.downloads},
          {"downloaded_at", json_time(request.downloaded_at)},
          {"ended_by", text_or_null(request.ended_by)},
          {"ended_at", json_time(request.ended_at)},
          {"end_reason", text_or_null(request.end_reason)},
          {"problem", text_or_null(export_fault(request, desk.exports))}};
}

/// What to do next.
std::string next_words(const Desk& desk, const ExportRequest& request) {
  const std::string id = std::to_string(request.id);
  switch (request.state) {
    case ExportState::requested:
      return desk.exports == nullptr
                 ? "set [export].directory in the configuration: until then it cannot be made"
                 : "the nightly run makes it, or \"holdfast export make " + id + "\" does now";
    case ExportState::ready:
      return request.downloads > 0 ? std::string{}
                                   : "\"holdfast export download " + id + " --to FILE\" fetches it";
    case ExportState::destroyed:
      return {};
  }
  return {};
}

/// What one call works with: the policy outlives the workflow.
struct Call {
  explicit Call(const Desk& desk)
      : policy(read_policy_state(desk.database, desk.settings, desk.now)),
        clock(next_clock(desk, policy).clock),
        workflow({.database = desk.database, .settings = desk.settings, .store = desk.exports},
                 policy,
                 {.who = desk.who, .clock = clock}) {}

  PolicyState policy;
  RunClock clock;
  ExportWorkflow workflow;
};

json answer_of(const Desk& desk, const Call& call, const ExportResult& result) {
  if (result.step.kind == ExportStep::Kind::refused) {
    throw JobError(ExitStatus::refused, refusal_sentence(result));
  }
  json answer = {{"outcome", result.step.kind == ExportStep::Kind::done ? "done" : "unchanged"},
                 {"why", text_or_null(result.step.reason)},
                 {"export", export_json(desk, result.request, call.clock.guard_now())},
                 {"message", text_or_null(next_words(desk, result.request))},
                 {"file_left", text_or_null(result.left)}};
  answer["events"] = json::array();
  for (const ErasureEvent& event : result.step.events) {
    answer["events"].push_back({{"code", event.code}, {"severity", event.severity}});
  }
  return answer;
}

}  // namespace

json request_export(const Desk& desk, const Subject& subject) {
  require_person(subject.person);
  require_clock_not_behind(desk);
  Call call(desk);
  return answer_of(desk, call, call.workflow.request(subject));
}

json make_export(const Desk& desk, std::int64_t id) {
  require_clock_not_behind(desk);
  Call call(desk);
  return answer_of(desk, call, call.workflow.make(id));
}

json download_export(const Desk& desk, std::int64_t id, const std::string& to) {
  require_clock_not_behind(desk);
  Call call(desk);
  json answer = answer_of(desk, call, call.workflow.download(id, to));
  answer["to"] = utf8_text(to);
  return answer;
}

json destroy_export(const Desk& desk, std::int64_t id) {
  require_clock_not_behind(desk);
  Call call(desk);
  return answer_of(desk, call, call.workflow.end(id, ExportDeed::destroy));
}

json list_exports(const Desk& desk, bool ended_too) {
  const Call call(desk);
  json list = json::array();
  for (const ExportRequest& request :
       ended_too ? desk.database.exports().all() : desk.database.exports().kept()) {
    list.push_back(export_json(desk, request, call.clock.guard_now()));
  }
  return {{"exports", std::move(list)}};
}

json show_export(const Desk& desk, std::int64_t id) {
  const Call call(desk);
  const auto request = desk.database.exports().find(id);
  if (!request) {
    throw JobError(
        ExitStatus::invalid,
        "there is no export " + std::to_string(id) + ": \"holdfast export list --all\" lists them");
  }
  return {{"export", export_json(desk, *request, call.clock.guard_now())},
          {"message", text_or_null(next_words(desk, *request))}};
}

}  // namespace holdfast

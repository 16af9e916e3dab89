// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_desk.h"

#include <array>
#include <string_view>

#include "jobs/archive_keeper.h"
#include "jobs/digest.h"
#include "jobs/erasure_document.h"
#include "jobs/erasure_residue.h"
#include "jobs/export_upkeep.h"
#include "jobs/hold_sources.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

using nlohmann::json;

ErasureTools tools_of(const Desk& desk, WitnessNotes* notes) {
  if (desk.programs == nullptr || desk.keys == nullptr) {
    throw JobError(ExitStatus::failed, "erasure needs the modules' programs and the keys at hand");
  }
  return {.database = desk.database,
          .settings = desk.settings,
          .programs = *desk.programs,
          .keys = *desk.keys,
          .archives = desk.archives,
          .exports = desk.exports,
          .notes = notes};
}

/// What one call works with: the policy outlives the workflow.
struct Call {
  explicit Call(const Desk& desk, WitnessNotes* notes = nullptr)
      : policy(read_policy_state(desk.database, desk.settings, desk.now)),
        clock(next_clock(desk, policy).clock),
        workflow(tools_of(desk, notes), policy, {.who = desk.who, .clock = clock}) {}

  PolicyState policy;
  RunClock clock;
  ErasureWorkflow workflow;
};

/// A rule of the workflow in words: what it says, and who or what could do it.
struct RuleSentence {
  std::string_view token;
  std::string_view sentence;
};

constexpr std::array<RuleSentence, 15> kRefusals = {{
    {"may_not_request",
     "only the subject, an administrator or a service of [identity].services may request it"},
    {"not_administrator",
     "only the names in [admins].principals may do this; one that is new there counts after "
     "policy_shorten_delay"},
    {"is_subject", "whose data it is may not decide about it"},
    {"not_subject_or_administrator", "only the subject or an administrator may do this"},
    {"not_approved",
     "it is not approved yet: an administrator has to type \"erasure approve\" first"},
    {"not_confirmed", "nobody has asked for it with \"erasure complete --when-due\""},
    {"ended", "it has ended, and nothing leads out of that"},
    {"deadline_over", "the answer was due already: it can only be put off before that"},
    {"extended_already", "the answer was put off once, and that is all there is"},
    {"reason_missing", "--reason may not be empty: the person is told, and an auditor will ask"},
    {"override_reason_too_short", "an override says why in 20 characters or more: give --reason"},
    {"unknown_rejection_reason",
     "--reason must be one of identity_not_proven, unfounded, 17_3_a to 17_3_e, not_controller"},
    {"approver_unknown", "the register does not say who approved it, so nobody may complete it"},
    {"no_request", "there is no such request"},
    {"unknown_deed", "that cannot be done to a request"},
}};

/// What an erasure would take away from the person who asked for a copy.
std::string export_sentence(std::int64_t id) {
  const std::string number = std::to_string(id);
  return "the person's export " + number +
         " is still to be fetched, and the erasure destroys it: \"holdfast export download " +
         number + " --to FILE\" or \"holdfast export destroy " + number + "\" first";
}

std::string refusal_sentence(const ErasureResult& result) {
  const std::string name = result.request.id == 0
                               ? "an erasure"
                               : "erasure request " + std::to_string(result.request.id);
  if (result.step.reason == "export_open") {
    return name + " (export_open): " + export_sentence(result.open_export);
  }
  for (const RuleSentence& rule : kRefusals) {
    if (rule.token == result.step.reason) {
      return name + " (" + result.step.reason + "): " + std::string(rule.sentence);
    }
  }
  return name + ": refused (" + result.step.reason + ")";
}

/// Why a completion was stopped, and what to do next.
std::string block_sentence(const ErasureResult& result) {
  const std::string id = std::to_string(result.request.id);
  const std::string& reason = result.step.reason;
  if (reason == "dual_control") {
    return "who approved a request may not complete it: another administrator has to";
  }
  if (reason == "cool_off") {
    return "the cooling-off time ends " +
           (result.request.cooloff_until ? to_rfc3339(*result.request.cooloff_until)
                                         : std::string("after the approval")) +
           ": \"holdfast erasure complete " + id + " --when-due\" lets the nightly run do it then";
  }
  if (reason == "override_stale") {
    return "the holds are not the ones that the digest was printed for: look at \"holdfast erasure "
           "show " +
           id + "\" again";
  }
  if (reason == "hold_locked") {
    return "a hold is locked: nobody may override it";
  }
  if (reason == "module_unanswered") {
    return "a module did not answer, and no answer is a hold that nobody can override: see \"holdfast "
           "erasure show " +
           id + "\"";
  }
  return "holds stand in the way: \"holdfast erasure show " + id +
         "\" lists them with the digest that --override needs";
}

json result_json(const Desk& desk, const ErasureResult& result) {
  json answer = {{"request", request_json(result.request, desk.now)},
                 {"why", result.step.reason.empty() ? json(nullptr) : json(result.step.reason)}};
  switch (result.step.kind) {
    case ErasureStep::Kind::blocked:
      answer["outcome"] = "blocked";
      answer["message"] = block_sentence(result);
      break;
    case ErasureStep::Kind::unchanged:
      answer["outcome"] = "unchanged";
      break;
    case ErasureStep::Kind::done:
    case ErasureStep::Kind::ask_holds:
    case ErasureStep::Kind::refused:
      answer["outcome"] = "done";
      break;
  }
  if (result.open_export != 0 && result.request.open()) {
    answer["open_export"] = {{"id", result.open_export},
                             {"message", export_sentence(result.open_export)}};
  }
  answer["events"] = json::array();
  for (const ErasureEvent& event : result.step.events) {
    answer["events"].push_back({{"code", event.code}, {"severity", event.severity}});
  }
  if (result.holds) {
    answer["holds"] = answer_json(*result.holds);
    answer["hold_digest"] = result.hold_digest;
  }
  if (result.receipt) {
    answer["receipt"] = receipt_json(*result.receipt);
  }
  return answer;
}

json answer_of(const Desk& desk, const ErasureResult& result) {
  if (result.step.kind == ErasureStep::Kind::refused) {
    throw JobError(ExitStatus::refused, refusal_sentence(result));
  }
  return result_json(desk, result);
}

/// Null where a module does not fit the database: no completion could go on then, and `check` says
/// why.
json left_if_it_fits(const Desk& desk) {
  try {
    return left_json(left_as_it_is(desk.database, desk.settings));
  } catch (const StorageError& error) {
    if (error.trouble() != StorageTrouble::mapping) {
      throw;
    }
    return nullptr;
  }
}

void require_set_up(const Desk& desk) {
  if (!desk.database.is_set_up()) {
    throw JobError(
        ExitStatus::failed,
        desk.database.path() + ": Holdfast's own tables are not there yet: run \"holdfast init\"");
  }
}

}  // namespace

json request_erasure(const Desk& desk, const Subject& subject) {
  require_person(subject.person);
  require_clock_not_behind(desk);
  Call call(desk);
  return answer_of(desk, call.workflow.request(subject, {.deed = ErasureDeed::request}));
}

json act_on_erasure(const Desk& desk, std::int64_t id, const ErasureWish& wish) {
  require_clock_not_behind(desk);
  WitnessNotes notes = witness_notes(desk);
  Call call(desk, &notes);
  ErasureResult result = call.workflow.carry_out(id, wish);
  if (result.receipt) {
    notes.flush();
    // What was erased is still readable in the write-ahead log until it is emptied.
    (void)desk.database.checkpoint_all();
    drop_salts_of_archives(desk);
    remove_erased_exports(desk);
  }
  return answer_of(desk, result);
}

json list_erasures(const Desk& desk, bool ended_too) {
  json list = json::array();
  for (const ErasureRequest& request : desk.database.erasures().all()) {
    if (request.open() || ended_too) {
      list.push_back(request_json(request, desk.now));
    }
  }
  return {{"erasures", std::move(list)}};
}

json show_erasure(const Desk& desk, std::int64_t id) {
  require_set_up(desk);
  const auto request = desk.database.erasures().find(id);
  if (!request) {
    throw JobError(ExitStatus::invalid,
                   "there is no erasure request " + std::to_string(id) +
                       ": \"holdfast erasure list --all\" lists them");
  }
  json result = {{"request", request_json(*request, desk.now)}};
  result["attempts"] = json::array();
  for (const ErasureAttempt& attempt : desk.database.erasures().attempts(id)) {
    result["attempts"].push_back(attempt_json(attempt));
  }
  const auto receipt = desk.database.erasures().receipt(id);
  result["receipt"] = receipt ? json::parse(*receipt) : json(nullptr);
  Call call(desk);
  const std::int64_t open = open_export(desk.database.exports(),
                                        {.tenant = request->tenant, .person = request->subject},
                                        call.clock.guard_now());
  if (open != 0 && request->open()) {
    result["open_export"] = {{"id", open}, {"message", export_sentence(open)}};
  }
  if (call.workflow.may_see_holds(*request)) {
    result["left_as_it_is"] = left_if_it_fits(desk);
    const HoldAnswer answer = call.workflow.ask_holds(*request);
    result["holds"] = answer_json(answer);
    result["hold_digest"] = hold_answer_digest(id, answer);
    result["all_clear"] = answer.all_clear();
  }
  return result;
}

}  // namespace holdfast

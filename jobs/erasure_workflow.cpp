// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_workflow.h"

#include <utility>

#include "jobs/digest.h"
#include "jobs/erasure_document.h"
#include "jobs/export_upkeep.h"
#include "jobs/hold_sources.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/metadata_filter.h"
#include "jobs/tenant_keys.h"
#include "policy/disposition_cutoff.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kShortestDigest = 12;
constexpr const char* kSubject = "(subject)";  // in an attempt, which outlives the name
constexpr RetentionWindow kTenYears{.count = 10, .unit = WindowUnit::years};

Subject subject_of(const ErasureRequest& request) {
  return {.tenant = request.tenant, .person = request.subject};
}

/// The answers with another word for the person wherever a module's own words name them.
HoldAnswer answer_without(HoldAnswer answer, const std::string& person, const std::string& word) {
  for (ModuleReport& report : answer.reports) {
    report.problem = without_person(std::move(report.problem), person, word);
    for (ReportedHold& hold : report.holds) {
      hold.id = without_person(std::move(hold.id), person, word);
      hold.basis = without_person(std::move(hold.basis), person, word);
    }
  }
  return answer;
}

/// A person may type the first letters of the digest that `show` printed.
std::string whole_digest(const std::string& typed, const std::string& digest) {
  const bool fits = typed.size() >= kShortestDigest && digest.compare(0, typed.size(), typed) == 0;
  return fits ? digest : typed;
}

}  // namespace

/// One try under the write lock, and what was found out before it.
struct ErasureWorkflow::Attempt {
  ErasureFacts facts;
  std::optional<SubjectRows> rows;
  std::vector<ModuleReport> programs;
  std::optional<DecisionContext> context;
  std::vector<RowKey> found;
  bool asked = false;
};

ErasureWorkflow::ErasureWorkflow(const ErasureTools& tools,
                                 const PolicyState& policy,
                                 ErasureActor actor)
    : with_(tools), policy_(policy), actor_(std::move(actor)) {}

ErasureFacts ErasureWorkflow::facts(const std::string& person, const ErasureWish& wish) const {
  const auto in_force = versions_in_force(policy_.versions, actor_.clock.guard_now());
  return {.who = actor_.who,
          .administrator = common_administrators(in_force).contains(actor_.who),
          .is_subject = actor_.who == person,
          .trusted_service = common_services(in_force).contains(actor_.who),
          .system_now = actor_.clock.system_now,
          .guard_now = actor_.clock.guard_now(),
          .cool_off = strictest_cool_off(in_force),
          .reason = wish.reason,
          .override_digest = wish.override_digest};
}

ErasureRequest ErasureWorkflow::require_request(std::int64_t id) {
  auto request = with_.database.erasures().find(id);
  if (!request) {
    throw JobError(ExitStatus::invalid,
                   "there is no erasure request " + std::to_string(id) +
                       ": \"holdfast erasure list --all\" lists them");
  }
  return *std::move(request);
}

bool ErasureWorkflow::data_is_there(const Subject& subject) {
  for (const ErasureModule& module : with_.settings.erasure.modules) {
    for (const ModuleTable& table : module.tables) {
      if (with_.database.subjects().count(table, subject) > 0) {
        return true;
      }
    }
  }
  return !with_.database.subjects().rows_of(LogPlace::log, subject, std::nullopt).empty();
}

/// A request is recorded whatever became of the key: the answer is due a month from now. Without it
/// nobody can tell whether the person was erased before.
std::optional<std::string> ErasureWorkflow::token_if_key_is_there(const Subject& subject) {
  try {
    return token_of(with_.database, with_.keys, subject);
  } catch (const JobError&) {
    return std::nullopt;  // the completion will ask for the key again, and stop without it
  }
}

ErasureResult ErasureWorkflow::request(const Subject& subject, const ErasureWish& wish) {
  const auto write = with_.database.begin_write(Durability::full);
  ErasureRegister& erasures = with_.database.erasures();
  std::optional<ErasureRequest> known = erasures.find_open(subject);
  if (!known) {
    known = erasures.find_newest(subject);
    const auto token = token_if_key_is_there(subject);
    const auto erased =
        token ? erasures.find_newest({subject.tenant, *token}) : std::optional<ErasureRequest>{};
    if (erased && (!known || known->id < erased->id)) {
      known = erased;
    }
  }
  ErasureFacts facts = this->facts(subject.person, wish);
  if (known && known->state == ErasureState::completed) {
    facts.subject_data_there = data_is_there(subject);
  }
  ErasureResult result{.reason = wish.reason};
  result.step = step_erasure(known ? &*known : nullptr, ErasureDeed::request, facts);
  if (known) {
    result.request = *known;
  }
  result.open_export = open_export(with_.database.exports(), subject, actor_.clock.guard_now());
  if (result.step.new_request) {
    result.request = {.tenant = subject.tenant,
                      .subject = subject.person,
                      .state = result.step.state,
                      .requested_by = actor_.who,
                      .requested_at = actor_.clock.system_now,
                      .deadline = result.step.deadline.value_or(actor_.clock.system_now)};
    result.request.id = erasures.open(result.request);
    append_events(result);
    note_attempt(wish, result);
    write->commit();
  }
  return result;
}

ErasureResult ErasureWorkflow::carry_out(std::int64_t id, const ErasureWish& wish) {
  Attempt attempt;
  for (;;) {
    auto write = with_.database.begin_write(Durability::full);
    ErasureResult result;
    result.request = require_request(id);
    attempt.facts = facts(result.request.subject, wish);
    result.open_export =
        open_export(with_.database.exports(), subject_of(result.request), actor_.clock.guard_now());
    attempt.facts.open_export = result.open_export;
    result.step = step_erasure(&result.request, wish.deed, attempt.facts);
    if (result.step.kind == ErasureStep::Kind::ask_holds && !attempt.asked) {
      // What takes long is found out without the lock; then everything is asked again under it.
      write.reset();
      attempt.programs = ask_programs(with_.settings, with_.programs, subject_of(result.request));
      attempt.rows.emplace(with_.database, subject_of(result.request));
      attempt.rows->search_ahead();
      attempt.asked = true;
      continue;
    }
    if (result.step.kind == ErasureStep::Kind::ask_holds) {
      attempt.context.emplace(with_.database,
                              with_.settings,
                              policy_,
                              actor_.clock,
                              DecisionContext::WithoutApproval{});
      attempt.found = attempt.rows->current();
      result.holds = answer_now(result.request, *attempt.context, attempt.found, attempt.programs);
      result.hold_digest = hold_answer_digest(id, *result.holds);
      attempt.facts.holds = &*result.holds;
      attempt.facts.holds_digest = result.hold_digest;
      attempt.facts.override_digest = whole_digest(wish.override_digest, result.hold_digest);
      result.step = step_erasure(&result.request, wish.deed, attempt.facts);
    }
    apply(wish, result, attempt);
    if (result.receipt && with_.notes != nullptr) {
      with_.notes->note(actor_.clock.system_now,
                        "erasure",
                        erasure_witness_body(with_.database.erasures(), result.request));
    }
    if (result.step.kind != ErasureStep::Kind::refused &&
        result.step.kind != ErasureStep::Kind::unchanged && !result.repeated) {
      write->commit();
    }
    return result;
  }
}

HoldAnswer ErasureWorkflow::answer_now(const ErasureRequest& request,
                                       const DecisionContext& context,
                                       const std::vector<RowKey>& rows,
                                       const std::vector<ModuleReport>& programs) {
  return ask_everybody(
      {.database = with_.database,
       .settings = with_.settings,
       .context = context,
       .policy = policy_,
       .rows = rows,
       .programs = programs,
       .subject = subject_of(request),
       .token = token_of(with_.database, with_.keys, subject_of(request)).value_or(std::string{})});
}

bool ErasureWorkflow::may_see_holds(const ErasureRequest& request) const {
  const ErasureFacts who = facts(request.subject, {});
  return request.open() && who.administrator && !who.is_subject &&
         request.approved_by != actor_.who;
}

HoldAnswer ErasureWorkflow::ask_holds(const ErasureRequest& request) {
  const auto programs = ask_programs(with_.settings, with_.programs, subject_of(request));
  const auto view = with_.database.begin_read();
  const DecisionContext context(
      with_.database, with_.settings, policy_, actor_.clock, DecisionContext::WithoutApproval{});
  const auto rows =
      with_.database.subjects().rows_of(LogPlace::log, subject_of(request), std::nullopt);
  return answer_now(request, context, rows, programs);
}

void ErasureWorkflow::apply(const ErasureWish& wish, ErasureResult& result, Attempt& attempt) {
  const ErasureStep& step = result.step;
  ErasureRequest& request = result.request;
  const Instant now = actor_.clock.system_now;
  result.reason = wish.reason;
  if (step.kind == ErasureStep::Kind::blocked) {
    result.repeated = wish.deed == ErasureDeed::nightly && same_block_as_before(result);
  }
  if (step.kind == ErasureStep::Kind::refused || step.kind == ErasureStep::Kind::unchanged ||
      result.repeated) {
    return;
  }
  if (step.kind == ErasureStep::Kind::done) {
    request.state = step.state;
    if (step.cooloff_until) {
      request.approved_by = actor_.who;
      request.approved_at = now;
      request.cooloff_until = step.cooloff_until;
    }
    if (step.deadline) {
      request.deadline = *step.deadline;
      request.extended = true;
    }
    if (step.store_confirmation) {
      request.confirmed_by = actor_.who;
      request.confirmed_at = now;
    }
    if (is_terminal(request.state)) {
      request.ended_by = actor_.who;
      request.ended_at = now;
      request.end_reason = wish.reason;
    }
    with_.database.erasures().store(request);
    if (step.erase) {
      erase(result, attempt);
    }
  }
  append_events(result);
  note_attempt(wish, result);
}

void ErasureWorkflow::erase(ErasureResult& result, Attempt& attempt) {
  const Subject subject = subject_of(result.request);
  const std::string token =
      token_of_or_new_key(with_.database, with_.keys, subject, actor_.clock.system_now);
  result.receipt = erase_subject(
      {.database = with_.database,
       .settings = with_.settings,
       .context = *attempt.context,
       .rows_may_go = rows_may_go(with_.database, policy_, *attempt.context, actor_.run),
       .subject = subject,
       .token = token,
       .rows = attempt.found,
       .archives = remaining_archives(with_.database, with_.settings, with_.archives),
       .exports = with_.exports});
  result.request = require_request(result.request.id);  // with the token
  result.reason = without_person(std::move(result.reason), subject.person, token);
  result.holds = answer_without(*std::move(result.holds), subject.person, token);
  json receipt = receipt_json(*result.receipt);
  receipt["request_id"] = result.request.id;
  receipt["completed_at"] = to_rfc3339(actor_.clock.system_now);
  receipt["completed_by"] = utf8_text(actor_.who);
  receipt["approved_by"] = utf8_text(result.request.approved_by);
  receipt["run_id"] = actor_.run == 0 ? json(nullptr) : json(actor_.run);
  receipt["hold_reports"] = answer_json(*result.holds);
  receipt["hold_digest"] = result.hold_digest;
  receipt["overridden"] = result.step.suspends_holds;
  with_.database.erasures().store_receipt(
      result.request.id, compact(receipt), result.receipt->deleted);
}

void ErasureWorkflow::append_events(const ErasureResult& result) {
  for (const ErasureEvent& event : result.step.events) {
    json metadata = {{"request_id", result.request.id}};
    if (!result.reason.empty()) {
      metadata["reason"] = utf8_text(result.reason);
    }
    if (actor_.run != 0) {
      metadata["run_id"] = actor_.run;
    }
    if (result.step.new_request) {
      metadata["deadline"] = to_rfc3339(result.request.deadline);
    }
    if (result.request.cooloff_until) {
      metadata["cooloff_until"] = to_rfc3339(*result.request.cooloff_until);
    }
    if (result.holds) {
      metadata["hold_digest"] = result.hold_digest;
      metadata["holds"] = named_holds_json(*result.holds);
    }
    if (result.receipt) {
      metadata["approved_by"] = utf8_text(result.request.approved_by);
      metadata["rows_deleted"] = result.receipt->deleted.size();
      metadata["rows_pseudonymised"] = result.receipt->pseudonymised;
    }
    std::optional<Instant> stamp;
    if (event.stamped_ten_years) {
      stamp = deletable_from(actor_.clock.system_now, kTenYears);
    }
    with_.database.audit_log().append({.occurred_at = actor_.clock.system_now,
                                       .tenant = result.request.tenant,
                                       .code = std::string(event.code),
                                       .severity = std::string(event.severity),
                                       .actor = actor_.who,
                                       .subject = result.request.subject,
                                       .retain_until = stamp,
                                       .metadata = compact(metadata)});
  }
}

void ErasureWorkflow::note_attempt(const ErasureWish& wish, const ErasureResult& result) {
  const bool blocked = result.step.kind == ErasureStep::Kind::blocked;
  std::string report;
  if (result.holds) {
    report = compact(answer_json(answer_without(*result.holds, result.request.subject, kSubject)));
  }
  with_.database.erasures().add_attempt({.erasure = result.request.id,
                                         .at = actor_.clock.system_now,
                                         .who = actor_.who,
                                         .deed = std::string(to_token(wish.deed)),
                                         .outcome = blocked ? result.step.reason : "done",
                                         .hold_digest = result.hold_digest,
                                         .report = std::move(report)});
}

bool ErasureWorkflow::same_block_as_before(const ErasureResult& result) {
  const auto attempts = with_.database.erasures().attempts(result.request.id);
  if (attempts.empty()) {
    return false;
  }
  const ErasureAttempt& last = attempts.back();
  return last.outcome == result.step.reason && last.hold_digest == result.hold_digest &&
         actor_.clock.system_now < last.at + kBlockedAgain;
}

}  // namespace holdfast

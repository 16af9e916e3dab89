// SPDX-License-Identifier: Apache-2.0
#include "jobs/prune_run.h"

#include <utility>

#include "jobs/digest.h"
#include "jobs/guard_terms.h"
#include "jobs/job_error.h"
#include "jobs/own_events.h"
#include "jobs/policy_document.h"
#include "jobs/recovery.h"
#include "jobs/run_errors.h"
#include "jobs/tenant_keys.h"

namespace holdfast {
namespace {

constexpr std::int64_t kFirstSeenBatch = 500;   // rows recorded in one short write
constexpr std::chrono::hours kIdleLog{24 * 7};  // a log this quiet may be a clock that is ahead

std::string source_line(const ConfigSource& source) {
  return source.path.string() + ", owner " + source.owner + ", changed " +
         to_rfc3339(source.modified_at) + ", SHA-256 " + source.sha256;
}

std::string in_words(Instant instant) {
  return date::format("%A, %d %B %Y, %H:%M UTC", std::chrono::floor<std::chrono::minutes>(instant));
}

}  // namespace

PruneRun::PruneRun(const RunDependencies& with, const Settings& settings)
    : with_(with), settings_(settings) {
  report_.started_by = with.started_by;
  report_.host = with.host;
  report_.policy_source = source_line(settings.source);
}

RunReport PruneRun::execute() {
  try {
    steps();
  } catch (const std::exception& error) {
    fail(error);
  }
  close_record();
  return std::move(report_);
}

void PruneRun::steps() {
  report_.clock.system_now = with_.clock.now();
  report_.clock.as_of = report_.clock.system_now;
  report_.space_before = with_.database.space();
  commits_at_start_ = with_.database.foreign_commits();
  if (const auto last = with_.database.last_written(); last && *last < report_.clock.system_now) {
    quiet_at_start_ = report_.clock.system_now - *last;
  }
  highest_before_ = with_.database.audit_log().highest_key();
  compare_with_the_run_before();
  const bool may_go_on = witness_agrees() && take_clock();
  close_dead_runs();
  open_record();
  if (!may_go_on) {
    return;
  }
  enter("policy");
  if (!adopt_policy()) {
    return;
  }
  if (with_.keys != nullptr) {
    if (const std::string fault = key_fault(with_.database, *with_.keys); !fault.empty()) {
      warn("erasure_key_missing: " + fault);
    }
  }
  enter("planning");
  if (!plan() || !pass_gates()) {
    return;
  }
  enter("recording");
  for (const std::string& fault : tell_guards(with_.database, *context_)) {
    warn(fault);
  }
  record_first_seen();
  enter("deleting");
  delete_rows();
  erase_due();
  tend_archives();
  tend_exports();
  give_back_space();
  enter("reconciling");
  reconcile();
}

/// A database that has forgotten something would delete what a forgotten hold keeps.
bool PruneRun::witness_agrees() {
  notes_.emplace(with_.database, with_.witness, [this](const std::string& sentence) {
    // Once the record is made nothing is added to it.
    if (phase_ == "closing") {
      with_.observer.warn(sentence);
    } else {
      warn(sentence);
    }
  });
  const WitnessComparison& found = notes_->comparison();
  if (found.agrees()) {
    notes_->catch_up(report_.clock.system_now);
    return true;
  }
  if (found.state == WitnessState::restored_backup) {
    // The ledger goes on from the last run there was, so that no two runs have one number.
    const auto write = with_.database.begin_write(Durability::full);
    (void)add_lost_runs(with_.database, found.lost);
    write->commit();
  }
  refuse(std::string(to_token(found.state)), found.sentence);
  return false;
}

void PruneRun::close_dead_runs() {
  for (const RunLine& line : with_.database.ledger().left_open()) {
    phase_ = "closing run " + std::to_string(line.id);
    settle_dead_archive(line.id);
    const std::int64_t deleted =
        close_dead_run(with_.database, line, report_.clock.system_now, notes_ ? &*notes_ : nullptr);
    report_.closed_dead_runs.push_back(line.id);
    warn("run_found_dead: run " + std::to_string(line.id) + " died in phase \"" + line.phase +
         "\" after deleting " + std::to_string(deleted) +
         " rows; it is closed as AUDIT_PRUNE_RUN_FAILED");
  }
  record_missed_runs();  // their numbers come after those of the dead
}

void PruneRun::open_record() {
  phase_ = "opening";
  const auto write = with_.database.begin_write(Durability::full);
  report_.run_id = with_.database.ledger().open(
      {.opened_at = report_.clock.system_now,
       .as_of = report_.clock.as_of,
       .started_by = with_.started_by,
       .host = with_.host,
       .process = with_.process,
       .salt = settings_.evidence.row_digest ? random_bytes(kSaltBytes) : std::string{}});
  if (!report_.error) {
    with_.database.ledger().store_clock(report_.clock, "run " + std::to_string(report_.run_id));
  }
  write->commit();
  opened_ = true;
  report_.recorded = true;
}

void PruneRun::enter(const std::string& phase) {
  phase_ = phase;
  const auto write = with_.database.begin_write(Durability::normal);
  with_.database.ledger().enter_phase(report_.run_id, phase);
  write->commit();
  with_.observer.note("run=" + std::to_string(report_.run_id) + " phase=" + phase);
}

bool PruneRun::adopt_policy() {
  policy_ = read_policy_state(with_.database, settings_, report_.clock.system_now);
  report_.policy_digest = policy_.digest;
  report_.policy_version = policy_.current().number;
  report_.policy_changes = policy_.pending;
  const PolicySnapshot& current = policy_.current().snapshot;
  for (const PolicyProblem& problem : validate(current)) {
    if (problem.weight == PolicyProblem::Weight::conflict) {
      report_.conflicts.push_back(problem.where + ": " + problem.message);
    }
  }
  for (const PolicyVersion* version :
       versions_in_force(policy_.versions, report_.clock.guard_now())) {
    const auto violations = lock_violations(version->snapshot, current);
    if (!violations.empty()) {
      report_.outcome = Outcome::invalid;
      report_.error =
          RunError{.reason = "policy_locked",
                   .message = violations.front().where + " " + violations.front().message};
      return false;
    }
  }
  record_policy(policy_, report_.clock);
  context_.emplace(with_.database, settings_, policy_, report_.clock);
  if (!context_->approval_doubt().empty()) {
    warn(context_->approval_doubt());
  }
  if (context_->archive_missing()) {
    warn(archive_warning(settings_));
  }
  return true;
}

void PruneRun::record_policy(const PolicyState& state, const RunClock& clock) {
  if (state.recorded) {
    return;
  }
  const PolicyChangeNote note{.actor = "unknown",
                              .reason = "met by run " + std::to_string(report_.run_id),
                              .source = report_.policy_source,
                              .version = state.current().number,
                              .at = clock.system_now};
  const auto write = with_.database.begin_write(Durability::full);
  StoredPolicy version{.version = state.current().number,
                       .in_force_from = state.current().in_force_from,
                       .digest = state.digest,
                       .document = to_document(state.current().snapshot),
                       .changed_by = note.actor,
                       .reason = note.reason,
                       .source = note.source};
  version.version = with_.database.policies().add(version);
  notes_->note(clock.system_now, "policy", policy_witness_body(version));
  if (!state.pending.empty()) {
    with_.database.audit_log().append(policy_event(note, state.pending));
    warn("policy_changed: " + std::to_string(state.pending.size()) +
         " entries differ from the last recorded version; what loosens waits policy_shorten_delay");
  }
  write->commit();
}

bool PruneRun::plan() {
  PlanOptions options{.highest_key = highest_before_,
                      .longest_read = settings_.run.max_lock,
                      .observer = &with_.observer,
                      .stop = &with_.stop,
                      .open_reader = with_.open_reader};
  const bool empty = with_.database.audit_log().shape().ordered_keys && !highest_before_;
  options.nothing_there = empty;
  plan_ = make_plan(with_.database, *context_, options);
  const bool first_to_approve = policy_.first_run && context_->safety().first_run_needs_approval;
  if (!plan_.figures.over_limit.empty() && !context_->approval() && !first_to_approve) {
    report_.over_limit = plan_.figures.over_limit;
    context_->close_limit_gate(places_over_limit(plan_.figures));
    report_.planning += plan_.figures.took;
    report_.counting += plan_.figures.counting;
    plan_ = make_plan(with_.database, *context_, options);
  }
  report_.planning += plan_.figures.took;
  report_.counting += plan_.figures.counting;
  if (plan_.stopped) {
    plan_ = RunPlan{};
    report_.over_limit.clear();
    report_.outcome = Outcome::interrupted;
    warn(
        "stopped_while_planning: the run was told to stop before it knew which rows are due; nothing "
        "was deleted and every row counts as not_reached");
    return false;
  }
  planned_ = true;
  final_ = plan_.figures.tally;
  report_.plan_digest = context_->approval()
                            ? context_->approval()->plan.digest
                            : plan_digest(with_.database, policy_, *context_, *plan_.keys);
  const auto& newest = plan_.figures.newest_time;
  if (newest && *newest + kIdleLog < report_.clock.system_now) {
    warn("log_idle_or_clock_ahead: the newest row that is not Holdfast's own is of " +
         to_rfc3339(*newest) + " and the system clock says " +
         to_rfc3339(report_.clock.system_now) +
         ": either nothing is being logged, or the clock is ahead");
  }
  return true;
}

bool PruneRun::pass_gates() {
  const PlanFigures& figures = plan_.figures;
  if (too_many_bad_times(figures, context_->safety())) {
    refuse("bad_time_share",
           std::to_string(figures.bad_times) + " of " + std::to_string(figures.rows_before) +
               " rows have a time that cannot be trusted, more than [safety].max_bad_time_share: "
               "[events].time_format is probably wrong (\"holdfast check\" shows examples)");
    return false;
  }
  if (policy_.first_run && !context_->approval() && context_->safety().first_run_needs_approval) {
    refuse("first_run_not_approved",
           "this is the first run, its clock says " + in_words(report_.clock.system_now) + ", " +
               to_rfc3339(report_.clock.system_now) + " (is that right?) and it would delete " +
               std::to_string(plan_.keys->size()) +
               " rows: look at \"holdfast plan --save\" and have an administrator type \"holdfast "
               "approve DIGEST\"");
    return false;
  }
  if (context_->approval()) {
    report_.approved_plan = context_->approval()->plan.digest;
    report_.approved_by = context_->approval()->approved_by;
  }
  if (policy_.first_run) {
    const auto write = with_.database.begin_write(Durability::full);
    with_.database.policies().set_baseline(policy_.current().number);
    write->commit();
  }
  return true;
}

void PruneRun::refuse(const std::string& reason, const std::string& message) {
  report_.outcome = Outcome::refused;
  report_.error = RunError{.reason = reason, .message = message};
  keep_all_due(Reason::limit);
}

void PruneRun::record_first_seen() {
  std::int64_t left = 1;
  while (left > 0) {
    const auto write = with_.database.begin_write(Durability::normal);
    left = with_.database.first_seen().record_met(report_.clock.latest(), kFirstSeenBatch);
    if (left == 0) {
      with_.database.first_seen().drop_unmet();
    }
    write->commit();
  }
}

void PruneRun::delete_rows() {
  const bool nobody_wrote = with_.database.foreign_commits() == commits_at_start_;
  slices_.emplace(with_.database,
                  *context_,
                  SliceRunner::Job{.run = report_.run_id,
                                   .budget = settings_.run,
                                   .observer = &with_.observer,
                                   .stop = &with_.stop,
                                   .salt = with_.database.ledger().salt(report_.run_id),
                                   .archive = open_archive(),
                                   .spent = since_start_.elapsed(),
                                   .quiet = nobody_wrote ? quiet_at_start_ + since_start_.elapsed()
                                                         : std::chrono::microseconds{0},
                                   .open_reader = with_.open_reader,
                                   .more_to_do = erasures_wait() || with_.archives != nullptr ||
                                                 with_.exports != nullptr});
  slices_->run(*plan_.keys);
  plan_carried_out_ = report_.over_limit.empty() && slices_->totals().end == SlicesEnd::all_done;
  switch (slices_->totals().end) {
    case SlicesEnd::all_done:
      report_.outcome = report_.over_limit.empty() ? Outcome::completed : Outcome::limited;
      break;
    case SlicesEnd::out_of_time:
    case SlicesEnd::out_of_rows:
      report_.outcome = Outcome::partial;
      break;
    case SlicesEnd::stopped:
      report_.outcome = Outcome::interrupted;
      break;
  }
}

bool PruneRun::erasures_wait() {
  return with_.programs != nullptr && with_.keys != nullptr &&
         any_confirmed(with_.database.erasures());
}

/// After the slices and counted apart: completions that a person has confirmed.
void PruneRun::erase_due() {
  ErasureRegister& erasures = with_.database.erasures();
  if (erasures_wait()) {
    enter("erasing");
    complete_confirmed({.database = with_.database,
                        .settings = settings_,
                        .programs = *with_.programs,
                        .keys = *with_.keys,
                        .archives = with_.archives,
                        .exports = with_.exports,
                        .notes = notes_ ? &*notes_ : nullptr},
                       policy_,
                       {.clock = report_.clock, .run = report_.run_id},
                       with_.stop,
                       report_.erasures);
  }
  list_due(erasures, report_.clock.system_now, report_.erasures);
  report_.erased = static_cast<std::int64_t>(report_.erasures.deleted.size());
  for (const DueErasures::Line& line : report_.erasures.failed) {
    report_.outcome = Outcome::failed;
    report_.error =
        RunError{.reason = "erasure",
                 .message = "erasure request " + std::to_string(line.id) +
                            " could not be completed and nothing of it was done: " + line.why};
  }
}

void PruneRun::warn(const std::string& sentence) {
  report_.warnings.push_back(sentence);
  with_.observer.warn(sentence);
}

}  // namespace holdfast

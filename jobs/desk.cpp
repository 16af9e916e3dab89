// SPDX-License-Identifier: Apache-2.0
#include "jobs/desk.h"

#include <algorithm>

#include "jobs/job_error.h"
#include "jobs/server_clock.h"

namespace holdfast {
namespace {

std::vector<const PolicyVersion*> versions_now(const PolicyState& policy,
                                               Instant now,
                                               const std::optional<RunClock>& last) {
  return versions_in_force(policy.versions, last ? std::min(now, last->as_of) : now);
}

}  // namespace

ClockStep next_clock(const Desk& desk, const PolicyState& policy) {
  const std::optional<RunClock> last = desk.database.ledger().last_clock();
  const Instant now = witness_clock(desk.database, desk.now).earlier();
  const auto in_force = versions_now(policy, now, last);
  return step_run_clock(now, last, strictest_safety(in_force).max_clock_step);
}

RunPlan plan_at(const Desk& desk, DecisionContext& context) {
  return make_plan(desk.database,
                   context,
                   {.longest_read = desk.settings.run.max_lock,
                    .observer = &desk.observer,
                    .open_reader = desk.open_reader});
}

bool identity_flag_trusted(Database& database, const Settings& settings, Instant now) {
  const PolicyState policy = read_policy_state(database, settings, now);
  const auto in_force = versions_now(policy, now, database.ledger().last_clock());
  return std::all_of(in_force.begin(), in_force.end(), [](const PolicyVersion* version) {
    return version->snapshot.identity_by_flag;
  });
}

HoldGrace hold_grace(const Desk& desk) {
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const RunClock clock = next_clock(desk, policy).clock;
  const auto in_force = versions_in_force(policy.versions, clock.guard_now());
  return {.span = strictest_safety(in_force).hold_release_grace, .guard_now = clock.guard_now()};
}

void require_administrator(const Desk& desk, const std::string& deed) {
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const auto in_force = versions_now(policy, desk.now, desk.database.ledger().last_clock());
  if (common_administrators(in_force).contains(desk.who)) {
    return;
  }
  const bool waiting = desk.settings.administrators.contains(desk.who);
  throw JobError(ExitStatus::refused,
                 "\"" + desk.who + "\" may not " + deed +
                     (waiting ? ": the name is new in [admins].principals and counts after "
                                "policy_shorten_delay"
                              : ": only the names in [admins].principals of " +
                                    desk.settings.source.path.string() + " may"));
}

void require_clocks_together(const Desk& desk) {
  const WitnessedClock clocks = witness_clock(desk.database, desk.now);
  if (clocks.apart()) {
    throw JobError(ExitStatus::refused, clocks.sentence());
  }
}

void require_clock_not_behind(const Desk& desk) {
  require_clocks_together(desk);
  const std::optional<RunClock> last = desk.database.ledger().last_clock();
  if (last && desk.now + kClockTolerance < last->system_now) {
    throw JobError(ExitStatus::refused,
                   "the system clock says " + to_rfc3339(desk.now) +
                       ", which is before the last run (" + to_rfc3339(last->system_now) +
                       "): set the clock right first, or \"holdfast approve --clock\" if it is "
                       "right now");
  }
}

void require_person(const std::string& person) {
  if (person.empty()) {
    throw JobError(ExitStatus::invalid, "--subject may not be empty: whose data is it?");
  }
  if (is_erasure_token(person)) {
    throw JobError(ExitStatus::invalid,
                   "--subject " + person +
                       ": is what stands for somebody who was erased, and a token of a token would "
                       "cut them loose from their holds and from \"erasure reapply\"");
  }
  if (person == "holdfast") {
    throw JobError(
        ExitStatus::invalid,
        "--subject holdfast: is the actor of Holdfast's own audit rows and nobody's data");
  }
}

WitnessNotes witness_notes(const Desk& desk) {
  return {desk.database, desk.witness, [&desk](const std::string& sentence) {
            desk.observer.warn(sentence);
          }};
}

void note_in_journal(const Desk& desk,
                     const std::string& what,
                     const std::string& detail_json,
                     const std::string& reason) {
  desk.database.journal().add({.by = {.who = desk.who, .at = desk.now, .reason = reason},
                               .what = what,
                               .detail = detail_json});
}

}  // namespace holdfast

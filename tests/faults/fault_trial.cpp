// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/fault_trial.h"

#include <cstdio>
#include <iostream>
#include <set>
#include <stdexcept>
#include <utility>

#include "jobs/verify.h"

namespace holdfast::testing {
namespace {

constexpr std::size_t kMostProblems = 30;

constexpr const char* kRunsWithoutEvent = R"sql(
WITH event (run, code) AS (
  SELECT json_extract(metadata, '$.run_id'), code FROM audit_events
    WHERE code IN ('AUDIT_PRUNE_RUN_COMPLETED', 'AUDIT_PRUNE_RUN_FAILED')
  UNION ALL
  SELECT json_extract(metadata, '$.run_id'), code FROM holdfast_event
    WHERE code IN ('AUDIT_PRUNE_RUN_COMPLETED', 'AUDIT_PRUNE_RUN_FAILED'))
SELECT count(*) FROM holdfast_run AS run
WHERE outcome IS NULL
   OR (SELECT count(*) FROM event WHERE event.run = run.id) <> 1
   OR (SELECT code FROM event WHERE event.run = run.id) <>
      CASE WHEN outcome IN ('failed', 'refused', 'invalid') THEN 'AUDIT_PRUNE_RUN_FAILED'
           ELSE 'AUDIT_PRUNE_RUN_COMPLETED' END
)sql";

std::set<std::int64_t> attested_keys(Database& database) {
  std::set<std::int64_t> keys;
  const auto add = [&keys](const std::vector<RowKey>& gone) {
    for (const RowKey& key : gone) {
      if (!keys.insert(key.as_integer()).second) {
        throw std::logic_error("row " + key.display() + " is attested twice");
      }
    }
  };
  const auto last = database.ledger().last();
  for (std::int64_t run = 1; last && run <= last->id; ++run) {
    for (const RunSlice& slice : database.ledger().slices(run)) {
      add(database.ledger().slice_keys(run, slice.number));
    }
  }
  for (const ErasureRequest& request : database.erasures().all()) {
    add(database.erasures().deleted_keys(request.id));
  }
  return keys;
}

}  // namespace

const std::vector<FaultLine>& fault_lines() {
  static const std::vector<FaultLine> lines = {
      {"a read fails", FaultKind::read},
      {"every read fails from then on", FaultKind::read, true},
      {"a write fails", FaultKind::write},
      {"every write fails from then on", FaultKind::write, true},
      {"a write is torn and fails", FaultKind::torn},
      {"every write is torn from then on", FaultKind::torn, true},
      {"a sync fails", FaultKind::sync},
      {"every sync fails from then on", FaultKind::sync, true},
      {"a truncate or removal fails", FaultKind::truncate},
      {"every truncate and removal fails from then on", FaultKind::truncate, true},
      {"an open fails", FaultKind::open},
      {"every open fails from then on", FaultKind::open, true},
      {"a lock is refused", FaultKind::lock},
      {"every lock is refused from then on", FaultKind::lock, true},
      {"the disk is full for one write", FaultKind::full},
      {"the disk is full from then on", FaultKind::full, true},
      {"power loss, nothing unsynced is left", FaultKind::power, true, Survival::nothing},
      {"power loss, some unsynced sectors are left", FaultKind::power, true, Survival::some},
      {"everything fails and all writes are left (a kill)",
       FaultKind::power,
       true,
       Survival::everything},
      {"power loss, and again during the next run", FaultKind::power, true, Survival::some, true}};
  return lines;
}

void Toll::add(const Toll& other) {
  tried += other.tried;
  rows_lost += other.rows_lost;
  without_event += other.without_event;
  inconsistent += other.inconsistent;
  not_recovered += other.not_recovered;
  problems.insert(problems.end(), other.problems.begin(), other.problems.end());
}

FaultTrial::FaultTrial(Deed deed) : deed_(std::move(deed)), world_(deed_.world) {
  world_.put_back();
  first_ = world_.first_rows();
  Toll toll;
  toll_ = &toll;
  point_ = deed_.name + ", undisturbed";
  FaultyDisk::the().arm({});
  const DeedEnd end = act();
  for (const FaultLine& line : fault_lines()) {
    acts_[line.name] = FaultyDisk::the().met(line.kind);
  }
  acts_elsewhere_ = FaultyDisk::the().met_elsewhere();
  if (!end.done) {
    throw std::logic_error(point_ + ": " + end.message);
  }
  do_again();
  undisturbed_ = world_.first_rows();
  profiles_ = world_.profiles();
  check_at_the_end();
  if (toll.bad() > 0) {
    throw std::logic_error(toll.problems.front());
  }
}

DeedEnd FaultTrial::act() {
  try {
    return deed_.act(world_);
  } catch (const std::exception& error) {
    return {.done = false, .message = error.what()};
  }
}

void FaultTrial::say(const std::string& problem) {
  if (toll_->problems.size() < kMostProblems) {
    toll_->problems.push_back(point_ + ": " + problem);
  }
}

void FaultTrial::strike_all(const FaultLine& line) {
  constexpr std::int64_t kFew = 100;
  const bool in_turn = !line.lasting || (line.kind == FaultKind::power && !line.twice &&
                                         line.survival == Survival::some);
  const std::int64_t stride = deed_.stride * (in_turn || acts(line) < kFew ? 1 : 3);
  std::int64_t at_act = 1;
  while (strike(line, at_act, static_cast<std::uint64_t>(at_act))) {
    at_act += stride;
  }
}

bool FaultTrial::strike(const FaultLine& line, std::int64_t at_act, std::uint64_t seed) {
  toll_ = &tolls_[line.name];
  point_ = deed_.name + ", " + line.name + ", act " + std::to_string(at_act) + ", seed " +
           std::to_string(seed);
  world_.put_back();
  FaultyDisk::the().arm({.kind = line.kind, .strikes_at = at_act, .lasting = line.lasting});
  const DeedEnd end = act();
  const bool struck = FaultyDisk::the().struck();
  FaultyDisk::the().disarm();
  if (!struck) {
    return false;
  }
  ++toll_->tried;
  if (line.kind == FaultKind::power) {
    FaultyDisk::the().restart(line.survival, seed);
  }
  FaultyDisk::the().insert(world_.folder());
  if (line.twice) {
    lose_power_again(1 + static_cast<std::int64_t>(seed * 7919 % 400), seed + 1);
  }
  require_message(line, end);
  try {
    // In every other case Holdfast itself is the first to open what is left.
    if (at_act % 2 == 0) {
      check_right_after(line, end);
    }
    do_again();
    check_at_the_end();
  } catch (const std::exception& error) {
    ++toll_->inconsistent;
    say(std::string("what is left cannot be checked: ") + error.what());
  }
  return true;
}

void FaultTrial::lose_power_again(std::int64_t at_act, std::uint64_t seed) {
  FaultyDisk::the().arm({.kind = FaultKind::power, .strikes_at = at_act, .lasting = true});
  try {
    (void)deed_.again(world_);
  } catch (const std::exception&) {
    // The third try is the one that counts.
  }
  FaultyDisk::the().disarm();
  FaultyDisk::the().restart(Survival::some, seed);
  FaultyDisk::the().insert(world_.folder());
}

/// Somebody who finds the disk full has to be told so.
void FaultTrial::require_message(const FaultLine& line, const DeedEnd& end) {
  if (end.done) {
    return;
  }
  const auto says = [&end](const char* word) {
    return end.message.find(word) != std::string::npos;
  };
  const bool clear = line.kind == FaultKind::full
                         ? says("room") || says("disk") || says("cannot be written")
                         : !end.message.empty();
  if (!clear) {
    ++toll_->not_recovered;
    say("the message is not clear: " + end.message);
  }
}

void FaultTrial::check_right_after(const FaultLine& line, const DeedEnd& end) {
  check_sound();
  if (world_.ask("SELECT count(*) FROM sqlite_schema WHERE name = 'audit_events'") == "0") {
    if (!first_.empty()) {
      ++toll_->rows_lost;
      say("the log is gone");
    }
    return;
  }
  const LogRows now = world_.first_rows();
  for (const auto& [key, row] : first_) {
    const auto found = now.find(key);
    const auto wanted = undisturbed_.find(key);
    const bool may_differ = wanted == undisturbed_.end() || wanted->second != row;
    const bool right = found == now.end()
                           ? wanted == undisturbed_.end()
                           : found->second == row || (may_differ && wanted != undisturbed_.end() &&
                                                      found->second == wanted->second);
    if (!right) {
      ++toll_->rows_lost;
      say("row " + std::to_string(key) + " is gone or changed right after");
    }
  }
  if (end.done && !line.twice && !deed_.done_sql.empty() && world_.ask(deed_.done_sql) != "1") {
    ++toll_->inconsistent;
    say("said to be done, and is not");
  }
  check_outcome(line, end);
  check_copies();
}

void FaultTrial::check_copies() {
  const std::string fault = world_.copies_fault();
  if (!fault.empty()) {
    ++toll_->inconsistent;
    say(fault);
  }
}

/// A run that is closed is closed as it said itself; where the power went nobody heard it.
void FaultTrial::check_outcome(const FaultLine& line, const DeedEnd& end) {
  if (end.outcome.empty() || line.kind == FaultKind::power) {
    return;
  }
  const std::string closed = world_.ask(
      "SELECT coalesce(max(outcome), '') FROM holdfast_run WHERE id = " + std::to_string(end.run));
  if (!closed.empty() && closed != end.outcome) {
    ++toll_->inconsistent;
    say("said to be " + end.outcome + " (" + end.message + "), and is " + closed);
  }
}

void FaultTrial::do_again() {
  std::string problem;
  try {
    problem = deed_.again(world_);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  if (!problem.empty()) {
    ++toll_->not_recovered;
    say("the deed done again: " + problem);
  }
}

void FaultTrial::check_at_the_end() {
  const LogRows now = world_.first_rows();
  for (const auto& [key, row] : undisturbed_) {
    const auto found = now.find(key);
    if (found == now.end()) {
      ++toll_->rows_lost;
      say("row " + std::to_string(key) + " is gone");
    } else if (found->second != row) {
      ++toll_->not_recovered;
      say("row " + std::to_string(key) + " says " + found->second + " and not " + row);
    }
  }
  if (now.size() > undisturbed_.size() || world_.profiles() != profiles_) {
    ++toll_->not_recovered;
    say(std::to_string(now.size()) + " rows are left and not " +
        std::to_string(undisturbed_.size()) + "; profiles: " + world_.profiles());
  }
  check_sound();
  check_events();
  check_ledger();
  check_copies();
}

void FaultTrial::check_sound() {
  const std::string found = world_.ask("PRAGMA integrity_check");
  if (found != "ok") {
    ++toll_->inconsistent;
    say("integrity_check: " + found);
  }
}

void FaultTrial::check_events() {
  const std::int64_t runs = std::stoll(world_.ask(kRunsWithoutEvent));
  if (runs > 0) {
    toll_->without_event += runs;
    say(std::to_string(runs) + " runs without exactly one audit event; outcomes: " +
        world_.ask("SELECT group_concat(id || coalesce(outcome, 'open')) FROM holdfast_run") +
        "; events: " +
        world_.ask("SELECT group_concat(json_extract(metadata, '$.run_id') || code) FROM "
                   "audit_events WHERE code LIKE 'AUDIT_PRUNE%'"));
  }
}

void FaultTrial::check_ledger() {
  const LogRows now = world_.first_rows();
  world_.at_desk("alice", [&](const Desk& desk) {
    const VerifyFindings findings = verify_everything(desk, {});
    for (const VerifyProblem& problem : findings.problems) {
      say("verify: " + problem.reason + ": " + problem.message);
    }
    bool consistent = findings.problems.empty();
    const std::set<std::int64_t> attested = attested_keys(desk.database);
    for (const auto& [key, row] : first_) {
      if (attested.contains(key) == now.contains(key)) {
        consistent = false;
        say("row " + std::to_string(key) + " is " +
            (now.contains(key) ? "there and" : "gone and not") + " attested");
      }
    }
    toll_->inconsistent += consistent ? 0 : 1;
  });
}

void print_table(const std::string& title, const std::map<std::string, Toll>& tolls) {
  std::cout << "\n"
            << title << "\n"
            << "| kind of fault | tried | rows lost | runs without event | inconsistent | not "
               "recovered |\n| --- | --- | --- | --- | --- | --- |\n";
  Toll sum;
  const auto print = [](const std::string& name, const Toll& toll) {
    std::cout << "| " << name << " | " << toll.tried << " | " << toll.rows_lost << " | "
              << toll.without_event << " | " << toll.inconsistent << " | " << toll.not_recovered
              << " |\n";
  };
  for (const FaultLine& line : fault_lines()) {
    const auto found = tolls.find(line.name);
    if (found != tolls.end()) {
      print(line.name, found->second);
      sum.add(found->second);
    }
  }
  print("all", sum);
  std::cout << std::flush;
}

}  // namespace holdfast::testing

// SPDX-License-Identifier: Apache-2.0
// A long random walk over many requests, checked against a second table of what has to happen.
// Another walk: --rng-seed N.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/erasure_request.h"
#include "tests/policy/erasure_builders.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

using State = ErasureState;
using Deed = ErasureDeed;

/// One command, with everything that decides about it.
struct Command {
  const ErasureRequest* newest = nullptr;
  Deed deed = Deed::request;
  ErasureFacts facts;
  const HoldAnswer* answer = nullptr;  ///< what the modules will say when they are asked
};

bool anybody(const Command& /*command*/) {
  return true;
}
bool may_request(const Command& command) {
  const ErasureFacts& facts = command.facts;
  return facts.is_subject || facts.administrator || facts.trusted_service;
}
bool may_not_request(const Command& command) {
  return !may_request(command);
}
bool is_back(const Command& command) {
  return may_request(command) && command.facts.subject_data_there;
}
bool second_person(const Command& command) {
  return command.facts.administrator && !command.facts.is_subject;
}
bool rejects_properly(const Command& command) {
  constexpr std::array<std::string_view, 8> lawful{"identity_not_proven",
                                                   "unfounded",
                                                   "17_3_a",
                                                   "17_3_b",
                                                   "17_3_c",
                                                   "17_3_d",
                                                   "17_3_e",
                                                   "not_controller"};
  return command.facts.administrator &&
         std::find(lawful.begin(), lawful.end(), command.facts.reason) != lawful.end();
}
bool may_cancel(const Command& command) {
  return command.facts.administrator || command.facts.is_subject;
}
bool may_extend(const Command& command) {
  return command.facts.administrator && !command.newest->extended &&
         command.facts.system_now < command.newest->deadline && !command.facts.reason.empty();
}
bool unconfirmed(const Command& command) {
  return command.newest->confirmed_by.empty() || command.newest->confirmed_by != command.facts.who;
}
bool is_approver(const Command& command) {
  return command.facts.who == command.newest->approved_by;
}
bool no_second_person(const Command& command) {
  return !second_person(command);
}
bool too_soon(const Command& command) {
  return command.facts.guard_now < *command.newest->cooloff_until;
}
bool nothing_held(const Command& command) {
  return command.answer == &kClear;
}
bool overrides(const Command& command) {
  return command.answer == &kHeld && command.facts.override_digest == command.facts.holds_digest;
}
bool overrides_for_a_reason(const Command& command) {
  return overrides(command) && command.facts.reason.size() >= 20;
}

/// The table of erasures once more, written from the specification for this test alone: the first
/// line that fits says what becomes of the request and which rows are left.
struct Expected {
  std::string_view
      states;  ///< n none, r requested, a approved, c completed, x rejected, k cancelled
  std::string_view deeds;  ///< q request, a approve, r reject, c cancel, e extend, f complete,
                           ///< w complete when due, n nightly
  bool (*guard)(const Command&);
  char becomes;           ///< a state, or "=" for unchanged
  std::string_view rows;  ///< without ACCOUNT_DELETION_
};

constexpr std::array<Expected, 18> kTable{{
    {"nracxk", "q", may_not_request, '=', ""},
    {"ra", "q", anybody, '=', ""},
    {"nxk", "q", anybody, 'r', "REQUEST"},
    {"c", "q", is_back, 'r', "REQUEST"},
    {"r", "a", second_person, 'a', "APPROVED"},
    {"ra", "r", rejects_properly, 'x', "REJECTED"},
    {"ra", "c", may_cancel, 'k', "CANCELLED"},
    {"ra", "e", may_extend, '=', ""},
    {"a", "n", unconfirmed, '=', ""},
    {"a", "fwn", is_approver, '=', "DUAL_CONTROL_BLOCKED"},
    {"a", "fwn", no_second_person, '=', ""},
    {"a", "w", anybody, '=', ""},
    {"a", "fn", too_soon, '=', "COOLOFF_BLOCKED"},
    {"a", "fn", nothing_held, 'c', "COMPLETED"},
    {"a", "fn", overrides_for_a_reason, 'c', "HOLDS_OVERRIDDEN COMPLETED"},
    {"a", "fn", overrides, '=', ""},
    {"a", "fn", anybody, '=', "BLOCKED_BY_HOLDS"},
    {"nracxk", "qarcefwn", anybody, '=', ""},
}};

char letter_of(const ErasureRequest* request) {
  constexpr std::string_view letters = "racxk";
  return request == nullptr ? 'n' : letters.at(static_cast<std::size_t>(request->state));
}

char letter_of(Deed deed) {
  constexpr std::string_view letters = "qarcefwn";
  return letters.at(static_cast<std::size_t>(deed));
}

const Expected& expected_of(const Command& command) {
  return *std::find_if(kTable.begin(), kTable.end(), [&command](const Expected& line) {
    return line.states.find(letter_of(command.newest)) != std::string_view::npos &&
           line.deeds.find(letter_of(command.deed)) != std::string_view::npos &&
           line.guard(command);
  });
}

std::string rows_of(const ErasureStep& step) {
  constexpr std::string_view prefix = "ACCOUNT_DELETION_";
  std::string rows;
  for (const ErasureEvent& event : step.events) {
    rows += rows.empty() ? "" : " ";
    rows += event.code.substr(prefix.size());
  }
  return rows;
}

/// A person of a tenant.
using Key = std::pair<std::string, std::string>;

/// The requests of many persons, as a register keeps them.
class RegisterInMemory {
 public:
  [[nodiscard]] ErasureRequest* newest(const Key& key) {
    std::vector<ErasureRequest>& all = requests_[key];
    return all.empty() ? nullptr : &all.back();
  }

  void carry_out(const Key& key, const Command& command, const ErasureStep& step) {
    const ErasureFacts& facts = command.facts;
    if (step.new_request) {
      requests_[key].push_back({.id = ++last_id_,
                                .tenant = key.first,
                                .subject = key.second,
                                .requested_by = facts.who,
                                .requested_at = facts.system_now,
                                .deadline = step.deadline.value()});
      return;
    }
    ErasureRequest& request = requests_.at(key).back();
    if (step.state == State::approved && request.state == State::requested) {
      request.approved_by = facts.who;
      request.approved_at = facts.system_now;
      request.cooloff_until = step.cooloff_until;
    }
    if (step.store_confirmation) {
      request.confirmed_by = facts.who;
      request.confirmed_at = facts.system_now;
    }
    if (step.deadline) {
      request.deadline = *step.deadline;
      request.extended = true;
    }
    if (is_terminal(step.state)) {
      request.ended_by = facts.who;
      request.ended_at = facts.guard_now;
    }
    request.state = step.state;
  }

  [[nodiscard]] const std::map<Key, std::vector<ErasureRequest>>& all() const { return requests_; }

 private:
  std::map<Key, std::vector<ErasureRequest>> requests_;
  std::int64_t last_id_ = 0;
};

/// Draws commands of all kinds of people while time goes by.
class RandomCommands {
 public:
  Key key() {
    return {chance_.one_in(3) ? "" : "t" + std::to_string(chance_.between(1, 3)),
            chance_.one_in(20) ? "alice" : "p" + std::to_string(chance_.between(1, 100))};
  }

  Command next(const Key& key, const ErasureRequest* newest) {
    now_ += minutes{chance_.between(1, 60)};
    Command command{.newest = newest, .deed = deed(newest), .facts = facts(key)};
    if (command.deed == Deed::nightly && newest != nullptr && !chance_.one_in(5)) {
      command.facts.who = newest->confirmed_by;
      command.facts.administrator = !chance_.one_in(5);
    }
    command.answer = chance_.one_of(kAnswers);
    return command;
  }

 private:
  /// The state machine is left quickly by rejecting and cancelling: those are rarer.
  Deed deed(const ErasureRequest* newest) {
    if (newest != nullptr && newest->open() && chance_.one_in(2)) {
      return newest->state == State::requested ? Deed::approve : Deed::complete;
    }
    return static_cast<Deed>(chance_.between(0, 7));
  }

  ErasureFacts facts(const Key& key) {
    ErasureFacts facts{.who = chance_.one_in(4) ? key.second : chance_.one_of(kPeople)};
    facts.administrator = facts.who == "alice" || facts.who == "bob" || facts.who == "carol";
    facts.is_subject = facts.who == key.second;
    facts.trusted_service = facts.who == "portal";
    facts.system_now = now_;
    facts.guard_now = now_ - hours{chance_.one_in(2) ? 0 : chance_.between(0, 200)};
    facts.cool_off = chance_.one_of(kCoolOffs);
    facts.reason = chance_.one_of(kReasons);
    facts.subject_data_there = chance_.one_in(3);
    facts.override_digest = chance_.one_of(kDigests);
    facts.holds_digest = "now";
    return facts;
  }

  static inline const std::vector<std::string> kPeople{
      "alice", "bob", "carol", "carol", "portal", "eve"};
  static inline const std::vector<std::string> kReasons{
      "", "unfounded", "17_3_b", "because", "nineteen characters", "the court released this"};
  static inline const std::vector<std::string> kDigests{"", "", "now", "now", "before"};
  static inline const std::vector<milliseconds> kCoolOffs{
      milliseconds{0}, hours{24}, hours{24 * 14}};
  static inline const std::vector<const HoldAnswer*> kAnswers{
      &kClear, &kClear, &kHeld, &kHeld, &kLocked, &kSilent, &kNobodyAsked};

  Chance chance_;
  Instant now_ = at("2026-01-01");
};

/// What is wrong with the step of a command; empty where nothing is.
std::string difference(const Command& command, const ErasureStep& step) {
  const Expected& expected = expected_of(command);
  const bool stays = expected.becomes == '=';
  ErasureRequest after;
  after.state = step.state;
  if (rows_of(step) != expected.rows) {
    return "other rows";
  }
  if (stays ? command.newest != nullptr && command.newest->state != step.state
            : letter_of(&after) != expected.becomes) {
    return "another state";
  }
  if (step.new_request != (expected.becomes == 'r')) {
    return "a request opened or not";
  }
  if (step.erase != (expected.becomes == 'c') ||
      step.suspends_holds != expected.rows.starts_with("HOLDS_OVERRIDDEN")) {
    return "erased or not, or holds suspended or not";
  }
  return "";
}

/// Why a completion should not have been, from what the register says; empty where nothing is.
std::string objection(const ErasureRequest& before, const Command& command) {
  if (before.approved_by.empty() || before.approved_by == command.facts.who ||
      command.facts.who.empty()) {
    return "no second person";
  }
  const Instant end = std::max(before.requested_at, *before.approved_at + hours{24});
  if (command.facts.guard_now < end || command.facts.guard_now < *before.cooloff_until) {
    return "before the cool-off";
  }
  if (command.answer != &kClear && command.answer != &kHeld) {
    return "a module that did not answer, or a locked hold";
  }
  return "";
}

/// True where every person of a tenant has one open request at most, and it is the newest.
bool one_open_each(const RegisterInMemory& requests) {
  return std::all_of(requests.all().begin(), requests.all().end(), [](const auto& each) {
    const std::vector<ErasureRequest>& all = each.second;
    return std::count_if(all.begin(), all.end(), [](const auto& one) { return one.open(); }) <=
           (!all.empty() && all.back().open() ? 1 : 0);
  });
}

/// One command from asking to storing. Returns what went wrong, or nothing.
std::string carry_out(RegisterInMemory& requests,
                      const Key& key,
                      Command command,
                      std::map<int, int>& lines) {
  ErasureStep step = step_erasure(command.newest, command.deed, command.facts);
  if (step.kind == ErasureStep::Kind::ask_holds) {
    if (!step.events.empty() || step.erase || step.state != command.newest->state) {
      return "something happened before the modules were asked";
    }
    command.facts.holds = command.answer;
    step = step_erasure(command.newest, command.deed, command.facts);
  }
  ++lines[step.line];
  std::string problem = difference(command, step);
  if (problem.empty() && step.state == State::completed && step.erase) {
    problem = objection(*command.newest, command);
  }
  if (!problem.empty()) {
    return problem + ": " + std::string{to_token(command.deed)} + " by " + command.facts.who +
           " gave " + text_of(step);
  }
  if (step.kind == ErasureStep::Kind::done) {
    requests.carry_out(key, command, step);
  }
  return "";
}

}  // namespace

TEST_CASE("a random walk of 100,000 commands never leaves the table", "[erasure]") {
  RandomCommands random;
  RegisterInMemory requests;
  std::map<int, int> lines;
  for (int i = 0; i < 100'000; ++i) {
    const Key key = random.key();
    const std::string problem =
        carry_out(requests, key, random.next(key, requests.newest(key)), lines);
    if (!problem.empty() || (i % 1000 == 0 && !one_open_each(requests))) {
      FAIL("command " << i << ": " << problem);
    }
  }
  CHECK(one_open_each(requests));
  // Every line but the report's has been walked over many times.
  for (int line = 1; line <= 22; ++line) {
    CAPTURE(line, lines[line]);
    CHECK(lines[line] >= 100);
  }
  CHECK(lines.rbegin()->first == 22);
}

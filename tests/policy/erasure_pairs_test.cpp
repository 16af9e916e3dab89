// SPDX-License-Identifier: Apache-2.0
// Every pair of state and deed, the order of the guards, and what the rows are called.
#include <array>
#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/catalogue.h"
#include "policy/erasure_request.h"
#include "tests/policy/erasure_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::milliseconds;

namespace {

using State = ErasureState;
using Deed = ErasureDeed;

constexpr std::array<State, 5> kStates{
    State::requested, State::approved, State::completed, State::rejected, State::cancelled};
constexpr std::array<Deed, 8> kDeeds{Deed::request,
                                     Deed::approve,
                                     Deed::reject,
                                     Deed::cancel,
                                     Deed::extend,
                                     Deed::complete,
                                     Deed::complete_when_due,
                                     Deed::nightly};
const std::array<const HoldAnswer*, 6> kAnswers{
    nullptr, &kClear, &kHeld, &kLocked, &kSilent, &kNobodyAsked};

/// Kind and line of each deed, in the order of kDeeds.
using Row = std::array<std::string_view, 8>;

/// One row per state, after one for no request at all.
using Table = std::array<Row, 6>;

const Table kForAPermittedPerson{{
    {"done 1",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0"},
    {"unchanged 3",
     "done 5",
     "done 8",
     "done 9",
     "done 11",
     "refused 12",
     "refused 12",
     "refused 12"},
    {"unchanged 3", "unchanged 7", "done 8", "done 9", "done 11", "done 20", "done 15", "done 20"},
    {"unchanged 4",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "unchanged 21",
     "unchanged 21",
     "refused 22"},
    {"done 1",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22"},
    {"done 1",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22"},
}};

const Table kForAnybodyElse{{
    {"refused 2",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0",
     "refused 0"},
    {"refused 2",
     "refused 6",
     "refused 10",
     "refused 10",
     "refused 11",
     "refused 12",
     "refused 12",
     "refused 12"},
    {"refused 2",
     "unchanged 7",
     "refused 10",
     "refused 10",
     "refused 11",
     "refused 14",
     "refused 14",
     "refused 15"},
    {"refused 2",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "unchanged 21",
     "unchanged 21",
     "refused 22"},
    {"refused 2",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22"},
    {"refused 2",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22",
     "refused 22"},
}};

std::string kind_and_line(const std::string& text) {
  return text.substr(0, text.find(' ', text.find(' ') + 1));
}

void check_table(const Table& table, const ErasureFacts& facts) {
  for (std::size_t deed = 0; deed < kDeeds.size(); ++deed) {
    CAPTURE(to_token(kDeeds.at(deed)));
    CHECK(kind_and_line(text_of(step_erasure(nullptr, kDeeds.at(deed), facts))) ==
          table.at(0).at(deed));
    for (std::size_t state = 0; state < kStates.size(); ++state) {
      CAPTURE(to_token(kStates.at(state)));
      CHECK(kind_and_line(step_text(kStates.at(state), kDeeds.at(deed), facts)) ==
            table.at(state + 1).at(deed));
    }
  }
}

/// Everybody there is, with a reason that serves for all deeds and without one.
std::vector<ErasureFacts> everybody() {
  std::vector<ErasureFacts> all;
  for (const ErasureFacts& who : {somebody("eve"),
                                  administrator("alice"),
                                  administrator("bob"),
                                  administrator("carol"),
                                  the_subject(),
                                  subject_and_administrator(),
                                  trusted_service()}) {
    all.push_back(who);
    all.push_back(because(who, "unfounded"));
    all.push_back(when(who, at("2026-01-13")));
  }
  return all;
}

/// What the step is for each answer that the modules could give; one text where it never matters.
std::string for_every_answer(const ErasureRequest& request, Deed deed, ErasureFacts facts) {
  std::string texts;
  for (const HoldAnswer* answer : kAnswers) {
    facts.holds = answer;
    const std::string text = text_of(step_erasure(&request, deed, facts));
    texts += texts == text ? "" : text;
  }
  return texts;
}

}  // namespace

TEST_CASE("every pair of state and deed does what the table says", "[erasure]") {
  check_table(kForAPermittedPerson, because(told(administrator("bob"), kClear), "unfounded"));
  check_table(kForAnybodyElse, because(told(somebody("eve"), kClear), "unfounded"));
}

TEST_CASE("what is refused or unchanged says why and does nothing", "[erasure]") {
  int seen = 0;
  for (const ErasureFacts& facts : everybody()) {
    for (const State state : kStates) {
      for (const Deed deed : kDeeds) {
        const ErasureRequest request = request_in(state);
        const ErasureStep step = step_erasure(&request, deed, facts);
        const std::string text = text_of(step);
        CAPTURE(text, to_token(deed), facts.who);
        const bool idle =
            step.kind == ErasureStep::Kind::refused || step.kind == ErasureStep::Kind::unchanged;
        seen += idle ? 1 : 0;
        CHECK((!idle || text.ends_with("(" + step.reason + ")")));
        CHECK((step.reason.empty() == (step.kind == ErasureStep::Kind::done ||
                                       step.kind == ErasureStep::Kind::ask_holds)));
        CHECK((step.kind == ErasureStep::Kind::done || step.state == state));
      }
    }
  }
  CHECK(seen > 300);
}

TEST_CASE("who is barred from completing learns nothing about holds", "[erasure]") {
  const ErasureRequest approved = request_in(State::approved);
  const Instant early = *approved.cooloff_until - milliseconds{1};
  for (const ErasureFacts& facts : {administrator("alice"),
                                    somebody("eve"),
                                    trusted_service(),
                                    the_subject(),
                                    subject_and_administrator(),
                                    when(administrator("bob"), early)}) {
    const std::string text = for_every_answer(approved, Deed::complete, facts);
    CAPTURE(text);
    CHECK(text.find("ask_holds") == std::string::npos);
    CHECK(text.find("done") == std::string::npos);
    // One text only: none of the answers made a difference.
    CHECK(text.find("approved") == text.rfind("approved"));
  }
  const std::string when_due =
      for_every_answer(approved, Deed::complete_when_due, administrator("bob"));
  CHECK(when_due == "done 15 approved confirm");
}

TEST_CASE("the first guard that is closed is the one that answers", "[erasure]") {
  const Instant early = at("2026-01-13");
  ErasureFacts alice = told(when(subject_and_administrator(), early), kLocked);
  alice.who = "alice";
  CHECK(step_text(State::approved, Deed::complete, alice) ==
        "blocked 13 approved (dual_control) +DUAL_CONTROL_BLOCKED/Warning");
  CHECK(step_text(State::approved,
                  Deed::complete,
                  told(when(subject_and_administrator(), early), kLocked)) ==
        "refused 14 approved (is_subject)");
  CHECK(step_text(
            State::approved, Deed::complete, told(when(administrator("bob"), early), kLocked)) ==
        "blocked 16 approved (cool_off) +COOLOFF_BLOCKED/Warning");
  SECTION("and no override opens one") {
    ErasureFacts bob =
        because(told(when(administrator("bob"), early), kHeld), "a long and serious reason");
    bob.override_digest = bob.holds_digest;
    CHECK(step_text(State::approved, Deed::complete, bob) ==
          "blocked 16 approved (cool_off) +COOLOFF_BLOCKED/Warning");
    bob.who = "alice";
    CHECK(step_text(State::approved, Deed::complete, bob) ==
          "blocked 13 approved (dual_control) +DUAL_CONTROL_BLOCKED/Warning");
  }
}

TEST_CASE("every row of an erasure has the code and the severity of the catalogue", "[erasure]") {
  const Catalogue catalogue = Catalogue::built_in();
  std::set<std::string> codes;
  ErasureFacts overriding = because(administrator("bob"), "the court released this matter");
  overriding.override_digest = "digest-1";
  std::vector<ErasureFacts> all = everybody();
  all.push_back(overriding);
  for (const ErasureFacts& facts : all) {
    for (const State state : kStates) {
      for (const Deed deed : kDeeds) {
        for (const HoldAnswer* answer : {&kClear, &kHeld}) {
          const ErasureRequest request = request_in(state);
          for (const ErasureEvent& event :
               step_erasure(&request, deed, told(facts, *answer)).events) {
            const AuditCode* const code = catalogue.find(event.code);
            REQUIRE(code != nullptr);
            CHECK(event.severity == to_token(code->severity));
            codes.insert(code->code);
          }
        }
      }
    }
  }
  CHECK(codes.size() == 9);
}

TEST_CASE("states and deeds are spelt as the register spells them", "[erasure]") {
  for (const State state : kStates) {
    CHECK((parse_erasure_state(to_token(state)) == state));
  }
  CHECK_FALSE(parse_erasure_state("blocked").has_value());
  CHECK_FALSE(parse_erasure_state("").has_value());
  CHECK(to_token(State::approved) == "approved");
  CHECK(to_token(Deed::complete_when_due) == "complete_when_due");
  CHECK_FALSE(is_terminal(State::requested));
  CHECK_FALSE(is_terminal(State::approved));
  CHECK(is_terminal(State::completed));
  CHECK(is_terminal(State::rejected));
  CHECK(is_terminal(State::cancelled));
}

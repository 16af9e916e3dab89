// SPDX-License-Identifier: Apache-2.0
// The lines of the table of erasures, one by one.
#include <chrono>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "policy/catalogue.h"
#include "policy/erasure_request.h"
#include "tests/policy/erasure_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

using State = ErasureState;
using Deed = ErasureDeed;

const std::string kNew = " requested new deadline=2026-03-02T00:00:00Z +REQUEST/Notice";

std::string request_without_one(const ErasureFacts& facts) {
  return text_of(step_erasure(nullptr, Deed::request, facts));
}

/// What becomes of an approved request that bob completes, with an override where there is a
/// digest.
std::string override_by_bob(const HoldAnswer& answer,
                            const std::string& reason,
                            const std::string& digest = "digest-1") {
  ErasureFacts facts = because(told(administrator("bob"), answer), reason);
  facts.override_digest = digest;
  return step_text(State::approved, Deed::complete, facts);
}

std::string completion_by_bob(const HoldAnswer& answer) {
  return override_by_bob(answer, "", "");
}

}  // namespace

TEST_CASE("line 1: the subject, an administrator and a trusted service may request", "[erasure]") {
  CHECK(request_without_one(the_subject()) == "done 1" + kNew);
  CHECK(request_without_one(administrator("alice")) == "done 1" + kNew);
  CHECK(request_without_one(trusted_service()) == "done 1" + kNew);
  CHECK(step_text(State::rejected, Deed::request, the_subject()) == "done 1" + kNew);
  CHECK(step_text(State::cancelled, Deed::request, the_subject()) == "done 1" + kNew);
}

TEST_CASE("line 2: nobody else may request, whatever is there already", "[erasure]") {
  CHECK(request_without_one(somebody("eve")) == "refused 2 requested (may_not_request)");
  CHECK(step_text(State::approved, Deed::request, somebody("eve")) ==
        "refused 2 approved (may_not_request)");
  ErasureFacts curious = somebody("eve");
  curious.subject_data_there = true;
  CHECK(step_text(State::completed, Deed::request, curious) ==
        "refused 2 completed (may_not_request)");
}

TEST_CASE("line 3: a second request is answered with the open one", "[erasure]") {
  CHECK(step_text(State::requested, Deed::request, the_subject()) ==
        "unchanged 3 requested (open_already)");
  CHECK(step_text(State::approved, Deed::request, trusted_service()) ==
        "unchanged 3 approved (open_already)");
}

TEST_CASE("line 4: after a completion only data that is there again opens a new one", "[erasure]") {
  CHECK(step_text(State::completed, Deed::request, the_subject()) ==
        "unchanged 4 completed (erased_already)");
  ErasureFacts back = the_subject();
  back.subject_data_there = true;
  CHECK(step_text(State::completed, Deed::request, back) == "done 4" + kNew);
}

TEST_CASE("line 5: an administrator who is not the subject approves", "[erasure]") {
  CHECK(step_text(State::requested, Deed::approve, administrator("alice")) ==
        "done 5 approved cooloff=2026-02-02T09:00:00Z +APPROVED/Notice");
  SECTION("and the cool-off counts from the request where that is later") {
    const Instant soon = at("2026-01-10T12:00:01Z");
    CHECK(step_text(State::requested, Deed::approve, when(administrator("alice"), soon)) ==
          "done 5 approved cooloff=2026-01-24T12:00:00Z +APPROVED/Notice");
  }
}

TEST_CASE("line 6: nobody else approves", "[erasure]") {
  CHECK(step_text(State::requested, Deed::approve, somebody("eve")) ==
        "refused 6 requested (not_administrator)");
  CHECK(step_text(State::requested, Deed::approve, trusted_service()) ==
        "refused 6 requested (not_administrator)");
  CHECK(step_text(State::requested, Deed::approve, the_subject()) ==
        "refused 6 requested (not_administrator)");
  CHECK(step_text(State::requested, Deed::approve, subject_and_administrator()) ==
        "refused 6 requested (is_subject)");
}

TEST_CASE("line 7: a second approver replaces nobody", "[erasure]") {
  CHECK(step_text(State::approved, Deed::approve, administrator("bob")) ==
        "unchanged 7 approved (approved_already)");
}

TEST_CASE("line 8: an administrator rejects for one of the reasons that the law knows",
          "[erasure]") {
  CHECK(rejection_reasons().size() == 8);
  for (const std::string& reason : rejection_reasons()) {
    CHECK(step_text(State::requested, Deed::reject, because(administrator("bob"), reason)) ==
          "done 8 rejected +REJECTED/Warning");
    CHECK(step_text(State::approved, Deed::reject, because(administrator("bob"), reason)) ==
          "done 8 rejected +REJECTED/Warning");
  }
  for (const char* reason : {"", " unfounded", "Unfounded", "17_3_f", "17_3_", "too much work"}) {
    CHECK(step_text(State::requested, Deed::reject, because(administrator("bob"), reason)) ==
          "refused 8 requested (unknown_rejection_reason)");
  }
}

TEST_CASE("line 9: the subject or an administrator cancels", "[erasure]") {
  CHECK(step_text(State::requested, Deed::cancel, the_subject()) ==
        "done 9 cancelled +CANCELLED/Info");
  CHECK(step_text(State::approved, Deed::cancel, administrator("bob")) ==
        "done 9 cancelled +CANCELLED/Info");
}

TEST_CASE("line 10: nobody else rejects or cancels", "[erasure]") {
  CHECK(step_text(State::approved, Deed::reject, because(the_subject(), "unfounded")) ==
        "refused 10 approved (not_administrator)");
  CHECK(step_text(State::requested, Deed::reject, because(trusted_service(), "unfounded")) ==
        "refused 10 requested (not_administrator)");
  CHECK(step_text(State::requested, Deed::cancel, somebody("eve")) ==
        "refused 10 requested (not_subject_or_administrator)");
  CHECK(step_text(State::approved, Deed::cancel, trusted_service()) ==
        "refused 10 approved (not_subject_or_administrator)");
}

TEST_CASE("line 11: an administrator extends once, in time and with a reason", "[erasure]") {
  const ErasureFacts bob = because(administrator("bob"), "four systems to search");
  const Instant deadline = request_in(State::requested).deadline;
  CHECK(step_text(State::requested, Deed::extend, bob) ==
        "done 11 requested deadline=2026-04-11T00:00:00Z");
  CHECK(step_text(State::approved, Deed::extend, when(bob, deadline - milliseconds{1})) ==
        "done 11 approved deadline=2026-04-11T00:00:00Z");
  CHECK(step_text(State::approved, Deed::extend, when(bob, deadline)) ==
        "refused 11 approved (deadline_over)");
  CHECK(step_text(State::requested, Deed::extend, because(bob, " \n")) ==
        "refused 11 requested (reason_missing)");
  CHECK(step_text(State::requested, Deed::extend, because(the_subject(), "why not")) ==
        "refused 11 requested (not_administrator)");
  ErasureRequest extended = request_in(State::approved);
  extended.extended = true;
  CHECK(text_of(step_erasure(&extended, Deed::extend, bob)) ==
        "refused 11 approved (extended_already)");
}

TEST_CASE("line 12: what nobody approved is not completed", "[erasure]") {
  for (const Deed deed : {Deed::complete, Deed::complete_when_due, Deed::nightly}) {
    CHECK(step_text(State::requested, deed, told(administrator("bob"), kClear)) ==
          "refused 12 requested (not_approved)");
  }
}

TEST_CASE("line 13: the approver does not complete", "[erasure]") {
  const std::string stopped = "blocked 13 approved (dual_control) +DUAL_CONTROL_BLOCKED/Warning";
  CHECK(step_text(State::approved, Deed::complete, administrator("alice")) == stopped);
  CHECK(step_text(State::approved, Deed::complete_when_due, administrator("alice")) == stopped);
  SECTION("not even when the approver is no administrator any more") {
    CHECK(step_text(State::approved, Deed::complete, somebody("alice")) == stopped);
  }
  SECTION("and where it is not known who approved, nobody does") {
    ErasureRequest request = request_in(State::approved);
    request.approved_by.clear();
    CHECK(text_of(step_erasure(&request, Deed::complete, told(administrator("bob"), kClear))) ==
          "refused 13 approved (approver_unknown)");
  }
}

TEST_CASE("line 14: only an administrator who is not the subject completes", "[erasure]") {
  for (const Deed deed : {Deed::complete, Deed::complete_when_due}) {
    CHECK(step_text(State::approved, deed, told(somebody("eve"), kClear)) ==
          "refused 14 approved (not_administrator)");
    CHECK(step_text(State::approved, deed, told(the_subject(), kClear)) ==
          "refused 14 approved (not_administrator)");
    CHECK(step_text(State::approved, deed, told(trusted_service(), kClear)) ==
          "refused 14 approved (not_administrator)");
    CHECK(step_text(State::approved, deed, told(subject_and_administrator(), kClear)) ==
          "refused 14 approved (is_subject)");
  }
}

TEST_CASE("line 15: a completion when due is stored, before cool-off and over another's",
          "[erasure]") {
  CHECK(step_text(State::approved, Deed::complete_when_due, administrator("carol")) ==
        "done 15 approved confirm");
  CHECK(step_text(State::approved,
                  Deed::complete_when_due,
                  when(administrator("bob"), at("2026-01-12"))) == "done 15 approved confirm");
}

TEST_CASE("line 15: the nightly run completes in the name of who confirmed, all checked anew",
          "[erasure]") {
  const auto nightly = [](const ErasureFacts& facts) {
    return step_text(State::approved, Deed::nightly, facts);
  };
  CHECK(nightly(administrator("bob")) == "ask_holds 0 approved");
  CHECK(nightly(told(administrator("bob"), kClear)) ==
        "done 20 completed erase +COMPLETED/Warning");
  CHECK(nightly(told(administrator("bob"), kHeld)) ==
        "blocked 17 approved (holds) +BLOCKED_BY_HOLDS/Warning");
  CHECK(nightly(told(somebody("bob"), kClear)) == "refused 14 approved (not_administrator)");
  CHECK(nightly(when(administrator("bob"), at("2026-01-24"))) ==
        "blocked 16 approved (cool_off) +COOLOFF_BLOCKED/Warning");
  CHECK(nightly(told(administrator("carol"), kClear)) == "refused 15 approved (not_confirmed)");
  ErasureRequest unconfirmed = request_in(State::approved);
  unconfirmed.confirmed_by.clear();
  CHECK(text_of(step_erasure(&unconfirmed, Deed::nightly, told(administrator("bob"), kClear))) ==
        "refused 15 approved (not_confirmed)");
  CHECK(text_of(step_erasure(&unconfirmed, Deed::nightly, told(administrator(""), kClear))) ==
        "refused 15 approved (not_confirmed)");
  ErasureRequest own = request_in(State::approved);
  own.confirmed_by = "alice";
  CHECK(text_of(step_erasure(&own, Deed::nightly, told(administrator("alice"), kClear))) ==
        "blocked 13 approved (dual_control) +DUAL_CONTROL_BLOCKED/Warning");
}

TEST_CASE("line 16: not before the cool-off is over, by the slower clock", "[erasure]") {
  const std::string stopped = "blocked 16 approved (cool_off) +COOLOFF_BLOCKED/Warning";
  ErasureRequest request = request_in(State::approved);
  const auto complete_at = [&request](Instant now) {
    ErasureFacts bob = told(administrator("bob"), kClear);
    bob.guard_now = now;
    return text_of(step_erasure(&request, Deed::complete, bob));
  };
  const Instant end = *request.cooloff_until;
  CHECK(complete_at(end - milliseconds{1}) == stopped);
  CHECK(complete_at(end) == "done 20 completed erase +COMPLETED/Warning");
  CHECK(complete_at(end + milliseconds{1}) == "done 20 completed erase +COMPLETED/Warning");
  request.cooloff_until = std::nullopt;
  CHECK(complete_at(end + hours{24 * 365}) == stopped);
}

TEST_CASE("line 17: a hold, or a module that does not answer, stops a completion", "[erasure]") {
  CHECK(step_text(State::approved, Deed::complete, administrator("bob")) == "ask_holds 0 approved");
  CHECK(completion_by_bob(kHeld) == "blocked 17 approved (holds) +BLOCKED_BY_HOLDS/Warning");
  CHECK(completion_by_bob(kLocked) == "blocked 17 approved (holds) +BLOCKED_BY_HOLDS/Warning");
  const std::string silent = "blocked 17 approved (module_unanswered) +BLOCKED_BY_HOLDS/Warning";
  CHECK(completion_by_bob(kSilent) == silent);
  CHECK(completion_by_bob(kNobodyAsked) == silent);
  SECTION("and so does one that contradicts itself") {
    CHECK(completion_by_bob({{{.module = "crm", .status = HoldStatus::hold}}}) == silent);
    ModuleReport clear_with_hold = kHeldReport;
    clear_with_hold.status = HoldStatus::clear;
    CHECK(completion_by_bob({{clear_with_hold}}) == silent);
  }
}

TEST_CASE("line 18: no override of what is locked, unknown or has changed", "[erasure]") {
  const std::string reason = "the court released this matter";
  CHECK(override_by_bob(kLocked, reason) ==
        "blocked 18 approved (hold_locked) +BLOCKED_BY_HOLDS/Warning");
  CHECK(override_by_bob(kSilent, reason) ==
        "blocked 18 approved (module_unanswered) +BLOCKED_BY_HOLDS/Warning");
  CHECK(override_by_bob(kNobodyAsked, reason) ==
        "blocked 18 approved (module_unanswered) +BLOCKED_BY_HOLDS/Warning");
  CHECK(override_by_bob(kHeld, reason, "digest-0") ==
        "blocked 18 approved (override_stale) +BLOCKED_BY_HOLDS/Warning");
  SECTION("and a reason that is too short hides nothing of that") {
    CHECK(override_by_bob(kLocked, "no") ==
          "blocked 18 approved (hold_locked) +BLOCKED_BY_HOLDS/Warning");
    CHECK(override_by_bob(kHeld, "no", "digest-0") ==
          "blocked 18 approved (override_stale) +BLOCKED_BY_HOLDS/Warning");
  }
}

TEST_CASE("line 19: an override names its reason and leaves two rows", "[erasure]") {
  const std::string erased =
      "done 19 completed erase suspend +HOLDS_OVERRIDDEN/Critical/10 years +COMPLETED/Warning";
  const std::string too_short = "refused 19 approved (override_reason_too_short)";
  CHECK(override_by_bob(kHeld, "twenty characters ok") == erased);
  CHECK(override_by_bob(kHeld, "nineteen characters") == too_short);
  CHECK(override_by_bob(kHeld, "") == too_short);
  SECTION("blanks around it are not counted, and characters are, not bytes") {
    CHECK(override_by_bob(kHeld, "  nineteen characters\n\t  ") == too_short);
    CHECK(override_by_bob(kHeld,
                          "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
                          "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9") == too_short);
    CHECK(override_by_bob(kHeld, "f\xC3\xBCr die Betroffene :)") == erased);
    CHECK(override_by_bob(kHeld, std::string(40, '\x80')) == too_short);
  }
}

TEST_CASE("line 20: without holds it is completed, and an unused override leaves no row",
          "[erasure]") {
  const std::string erased = "done 20 completed erase +COMPLETED/Warning";
  CHECK(completion_by_bob(kClear) == erased);
  CHECK(override_by_bob(kClear, "the court released this matter") == erased);
  CHECK(override_by_bob(kClear, "no", "digest-0") == erased);
}

TEST_CASE("line 21: what is completed stays so", "[erasure]") {
  CHECK(step_text(State::completed, Deed::complete, administrator("bob")) ==
        "unchanged 21 completed (completed_already)");
}

TEST_CASE("line 22: nothing leads out of a terminal state", "[erasure]") {
  CHECK(step_text(State::rejected, Deed::complete, told(administrator("bob"), kClear)) ==
        "refused 22 rejected (ended)");
  CHECK(step_text(State::completed, Deed::cancel, the_subject()) == "refused 22 completed (ended)");
  CHECK(step_text(State::cancelled, Deed::approve, administrator("bob")) ==
        "refused 22 cancelled (ended)");
}

TEST_CASE("line 23: an open request is in the report from 7 days before its deadline on",
          "[erasure]") {
  const auto state_at = [](State state, const char* now) {
    return deadline_state(request_in(state), at(now));
  };
  for (const State open : {State::requested, State::approved}) {
    CHECK((state_at(open, "2026-02-03T23:59:59.999Z") == DeadlineState::far));
    CHECK((state_at(open, "2026-02-04T00:00:00Z") == DeadlineState::due_soon));
    CHECK((state_at(open, "2026-02-10T23:59:59.999Z") == DeadlineState::due_soon));
    CHECK((state_at(open, "2026-02-11T00:00:00Z") == DeadlineState::overdue));
    CHECK((state_at(open, "2036-02-11T00:00:00Z") == DeadlineState::overdue));
  }
  for (const State ended : {State::completed, State::rejected, State::cancelled}) {
    CHECK((state_at(ended, "2036-02-11T00:00:00Z") == DeadlineState::far));
  }
}

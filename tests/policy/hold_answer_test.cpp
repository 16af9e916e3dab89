// SPDX-License-Identifier: Apache-2.0
#include "policy/hold_answer.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/erasure_builders.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

HoldAnswer one_hold(const ReportedHold& hold) {
  return {.reports = {{.module = "billing", .status = HoldStatus::hold, .holds = {hold}}}};
}

/// Answers out of few and easily mistaken values, so that equal ones do come up.
class RandomAnswers {
 public:
  HoldAnswer next() {
    HoldAnswer answer;
    while (chance_.one_in(2)) {
      answer.reports.push_back(report());
    }
    return answer;
  }

 private:
  ModuleReport report() {
    ModuleReport report{.module = text(), .status = chance_.one_of(kWords), .holds = {}};
    while (chance_.one_in(2)) {
      report.holds.push_back({.id = text(), .basis = text(), .locked = chance_.one_in(2)});
    }
    return report;
  }
  std::string text() { return chance_.one_of(std::vector<std::string>{"", "a", "1:a", "0:", "2"}); }

  static inline const std::vector<HoldStatus> kWords{
      HoldStatus::clear, HoldStatus::hold, HoldStatus::error};
  Chance chance_;
};

/// An answer as the set that it is.
using HoldSet = std::set<std::tuple<std::string, bool, std::string>>;
using AnswerSet = std::set<std::tuple<std::string, HoldStatus, HoldSet>>;

AnswerSet as_set(const HoldAnswer& answer) {
  AnswerSet reports;
  for (const ModuleReport& report : answer.reports) {
    HoldSet holds;
    for (const ReportedHold& hold : report.holds) {
      holds.emplace(hold.id, hold.locked, hold.basis);
    }
    reports.emplace(report.module, report.status, holds);
  }
  return reports;
}

}  // namespace

TEST_CASE("an answer is clear only where every module says so", "[hold_answer]") {
  CHECK(kClear.all_clear());
  CHECK(kClear.complete());
  CHECK_FALSE(kHeld.all_clear());
  CHECK(kHeld.complete());
  CHECK_FALSE(kSilent.all_clear());
  CHECK_FALSE(kSilent.complete());
}

TEST_CASE("no report at all is no answer", "[hold_answer]") {
  CHECK_FALSE(kNobodyAsked.all_clear());
  CHECK_FALSE(kNobodyAsked.complete());
  CHECK_FALSE(kNobodyAsked.any_locked());
  CHECK_FALSE(HoldAnswer{.reports = {ModuleReport{.module = "crm"}}}.complete());
}

TEST_CASE("a report that contradicts itself is no answer", "[hold_answer]") {
  ModuleReport clear_with_hold = kHeldReport;
  clear_with_hold.status = HoldStatus::clear;
  CHECK_FALSE(HoldAnswer{.reports = {clear_with_hold}}.all_clear());
  CHECK_FALSE(HoldAnswer{.reports = {clear_with_hold}}.complete());
  ModuleReport hold_without = kHeldReport;
  hold_without.holds.clear();
  CHECK_FALSE(HoldAnswer{.reports = {hold_without}}.all_clear());
  CHECK_FALSE(HoldAnswer{.reports = {hold_without}}.complete());
}

TEST_CASE("a locked hold is found wherever it is", "[hold_answer]") {
  CHECK(kLocked.any_locked());
  CHECK_FALSE(kHeld.any_locked());
  CHECK_FALSE(kClear.any_locked());
  ModuleReport failed_midway = kLockedReport;
  failed_midway.status = HoldStatus::error;
  CHECK(HoldAnswer{.reports = {kClearReport, failed_midway}}.any_locked());
}

TEST_CASE("the statuses are spelt as modules spell them", "[hold_answer]") {
  CHECK(to_token(HoldStatus::clear) == "clear");
  CHECK(to_token(HoldStatus::hold) == "hold");
  CHECK(to_token(HoldStatus::error) == "error");
  for (const char* word : {"clear", "hold", "error"}) {
    REQUIRE(parse_hold_status(word).has_value());
    CHECK(to_token(parse_hold_status(word).value_or(HoldStatus::error)) == word);
  }
  for (const char* word : {"", "Clear", "clear ", "ok", "none", "0"}) {
    CHECK_FALSE(parse_hold_status(word).has_value());
  }
}

TEST_CASE("the same hold set has the same bytes in whatever order it is told", "[hold_answer]") {
  const ReportedHold first{.id = "H-1", .basis = "tax"};
  const ReportedHold second{.id = "H-2", .review_by = at("2027-01-01")};
  const ModuleReport one{.module = "billing", .status = HoldStatus::hold, .holds = {first, second}};
  const ModuleReport turned{
      .module = "billing", .status = HoldStatus::hold, .holds = {second, first, second}};
  CHECK(canonical_bytes({{one, kClearReport}}) == canonical_bytes({{kClearReport, turned}}));
  ModuleReport slower = kSilentReport;
  slower.problem = "no answer within 30 s";
  CHECK(canonical_bytes({{slower}}) == canonical_bytes({{kSilentReport}}));
}

TEST_CASE("whatever changes about a hold changes the bytes", "[hold_answer]") {
  const ReportedHold hold{.id = "H-1", .basis = "tax", .review_by = at("2027-01-01")};
  std::vector<HoldAnswer> answers{kNobodyAsked, kClear, kSilent, one_hold(hold)};
  ReportedHold changed = hold;
  changed.id = "H-2";
  answers.push_back(one_hold(changed));
  changed = hold;
  changed.basis = "taxes";
  answers.push_back(one_hold(changed));
  changed = hold;
  changed.locked = true;
  answers.push_back(one_hold(changed));
  changed = hold;
  changed.review_by = at("2027-01-02");
  answers.push_back(one_hold(changed));
  changed.review_by.reset();
  answers.push_back(one_hold(changed));
  answers.push_back(one_hold({.id = "H-1tax", .review_by = hold.review_by}));
  HoldAnswer other_module = one_hold(hold);
  other_module.reports.front().module = "crm";
  answers.push_back(other_module);
  std::set<std::string> bytes;
  for (const HoldAnswer& answer : answers) {
    bytes.insert(canonical_bytes(answer));
  }
  CHECK(bytes.size() == answers.size());
}

TEST_CASE("two answers have the same bytes exactly where they are the same set", "[hold_answer]") {
  RandomAnswers random;
  std::map<std::string, AnswerSet> by_bytes;
  std::map<AnswerSet, std::string> by_set;
  int repeats = 0;
  for (int i = 0; i < 20'000; ++i) {
    const HoldAnswer answer = random.next();
    const std::string bytes = canonical_bytes(answer);
    const auto [known, is_new] = by_bytes.emplace(bytes, as_set(answer));
    const auto [same, set_is_new] = by_set.emplace(as_set(answer), bytes);
    repeats += is_new ? 0 : 1;
    if (known->second != as_set(answer) || same->second != bytes || is_new != set_is_new) {
      FAIL("answer " << i << ": " << bytes);
    }
  }
  CHECK(repeats > 1000);
}

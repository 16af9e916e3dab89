// SPDX-License-Identifier: Apache-2.0
// Stored policy versions. A document that cannot be read is refused with a JobError, because what
// it keeps is unknown; one that is read gives no cut-off later than the run clock, and no older
// version ends before it was replaced.
#include "jobs/policy_document.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "jobs/job_error.h"
#include "policy/policy_versions.h"
#include "policy/rule_book.h"
#include "policy/run_clock.h"
#include "tests/fuzz/fuzz_input.h"

using namespace holdfast;
using namespace holdfast::fuzzing;
using std::chrono::milliseconds;

namespace {

const Instant kReplaced = date::sys_days{date::year{2029} / 6 / 1};
const Instant kTonight = date::sys_days{date::year{2030} / 1 / 1};

void check_rules(const PolicySnapshot& snapshot) {
  const RuleBook book(snapshot, kTonight);
  for (const auto& [code, category] : snapshot.code_category) {
    require(book.latest_cutoff(code) <= kTonight, "no cut-off is later than the run clock");
    const Rule rule = book.rule_for(std::nullopt, code, category);
    require(rule.window_cutoff() <= kTonight, "no row of now is past its window");
    require(rule.has_window || rule.window_cutoff() == kBeginningOfTime,
            "without a window nothing goes");
  }
  for (const auto& [alias, code] : snapshot.aliases) {
    require(book.latest_cutoff(alias) <= kTonight, "an alias has no cut-off of its own");
  }
}

void check_safety(const SafetyPolicy& safety) {
  const auto is_wait = [](milliseconds wait) {
    return wait >= milliseconds{0};
  };
  require(is_wait(safety.hold_release_grace) && is_wait(safety.policy_shorten_delay) &&
              is_wait(safety.max_clock_step),
          "nothing waits less than no time");
  require(kTonight + safety.policy_shorten_delay >= kTonight &&
              kTonight + safety.hold_release_grace >= kTonight,
          "what waits ends later");
  const RunClock last{.system_now = kReplaced, .as_of = kReplaced};
  const ClockStep step = step_run_clock(kTonight, last, safety.max_clock_step);
  require(step.clock.as_of >= kReplaced && step.clock.as_of <= kTonight,
          "the run clock stays between the last one and the system clock");
}

void check_versions(const PolicyVersion& first) {
  PolicyVersion second = first;
  second.number = first.number + 1;
  second.in_force_from = kReplaced;
  second.snapshot.safety = SafetyPolicy{};
  const std::vector<PolicyVersion> versions{first, second};
  const auto then = versions_in_force(versions, kReplaced);
  require(then.size() == 2, "a version is in force when it is replaced");
  const SafetyPolicy strictest = strictest_safety(then);
  require(strictest.policy_shorten_delay >= second.snapshot.safety.policy_shorten_delay,
          "the strictest delay is the longest");
  (void)common_administrators(then);
  (void)strictest_cool_off(then);
  (void)waiting_hold_sources(then);
  (void)changes(first.snapshot, second.snapshot);
  (void)lock_violations(first.snapshot, second.snapshot);
  require(lock_violations(first.snapshot, first.snapshot).empty(), "what stays breaks no lock");
  (void)validate(first.snapshot);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string document{FuzzInput(data, size).rest()};
  const StoredPolicy stored{.version = 1,
                            .in_force_from = kReplaced - std::chrono::hours{24 * 365},
                            .document = document};
  PolicyVersion version;
  try {
    version = from_document(stored);
  } catch (const JobError& refused) {
    require(std::string{refused.what()}.find("version 1") != std::string::npos,
            "what is refused is named");
    return 0;
  }
  const std::string written = to_document(version.snapshot);
  const PolicyVersion again = from_document({.version = 1, .document = written});
  require(again.snapshot == version.snapshot, "a policy reads back from its own document");
  check_rules(version.snapshot);
  check_safety(version.snapshot.safety);
  check_versions(version);
  return 0;
}

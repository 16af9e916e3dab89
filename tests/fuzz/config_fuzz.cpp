// SPDX-License-Identifier: Apache-2.0
// The configuration. Whatever the text is, it is refused with a ConfigError or becomes settings
// whose policy reads back from its document and gives no cut-off later than the run clock.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "jobs/cli/config_file.h"
#include "jobs/policy_document.h"
#include "policy/rule_book.h"
#include "tests/fuzz/fuzz_input.h"

using namespace holdfast;
using namespace holdfast::fuzzing;
using std::chrono::milliseconds;

namespace {

const Instant kTonight = date::sys_days{date::year{2030} / 1 / 1};

bool is_share(std::int64_t ppm) {
  return ppm >= 0 && ppm <= 1'000'000;
}

void check_safety(const SafetyPolicy& safety) {
  require(safety.hold_release_grace >= milliseconds{0} &&
              safety.policy_shorten_delay >= milliseconds{0} &&
              safety.max_clock_step >= milliseconds{0},
          "nothing waits less than no time");
  require(is_share(safety.max_category_share_ppm) && is_share(safety.max_bad_time_share_ppm),
          "a share is 0 to 1");
  require(safety.limit_min_rows >= 0, "there are no fewer rows than none");
}

void check_run(const RunBudget& run) {
  require(run.max_lock > milliseconds{0} && run.max_lock_idle > milliseconds{0} &&
              run.max_time > milliseconds{0},
          "a run has some time");
  require(run.max_rows >= 0 && run.cache_bytes > 0, "a run has some room");
}

void check_policy(const Settings& settings) {
  const PolicySnapshot snapshot = make_snapshot(settings, LogShape{});
  const std::string document = to_document(snapshot);
  const PolicyVersion read = from_document({.version = 1, .document = document});
  require(read.snapshot == snapshot, "a policy reads back from its own document");
  const RuleBook book(snapshot, kTonight);
  for (const AuditCode& code : settings.catalogue.codes()) {
    require(book.latest_cutoff(code.code) + std::chrono::hours{24} <= kTonight ||
                book.latest_cutoff(code.code) == kBeginningOfTime,
            "no row of today is past its window");
    const Rule rule = book.rule_for(std::nullopt, code.code, std::nullopt);
    require(rule.has_window || rule.window_cutoff() == kBeginningOfTime,
            "without a window nothing goes");
  }
  (void)validate(snapshot);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{FuzzInput(data, size).rest()};
  // Another file is read where this key names one: what is on this machine is no input of ours.
  if (text.find("extend") != std::string::npos) {
    return 0;
  }
  try {
    const Settings settings = parse_config(text, "holdfast.toml");
    check_safety(settings.safety);
    check_run(settings.run);
    check_policy(settings);
  } catch (const ConfigError& refused) {
    require(std::string{refused.what()}.find("holdfast.toml") != std::string::npos,
            "what is refused is named with its file");
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Windows, durations, sizes and the run clock. What is accepted reads back as the same, a cut-off
// is never later than the run clock, and both forms of the calendar rule agree.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "jobs/cli/config_values.h"
#include "policy/disposition_cutoff.h"
#include "policy/retention_window.h"
#include "policy/run_clock.h"
#include "policy/time_text.h"
#include "tests/fuzz/fuzz_input.h"

using namespace holdfast;
using namespace holdfast::fuzzing;
using std::chrono::milliseconds;

namespace {

Instant instant_of(FuzzInput& input) {
  return from_unix_ms(
      brought_into(input.integer(), to_unix_ms(kCalendarBegin), to_unix_ms(kCalendarEnd)));
}

void check_window(const RetentionWindow& window, Instant as_of, Instant event) {
  const auto again = parse_window(to_string(window));
  require(again && *again == window, "a window reads back from its own text");
  require(never_ends(window) || (window.count >= 1 && window.count <= 146'097),
          "a window is a day to 400 years");
  const Instant cutoff = disposition_cutoff(window, as_of);
  require(cutoff <= as_of, "no cut-off is later than the run clock");
  require(cutoff == kBeginningOfTime || cutoff + std::chrono::hours{24} <= as_of,
          "a window keeps at least its day");
  require((event < cutoff) == (deletable_from(event, window) <= as_of),
          "cut-off and first day of deletion agree");
  require(deletable_from(event, window) > event, "nothing may go at its own time");
  if (never_ends(window)) {
    require(cutoff == kBeginningOfTime, "what never ends lets nothing go");
  }
}

/// What a duration of the configuration may be, in either of its forms.
void check_values(const std::string& text) {
  if (const auto duration = parse_duration(text)) {
    require(*duration >= milliseconds{1} && *duration <= std::chrono::hours{24 * 7},
            "a duration is 1 ms to 7 days");
  }
  if (const auto wait = parse_days(text)) {
    require(*wait >= milliseconds{0} && wait->count() % (24LL * 3600 * 1000) == 0,
            "a wait is whole days");
  }
  if (const auto bytes = parse_bytes(text)) {
    require(*bytes >= (1LL << 20) && *bytes <= (16LL << 30), "a size is 1 MB to 16 GB");
  }
}

void check_clock(Instant system_now, Instant last_system, Instant last_as_of, milliseconds step) {
  const RunClock last{.system_now = last_system, .as_of = last_as_of};
  const ClockStep next = step_run_clock(system_now, last, step);
  require(next.clock.as_of <= last_as_of + step, "the run clock takes no longer step");
  if (next.outcome != ClockStep::Outcome::refused) {
    require(next.clock.as_of >= last_as_of, "the run clock does not go back");
    require(next.clock.as_of <= std::max(system_now, last_as_of),
            "the run clock does not go past the system clock");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const Instant as_of = instant_of(input);
  const Instant event = instant_of(input);
  const Instant later = instant_of(input);
  const std::string text{input.rest()};
  if (const auto window = parse_window(text)) {
    check_window(*window, as_of, event);
  } else {
    require(!window.error().empty(), "what is refused is refused with a sentence");
  }
  check_values(text);
  const auto step = parse_days(text);
  check_clock(as_of, event, later, step.value_or(std::chrono::hours{24 * 8}));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "storage/time_bounds.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <limits>

#include "policy/time_text.h"

namespace holdfast {
namespace {

constexpr std::chrono::milliseconds kStep{1};  // of an Instant

}  // namespace

// Nothing overflows inside the calendar.
TimeBounds time_bounds(const CandidateRange& range, TimeFormat format) {
  using std::chrono::microseconds;
  using std::chrono::seconds;
  const Instant below = std::clamp(range.below, kCalendarBegin, kCalendarEnd);
  const Instant above = std::clamp(range.above, kCalendarBegin - kStep, kCalendarEnd - kStep);
  switch (format) {
    case TimeFormat::unix_ms:
      return {.below = to_unix_ms(below), .above = to_unix_ms(above)};
    case TimeFormat::unix_us:
      return {.below = microseconds{below.time_since_epoch()}.count(),
              .above = microseconds{above.time_since_epoch()}.count()};
    case TimeFormat::unix_s:
      return {.below = date::ceil<seconds>(below).time_since_epoch().count(),
              .above = date::floor<seconds>(above).time_since_epoch().count()};
    case TimeFormat::unix_real: {
      const double rounded_down = to_unix_number(below, format).value_or(0.0);
      return {.below = std::nextafter(rounded_down, std::numeric_limits<double>::infinity()),
              .above = to_unix_number(above, format).value_or(0.0)};
    }
    case TimeFormat::iso8601:
    case TimeFormat::utc_text:
      break;
  }
  assert(false && "only numeric times have a code_time_index");
  return {};
}

}  // namespace holdfast

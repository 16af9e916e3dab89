// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <catch2/catch.hpp>
#include <date/date.h>

#include "policy/erasure_request.h"
#include "tests/policy/test_values.h"

using namespace holdfast;
using holdfast::testing::at;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

/// Worked out by hand with a calendar: days of receipt, the instant before which the answer is due,
/// and the same after an extension.
struct Deadlines {
  std::string_view received;
  std::string_view answer;
  std::string_view extended;
};

constexpr std::array<Deadlines, 26> kByHand{{
    // In the middle of a month.
    {"2026-01-15", "2026-02-16", "2026-04-16"},
    {"2026-06-01", "2026-07-02", "2026-09-02"},
    // Into February of 28 and of 29 days.
    {"2026-01-27", "2026-02-28", "2026-04-28"},
    {"2026-01-28", "2026-03-01", "2026-04-29"},
    {"2026-01-29", "2026-03-01", "2026-04-29"},
    {"2026-01-30", "2026-03-01", "2026-04-29"},
    {"2026-01-31", "2026-03-01", "2026-04-29"},
    {"2028-01-28", "2028-02-29", "2028-04-29"},
    {"2028-01-29", "2028-03-01", "2028-04-30"},
    {"2028-01-31", "2028-03-01", "2028-04-30"},
    // Out of February.
    {"2026-02-28", "2026-03-29", "2026-05-29"},
    {"2028-02-28", "2028-03-29", "2028-05-29"},
    {"2028-02-29", "2028-03-30", "2028-05-30"},
    // Centuries: 2000 has 29 February, 2100 has not.
    {"2000-01-31", "2000-03-01", "2000-04-30"},
    {"2100-01-30", "2100-03-01", "2100-04-29"},
    // From 31 days to 30, from 30 to 31, from 31 to 31.
    {"2026-03-31", "2026-05-01", "2026-07-01"},
    {"2026-04-30", "2026-05-31", "2026-07-31"},
    {"2026-05-31", "2026-07-01", "2026-08-31"},
    {"2026-07-31", "2026-09-01", "2026-11-01"},
    {"2026-08-31", "2026-10-01", "2026-12-01"},
    // Over the end of the year, and an extension into February.
    {"2026-10-31", "2026-12-01", "2027-01-31"},
    {"2026-11-30", "2026-12-31", "2027-03-01"},
    {"2027-11-30", "2027-12-31", "2028-03-01"},
    {"2026-12-01", "2027-01-02", "2027-03-02"},
    {"2026-12-30", "2027-01-31", "2027-03-31"},
    {"2026-12-31", "2027-02-01", "2027-04-01"},
}};

constexpr milliseconds kMs{1};
constexpr hours kDay{24};

}  // namespace

TEST_CASE("the answer is due by the end of the day one month after receipt", "[erasure][dates]") {
  for (const Deadlines& each : kByHand) {
    CAPTURE(each.received);
    CHECK(to_rfc3339(answer_deadline(at(each.received))) == to_rfc3339(at(each.answer)));
    CHECK(answer_deadline(at(each.received) + kDay - kMs) == at(each.answer));
    CHECK(answer_deadline(at(each.received) - kMs) <= at(each.answer));
  }
}

TEST_CASE("an extension adds two months to the day on which the answer is due",
          "[erasure][dates]") {
  for (const Deadlines& each : kByHand) {
    CAPTURE(each.received);
    CHECK(to_rfc3339(extended_deadline(at(each.answer))) == to_rfc3339(at(each.extended)));
  }
  SECTION("also of a deadline within a day, which counts as the end of that day") {
    CHECK(extended_deadline(at("2026-02-27T12:00:00Z")) == at("2026-04-28"));
  }
}

TEST_CASE("the day of the answer is 28 to 31 days after that of receipt, for 400 years",
          "[erasure][dates]") {
  date::days least{99};
  date::days most{0};
  for (date::sys_days day = date::year{1990} / 1 / 1; day < date::year{2390} / 1 / 1;
       day += date::days{1}) {
    const auto due_day = date::floor<date::days>(answer_deadline(day)) - date::days{1};
    least = std::min(least, due_day - day);
    most = std::max(most, due_day - day);
  }
  CHECK(least.count() == 28);
  CHECK(most.count() == 31);
}

TEST_CASE("the cool-off counts from the request, and a day at least from the approval",
          "[erasure][dates]") {
  const Instant requested = at("2026-01-10T12:00:00Z");
  const Instant fourteen = at("2026-01-24T12:00:00Z");
  CHECK(cooloff_end(requested, requested, kDay * 14) == fourteen);
  CHECK(cooloff_end(requested, fourteen - kDay, kDay * 14) == fourteen);
  CHECK(cooloff_end(requested, fourteen - kDay + kMs, kDay * 14) == fourteen + kMs);
  CHECK(cooloff_end(requested, at("2026-03-01"), kDay * 14) == at("2026-03-02"));
  CHECK(cooloff_end(requested, requested, milliseconds{0}) == requested + kDay);
  CHECK(cooloff_end(requested, requested, -kDay * 14) == requested + kDay);
}

TEST_CASE("no date overflows at the ends of time", "[erasure][dates]") {
  for (const Instant end : {kBeginningOfTime, kBeginningOfTime + kMs, kEndOfTime}) {
    CHECK(answer_deadline(end) > kBeginningOfTime);
    CHECK(extended_deadline(end) > kBeginningOfTime);
    CHECK(cooloff_end(end, kEndOfTime, kDay) == kEndOfTime);
    CHECK(cooloff_end(kEndOfTime, end, milliseconds::max()) == kEndOfTime);
    ErasureRequest request;
    request.deadline = end;
    CHECK((deadline_state(request, kEndOfTime) == DeadlineState::overdue));
  }
  CHECK(cooloff_end(kBeginningOfTime, kBeginningOfTime, milliseconds::max()) < kEndOfTime);
}

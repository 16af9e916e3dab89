// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/metrics_text.h"

#include <catch2/catch.hpp>

#include "jobs/cli/earlier_metrics.h"
#include "policy/instant.h"

using namespace holdfast;
using Catch::Contains;

namespace {

Instant at(const char* text) {
  return parse_rfc3339(text).value();
}

RunReport report_of(Outcome outcome) {
  RunReport report;
  report.outcome = outcome;
  report.run_id = 7;
  report.clock.system_now = at("2030-01-01T02:00:00Z");
  report.duration = std::chrono::milliseconds{1500};
  return report;
}

std::string text_of(const RunReport& report, const MonitorFigures& figures = {}) {
  return metrics_text({.database = "/a.db", .version = "1"}, report, figures);
}

}  // namespace

TEST_CASE("what a run did not come to know has no line", "[metrics]") {
  const std::string text = text_of(report_of(Outcome::failed));
  CHECK_THAT(text,
             Contains("holdfast_last_run_outcome{database=\"/a.db\",outcome=\"failed\"} 1\n"));
  CHECK_THAT(text,
             Contains("holdfast_last_run_outcome{database=\"/a.db\",outcome=\"completed\"} 0\n"));
  CHECK_THAT(text,
             Contains("holdfast_last_run_timestamp_seconds{database=\"/a.db\"} 1893463200\n"));
  CHECK_THAT(text, Contains("holdfast_last_run_duration_seconds{database=\"/a.db\"} 1.5\n"));
  CHECK_THAT(text, Contains("holdfast_last_run_exit_status{database=\"/a.db\"} 1\n"));
  for (const char* name :
       {"last_success", "rows", "kept", "category", "holds", "erasures", "lock"}) {
    CHECK_THAT(text, !Contains(name));
  }
}

TEST_CASE("the same run gives the same text", "[metrics]") {
  CHECK(text_of(report_of(Outcome::partial)) == text_of(report_of(Outcome::partial)));
}

TEST_CASE("times are exact to the millisecond", "[metrics]") {
  RunReport report = report_of(Outcome::completed);
  report.clock.system_now = at("2030-01-01T02:00:00.123Z");
  CHECK_THAT(text_of(report),
             Contains("holdfast_last_run_timestamp_seconds{database=\"/a.db\"} 1893463200.123\n"));
}

TEST_CASE("labels are escaped", "[metrics]") {
  const std::string text = metrics_text(
      {.database = "a\"b\\c\nd\xff", .version = "1"}, report_of(Outcome::completed), {});
  CHECK_THAT(text, Contains(R"(database="a\"b\\c\nd\\xff")"));
}

TEST_CASE("categories beyond the bound share one line, those that wait come first", "[metrics]") {
  RunReport report = report_of(Outcome::partial);
  for (int number = 0; number < 100; ++number) {
    const std::string name = "cat" + std::to_string(1000 + number);
    report.ages.push_back({.category = name,
                           .oldest = at("2029-01-01") + std::chrono::hours{number},
                           .waiting = number == 99 ? 5 : 0});
  }
  const std::string text = text_of(report);
  CHECK_THAT(text, Contains("category_rows_waiting{database=\"/a.db\",category=\"cat1099\"} 5\n"));
  CHECK_THAT(text, Contains("category_rows_waiting{database=\"/a.db\",category=\"(other)\"} 0\n"));
  // The 63 named ones are cat1099 and cat1000 to cat1061; the oldest of the rest is cat1062's.
  CHECK_THAT(text, Contains("category=\"cat1061\"") && !Contains("category=\"cat1062\""));
  CHECK_THAT(
      text,
      Contains("category_oldest_row_timestamp_seconds{database=\"/a.db\",category=\"(other)\"} " +
               std::to_string(to_unix_ms(at("2029-01-01") + std::chrono::hours{62}) / 1000) +
               "\n"));
}

TEST_CASE("a window without an end has no cut-off to show", "[metrics]") {
  RunReport report = report_of(Outcome::completed);
  report.ages.push_back({.category = "account", .cutoff = kBeginningOfTime});
  CHECK_THAT(text_of(report), !Contains("category_cutoff"));
}

TEST_CASE("what was written is read back", "[metrics]") {
  const Instant now = at("2030-01-01T02:00:00Z");
  const MonitorFigures figures{
      .streak =
          RunStreak{.last_success = at("2029-12-30T02:00:00.250Z"), .partial = 3, .failed = 2}};
  const std::string text =
      metrics_text({.database = "a\"b\\c", .version = "1"}, report_of(Outcome::failed), figures);
  const EarlierMetrics earlier = parse_earlier_metrics(text, now);
  REQUIRE(earlier.streak.has_value());
  CHECK(earlier.streak->last_success == figures.streak->last_success);
  CHECK(earlier.streak->partial == 3);
  CHECK(earlier.streak->failed == 2);
  CHECK(earlier.database == "a\"b\\c");
  CHECK_FALSE(parse_earlier_metrics("", now).streak.has_value());
  CHECK_FALSE(parse_earlier_metrics("", now).database.has_value());
}

TEST_CASE("an old file that cannot be true is not believed", "[metrics]") {
  const Instant now = at("2030-01-01T02:00:00Z");
  const auto with_success = [](const std::string& value) {
    return "holdfast_last_success_timestamp_seconds{database=\"a\"} " + value +
           "\nholdfast_consecutive_partial_runs{database=\"a\"} 0\n"
           "holdfast_consecutive_failed_runs{database=\"a\"} 0\n";
  };
  CHECK(parse_earlier_metrics(with_success("0"), now).streak.has_value());
  CHECK_FALSE(parse_earlier_metrics(with_success("0"), now).streak->last_success.has_value());
  CHECK(parse_earlier_metrics(with_success("1893463200"), now).streak.has_value());
  for (const char* value : {"1893464000", "-1", "nan", "inf", "1e300", "12x", ""}) {
    CAPTURE(value);
    CHECK_FALSE(parse_earlier_metrics(with_success(value), now).streak.has_value());
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "jobs/decision_context.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/policy_document.h"
#include "tests/jobs/job_world.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr RunClock clock_at(Instant now) {
  return {.system_now = now, .as_of = now};
}

/// Stores the settings' policy as a version of the register.
void record(const JobWorld& world, const Settings& settings, Instant since) {
  const auto database = world.open();
  const PolicyState state = read_policy_state(*database, settings, since);
  in_write(*database, [&] {
    (void)database->policies().add({.version = state.current().number,
                                    .in_force_from = since,
                                    .digest = state.digest,
                                    .document = to_document(state.current().snapshot)});
  });
}

void set_baseline(const JobWorld& world, std::int64_t version) {
  const auto database = world.open();
  in_write(*database, [&] { database->policies().set_baseline(version); });
}

std::vector<std::int64_t> numbers(const PolicyState& state) {
  std::vector<std::int64_t> all;
  for (const PolicyVersion& each : state.versions) {
    all.push_back(each.number);
  }
  return all;
}

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("before the first run the configuration is the only version", "[context]") {
  const JobWorld world;
  const auto database = world.open();
  const PolicyState state = read_policy_state(*database, small_settings(), kTonight);
  CHECK(numbers(state) == Numbers{1});
  CHECK(state.first_run);
  CHECK_FALSE(state.recorded);
  CHECK(state.pending.empty());
  CHECK(state.current().in_force_from == kTonight);
  CHECK(state.digest == sha256_hex(to_document(state.current().snapshot)));
}

TEST_CASE("versions from before the first approved run do not count", "[context]") {
  const JobWorld world;
  Settings settings = small_settings();
  record(world, settings, kTonight);
  settings.retention.category["account"] = keep_for("1 day");
  record(world, settings, kTonight + hours{1});
  SECTION("none yet") {
    const auto database = world.open();
    const PolicyState state = read_policy_state(*database, settings, kTonight + hours{2});
    CHECK(state.first_run);
    CHECK(state.recorded);
    CHECK(numbers(state) == Numbers{2});
  }
  SECTION("the second is the baseline") {
    set_baseline(world, 2);
    settings.retention.category["account"] = keep_for("2 days");
    const auto database = world.open();
    const PolicyState state = read_policy_state(*database, settings, kTonight + hours{2});
    CHECK_FALSE(state.first_run);
    CHECK(numbers(state) == Numbers{2, 3});
    REQUIRE(state.pending.size() == 1);
    CHECK(state.pending.front().where == "retention.category.account.window");
    CHECK(state.pending.front().from == "1 day");
    CHECK(state.pending.front().to == "2 days");
  }
}

TEST_CASE("a new version is never in force before the one it replaces", "[context]") {
  const JobWorld world;
  Settings settings = small_settings();
  record(world, settings, kTonight);
  set_baseline(world, 1);
  settings.retention.category["account"] = keep_for("1 day");
  const auto database = world.open();
  const PolicyState state = read_policy_state(*database, settings, kTonight - hours{24 * 30});
  CHECK(state.current().in_force_from == kTonight);
}

TEST_CASE("a version that cannot be read stops everything", "[context]") {
  const JobWorld world;
  record(world, small_settings(), kTonight);
  set_baseline(world, 1);
  world.sql("UPDATE holdfast_policy SET document = substr(document, 1, 100)");
  const auto database = world.open();
  CHECK_THROWS_AS(read_policy_state(*database, small_settings(), kTonight), JobError);
}

TEST_CASE("a context decides by every version still in its delay", "[context]") {
  const JobWorld world;
  world.add_rows(1, {.time = sql_time("2026-01-01")});
  Settings settings = small_settings();
  record(world, settings, kTonight - hours{24 * 100});
  set_baseline(world, 1);
  settings.retention.category["account"] = keep_for("1 day");
  settings.safety.policy_shorten_delay = milliseconds{0};
  record(world, settings, kTonight);
  const auto reason_at = [&](const RunClock& clock) {
    const auto database = world.open();
    const PolicyState state = read_policy_state(*database, settings, clock.system_now);
    DecisionContext context{*database, settings, state, clock};
    std::string reason;
    (void)database->audit_log().read_row(RowKey::integer(1), [&](const RowFacts& row) {
      reason = to_token(context.decide_row(row).reason);
    });
    return reason;
  };
  const Instant over = kTonight + hours{24 * 7};
  CHECK(reason_at(clock_at(over)) == "policy_delay");
  CHECK(reason_at(clock_at(over + milliseconds{1})) == "expired");
  // Neither a system clock nor a run clock that is ahead alone ends the delay.
  CHECK(reason_at({.system_now = over + hours{99}, .as_of = over}) == "policy_delay");
  CHECK(reason_at({.system_now = over, .as_of = over + hours{99}}) == "policy_delay");
}

TEST_CASE("another mapping waits as a whole", "[context]") {
  const JobWorld world;
  Settings settings = small_settings();
  record(world, settings, kTonight - hours{24 * 100});
  set_baseline(world, 1);
  settings.earliest_plausible = at("1990-01-01");
  const auto database = world.open();
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  const DecisionContext context{*database, settings, state, clock_at(kTonight)};
  CHECK(context.frame().older_mapping_differs);
  const DecisionContext later{
      *database, settings, state, clock_at(kTonight + hours{24 * 7} + milliseconds{1})};
  CHECK_FALSE(later.frame().older_mapping_differs);
}

TEST_CASE("the strictest safety settings in force are the context's", "[context]") {
  const JobWorld world;
  Settings settings = small_settings();
  settings.safety.hold_release_grace = hours{24 * 60};
  record(world, settings, kTonight - hours{24 * 100});
  set_baseline(world, 1);
  settings.safety.hold_release_grace = milliseconds{0};
  settings.safety.max_category_share_ppm = 1'000'000;
  const auto database = world.open();
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  const DecisionContext context{*database, settings, state, clock_at(kTonight)};
  CHECK(context.safety().max_category_share_ppm == 200'000);
  CHECK(context.frame().hold_release_grace == hours{24 * 60});
}

TEST_CASE("holds are read again only when the register changed", "[context][hold]") {
  const JobWorld world;
  world.place({.subjects = {"bob"}});
  const auto database = world.open();
  const Settings settings = small_settings();
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  DecisionContext context{*database, settings, state, clock_at(kTonight)};
  CHECK(context.holds().holds().size() == 1);
  CHECK_FALSE(context.refresh_holds());
  const std::string before = context.hold_digest();
  world.place({.subjects = {"ann"}});
  CHECK(context.refresh_holds());
  CHECK(context.holds().holds().size() == 2);
  CHECK(context.hold_digest() != before);
  CHECK_FALSE(context.refresh_holds());
}

TEST_CASE("a hold whose grace is over is left out, one in its grace is not", "[context][hold]") {
  const JobWorld world;
  world.place({.subjects = {"bob"}});
  const auto database = world.open();
  in_write(*database, [&] {
    CHECK(database->holds().release(1, {.who = "alice", .at = kTonight, .reason = "settled"}));
  });
  const Settings settings = small_settings();
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  const Instant over = kTonight + hours{24 * 30};
  const DecisionContext in_grace{*database, settings, state, clock_at(over)};
  CHECK(in_grace.holds().holds().size() == 1);
  const DecisionContext after{*database, settings, state, clock_at(over + milliseconds{1})};
  CHECK(after.holds().empty());
  // The digest speaks of the register, whether or not a hold still matters.
  CHECK(after.hold_digest() == in_grace.hold_digest());
}

TEST_CASE("the lowest of the bookmarks counts", "[context]") {
  const JobWorld world;
  const auto database = world.open();
  const Settings settings = small_settings();
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  CHECK_FALSE(DecisionContext(*database, settings, state, clock_at(kTonight))
                  .frame()
                  .lowest_bookmark.has_value());
  in_write(*database, [&] {
    database->bookmarks().set({.name = "webhooks", .event_id = 40, .set_by = "x"});
    database->bookmarks().set({.name = "export", .event_id = 7, .set_by = "x"});
    database->bookmarks().set({.name = "other", .event_id = 90, .set_by = "x"});
  });
  const DecisionContext context{*database, settings, state, clock_at(kTonight)};
  CHECK(context.frame().lowest_bookmark == 7);
  CHECK(context.frame().ordered_keys);
}

TEST_CASE("a row with a bad time is decided by its first-seen record", "[context]") {
  const JobWorld world;
  world.add_rows(1, {.time = "'soon'"});
  const auto database = world.open();
  const Settings settings = small_settings();
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  DecisionContext context{*database, settings, state, clock_at(kTonight)};
  const auto reason = [&] {
    std::string token;
    (void)database->audit_log().read_row(RowKey::integer(1), [&](const RowFacts& row) {
      token = to_token(context.decide_row(row).reason);
      CHECK(context.explain_row(row).decision.reason == context.decide_row(row).reason);
    });
    return token;
  };
  CHECK(reason() == "bad_time");
  (void)database->audit_log().read_row(
      RowKey::integer(1), [&](const RowFacts& row) { database->first_seen().meet(row); });
  in_write(*database, [&] { (void)database->first_seen().record_met(at("2020-01-01"), 10); });
  CHECK(reason() == "expired");
  // Another stored time is another clock.
  world.sql("UPDATE audit_events SET occurred_at = 'later'");
  CHECK(reason() == "bad_time");
}

TEST_CASE("an archive that is wanted keeps everything while there is none", "[context]") {
  const JobWorld world;
  const auto database = world.open();
  Settings settings = small_settings();
  settings.archive = ArchiveSettings{};
  const PolicyState state = read_policy_state(*database, settings, kTonight);
  const DecisionContext context{*database, settings, state, clock_at(kTonight)};
  CHECK(context.archive_missing());
}

// SPDX-License-Identifier: Apache-2.0
#include "jobs/slice_runner.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/json_text.h"
#include "jobs/run_plan.h"
#include "tests/jobs/slice_bench.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("slices delete what was planned, each with its own line", "[slices]") {
  JobWorld world;
  world.add_rows(300);
  world.add_rows(5, {.time = sql_time("2026-11-01")});
  SliceBench bench{world};
  const SliceTotals& totals = bench.go();
  CHECK((totals.end == SlicesEnd::all_done));
  CHECK(totals.deleted == 300);
  CHECK(totals.handled == 300);
  CHECK(totals.vanished == 0);
  CHECK(totals.slices >= 2);
  CHECK(totals.tally.totals().deleted() == 300);
  CHECK(world.rows() == 5);
  CHECK(attested(world) == 300);
  CHECK(world.number("SELECT count(*) FROM holdfast_run_slice") == totals.slices);
  CHECK(world.number("SELECT max(number) FROM holdfast_run_slice") == totals.slices);
}

TEST_CASE("a line of a slice names the keys that it deleted", "[slices]") {
  JobWorld world;
  world.add_rows(50);
  SliceBench bench{world};
  (void)bench.go();
  const auto database = world.open();
  for (std::int64_t id = 1; id <= 50; ++id) {
    const auto slice = database->ledger().slice_that_deleted(RowKey::integer(id));
    REQUIRE(slice.has_value());
    CHECK(slice->run == bench.run());
    CHECK(slice->hold_digest == bench.context().hold_digest());
  }
  CHECK_FALSE(database->ledger().slice_that_deleted(RowKey::integer(51)).has_value());
}

TEST_CASE("a hold that is placed between two slices saves its rows", "[slices][hold]") {
  JobWorld world;
  world.add_rows(290);
  world.add_rows(10, {.subject = "'bob'"});
  SliceBench bench{world};
  world.observer().after_first_slice([&world] { world.place({.subjects = {"bob"}}); });
  const SliceTotals& totals = bench.go();
  CHECK(totals.hold_changes == 1);
  CHECK(totals.deleted == 290);
  CHECK(totals.handled == 300);
  CHECK(totals.tally.totals()[Reason::hold] == 10);
  CHECK(world.number("SELECT count(*) FROM audit_events WHERE subject = 'bob'") == 10);
  CHECK(attested(world) == 290);
  CHECK(world.number("SELECT count(DISTINCT hold_digest) FROM holdfast_run_slice") == 2);
}

TEST_CASE("a hold that is placed after the plan saves its rows from the first slice",
          "[slices][hold]") {
  JobWorld world;
  world.add_rows(3, {.subject = "'bob'"});
  SliceBench bench{world};
  REQUIRE(bench.plan().keys->size() == 3);
  world.place({.persons = {"bob"}});
  CHECK(bench.go().deleted == 0);
  CHECK(world.rows() == 3);
}

TEST_CASE("a hold that is written by hand, or widened, is noticed too", "[slices][hold]") {
  JobWorld world;
  world.add_rows(300);
  world.place({.subjects = {"nobody"}});
  SliceBench bench{world};
  SECTION("another term") {
    CHECK(world.rows() == 300);
    world.observer().after_first_slice(
        [&world] { world.sql("UPDATE holdfast_hold_term SET kind = 'tenant', value = 'acme'"); });
  }
  SECTION("everything") {
    CHECK(world.rows() == 300);
    world.observer().after_first_slice([&world] {
      world.sql("DELETE FROM holdfast_hold_term; UPDATE holdfast_hold SET everything = 1");
    });
  }
  const SliceTotals& totals = bench.go();
  CHECK(totals.hold_changes == 1);
  CHECK(totals.deleted < 300);
  CHECK(world.rows() == 300 - totals.deleted);
}

TEST_CASE("a hold that is released during a run is still in its grace", "[slices][hold]") {
  JobWorld world;
  world.add_rows(300);
  world.add_rows(10, {.subject = "'bob'"});
  world.place({.subjects = {"bob"}});
  SliceBench bench{world};
  REQUIRE(bench.plan().keys->size() == 300);
  world.observer().after_first_slice([&world] {
    const auto other = world.open();
    in_write(*other, [&] { (void)other->holds().release(1, {.who = "alice", .at = kTonight}); });
  });
  CHECK(bench.go().deleted == 300);
  CHECK(world.rows() == 10);
}

TEST_CASE("a row that changed after the plan is decided again", "[slices]") {
  JobWorld world;
  world.add_rows(10);
  SliceBench bench{world};
  SECTION("a newer time") {
    world.sql("UPDATE audit_events SET occurred_at = " + sql_time("2026-11-01") + " WHERE id = 4");
    CHECK(bench.go().tally.totals()[Reason::window] == 1);
  }
  SECTION("a stamp") {
    world.sql("UPDATE audit_events SET retain_until = " + sql_time("2030-01-01") + " WHERE id = 4");
    CHECK(bench.go().tally.totals()[Reason::row_stamp] == 1);
  }
  SECTION("another code") {
    world.sql("UPDATE audit_events SET code = 'NO_SUCH_CODE' WHERE id = 4");
    CHECK(bench.go().tally.totals()[Reason::unknown_code] == 1);
  }
  SECTION("a time that cannot be trusted") {
    world.sql("UPDATE audit_events SET occurred_at = 'soon' WHERE id = 4");
    CHECK(bench.go().tally.totals()[Reason::bad_time] == 1);
  }
  CHECK(bench.totals().deleted == 9);
  CHECK(bench.totals().handled == 10);
  CHECK(world.ask("SELECT group_concat(id) FROM audit_events") == "4");
}

TEST_CASE("a bookmark that is registered or set back during a run keeps its rows", "[slices]") {
  JobWorld world;
  world.add_rows(300);
  std::int64_t left = 0;
  SliceBench bench{world};
  world.observer().after_first_slice([&] {
    const auto other = world.open();
    in_write(*other, [&] {
      other->bookmarks().set({.name = "webhooks", .event_id = 0, .set_by = "alice"});
    });
    left = world.rows();
  });
  const SliceTotals& totals = bench.go();
  REQUIRE(left > 0);
  CHECK(world.rows() == left);
  CHECK(totals.tally.totals()[Reason::not_consumed] == left);
}

TEST_CASE("a row that somebody else deleted has vanished and is not claimed", "[slices]") {
  JobWorld world;
  world.add_rows(40);
  SliceBench bench{world};
  world.sql("DELETE FROM audit_events WHERE id IN (2, 39)");
  const SliceTotals& totals = bench.go();
  CHECK(totals.vanished == 2);
  CHECK(totals.deleted == 38);
  CHECK(totals.handled == 40);
  CHECK(attested(world) == 38);
  const auto database = world.open();
  CHECK_FALSE(database->ledger().slice_that_deleted(RowKey::integer(2)).has_value());
}

TEST_CASE("a write that fails anywhere in a slice leaves nothing half done", "[slices][fault]") {
  const auto lasting = GENERATE(FaultPlan::Lasting::once, FaultPlan::Lasting::for_good);
  int strikes = 0;
  for (int at_write = 1; at_write < 200; ++at_write) {
    JobWorld world;
    world.add_rows(12);
    SliceBench bench{world, {at_write, lasting}};
    bool failed = false;
    try {
      (void)bench.go();
    } catch (const StorageError& error) {
      failed = error.trouble() == StorageTrouble::full;
    }
    if (!failed) {
      break;
    }
    ++strikes;
    CAPTURE(at_write);
    CHECK(bench.totals().deleted == attested(world));
    CHECK(world.rows() == 12 - attested(world));
    CHECK(bench.totals().slices == world.number("SELECT count(*) FROM holdfast_run_slice"));
  }
  // 12 rows, and begin, line and commit of their slice.
  CHECK(strikes == 15);
}

TEST_CASE("the row budget ends the slices at that number of deleted rows", "[slices]") {
  JobWorld world;
  world.add_rows(5, {.subject = "'bob'"});
  world.add_rows(60);
  world.settings().run.max_rows = 21;
  SliceBench bench{world};
  world.place({.subjects = {"bob"}});
  const SliceTotals& totals = bench.go();
  CHECK((totals.end == SlicesEnd::out_of_rows));
  CHECK(totals.deleted == 21);
  CHECK(totals.handled == 26);
  CHECK(world.rows() == 44);
}

TEST_CASE("a row budget of all that is due ends with everything done", "[slices]") {
  JobWorld world;
  world.add_rows(20);
  world.settings().run.max_rows = 20;
  SliceBench bench{world};
  const SliceTotals& totals = bench.go();
  CHECK(totals.deleted == 20);
  CHECK((totals.end == SlicesEnd::all_done));
}

TEST_CASE("a stop flag ends the slices with the one under way committed", "[slices]") {
  JobWorld world;
  world.add_rows(300);
  SECTION("before the first") {
    SliceBench bench{world};
    world.stop().raise();
    CHECK((bench.go().end == SlicesEnd::stopped));
    CHECK(bench.totals().slices == 0);
    CHECK(world.rows() == 300);
  }
  SECTION("after the first") {
    SliceBench bench{world};
    world.observer().after_first_slice([&world] { world.stop().raise(); });
    CHECK((bench.go().end == SlicesEnd::stopped));
    CHECK(bench.totals().slices == 1);
    CHECK(world.rows() == 300 - bench.totals().deleted);
    CHECK(attested(world) == bench.totals().deleted);
  }
}

TEST_CASE("a time budget that is used up ends the slices after the first", "[slices]") {
  JobWorld world;
  world.add_rows(300);
  world.settings().run.max_time = std::chrono::milliseconds{0};
  SliceBench bench{world};
  CHECK((bench.go().end == SlicesEnd::out_of_time));
  CHECK(bench.totals().slices == 1);
  CHECK(bench.totals().deleted > 0);
  CHECK(world.rows() == 300 - bench.totals().deleted);
}

TEST_CASE("a row that a trigger protects while another goes is kept", "[slices]") {
  JobWorld world;
  world.add_rows(60);
  // Deleting row 10 gives row 12 a stamp: both were due when the slice began.
  world.sql(
      "CREATE TRIGGER stamp AFTER DELETE ON audit_events WHEN old.id = 10 BEGIN UPDATE "
      "audit_events SET retain_until = 4102444800000 WHERE id = 12; END");
  SliceBench bench{world};
  const SliceTotals& totals = bench.go();
  CHECK(totals.deleted == 59);
  CHECK(totals.tally.totals()[Reason::row_stamp] == 1);
  CHECK(world.number("SELECT id FROM audit_events") == 12);
}

TEST_CASE("a table, index or trigger that changes during the run ends it", "[slices]") {
  JobWorld world;
  world.add_rows(300);
  SliceBench bench{world};
  world.observer().after_first_slice(
      [&world] { world.sql("CREATE INDEX of_the_application ON audit_events (actor)"); });
  CHECK_THROWS_AS(bench.go(), StorageError);
  CHECK(bench.totals().slices == 1);
  CHECK(world.rows() == 300 - bench.totals().deleted);
}

TEST_CASE("the first-seen record of a row goes with the row", "[slices]") {
  JobWorld world;
  world.add_rows(2, {.time = "'soon'"});
  {
    const auto database = world.open();
    database->audit_log().scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& row) {
      database->first_seen().meet(row);
    });
    in_write(*database, [&] { (void)database->first_seen().record_met(at("2020-01-01"), 9); });
  }
  REQUIRE(world.number("SELECT count(*) FROM holdfast_first_seen") == 2);
  SliceBench bench{world};
  CHECK(bench.go().deleted == 2);
  CHECK(world.number("SELECT count(*) FROM holdfast_first_seen") == 0);
  CHECK(world.rows() == 0);
}

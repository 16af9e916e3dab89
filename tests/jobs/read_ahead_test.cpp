// SPDX-License-Identifier: Apache-2.0
#include "jobs/read_ahead.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/slice_digest.h"
#include "storage/storage_error.h"
#include "tests/jobs/slice_bench.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::milliseconds;

namespace {

constexpr int kRows = 60'000;
constexpr const char* kSalt = "a salt";
// Longer than the rows of any slice of these tests take to be read.
constexpr milliseconds kReadMeanwhile{150};

/// A log of rows that are all due, and slices long enough to be worth reading ahead.
class AheadWorld {
 public:
  AheadWorld() {
    world_.add_rows(kRows);
    world_.settings().run.max_lock = milliseconds{10};
    world_.settings().run.max_lock_idle = milliseconds{20};
  }
  [[nodiscard]] JobWorld& operator*() { return world_; }
  [[nodiscard]] JobWorld* operator->() { return &world_; }

  [[nodiscard]] SliceBench bench(FaultPlan faults = {}) {
    return SliceBench{world_, std::move(faults), {.salt = kSalt, .open_reader = [this] {
                                                    OpenOptions options = world_.options();
                                                    options.read_only = true;
                                                    return open_sqlite(options);
                                                  }}};
  }
  /// A second connection whose readings are watched; `real` keeps it.
  [[nodiscard]] std::unique_ptr<Database> slow_reader(std::unique_ptr<Database>& real,
                                                      FaultPlan& watched) const {
    OpenOptions options = world_.options();
    options.read_only = true;
    real = open_sqlite(options);
    return std::make_unique<FailingDatabase>(*real, watched);
  }
  /// Somebody else writes when the rows of the next slice have been read.
  void meanwhile(const std::string& sql) {
    world_.observer().after_slice(2, [this, sql] {
      std::this_thread::sleep_for(kReadMeanwhile);
      world_.sql(sql);
      left_ = world_.rows();
    });
  }
  /// Rows that were there right after that.
  [[nodiscard]] std::int64_t left() const { return left_; }

 private:
  JobWorld world_;
  std::int64_t left_ = -1;
};

/// The canonical bytes of every row.
std::map<RowKey, std::string> contents(const JobWorld& world) {
  const auto database = world.open();
  std::map<RowKey, std::string> found;
  std::vector<RowKey> keys;
  database->audit_log().for_each_key([&](const RowKey& key) { keys.push_back(key); });
  database->audit_log().read_whole_rows(keys, [&](const RowFacts& row, const RowContent& content) {
    content.append_to(found[*row.key]);
  });
  return found;
}

/// Every slice's digest is that of the rows that it names.
void check_digests(const JobWorld& world,
                   std::int64_t run,
                   const std::map<RowKey, std::string>& rows) {
  const auto database = world.open();
  for (const RunSlice& slice : database->ledger().slices(run)) {
    SliceDigest digest{kSalt};
    const auto keys = decode_keys(database->ledger().stored_keys(run, slice.number));
    for (const RowKey& key : keys) {
      digest.add(rows.at(key));
    }
    CHECK(static_cast<std::int64_t>(keys.size()) == slice.deleted);
    CHECK(slice.digest == digest.hex());
  }
}

}  // namespace

TEST_CASE("rows that are decided ahead go as all others do", "[read_ahead]") {
  AheadWorld world;
  world->add_rows(5, {.time = sql_time("2026-11-01")});
  const auto rows = contents(*world);
  SliceBench bench = world.bench();
  const SliceTotals& totals = bench.go();
  CHECK((totals.end == SlicesEnd::all_done));
  CHECK(totals.decided_ahead > kRows / 2);
  CHECK(totals.deleted == kRows);
  CHECK(totals.handled == kRows);
  CHECK(totals.tally.totals().deleted() == kRows);
  CHECK(world->rows() == 5);
  CHECK(attested(*world) == kRows);
  check_digests(*world, bench.run(), rows);
}

TEST_CASE("what changes after a row was decided ahead counts", "[read_ahead][hold]") {
  AheadWorld world;
  SliceBench bench = world.bench();
  Reason reason = Reason::row_stamp;
  SECTION("a stamp") {
    CHECK(world->rows() == kRows);
    world.meanwhile("UPDATE audit_events SET retain_until = " + sql_time("2036-01-01"));
  }
  SECTION("a hold") {
    CHECK(world->rows() == kRows);
    reason = Reason::hold;
    world.meanwhile(
        "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, "
        "placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, 'alice', 0)");
  }
  SECTION("a time") {
    CHECK(world->rows() == kRows);
    reason = Reason::window;
    world.meanwhile("UPDATE audit_events SET occurred_at = " + sql_time("2026-11-01"));
  }
  const SliceTotals& totals = bench.go();
  REQUIRE(totals.decided_ahead > 0);
  REQUIRE(world.left() > 0);
  CHECK(world->rows() == world.left());
  CHECK(totals.tally.totals()[reason] == world.left());
  CHECK(totals.deleted == kRows - world.left());
  CHECK(attested(*world) == totals.deleted);
}

TEST_CASE("rows that others delete after they were decided ahead are not claimed", "[read_ahead]") {
  AheadWorld world;
  SliceBench bench = world.bench();
  world.meanwhile("DELETE FROM audit_events WHERE id % 2 = 0");
  const SliceTotals& totals = bench.go();
  REQUIRE(totals.decided_ahead > 0);
  CHECK(totals.vanished > 0);
  CHECK(totals.deleted + totals.vanished == kRows);
  CHECK(attested(*world) == totals.deleted);
  CHECK(world->rows() == 0);
}

TEST_CASE("a slice that is cut short leaves nothing out", "[.long][long][read_ahead]") {
  AheadWorld world;
  world->settings().run.max_lock_idle = milliseconds{400};
  const auto rows = contents(*world);
  int written = 0;
  FaultPlan slow;
  slow.watch([&written](const std::string& what) {
    // For a while every row takes much longer than those before.
    ++written;
    if (what == "dispose" && written > kRows / 3 && written < kRows / 2 && written % 50 == 0) {
      std::this_thread::sleep_for(milliseconds{10});
    }
  });
  SliceBench bench = world.bench(slow);
  const SliceTotals& totals = bench.go();
  REQUIRE(totals.decided_ahead > 0);
  CHECK(totals.deleted == kRows);
  CHECK(totals.handled == kRows);
  CHECK(world->rows() == 0);
  CHECK(attested(*world) == kRows);
  check_digests(*world, bench.run(), rows);
}

TEST_CASE("the row budget counts rows that were decided ahead", "[read_ahead]") {
  AheadWorld world;
  world->settings().run.max_rows = 40'001;
  SliceBench bench = world.bench();
  const SliceTotals& totals = bench.go();
  CHECK(totals.decided_ahead > 0);
  CHECK((totals.end == SlicesEnd::out_of_rows));
  CHECK(totals.deleted == 40'001);
  CHECK(world->rows() == kRows - 40'001);
}

TEST_CASE("rows are read under the lock where reading ahead is not sound", "[read_ahead]") {
  AheadWorld world;
  SECTION("a trigger may change others") {
    CHECK(world->rows() == kRows);
    world->sql(
        "CREATE TABLE t (n); CREATE TRIGGER tr AFTER DELETE ON audit_events BEGIN "
        "DELETE FROM t; END");
  }
  SECTION("readers and writers wait for each other") {
    CHECK(world->rows() == kRows);
    world->sql("PRAGMA journal_mode = DELETE");
  }
  SliceBench bench = world.bench();
  const SliceTotals& totals = bench.go();
  CHECK(totals.decided_ahead == 0);
  CHECK(totals.deleted == kRows);
}

TEST_CASE("what a slice sets off in others is not read ahead of", "[read_ahead]") {
  AheadWorld world;
  SECTION("a trigger on a line that each slice writes") {
    CHECK(world->rows() == kRows);
    world->sql(
        "CREATE TRIGGER tr AFTER INSERT ON HOLDFAST_run_slice WHEN NEW.number = 2 BEGIN "
        "UPDATE audit_events SET retain_until = 4102444800000; END");
    SliceBench bench = world.bench();
    const SliceTotals& totals = bench.go();
    CHECK(totals.decided_ahead == 0);
    CHECK(totals.tally.totals()[Reason::row_stamp] == world->rows());
    CHECK(world->rows() > 0);
  }
  SECTION("a foreign key that refers to one") {
    CHECK(world->rows() == kRows);
    world->sql("CREATE TABLE t (n INTEGER REFERENCES holdfast_first_seen (key) ON DELETE CASCADE)");
    SliceBench bench = world.bench();
    CHECK(bench.go().decided_ahead == 0);
  }
}

TEST_CASE("rows that come slowly keep nobody from stopping the run", "[read_ahead]") {
  AheadWorld world;
  FaultPlan slow;
  bool asked = false;
  slow.watch([&](const std::string& what) {
    if (what == "read_whole_rows" && !std::exchange(asked, true)) {
      std::this_thread::sleep_for(kReadMeanwhile);
      world->stop().raise();
      std::this_thread::sleep_for(kReadMeanwhile);
    }
  });
  std::unique_ptr<Database> real;
  SliceBench bench{*world, {}, {.salt = kSalt, .open_reader = [&] {
                                  return world.slow_reader(real, slow);
                                }}};
  const SliceTotals& totals = bench.go();
  CHECK((totals.end == SlicesEnd::stopped));
  CHECK(totals.slices == 0);
  CHECK(world->rows() == kRows);
}

TEST_CASE("nothing is being read once the slices have ended", "[read_ahead]") {
  AheadWorld world;
  world->settings().run.max_rows = 20'000;
  std::atomic<int> readings{0};
  FaultPlan slow;
  slow.watch([&readings](const std::string& what) {
    if (what == "read_whole_rows") {
      ++readings;
      std::this_thread::sleep_for(milliseconds{5});
    }
  });
  std::unique_ptr<Database> real;
  SliceBench bench{*world, {}, {.salt = kSalt, .open_reader = [&] {
                                  return world.slow_reader(real, slow);
                                }}};
  CHECK(bench.go().decided_ahead > 0);
  const int at_the_end = readings;
  std::this_thread::sleep_for(kReadMeanwhile);
  CHECK(readings == at_the_end);
}

TEST_CASE("a run goes on where nothing can be read ahead", "[read_ahead]") {
  AheadWorld world;
  const JobWorld other;
  other.add_rows(kRows);
  other.sql("PRAGMA journal_mode = DELETE");
  std::function<std::unique_ptr<Database>()> open;
  SECTION("no second connection") {
    CHECK(world->rows() == kRows);
    open = []() -> std::unique_ptr<Database> {
      throw StorageError(StorageTrouble::other, "too many open files");
    };
  }
  SECTION("a second connection that does not see what others write") {
    CHECK(world->rows() == kRows);
    open = [&other] {
      OpenOptions options = other.options();
      options.read_only = true;
      return open_sqlite(options);
    };
  }
  SECTION("a second connection that cannot read") {
    CHECK(world->rows() == kRows);
    open = [&world] {
      OpenOptions options = world->options();
      options.read_only = true;
      options.registers_only = true;
      return open_sqlite(options);
    };
  }
  SliceBench bench{*world, {}, {.salt = kSalt, .open_reader = open}};
  const SliceTotals& totals = bench.go();
  CHECK(totals.decided_ahead == 0);
  CHECK(totals.deleted == kRows);
  CHECK(attested(*world) == kRows);
}

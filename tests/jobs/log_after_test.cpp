// SPDX-License-Identifier: Apache-2.0
// A log that is counted while it is copied gives the figures of one that is counted alone.
#include "jobs/log_after.h"

#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>
#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/storage_error.h"
#include "tests/jobs/log_builders.h"
#include "tests/jobs/slice_bench.h"
#include "tests/jobs/watched_reader.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;

namespace {

constexpr WorthAThread kAlways{.rows = 0, .log_bytes = 0};

/// A log with rows that came and rows that went since a run began.
class CountedWorld {
 public:
  CountedWorld() {
    RandomLogs logs;
    world_.sql(logs.rows(200));
    real_ = world_.open();
    deeds_.watch(watched_);
    first_ = std::make_unique<FailingDatabase>(*real_, watched_);
    before_ = first_->audit_log().highest_key();
    REQUIRE(real_->checkpoint_all());
    world_.sql("DELETE FROM audit_events WHERE id % 7 = 0");
    world_.sql(logs.rows(9));
    alone_ = count_log(*real_, before_);
    REQUIRE(alone_.rows == world_.number("SELECT count(*) FROM audit_events"));
    REQUIRE(alone_.old_rows == world_.number("SELECT count(*) FROM audit_events WHERE id <= " +
                                             std::to_string(*before_)));
    REQUIRE(alone_.rows > alone_.old_rows);
    REQUIRE(rows_without_log() != alone_.rows);
  }

  [[nodiscard]] JobWorld& operator*() { return world_; }
  [[nodiscard]] const LogAfter& alone() const { return alone_; }
  [[nodiscard]] Database& first() { return *first_; }
  /// How often the first connection counted.
  [[nodiscard]] int counts() const { return deeds_.count("count_rows"); }

  void check(const OpenReader& open_reader, const WorthAThread& worth = kAlways) {
    const LogAfter both = count_and_copy_log(*first_, before_, alone_.rows, open_reader, worth);
    CHECK(both.rows == alone_.rows);
    CHECK(both.old_rows == alone_.old_rows);
    REQUIRE(both.state.has_value());
    CHECK(both.state->rows == alone_.state->rows);
    CHECK(both.state->highest_key == alone_.state->highest_key);
    CHECK(rows_without_log() == alone_.rows);
    CHECK(real_->checkpoint_all());
  }

 private:
  /// Rows of the file alone.
  [[nodiscard]] std::int64_t rows_without_log() const {
    const std::string name = "file:" + world_.path().string() + "?immutable=1";
    SQLite::Database db(name,
                        SQLite::OPEN_READONLY | SQLite::OPEN_URI);  // NOLINT(hicpp-signed-bitwise)
    return db.execAndGet("SELECT count(*) FROM audit_events").getInt64();
  }

  JobWorld world_;
  std::unique_ptr<Database> real_;
  FaultPlan watched_;
  Deeds deeds_;
  std::unique_ptr<FailingDatabase> first_;
  std::optional<std::int64_t> before_;
  LogAfter alone_;
};

}  // namespace

TEST_CASE("a log that is copied meanwhile has the same count", "[log_after]") {
  CountedWorld counted;
  WatchedReader reader{*counted};
  SECTION("by a connection of its own") {
    counted.check(reader.opener());
    CHECK(reader.count("count_rows") == 1);
    CHECK(counted.counts() == 0);
  }
  SECTION("by one alone where there is little to count") {
    counted.check(reader.opener(), {.rows = counted.alone().rows + 1, .log_bytes = 0});
    CHECK(reader.count("count_rows") == 0);
  }
  SECTION("or where there is little to copy") {
    counted.check(reader.opener(), {.rows = 0, .log_bytes = counted.first().log_bytes() + 1});
    CHECK(reader.count("count_rows") == 0);
  }
  SECTION("or where nobody can be asked") {
    counted.check({});
  }
}

TEST_CASE("what another connection cannot say is counted by one's own", "[log_after]") {
  CountedWorld counted;
  WatchedReader reader{*counted};
  JobWorld other;
  OpenOptions options = (*counted).options();
  options.read_only = true;
  SECTION("it cannot be opened") {
    counted.check(
        []() -> std::unique_ptr<Database> { throw StorageError(StorageTrouble::busy, "closed"); });
  }
  SECTION("there is none") {
    counted.check([]() -> std::unique_ptr<Database> { return nullptr; });
  }
  SECTION("it fails at counting") {
    reader.when("count_rows", [] { throw StorageError(StorageTrouble::other, "no luck"); });
    counted.check(reader.opener());
  }
  SECTION("it is another database") {
    options.path = other.path();
    counted.check([&] { return open_sqlite(options); });
  }
  SECTION("it sees another table") {
    (*counted).sql(
        "CREATE TABLE others (id INTEGER PRIMARY KEY, occurred_at INTEGER, tenant TEXT, code TEXT, "
        "severity TEXT, actor TEXT, subject TEXT, retain_until INTEGER, metadata TEXT)");
    options.mapping.table = "others";
    counted.check([&] { return open_sqlite(options); });
  }
  CHECK(counted.counts() == 1);
}

TEST_CASE("a database that took the place of one that is open is not the same", "[log_after]") {
  JobWorld world;
  const auto first = world.open();
  const SecondConnection second{*first};
  const auto reader = [&] {
    OpenOptions options = world.options();
    options.read_only = true;
    return open_sqlite(options);
  };
  REQUIRE(second.open(reader) != nullptr);
  const std::filesystem::path file = world.path();
  const std::filesystem::path away = file.string() + ".away";
  std::filesystem::copy_file(file, away);
  std::filesystem::rename(away, file);
  CHECK(second.open(reader) == nullptr);
  CHECK(first->place_mark().empty());
}

TEST_CASE("a run counts with a second connection while it copies its log", "[log_after]") {
  JobWorld world;
  world.add_rows(300);
  world.add_rows(20, {.time = sql_time("2026-11-01")});
  world.be_alone();
  const auto real = world.open();
  FaultPlan watched;
  Deeds deeds;
  deeds.watch(watched);
  FailingDatabase database{*real, watched};
  WatchedReader reader{world};

  SECTION("and counts what it left") {
    const RunReport report = world.run_on(database, kTonight, reader.opener(), kAlways);
    CHECK(report.outcome == Outcome::completed);
    CHECK(report.figures.totals.deleted() == 300);
    CHECK(report.rows_after == world.number("SELECT count(*) FROM audit_events"));
    CHECK(report.wal_emptied);
    CHECK(reader.count("count_rows") == 1);
    CHECK(deeds.count("copy_log") == 1);
    // Only after its own audit row.
    CHECK(deeds.count("checkpoint_some") == 1);
  }
  SECTION("and rows that come meanwhile are no riddle for the next one") {
    reader.when("count_rows", [&world] { world.add_rows(3, {.time = sql_time("2026-11-20")}); });
    const RunReport report = world.run_on(database, kTonight, reader.opener(), kAlways);
    CHECK(report.outcome == Outcome::completed);
    reader.when("", [] {});
    const RunReport next = world.run_on(database, kTonight + hours{24}, reader.opener(), kAlways);
    CHECK(next.outcome == Outcome::completed);
    REQUIRE(next.between_runs.has_value());
    CHECK(next.between_runs->vanished() == 0);
    CHECK(next.between_runs->came_back() == 0);
    CHECK(next.rows_after == 20 + 3 + 2);
  }
  SECTION("and sees what somebody else deleted") {
    world.observer().after_first_slice(
        [&world] { world.sql("DELETE FROM audit_events WHERE id = 310"); });
    const RunReport report = world.run_on(database, kTonight, reader.opener(), kAlways);
    REQUIRE(report.error.has_value());
    CHECK(report.error->reason == "reconciliation");
    CHECK(report.differences.at("after_minus_expected") == -1);
  }
  SECTION("and empties it too where it fails before it has counted") {
    deeds.watch(watched, "copy_log", [] { throw StorageError(StorageTrouble::other, "no luck"); });
    const RunReport report = world.run_on(database, kTonight, reader.opener(), kAlways);
    CHECK(report.outcome == Outcome::failed);
    CHECK(report.wal_emptied);
  }
}

TEST_CASE("the log of the last slice is left only where nobody is there", "[log_after]") {
  JobWorld world;
  world.add_rows(300);
  FaultPlan watched;
  auto deeds = std::make_shared<Deeds>();
  deeds->watch(watched);
  SECTION("and nothing more is to be done") {
    world.be_alone();
    SliceBench bench{world, watched};
    CHECK(bench.go().slices == 1);
    CHECK(deeds->count("checkpoint_some") == 0);
  }
  SECTION("not where the run has more to do") {
    world.be_alone();
    SliceBench bench{world, watched, {.more_to_do = true}};
    CHECK(bench.go().slices == 1);
    CHECK(deeds->count("checkpoint_some") == 1);
  }
  SECTION("not beside somebody") {
    SliceBench bench{world, watched};
    const auto slices = bench.go().slices;
    CHECK(deeds->count("checkpoint_some") == slices);
  }
}

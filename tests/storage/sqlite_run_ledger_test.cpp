// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "storage/key_set.h"
#include "storage/registers/sql_run_ledger.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

RunClosing closing_as(const std::string& outcome) {
  return {.outcome = outcome, .closed_at = kDay, .record = "{}"};
}

/// Adds a run that has ended so.
std::int64_t add_run(RunLedger& ledger, const std::string& outcome) {
  const std::int64_t run = ledger.open({});
  ledger.close(run, closing_as(outcome));
  return run;
}

RowKey text_key(std::string_view text) {
  const std::vector<StoredView> values = {text};
  return RowKey::composite(values);
}

}  // namespace

TEST_CASE("runs are numbered without gaps, whatever was taken back", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  CHECK(database->ledger().open({}) == 1);
  {
    const auto scope = database->begin_write(Durability::full);
    CHECK(database->ledger().open({}) == 2);
  }
  CHECK(database->ledger().open({}) == 2);
}

TEST_CASE("a run comes back as it was written", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  const std::int64_t run = ledger.open({.opened_at = kDay,
                                        .as_of = kDay - std::chrono::hours{1},
                                        .started_by = "cron",
                                        .host = "h1",
                                        .process = 4711});
  ledger.enter_phase(run, "slices");
  const auto open = ledger.find(run);
  REQUIRE(open);
  CHECK_FALSE(open->closing);
  CHECK(open->phase == "slices");
  CHECK(open->opening.opened_at == kDay);
  CHECK(open->opening.as_of == kDay - std::chrono::hours{1});
  CHECK(open->opening.started_by == "cron");
  CHECK(open->opening.host == "h1");
  CHECK(open->opening.process == 4711);

  ledger.close(run,
               {.outcome = "failed",
                .error_reason = "full",
                .error_message = "no room",
                .closed_at = kDay,
                .deleted = 12,
                .record = "{\"a\":1}"});
  const auto closed = ledger.find(run);
  REQUIRE((closed && closed->closing));
  CHECK(closed->closing->outcome == "failed");
  CHECK(closed->closing->error_reason == "full");
  CHECK(closed->closing->error_message == "no room");
  CHECK(closed->closing->closed_at == kDay);
  CHECK(closed->closing->deleted == 12);
  CHECK(closed->closing->record == "{\"a\":1}");
  CHECK_FALSE(ledger.find(99));
}

TEST_CASE("a run is closed once and changes no more", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  const std::int64_t run = add_run(ledger, "completed");
  CHECK_THROWS_AS(ledger.close(run, closing_as("failed")), StorageError);
  CHECK_THROWS_AS(ledger.enter_phase(run, "slices"), StorageError);
  CHECK_THROWS_AS(ledger.close(99, closing_as("failed")), StorageError);
  CHECK(ledger.find(run)->closing->outcome == "completed");
}

TEST_CASE("runs left open come ascending, newest ones descending without their records",
          "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  ledger.open({});
  add_run(ledger, "completed");
  ledger.open({});
  const auto left = ledger.left_open();
  REQUIRE(left.size() == 2);
  CHECK(left[0].id == 1);
  CHECK(left[1].id == 3);
  const auto newest = ledger.newest(2);
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].id == 3);
  CHECK(newest[1].id == 2);
  CHECK(newest[1].closing->record.empty());
  CHECK(ledger.last()->id == 3);
}

TEST_CASE("the last success is one that did the job", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  CHECK_FALSE(ledger.last_success());
  const std::string outcome = GENERATE("completed", "partial", "limited");
  const std::int64_t run = add_run(ledger, outcome);
  for (const char* other : {"failed", "refused", "invalid", "interrupted"}) {
    add_run(ledger, other);
  }
  ledger.open({});
  CHECK(ledger.last_success()->id == run);
}

TEST_CASE("slices come ascending without their keys, and only of a run that is there", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  const std::int64_t run = ledger.open({});
  const RunSlice second{.run = run,
                        .number = 2,
                        .deleted = 2,
                        .tally = "{}",
                        .keys = encode_keys({RowKey::integer(1), RowKey::integer(2)}),
                        .hold_version = 7,
                        .hold_digest = "abc"};
  ledger.add_slice(second);
  ledger.add_slice({.run = run, .number = 1, .keys = encode_keys({})});
  const auto slices = ledger.slices(run);
  REQUIRE(slices.size() == 2);
  CHECK(slices[0].number == 1);
  CHECK(slices[1].deleted == 2);
  CHECK(slices[1].tally == "{}");
  CHECK(slices[1].hold_version == 7);
  CHECK(slices[1].hold_digest == "abc");
  CHECK(slices[1].keys.empty());
  CHECK_THROWS_AS(ledger.add_slice(second), SQLite::Exception);
  CHECK_THROWS_AS(ledger.add_slice({.run = 99, .keys = encode_keys({})}), SQLite::Exception);
}

TEST_CASE("the slice that deleted a row is found, the newest one where an id came back",
          "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  ledger.open({});
  ledger.open({});
  const auto add = [&](std::int64_t run, std::int64_t number, const std::vector<RowKey>& keys) {
    ledger.add_slice({.run = run, .number = number, .keys = encode_keys(keys)});
  };
  add(1, 1, {RowKey::integer(1), RowKey::integer(2)});
  add(1, 2, {text_key("a")});
  add(2, 1, {RowKey::integer(2)});
  CHECK(ledger.slice_that_deleted(RowKey::integer(1))->run == 1);
  CHECK(ledger.slice_that_deleted(RowKey::integer(2))->run == 2);
  CHECK(ledger.slice_that_deleted(text_key("a"))->number == 2);
  CHECK_FALSE(ledger.slice_that_deleted(RowKey::integer(3)));
  CHECK_FALSE(ledger.slice_that_deleted(text_key("b")));
}

TEST_CASE("a slice whose keys cannot be read is said, not skipped", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  database->ledger().open({});
  run_sql(
      scratch.file("audit.db"),
      "INSERT INTO holdfast_run_slice (run_id, number, deleted, tally, hold_version, hold_digest, "
      "keys) VALUES (1, 1, 0, '', 0, '', x'52FF')");
  const StorageError error =
      error_of([&] { (void)database->ledger().slice_that_deleted(RowKey::integer(1)); });
  CHECK(error.trouble() == StorageTrouble::corrupt);
}

TEST_CASE("the last clock is the one stored last, not the latest", "[ledger]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  RunLedger& ledger = database->ledger();
  CHECK_FALSE(ledger.last_clock());
  ledger.store_clock({.system_now = kDay, .as_of = kDay}, "run 1");
  ledger.store_clock(
      {.system_now = kDay - std::chrono::hours{2}, .as_of = kDay - std::chrono::hours{1}},
      "approve --clock");
  CHECK(ledger.last_clock()->system_now == kDay - std::chrono::hours{2});
  CHECK(ledger.last_clock()->as_of == kDay - std::chrono::hours{1});
}

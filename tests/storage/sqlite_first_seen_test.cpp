// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <catch2/catch.hpp>

#include "storage/registers/sql_first_seen.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const std::array<RowKey, 5> kKeys = {RowKey::integer(1),
                                     RowKey::integer(2),
                                     RowKey::integer(3),
                                     RowKey::integer(4),
                                     RowKey::integer(5)};

RowFacts row_of(std::size_t number,
                StoredView time = std::monostate{},
                std::optional<std::string_view> code = "A") {
  return {.key = &kKeys.at(number - 1), .time = time, .code = code};
}

/// One run that meets these rows and records them.
void record(Database& database, const std::vector<RowFacts>& rows, Instant seen_at) {
  database.first_seen().forget_met();
  for (const RowFacts& row : rows) {
    database.first_seen().meet(row);
  }
  in_write(database, [&] { CHECK(database.first_seen().record_met(seen_at, 1000) == 0); });
}

constexpr std::chrono::hours kHour{1};

}  // namespace

TEST_CASE("a row is first seen when a run records it, not when it meets it", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  database->first_seen().meet(row_of(1));
  CHECK_FALSE(database->first_seen().find(row_of(1)));
  record(*database, {row_of(1)}, kDay);
  CHECK(database->first_seen().find(row_of(1)) == kDay);
  CHECK_FALSE(database->first_seen().find(row_of(2)));
}

TEST_CASE("the earlier of two sightings counts", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  record(*database, {row_of(1)}, kDay);
  record(*database, {row_of(1)}, kDay + kHour);
  CHECK(database->first_seen().find(row_of(1)) == kDay);
  record(*database, {row_of(1)}, kDay - kHour);
  CHECK(database->first_seen().find(row_of(1)) == kDay - kHour);
}

TEST_CASE("a row whose stored time or code changed starts anew", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  struct Row {
    StoredView time;
    std::optional<std::string_view> code;
  };
  const auto changed = GENERATE(Row{std::int64_t{5}, "B"},
                                Row{std::int64_t{5}, std::nullopt},
                                Row{std::int64_t{6}, "A"},
                                Row{5.0, "A"},
                                Row{std::string_view{"5"}, "A"},
                                Row{BlobView{"5"}, "A"},
                                Row{std::monostate{}, "A"});
  record(*database, {row_of(1, std::int64_t{5})}, kDay);
  const RowFacts now = row_of(1, changed.time, changed.code);
  CHECK_FALSE(database->first_seen().find(now));
  record(*database, {now}, kDay + kHour);
  CHECK(database->first_seen().find(now) == kDay + kHour);
  CHECK_FALSE(database->first_seen().find(row_of(1, std::int64_t{5})));
}

TEST_CASE("every kind of stored time is found again", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  const StoredView time = GENERATE(as<StoredView>{},
                                   std::monostate{},
                                   std::int64_t{-1},
                                   0.5,
                                   std::string_view{"a\0b\xFF", 4},
                                   std::string_view{""},
                                   BlobView{""});
  record(*database, {row_of(1, time, std::nullopt)}, kDay);
  CHECK(database->first_seen().find(row_of(1, time, std::nullopt)) == kDay);
}

TEST_CASE("rows are recorded in pieces, and a write that is taken back is done again",
          "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  FirstSeenRegister& first_seen = database->first_seen();
  for (std::size_t number = 1; number <= 5; ++number) {
    first_seen.meet(row_of(number));
  }
  first_seen.meet(row_of(3));
  in_write(*database, [&] { CHECK(first_seen.record_met(kDay, 2) == 3); });
  {
    const auto taken_back = database->begin_write(Durability::full);
    CHECK(first_seen.record_met(kDay, 2) == 1);
  }
  CHECK_FALSE(first_seen.find(row_of(3)));
  in_write(*database, [&] { CHECK(first_seen.record_met(kDay, 2) == 1); });
  in_write(*database, [&] { CHECK(first_seen.record_met(kDay, 2) == 0); });
  in_write(*database, [&] { CHECK(first_seen.record_met(kDay, 2) == 0); });
  CHECK(ask_sql(scratch.file("audit.db"), "SELECT count(*) FROM holdfast_first_seen") == "5");
}

TEST_CASE("records of rows that were not met are dropped", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  record(*database, {row_of(1), row_of(2)}, kDay);
  record(*database, {row_of(2)}, kDay);
  in_write(*database, [&] { database->first_seen().drop_unmet(); });
  CHECK_FALSE(database->first_seen().find(row_of(1)));
  CHECK(database->first_seen().find(row_of(2)));
}

TEST_CASE("a run that met no row drops every record", "[first-seen]") {
  const ScratchDatabase scratch;
  {
    const auto before = made_database(scratch.options());
    record(*before, {row_of(1), row_of(2)}, kDay);
  }
  const auto database = open_sqlite(scratch.options());
  CHECK(database->first_seen().find(row_of(1)));
  in_write(*database, [&] { database->first_seen().drop_unmet(); });
  CHECK_FALSE(database->first_seen().find(row_of(1)));
  CHECK_FALSE(database->first_seen().find(row_of(2)));
}

TEST_CASE("forgetting what was met records nothing of it", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  database->first_seen().meet(row_of(1));
  database->first_seen().forget_met();
  in_write(*database, [&] { CHECK(database->first_seen().record_met(kDay, 10) == 0); });
  CHECK_FALSE(database->first_seen().find(row_of(1)));
}

TEST_CASE("the record of a deleted row goes with it", "[first-seen]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  record(*database, {row_of(1), row_of(2)}, kDay);
  in_write(*database, [&] { database->first_seen().drop(kKeys[0]); });
  CHECK_FALSE(database->first_seen().find(row_of(1)));
  CHECK(database->first_seen().find(row_of(2)));
}

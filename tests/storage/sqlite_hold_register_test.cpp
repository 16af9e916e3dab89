// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "storage/registers/sql_hold_register.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kInsertHold =
    "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, "
    "placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, 'a', 0)";

LegalHold tenant_hold(const std::string& tenant) {
  LegalHold hold{.matter = "2026-17", .reason = "litigation", .placed_by = "alice"};
  hold.scope.tenants = {tenant};
  return hold;
}

/// A hold with something in every field, its terms sorted.
LegalHold full_hold() {
  return {.matter = "2026-17",
          .reason = std::string("a\0b", 3) + "\xFF and more",
          .basis = "Art. 18",
          .kind = HoldKind::restriction,
          .locked = true,
          .scope = {.tenants = {"acme", "globex"},
                    .persons = {"p"},
                    .actors = {"a"},
                    .subjects = {"s"},
                    .categories = {"account"},
                    .category_codes = {"A", "B"},
                    .codes = {"C"},
                    .event_ids = {"4711", ""},
                    .from = kDay,
                    .until = kDay + std::chrono::hours{24}},
          .placed_by = "alice",
          .placed_at = kDay,
          .review_by = kDay + std::chrono::hours{48}};
}

/// What a reader of the register meets after `sql` has gone over it.
StorageError reading_error(const std::string& sql) {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  in_write(*database, [&] { database->holds().place(tenant_hold("acme")); });
  run_sql(scratch.file("audit.db"), sql);
  return error_of([&] { (void)database->holds().all(); });
}

}  // namespace

TEST_CASE("a hold comes back as it was placed", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  LegalHold hold = full_hold();
  in_write(*database, [&] { hold.id = database->holds().place(hold); });
  const auto holds = database->holds().all();
  REQUIRE(holds.size() == 1);
  const LegalHold& found = holds.front();
  hold.scope.event_ids = {"", "4711"};
  CHECK(found.id == 1);
  CHECK(found.matter == hold.matter);
  CHECK(found.reason == hold.reason);
  CHECK(found.basis == hold.basis);
  CHECK(found.kind == hold.kind);
  CHECK(found.locked);
  CHECK(found.scope == hold.scope);
  CHECK(found.placed_by == hold.placed_by);
  CHECK(found.placed_at == hold.placed_at);
  CHECK(found.review_by == hold.review_by);
  CHECK(found.active());
}

TEST_CASE("a hold on everything and one on a range alone need no term", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  in_write(*database, [&] {
    database->holds().place({.scope = {.everything = true}});
    database->holds().place({.scope = {.from = kDay}});
  });
  CHECK(database->holds().all().size() == 2);
}

TEST_CASE("a hold that names nothing is not placed", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  CHECK_THROWS_AS(database->holds().place(LegalHold{.matter = "m"}), StorageError);
  CHECK(database->holds().all().empty());
}

TEST_CASE("a released hold stays in the register and is released once", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  HoldRegister& holds = database->holds();
  const std::int64_t id = holds.place(tenant_hold("acme"));
  const Signature by{.who = "bob", .at = kDay, .reason = "settled"};
  CHECK(holds.release(id, by));
  CHECK_FALSE(holds.release(id, {.who = "carol", .at = kDay, .reason = "again"}));
  CHECK_FALSE(holds.release(99, by));
  const auto all = holds.all();
  REQUIRE(all.size() == 1);
  CHECK(all.front().released_at == kDay);
  CHECK(all.front().released_by == "bob");
  CHECK(all.front().release_reason == "settled");
}

TEST_CASE("only an active hold gets a new review date", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  HoldRegister& holds = database->holds();
  const std::int64_t id = holds.place(tenant_hold("acme"));
  const Signature by{.who = "bob", .at = kDay, .reason = "still going"};
  CHECK(holds.review(id, kDay + std::chrono::hours{24}, by));
  CHECK(holds.all().front().review_by == kDay + std::chrono::hours{24});
  CHECK(ask_sql(scratch.file("audit.db"),
                "SELECT reviewed_by || review_reason FROM holdfast_hold") == "bobstill going");
  CHECK(holds.release(id, by));
  CHECK_FALSE(holds.review(id, kDay, by));
}

TEST_CASE("the ids of holds are never used again", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  CHECK(database->holds().place(tenant_hold("acme")) == 1);
  run_sql(scratch.file("audit.db"), "DELETE FROM holdfast_hold_term; DELETE FROM holdfast_hold");
  CHECK(database->holds().place(tenant_hold("acme")) == 2);
}

TEST_CASE("whatever another program does to the register moves its version", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  in_write(*database, [&] { database->holds().place(tenant_hold("acme")); });
  const std::int64_t before = database->holds().version();
  const std::string sql = GENERATE(as<std::string>{},
                                   kInsertHold,
                                   "UPDATE holdfast_hold SET released_at_ms = 1",
                                   "DELETE FROM holdfast_hold",
                                   "INSERT INTO holdfast_hold_term VALUES (1, 'actor', 'x')",
                                   "UPDATE holdfast_hold_term SET value = 'other'",
                                   "DELETE FROM holdfast_hold_term");
  run_sql(scratch.file("audit.db"), sql);
  CHECK(database->holds().version() == before + 1);
}

TEST_CASE("the version is taken back with the change", "[hold]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  {
    const auto scope = database->begin_write(Durability::full);
    database->holds().place(tenant_hold("acme"));
    CHECK(database->holds().version() > 0);
  }
  CHECK(database->holds().version() == 0);
  CHECK(database->holds().all().empty());
}

TEST_CASE("a hold that cannot be read stops the reader, and is named", "[hold]") {
  const std::string lax =
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') "
      "WHERE name = 'holdfast_hold'; PRAGMA writable_schema = RESET; ";
  struct Row {
    std::string sql;
    std::string words;
  };
  const auto row = GENERATE_COPY(
      Row{"UPDATE holdfast_hold SET kind = 'whim'", "unknown kind \"whim\""},
      Row{"UPDATE holdfast_hold_term SET kind = 'colour'", "unknown kind of term \"colour\""},
      Row{"DELETE FROM holdfast_hold_term", "names nothing"},
      Row{"UPDATE holdfast_hold SET from_ms = 2, until_ms = 1", "ends before it begins"},
      Row{"UPDATE holdfast_hold SET from_ms = 2, until_ms = 2", "ends before it begins"},
      Row{lax + "UPDATE holdfast_hold SET placed_at_ms = 'soon'", "no integer"},
      Row{lax + "UPDATE holdfast_hold SET released_at_ms = 1.5", "no integer"},
      Row{lax + "UPDATE holdfast_hold SET until_ms = 'late'", "no integer"},
      Row{"PRAGMA foreign_keys = OFF; DELETE FROM holdfast_hold", "its line is not"});
  const StorageError error = reading_error(row.sql);
  CHECK(error.trouble() == StorageTrouble::corrupt);
  CHECK_THAT(error.what(), Contains("hold 1 cannot be read") && Contains(row.words));
}

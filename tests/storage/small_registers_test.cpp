// SPDX-License-Identifier: Apache-2.0
#include "storage/small_registers.h"

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("bookmarks come by name, and setting one again moves it", "[bookmark]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  BookmarkRegister& bookmarks = database->bookmarks();
  bookmarks.set({.name = "webhooks", .event_id = 5, .set_by = "alice", .set_at = kDay});
  bookmarks.set({.name = "export", .event_id = 9, .set_by = "alice", .set_at = kDay});
  bookmarks.set({.name = "webhooks", .event_id = 7, .set_by = "bob", .set_at = kDay});
  const auto all = bookmarks.all();
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "export");
  CHECK(all[1].name == "webhooks");
  CHECK(all[1].event_id == 7);
  CHECK(all[1].set_by == "bob");
  CHECK(all[1].set_at == kDay);
}

TEST_CASE("a bookmark is dropped once", "[bookmark]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  database->bookmarks().set({.name = "export"});
  CHECK(database->bookmarks().drop("export"));
  CHECK_FALSE(database->bookmarks().drop("export"));
  CHECK(database->bookmarks().all().empty());
}

TEST_CASE("the journal gives the lines after a number in their order", "[journal]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  Journal& journal = database->journal();
  journal.add({.what = "hold_placed"});
  journal.add({.by = {.who = "alice", .at = kDay, .reason = "because"},
               .what = "clock_set",
               .detail = "{\"a\":1}"});
  journal.add({.what = "plan_approved"});
  const auto lines = journal.since(1);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].id == 2);
  CHECK(lines[0].by.who == "alice");
  CHECK(lines[0].by.at == kDay);
  CHECK(lines[0].by.reason == "because");
  CHECK(lines[0].what == "clock_set");
  CHECK(lines[0].detail == "{\"a\":1}");
  CHECK(lines[1].what == "plan_approved");
  CHECK(journal.since(3).empty());
}

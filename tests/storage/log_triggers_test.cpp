// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/log_triggers.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/storage/guarded_log.h"
#include "tests/storage/scratch_log.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;

constexpr const char* kNoRowid =
    "CREATE TABLE audit_events (id TEXT PRIMARY KEY, occurred_at INTEGER, code TEXT, actor TEXT, "
    "batch INTEGER) WITHOUT ROWID;";
constexpr const char* kRows =
    "INSERT INTO audit_events VALUES ('a', 1, 'C', 'ann', 1), ('b', 1, 'C', 'bob', 1)";

}  // namespace

TEST_CASE("no trigger may fire when a row of a log without rowids goes", "[log_triggers]") {
  const auto [trigger, says] = GENERATE(table<std::string, std::string>({
      {"AFTER DELETE ON audit_events BEGIN DELETE FROM audit_events WHERE batch = old.batch; END",
       "trigger \"sly\" fires when a row of it is deleted"},
      {"BEFORE DELETE ON AUDIT_EVENTS BEGIN SELECT 1; END",
       "trigger \"sly\" fires when a row of it is deleted"},
      {"AFTER INSERT ON holdfast_run_slice BEGIN DELETE FROM audit_events; END",
       "trigger \"sly\" fires when Holdfast writes holdfast_run_slice"},
      {"AFTER INSERT ON holdfast_event BEGIN DELETE FROM audit_events; END",
       "trigger \"sly\" fires when Holdfast writes holdfast_event"},
  }));
  GuardedLog log{std::string{kNoRowid} + kRows, {}};
  if (!GENERATE(true, false)) {
    log.drop_guards();
  }
  log.run("CREATE TRIGGER sly " + trigger);
  const StorageError error = error_of([&] { log.reopen(); });
  CHECK(error.trouble() == StorageTrouble::mapping);
  CHECK_THAT(error.what(),
             Contains("is WITHOUT ROWID, and " + says) && Contains("drop that trigger"));
  log.run("DROP TRIGGER sly");
  log.reopen();
  in_write(log.database(), [&] {
    log.database().audit_log().dispose_one(*log.database().audit_log().find_key("a"));
  });
  CHECK(log.ask("SELECT group_concat(id) FROM audit_events") == "b");
}

TEST_CASE("a trigger with the name of one of Holdfast's own is another one", "[log_triggers]") {
  GuardedLog log{std::string{kNoRowid} + kRows, {}};
  log.drop_guards();
  log.run(
      "DROP TRIGGER holdfast_hold_updated;"
      "CREATE TRIGGER holdfast_hold_updated AFTER UPDATE ON holdfast_hold BEGIN "
      "DELETE FROM audit_events; END");
  CHECK_THAT(error_of([&] { log.reopen(); }).what(), Contains("trigger \"holdfast_hold_updated\""));
}

TEST_CASE("a log without rowids takes no row back where a trigger fires", "[log_triggers]") {
  GuardedLog log{std::string{kNoRowid} + kRows, {}};
  log.drop_guards();
  AuditLog& before = log.database().audit_log();
  const RowKey key = *before.find_key("a");
  std::string content;
  REQUIRE(before.read_whole_row(
      key, [&](const RowFacts&, const RowContent& whole) { whole.append_to(content); }));
  in_write(log.database(), [&] { before.dispose_one(key); });
  log.run(
      "CREATE TRIGGER sly AFTER INSERT ON audit_events BEGIN "
      "DELETE FROM audit_events WHERE id = 'b'; END");
  log.reopen();
  const auto put_back = [&] {
    in_write(log.database(), [&] { (void)log.database().audit_log().put_back(key, content); });
  };
  CHECK_THROWS_WITH(put_back(), Contains("\"sly\" fires when Holdfast puts a row back"));
  CHECK(log.ask("SELECT group_concat(id) FROM audit_events") == "b");
  log.run("DROP TRIGGER sly");
  log.reopen();
  put_back();
  CHECK(log.ask("SELECT group_concat(id) FROM audit_events") == "a,b");
}

TEST_CASE("nobody is erased from a log without rowids where a trigger fires", "[log_triggers]") {
  GuardedLog log{std::string{kNoRowid} + kRows, {}};
  log.drop_guards();
  log.run(
      "CREATE TRIGGER sly AFTER UPDATE ON audit_events BEGIN "
      "DELETE FROM audit_events WHERE id = 'b'; END");
  log.reopen();
  const std::string says = "\"sly\" fires when Holdfast erases a person from it";
  CHECK_THROWS_WITH(log.database().subjects().require_rewritable_log(), Contains(says));
  const RowKey key = *log.database().audit_log().find_key("a");
  CHECK_THROWS_WITH(
      in_write(log.database(),
               [&] { log.database().subjects().rewrite(LogPlace::log, key, {.actor = "t"}); }),
      Contains(says));
  CHECK(log.ask("SELECT group_concat(id) FROM audit_events") == "a,b");
}

TEST_CASE("a trigger that fires when Holdfast is not writing is a doubt only", "[log_triggers]") {
  ScratchLog log{std::string{kNoRowid} +
                 "CREATE TRIGGER adding AFTER INSERT ON audit_events BEGIN SELECT 1; END"};
  CHECK_THAT(log.probe().shape.doubts.front(),
             Contains("trigger \"adding\" fires when a row is added") &&
                 Contains("Holdfast refuses to fire it"));
}

TEST_CASE("no trigger may fire when a row of a log with children goes", "[log_triggers]") {
  ScratchLog log{
      "CREATE TABLE log (id INTEGER PRIMARY KEY, at INTEGER, code TEXT);"
      "CREATE TABLE part (a INTEGER REFERENCES log);"
      "CREATE TRIGGER sly AFTER DELETE ON log BEGIN DELETE FROM part; END"};
  LogMapping mapping{.table = "log", .time = "at", .children = {{"part", {"a"}}}};
  CHECK_THAT(log.objection(mapping),
             Contains("has trigger \"sly\", which fires when a row is deleted") &&
                 Contains("[events].children"));
  log.run("DROP TRIGGER sly");
  CHECK(log.objection(mapping).empty());
}

}  // namespace holdfast::testing

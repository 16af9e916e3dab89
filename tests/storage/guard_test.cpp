// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/storage/guarded_log.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

/// 1 due; 2 not due; 3 held; 4 stamped; 5 of no known code; 6 and 7 with times that mean nothing; 8
/// with a stamp that has passed; 9 with one that nobody can read.
void fill(GuardedLog& log) {
  const std::string old = ms(kLongAgo);
  log.run("INSERT INTO audit_events (occurred_at, code, subject, retain_until) VALUES (" + old +
          ", 'C', 'a', NULL), (" + ms(kCutoff) + ", 'C', 'a', NULL), (" + old +
          ", 'C', 'bea', NULL), (" + old + ", 'C', 'a', " + ms(kDay) + "), (" + old +
          ", 'X', 'a', NULL), ('yesterday', 'C', 'a', NULL), (5, 'C', 'a', NULL), (" + old +
          ", 'C', 'a', " + ms(kLongAgo) + "), (" + old + ", 'C', 'a', 'soon')");
  in_write(log.database(), [&] {
    log.database().holds().place(
        {.matter = "2026-014 O'Neill", .scope = {.persons = {"bea"}}, .placed_at = kLongAgo});
  });
  log.tell();
}

std::string row(int id) {
  return " WHERE id = " + std::to_string(id);
}

}  // namespace

TEST_CASE("others delete and change rows that are due, and no others", "[guard]") {
  GuardedLog log;
  fill(log);
  for (const int due : {1, 8}) {
    CHECK(log.refusal("UPDATE audit_events SET severity = 'x'" + row(due)).empty());
    CHECK(log.refusal("DELETE FROM audit_events" + row(due)).empty());
  }
  const auto [id, why] = GENERATE(table<int, std::string>({{2, "is not due"},
                                                           {3, "matter 2026-014 O''Neill (hold 1)"},
                                                           {4, "the stamp of this row"},
                                                           {5, "is not due"},
                                                           {6, "is not due"},
                                                           {7, "is not due"},
                                                           {9, "the stamp of this row"}}));
  CHECK_THAT(log.refusal("DELETE FROM audit_events" + row(id)), Contains(why));
  CHECK_THAT(log.refusal("UPDATE audit_events SET severity = 'x'" + row(id)), Contains(why));
  CHECK_THAT(log.refusal("UPDATE OR IGNORE audit_events SET severity = 'x'" + row(id)),
             Contains(why));
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "7");
  CHECK(log.ask("SELECT count(*) FROM audit_events WHERE severity IS NOT NULL") == "0");
}

TEST_CASE("a statement that meets a guarded row is refused whole", "[guard]") {
  GuardedLog log;
  fill(log);
  CHECK_THAT(log.refusal("DELETE FROM audit_events"), Contains("holdfast guard:"));
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "9");
  // Also inside a transaction that is committed all the same.
  SQLite::Database db(log.path().string(), SQLite::OPEN_READWRITE, 1000);
  db.exec("PRAGMA trusted_schema = OFF; BEGIN");
  CHECK_THROWS_WITH(
      db.exec("DELETE FROM audit_events WHERE id IN (1, 3)"),
      Contains("row 3 is held, matter 2026-014 O''Neill (hold 1), and is not deleted"));
  db.exec("COMMIT");
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "9");
}

TEST_CASE("nothing is due before a run has said so, nor after a change of policy or clock",
          "[guard]") {
  GuardedLog log;
  log.run("INSERT INTO audit_events (occurred_at, code) VALUES (" + ms(kLongAgo) + ", 'C')");
  const std::string remove = "DELETE FROM audit_events";
  CHECK_THAT(log.refusal(remove), Contains("is not due"));
  log.tell();
  Database& database = log.database();
  in_write(database, [&] { database.policies().add({.in_force_from = kDay, .document = "{}"}); });
  CHECK_THAT(log.refusal(remove), Contains("is not due"));
  log.tell();
  in_write(database, [&] { (void)database.lower_instants(kLongAgo); });
  CHECK_THAT(log.refusal(remove), Contains("is not due"));
  log.tell();
  in_write(database, [&] { database.guard().forget_terms(); });
  CHECK_THAT(log.refusal(remove), Contains("is not due"));
  log.tell();
  CHECK(log.refusal(remove).empty());
}

TEST_CASE("rows that somebody's trigger deletes while Holdfast writes are taken back", "[guard]") {
  GuardedLog log;
  fill(log);
  const auto [event, which] =
      GENERATE(table<std::string, std::string>({{"INSERT ON audit_events", " WHERE id = 3"},
                                                {"INSERT ON audit_events", " WHERE id = 1"},
                                                {"INSERT ON audit_events", " WHERE id = NEW.id"},
                                                {"UPDATE ON audit_events", " WHERE id = 3"},
                                                {"INSERT ON holdfast_event", ""},
                                                {"INSERT ON holdfast_bookmark", " WHERE id < 4"}}));
  const bool guarded = GENERATE(true, false);
  if (!guarded) {
    log.drop_guards();
  }
  log.run("CREATE TRIGGER ring AFTER " + event + " BEGIN DELETE FROM audit_events" + which +
          "; END");
  log.reopen();
  const AuditEvent ours{.occurred_at = kDay, .code = "C", .severity = "info", .actor = "holdfast"};
  const auto write = [&] {
    in_write(log.database(), [&] {
      log.database().subjects().rewrite(LogPlace::log, RowKey::integer(2), {.subject = "t"});
      log.database().audit_log().append(ours);
      log.database().audit_log().append_aside(ours);
      log.database().bookmarks().set({.name = "x", .event_id = 99, .set_by = "a", .set_at = kDay});
    });
  };
  // The guards answer where the trigger runs without the pass; the commit notices in any case.
  const bool answered = guarded && event == "INSERT ON audit_events" && which != " WHERE id = 1";
  CHECK_THROWS_WITH(write(), Contains(answered ? "holdfast guard: " : "a trigger has deleted"));
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "9");
  log.run("DROP TRIGGER ring");
  log.reopen();
  write();
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "10");
  if (guarded) {
    CHECK(log.ask("SELECT open FROM holdfast_guard_pass") == "0");
  }
}

TEST_CASE("a row that comes back lets no trigger take others", "[guard]") {
  GuardedLog log;
  fill(log);
  AuditLog& before = log.database().audit_log();
  std::string content;
  REQUIRE(before.read_whole_row(RowKey::integer(1), [&](const RowFacts&, const RowContent& whole) {
    whole.append_to(content);
  }));
  in_write(log.database(), [&] { before.dispose_one(RowKey::integer(1)); });
  const int other = GENERATE(3, 8);  // held, and due
  log.run("CREATE TRIGGER ring AFTER INSERT ON audit_events BEGIN DELETE FROM audit_events" +
          row(other) + "; END");
  log.reopen();
  const auto put_back = [&] {
    in_write(log.database(),
             [&] { (void)log.database().audit_log().put_back(RowKey::integer(1), content); });
  };
  CHECK_THROWS_WITH(put_back(),
                    Contains(other == 3 ? "matter 2026-014" : "a trigger has deleted 1"));
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "8");
  log.run("DROP TRIGGER ring");
  log.reopen();
  put_back();
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "9");
}

TEST_CASE("the guards' pass is never seen by anybody else", "[guard]") {
  GuardedLog log;
  fill(log);
  const std::string pass = "SELECT open FROM holdfast_guard_pass";
  {
    const auto write = log.database().begin_write(Durability::full);
    log.database().audit_log().dispose_one(RowKey::integer(3));
    CHECK(log.ask(pass) == "0");
    CHECK_THAT(log.refusal("DELETE FROM audit_events WHERE id = 2"), Contains("locked"));
  }
  CHECK(log.ask(pass) == "0");
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "9");
  in_write(log.database(), [&] {
    log.database().audit_log().dispose_one(RowKey::integer(3));
    CHECK(log.ask(pass) == "0");
  });
  CHECK(log.ask(pass) == "0");
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "8");
  CHECK_THAT(log.refusal("DELETE FROM holdfast_guard_pass"), Contains("by Holdfast alone"));
  CHECK_THAT(log.refusal("REPLACE INTO holdfast_guard_pass VALUES (1, 1)"), Contains("alone"));
}

TEST_CASE("a pass that was left taken is found and given back", "[guard]") {
  GuardedLog log;
  fill(log);
  log.run("UPDATE holdfast_guard_pass SET open = 1");
  REQUIRE(log.database().guard().faults().size() == 1);
  CHECK_THAT(log.database().guard().faults().front(), Contains("nothing is guarded"));
  in_write(log.database(), [] {});
  CHECK(log.database().guard().faults().empty());
  CHECK_THAT(log.refusal("DELETE FROM audit_events"), Contains("holdfast guard"));
}

TEST_CASE("a row takes no other's place", "[guard]") {
  GuardedLog log;
  fill(log);
  const std::string was = ms(kCutoff);
  const auto with = [&](const std::string& verb, const std::string& code) {
    return verb + " INTO audit_events (id, occurred_at, code, subject) VALUES (2, " + was + ", '" +
           code + "', 'a')";
  };
  for (const char* recursive : {"OFF", "ON"}) {
    const std::string first = std::string("PRAGMA recursive_triggers = ") + recursive + "; ";
    CHECK_THAT(log.refusal(first + with("REPLACE", "Y")), Contains("is there already"));
    CHECK_THAT(log.refusal(first + with("INSERT OR IGNORE", "Y")), Contains("is there already"));
    CHECK_THAT(
        log.refusal(first + with("INSERT", "Y") + " ON CONFLICT (id) DO UPDATE SET code = 1"),
        Contains("is there already"));
    CHECK_THAT(log.refusal(first + "UPDATE OR REPLACE audit_events SET id = 2 WHERE id = 1"),
               Contains("key of a row of the audit log is never changed"));
    CHECK_THAT(log.refusal(first + "UPDATE OR REPLACE audit_events SET rowid = 2 WHERE id = 1"),
               Contains("key of a row of the audit log is never changed"));
  }
  // What is sent twice is the same row.
  CHECK(log.refusal(with("INSERT OR IGNORE", "C")).empty());
  CHECK(log.ask("SELECT code FROM audit_events WHERE id = 2") == "C");
  CHECK(log.refusal("INSERT INTO audit_events (occurred_at, code) VALUES (1, 'C')").empty());
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "10");
}

TEST_CASE("nobody else writes Holdfast's own tables", "[guard]") {
  GuardedLog log;
  fill(log);
  in_write(log.database(), [&] {
    const std::int64_t run = log.database().ledger().open({.opened_at = kDay, .as_of = kDay});
    log.database().ledger().add_slice({.run = run, .number = 1, .keys = "L"});
    log.database().bookmarks().set({.name = "x", .event_id = 4, .set_by = "a", .set_at = kDay});
  });
  log.tell();
  const std::string sql =
      GENERATE(as<std::string>{},
               "DELETE FROM holdfast_run_slice",
               "UPDATE holdfast_run_slice SET deleted = 7",
               "UPDATE holdfast_run SET outcome = NULL, closed_at_ms = NULL",
               "REPLACE INTO holdfast_run (id, opened_at_ms, as_of_ms, "
               "started_by, host, process) VALUES (1, 1, 1, '', '', 1)",
               "INSERT INTO holdfast_approval (plan_id, approved_by, "
               "approved_at_ms, last_used_at_ms) VALUES (1, 'me', 1, 1)",
               "DELETE FROM holdfast_hold_term",
               "UPDATE holdfast_hold_term SET value = 'bob'",
               "DELETE FROM holdfast_hold",
               "UPDATE holdfast_hold SET released_at_ms = 1",
               "REPLACE INTO holdfast_hold SELECT * FROM holdfast_hold",
               "UPDATE holdfast_bookmark SET event_id = 99",
               "UPDATE holdfast_meta SET value = 0 WHERE key = 'hold_version'",
               "UPDATE holdfast_meta SET value = value + 1",
               "DELETE FROM holdfast_meta",
               "UPDATE holdfast_guard_terms SET earliest = 0",
               "INSERT INTO holdfast_guard_cutoff VALUES ('X', 'X', '', '', 9e99)",
               "DELETE FROM holdfast_guard_cutoff");
  CHECK_THAT(log.refusal(sql),
             Contains("is written by Holdfast alone") || Contains("are written by Holdfast alone"));
}

TEST_CASE("programs go on placing holds with plain SQL, which a run then seals", "[guard]") {
  GuardedLog log;
  fill(log);
  const std::int64_t version = log.database().holds().version();
  const std::string place =
      "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, "
      "placed_at_ms) VALUES ('M-2', 'r', '', 'legal', 0, 0, 'crm', 1);"
      "INSERT INTO holdfast_hold_term (hold_id, kind, value) VALUES (last_insert_rowid(), "
      "'subject', 'a')";
  const std::string narrow = "INSERT INTO holdfast_hold_term VALUES (2, 'code', 'Z')";
  CHECK(log.refusal(place).empty());
  CHECK(log.database().holds().version() == version + 2);
  CHECK_THAT(log.refusal("DELETE FROM audit_events WHERE id = 1"), Contains("matter M-2 (hold 2)"));
  CHECK(log.refusal("INSERT INTO holdfast_hold_term VALUES (2, 'subject', 'b')").empty());
  in_write(log.database(), [&] { log.database().guard().forget_terms(); });
  CHECK_THAT(log.refusal(narrow), Contains("by Holdfast alone"));
  // Another of a kind that is there covers more rows.
  CHECK(log.refusal("INSERT INTO holdfast_hold_term VALUES (2, 'subject', 'c')").empty());
  CHECK_THAT(log.refusal("REPLACE INTO holdfast_hold_term VALUES (2, 'code', 'Z')"),
             Contains("by Holdfast alone"));
  // A hold whose terms were still to come when the run went by can have them.
  log.run(
      "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, "
      "placed_at_ms) VALUES ('M-3', 'r', '', 'legal', 0, 0, 'crm', 1)");
  in_write(log.database(), [&] { log.database().guard().forget_terms(); });
  CHECK(log.refusal("INSERT INTO holdfast_hold_term VALUES (3, 'code', 'Z')").empty());
}

TEST_CASE("a released hold guards until its grace is over", "[guard]") {
  GuardedLog log;
  fill(log);
  const GuardTerms terms = terms_of_the_test();
  const auto release = [&](Instant at) {
    in_write(log.database(), [&] {
      CHECK(log.database().holds().release(1, {.who = "alice", .at = at, .reason = "done"}));
    });
  };
  const std::string remove = "DELETE FROM audit_events WHERE id = 3";
  SECTION("it was released on the last day of the grace") {
    release(terms.releases_before);
    CHECK_THAT(log.refusal(remove), Contains("matter 2026-014"));
  }
  SECTION("it was released before that") {
    release(terms.releases_before - std::chrono::milliseconds{1});
    CHECK(log.refusal(remove).empty());
  }
  SECTION("it was released before it was placed") {
    release(terms.releases_before - std::chrono::milliseconds{1});
    log.run(
        "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, "
        "placed_at_ms, released_at_ms) VALUES ('2026-099', 'r', '', 'legal', 0, 1, 'crm', 2, 1)");
    CHECK_THAT(log.refusal(remove), Contains("matter 2026-099"));
  }
}

TEST_CASE("what a consumer has not read stays", "[guard]") {
  GuardedLog log;
  fill(log);
  in_write(log.database(), [&] {
    log.database().bookmarks().set(
        {.name = "export", .event_id = 7, .set_by = "a", .set_at = kDay});
  });
  CHECK_THAT(log.refusal("DELETE FROM audit_events WHERE id = 8"), Contains("a consumer has not"));
  CHECK(log.refusal("DELETE FROM audit_events WHERE id = 1").empty());
}

TEST_CASE("a run that was opened has closed the guards until it tells them", "[guard]") {
  GuardedLog log;
  fill(log);
  in_write(log.database(),
           [&] { (void)log.database().ledger().open({.opened_at = kDay, .as_of = kDay}); });
  CHECK_THAT(log.refusal("DELETE FROM audit_events WHERE id = 1"), Contains("is not due"));
}

TEST_CASE("guards step aside for this connection alone, and come back", "[guard]") {
  GuardedLog log;
  fill(log);
  {
    const auto aside = log.database().guard().step_aside();
    REQUIRE(aside != nullptr);
    in_write(log.database(), [&] { log.database().audit_log().dispose_one(RowKey::integer(2)); });
    CHECK_THAT(log.refusal("DELETE FROM audit_events WHERE id = 4"), Contains("holdfast guard"));
  }
  // Back again: placing a hold moves the version of the register, which a trigger does.
  const std::int64_t version = log.database().holds().version();
  in_write(log.database(),
           [&] { log.database().holds().place({.matter = "M", .scope = {.everything = true}}); });
  CHECK(log.database().holds().version() > version);
}

TEST_CASE("guards stay where another trigger has to run", "[guard]") {
  const std::string table = GENERATE(as<std::string>{}, "audit_events", "holdfast_run_slice");
  GuardedLog log;
  log.run("CREATE TRIGGER mine AFTER DELETE ON " + table + " BEGIN SELECT 1; END");
  log.reopen();
  CHECK(log.database().guard().step_aside() == nullptr);
  const ScratchDatabase scratch;
  CHECK(made_database(scratch.options())->guard().step_aside() == nullptr);
}

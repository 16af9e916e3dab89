// SPDX-License-Identifier: Apache-2.0
// Every register does in PostgreSQL what it does in SQLite: one story, told by both.
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <thread>

#include <catch2/catch.hpp>

#include "postgres_server.h"
#include "storage/database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr Instant kDay = date::sys_days{date::year{2026} / 11 / 23};
constexpr auto kHour = std::chrono::hours{1};

template <typename Action>
void in_write(Database& database, const Action& action) {
  const auto scope = database.begin_write(Durability::full);
  action();
  scope->commit();
}

std::string when(const std::optional<Instant>& instant) {
  return instant ? std::to_string(to_unix_ms(*instant)) : "none";
}

void tell_holds(Database& database, std::ostream& out) {
  HoldRegister& holds = database.holds();
  LegalHold hold{.matter = "m'1", .reason = "r \xc3\xa9", .placed_by = "alice", .placed_at = kDay};
  hold.scope.tenants = {"acme", "b"};
  hold.scope.persons = {"u-1"};
  in_write(database, [&] {
    out << "placed " << holds.place(hold) << '\n';
    hold.scope = {.everything = true};
    hold.scope.from = kDay;
    out << "placed " << holds.place(hold) << '\n';
    holds.add_person_term(1, PersonTerm::actor, "x");
    out << holds.release(1, {.who = "bob", .at = kDay + kHour, .reason = "over"}) << '\n';
    out << holds.release(1, {.who = "bob", .at = kDay + kHour, .reason = "over"}) << '\n';
    out << holds.review(2, kDay + 9 * kHour, {.who = "bob", .at = kDay, .reason = "still"}) << '\n';
    holds.drop_person_term(1, PersonTerm::actor, "x");
  });
  for (const LegalHold& one : holds.all()) {
    out << one.id << one.matter << one.reason << one.scope.everything << one.scope.tenants.size()
        << one.scope.persons.size() << one.scope.actors.size() << when(one.scope.from)
        << when(one.released_at) << when(one.review_by) << one.released_by << '\n';
  }
}

void tell_ledger(Database& database, std::ostream& out) {
  RunLedger& ledger = database.ledger();
  in_write(database, [&] {
    out << "run " << ledger.open({.opened_at = kDay, .as_of = kDay, .salt = std::string("\0s", 2)});
    out << "run " << ledger.open({.opened_at = kDay, .as_of = kDay}) << '\n';
    ledger.enter_phase(1, "slices");
    ledger.add_slice({.run = 1,
                      .number = 1,
                      .deleted = 2,
                      .tally = "{}",
                      .keys = encode_keys({RowKey::integer(7), RowKey::integer(9)}),
                      .archive_end = 12});
    ledger.close(1, {.outcome = "completed", .closed_at = kDay, .deleted = 2, .run_hash = "h"});
    ledger.store_clock({.system_now = kDay, .as_of = kDay}, "run");
    ledger.store_clock({.system_now = kDay + kHour, .as_of = kDay}, "run");
    ledger.add_lost(
        {.id = 9, .opening = {.opened_at = kDay}, .closing = RunClosing{.outcome = "x"}});
  });
  out << ledger.left_open().size() << ledger.find(1)->closing->deleted << ledger.last()->id
      << ledger.newest(2).size() << ledger.last_success()->id << ledger.slices(1).size()
      << ledger.archived_runs().size() << ledger.slice_keys(1, 1).size() << ledger.last_hash()
      << ledger.salt(1).size() << when(ledger.last_clock()->system_now) << '\n';
  out << ledger.slice_that_deleted(RowKey::integer(9)).has_value()
      << ledger.slice_that_deleted(std::string{"8"}).has_value() << ledger.stored_keys(1, 1).size();
  in_write(database, [&] {
    out << ledger.destroy_salts(kDay + kHour);
    ledger.destroy_salt(1);
  });
  out << ledger.salt(1).size() << '\n';
}

void tell_plans(Database& database, std::ostream& out) {
  PlanStore& plans = database.plans();
  const auto integers = new_integer_key_set();
  const auto any = new_spilled_key_set();
  integers->add(RowKey::integer(5));
  any->add(*RowKey::from_bytes(RowKey::integer(5).bytes()));
  in_write(database, [&] {
    out << plans.save({.digest = "abc", .saved_at = kDay, .rows = 1}, *integers);
    out << plans.save({.digest = "abd", .saved_at = kDay, .rows = 1}, *any);
    out << plans.save({.digest = "abc", .saved_at = kDay, .rows = 1}, *integers);
    out << plans.approve(1, "alice", kDay + kHour);
    plans.use(1, kDay + 2 * kHour);
  });
  out << plans.find("ab").size() << plans.find("abd").size() << plans.find("x").size()
      << plans.keys(1)->size() << plans.keys(2)->size() << plans.approvals().size()
      << plans.open_approval()->approved_by << when(plans.open_approval()->last_used_at) << '\n';
  in_write(database, [&] { plans.spend(1, kDay); });
  out << plans.open_approval().has_value() << plans.approvals().front().spent << '\n';
}

void tell_small(Database& database, std::ostream& out) {
  in_write(database, [&] {
    database.bookmarks().set({.name = "siem", .event_id = 4, .set_by = "a", .set_at = kDay});
    database.bookmarks().set({.name = "siem", .event_id = 5, .set_by = "a", .set_at = kDay});
    out << database.bookmarks().drop("none") << database.policies().add({.digest = "p"})
        << database.policies().add({.digest = "q"});
    database.policies().set_baseline(2);
    database.journal().add(
        {.by = {.who = "a", .at = kDay, .reason = "r"}, .what = "w", .detail = "{}"});
    database.witness_outbox().add({.seq = 1, .at = kDay, .kind = "k", .line = "l", .hash = "h"});
    database.witness_outbox().add({.seq = 2, .at = kDay, .kind = "k", .line = "l", .hash = "h"});
    database.witness_outbox().replace_text(1, "other");
    database.restored_rows().add({.key = RowKey::integer(7), .run = 1, .at = kDay, .who = "a"});
    database.restored_rows().drop(RowKey::integer(7));
  });
  out << database.bookmarks().all().front().event_id << database.policies().versions().size()
      << *database.policies().baseline() << database.journal().since(0).size()
      << database.witness_outbox().last()->seq << database.witness_outbox().find(1)->line
      << database.witness_outbox().since(1).size() << database.identity();
  database.restored_rows().for_each([&](const RestoredRow& row) { out << row.id << row.gone; });
  out << '\n';
}

void tell_first_seen(Database& database, std::ostream& out) {
  FirstSeenRegister& seen = database.first_seen();
  const RowKey one = RowKey::integer(1);
  const RowKey two = RowKey::integer(2);
  const RowFacts number{.key = &one, .time = std::int64_t{5}, .code = "A"};
  const RowFacts real{.key = &one, .time = 5.0, .code = "A"};
  const RowFacts text{.key = &one, .time = std::string_view{"5"}, .code = "A"};
  const RowFacts nothing{.key = &two};
  {
    const auto scope = database.begin_read();
    seen.meet(number);
    seen.meet(number);
    seen.meet(nothing);
  }
  {
    const auto scope = database.begin_write(Durability::normal);
    out << seen.record_met(kDay, 100);
  }
  out << when(seen.find(number));
  in_write(database, [&] {
    while (seen.record_met(kDay, 1) > 0) {
    }
  });
  out << when(seen.find(number)) << when(seen.find(real)) << when(seen.find(text))
      << when(seen.find(nothing));
  seen.forget_met();
  seen.meet(number);
  in_write(database, [&] {
    out << seen.record_met(kDay + kHour, 9);
    seen.drop_unmet();
  });
  out << when(seen.find(number)) << when(seen.find(nothing));
  in_write(database, [&] { seen.drop(one); });
  out << when(seen.find(number)) << '\n';
}

void tell_requests(Database& database, std::ostream& out) {
  ErasureRegister& erasures = database.erasures();
  ExportRegister& exports = database.exports();
  in_write(database, [&] {
    out << erasures.open(
        {.tenant = "t", .subject = "u", .requested_by = "a", .requested_at = kDay});
    ErasureRequest request = *erasures.find(1);
    request.approved_at = kDay + kHour;
    request.state = ErasureState::approved;
    erasures.store(request);
    erasures.add_attempt({.erasure = 1, .at = kDay, .who = "a", .deed = "d", .outcome = "o"});
    erasures.rename_in_attempts(1, "a", "b");
    erasures.store_receipt(1, "receipt", {RowKey::integer(3)});
    out << erasures.add_key({.tenant = "t", .made_at = kDay, .check = "c"})
        << erasures.forget_key(1, {.who = "a", .at = kDay, .reason = "r"});
    out << exports.open({.tenant = "t", .subject = "u", .requested_by = "a", .requested_at = kDay});
    ExportRequest copy = *exports.find(1);
    copy.state = ExportState::ready;
    copy.bytes = 5;
    exports.store(copy);
  });
  out << erasures.find_open({.tenant = "t", .person = "u"})->id
      << erasures.find_newest({.tenant = "t", .person = "u"})->id << erasures.all().size()
      << erasures.attempts(1).front().who << *erasures.receipt(1) << erasures.deleted_keys(1).size()
      << *erasures.erasure_that_deleted("3") << when(erasures.keys().front().forgotten_at)
      << exports.of({.tenant = "t", .person = "u"}).size() << exports.kept().size()
      << exports.all().front().bytes << '\n';
  try {
    in_write(database, [&] { (void)erasures.open({.tenant = "t", .subject = "u"}); });
  } catch (const StorageError& error) {
    out << std::string{error.what()}.substr(database.path().size()) << '\n';
  }
}

std::string story(Database& database) {
  std::ostringstream out;
  tell_holds(database, out);
  tell_ledger(database, out);
  tell_plans(database, out);
  tell_small(database, out);
  tell_first_seen(database, out);
  tell_requests(database, out);
  in_write(database, [&] {
    for (const std::string& line : database.lower_instants(kDay + std::chrono::minutes{1})) {
      out << line << '\n';
    }
  });
  return out.str();
}

std::unique_ptr<Database> made(const OpenOptions& options) {
  (void)init_database(options, "identity", kDay);
  return open_database(options);
}

}  // namespace

TEST_CASE("the registers tell in PostgreSQL what they tell in SQLite", "[registers]") {
  const PostgresScratch scratch;
  std::string folder = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string expected = story(*made({.path = std::filesystem::path{folder} / "audit.db"}));
  std::filesystem::remove_all(folder);
  CHECK(expected.find("after the new clock") != std::string::npos);
  CHECK(story(*made(scratch.options())) == expected);
}

TEST_CASE("a hold cannot be committed between a slice's look at the version and its end",
          "[registers]") {
  const PostgresScratch scratch;
  const auto database = made(scratch.options());
  const auto slice = database->begin_write(Durability::normal);
  const std::int64_t version = database->holds().version();
  const std::string place =
      "SET lock_timeout = '300ms'; INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, "
      "everything, placed_by, placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, 'dba', 0)";
  CHECK_THROWS_WITH(scratch.run_sql(place), Catch::Contains("lock timeout"));
  CHECK_THROWS_WITH(scratch.run_sql("SET lock_timeout = '300ms'; INSERT INTO holdfast_bookmark "
                                    "VALUES ('siem', 7, 'dba', 0)"),
                    Catch::Contains("lock timeout"));
  slice->commit();
  scratch.run_sql(place);
  CHECK(database->holds().version() > version);
}

TEST_CASE("a hold that is being placed is waited for, and a slice that cannot wait ends",
          "[registers]") {
  const PostgresScratch scratch;
  const auto database = made(scratch.options());
  std::thread placing{[&] {
    scratch.run_sql(
        "BEGIN; INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, "
        "placed_by, placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, 'dba', 0); "
        "SELECT pg_sleep(1.5); COMMIT");
  }};
  std::this_thread::sleep_for(std::chrono::milliseconds{500});
  try {
    const auto slice = database->begin_write(Durability::normal);
    CHECK_THROWS_AS(database->holds().version(), StorageError);
  } catch (...) {
    placing.join();
    throw;
  }
  placing.join();
  const auto slice = database->begin_write(Durability::normal);
  CHECK(database->holds().version() == 1);
  CHECK(database->holds().all().size() == 1);
}

TEST_CASE("every change of holds moves the version, emptying the tables too", "[registers]") {
  const PostgresScratch scratch;
  const auto database = made(scratch.options());
  std::int64_t before = database->holds().version();
  for (const char* const change :
       {"INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, "
        "placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, 'dba', 0)",
        "INSERT INTO holdfast_hold_term VALUES (1, 'tenant', 'a')",
        "UPDATE holdfast_hold SET reason = 'x'",
        "UPDATE holdfast_hold_term SET value = 'b'",
        "DELETE FROM holdfast_hold_term",
        "TRUNCATE holdfast_hold, holdfast_hold_term",
        "SET session_replication_role = replica; INSERT INTO holdfast_hold (matter, reason, basis, "
        "kind, locked, everything, placed_by, placed_at_ms) VALUES ('m', 'r', '', 'legal', 0, 1, "
        "'dba', 0)"}) {
    CAPTURE(change);
    scratch.run_sql(change);
    CHECK(database->holds().version() > before);
    before = database->holds().version();
  }
}

TEST_CASE("own tables that are not whole are refused", "[schema]") {
  const char* const change = GENERATE(
      "DROP TABLE holdfast_journal",
      "DROP TRIGGER hold_changed ON holdfast_hold_term",
      "DROP TRIGGER hold_emptied ON holdfast_hold",
      "DROP TRIGGER hold_changed ON holdfast_bookmark",
      "ALTER TABLE holdfast_hold ENABLE REPLICA TRIGGER hold_changed",
      "CREATE OR REPLACE FUNCTION holdfast_hold_changed() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN RETURN NULL; END'",
      "CREATE RULE r AS ON INSERT TO holdfast_hold DO INSTEAD NOTHING",
      "ALTER TABLE holdfast_hold ENABLE ROW LEVEL SECURITY",
      "DROP INDEX erasure_open",
      "UPDATE holdfast_meta SET value = '5' WHERE key = 'schema_version'",
      "DROP TABLE holdfast_meta");
  CAPTURE(change);
  const PostgresScratch scratch;
  (void)made(scratch.options());
  scratch.run_sql(change);
  CHECK_THROWS_AS(open_database(scratch.options()), StorageError);
}

TEST_CASE("a change of the log's table between two slices stops the second", "[schema]") {
  const PostgresScratch scratch;
  const auto database = made(scratch.options());
  in_write(*database, [&] { database->require_same_schema(); });
  scratch.run_sql("ALTER TABLE audit_events ADD COLUMN more text");
  const auto slice = database->begin_write(Durability::normal);
  CHECK_THROWS_AS(database->require_same_schema(), StorageError);
}

TEST_CASE("no partition comes or goes while a slice is at work", "[schema]") {
  const PostgresScratch scratch;
  scratch.run_sql(
      "CREATE TABLE audit_events (id bigint, occurred_at bigint NOT NULL, code text,"
      " PRIMARY KEY (occurred_at, id)) PARTITION BY RANGE (occurred_at);"
      "CREATE TABLE old PARTITION OF audit_events FOR VALUES FROM (0) TO (700)"
      " PARTITION BY RANGE (occurred_at);"
      "CREATE TABLE older PARTITION OF old FOR VALUES FROM (0) TO (300);"
      "CREATE TABLE new (id bigint NOT NULL, occurred_at bigint NOT NULL, code text)");
  OpenOptions options = scratch.options();
  options.mapping.id = {"occurred_at", "id"};
  options.own_events_into_log = false;
  const auto database = made(options);
  const auto slice = database->begin_write(Durability::normal);
  database->require_same_schema();
  const std::string attach =
      GENERATE("ALTER TABLE audit_events ATTACH PARTITION new FOR VALUES FROM (700) TO (900)",
               "ALTER TABLE old ATTACH PARTITION new FOR VALUES FROM (300) TO (700)");
  CAPTURE(attach);
  CHECK_THROWS_WITH(scratch.run_sql("SET lock_timeout = '300ms'; " + attach),
                    Catch::Contains("lock timeout"));
  scratch.run_sql("SET lock_timeout = '300ms'; INSERT INTO audit_events VALUES (1, 5, 'A')");
  slice->commit();
  scratch.run_sql(attach);
}

TEST_CASE("a hold that is placed while the register is read is whole or not there", "[registers]") {
  const PostgresScratch scratch;
  OpenOptions options = scratch.options();
  options.busy_wait = std::chrono::seconds{10};
  const auto database = made(options);
  CHECK(database->holds().all().empty());  // prepared now, which would wait for the lock as well
  std::thread placing{[&] {
    scratch.run_sql(
        "BEGIN; LOCK TABLE holdfast_hold IN ACCESS EXCLUSIVE MODE; INSERT INTO holdfast_hold "
        "(matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms) VALUES "
        "('m', 'r', '', 'legal', 0, 0, 'dba', 0); INSERT INTO holdfast_hold_term VALUES "
        "(1, 'tenant', 'acme'); SELECT pg_sleep(1.5); COMMIT");
  }};
  std::this_thread::sleep_for(std::chrono::milliseconds{500});
  std::string problem;
  try {
    CHECK(database->holds().all().size() <= 1);
  } catch (const StorageError& error) {
    problem = error.what();
  }
  placing.join();
  CHECK(problem.empty());
  CHECK(database->holds().all().size() == 1);
}

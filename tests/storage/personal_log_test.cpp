// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

const std::string kToken = "erased:0123456789abcdef";

/// An audit log of somebody's, set up and opened.
struct Scratch {
  Scratch(const std::string& sql, const LogMapping& mapping) {
    run_sql(folder.file("audit.db"), sql);
    OpenOptions options = folder.options();
    options.mapping = mapping;
    database = made_database(options);
  }

  ScratchDatabase folder;
  std::unique_ptr<Database> database;

  [[nodiscard]] SubjectStore& subjects() const { return database->subjects(); }
  [[nodiscard]] std::string ask(const std::string& sql) const {
    return ask_sql(folder.file("audit.db"), sql);
  }
  [[nodiscard]] std::string rows(const Subject& subject,
                                 std::optional<std::int64_t> above = {},
                                 LogPlace place = LogPlace::log) const {
    std::string keys;
    for (const RowKey& key : subjects().rows_of(place, subject, above)) {
      keys += (keys.empty() ? "" : " ") + key.display();
    }
    return keys;
  }
  void rewrite(const RowKey& key, const PersonalFields& fields) const {
    in_write(*database, [&] { subjects().rewrite(LogPlace::log, key, fields); });
  }
  [[nodiscard]] std::vector<std::string> persons() const {
    std::vector<std::string> names;
    subjects().for_each_subject(LogPlace::log, [&](const Subject& subject) {
      names.push_back(subject.tenant.value_or("-") + "/" + subject.person);
    });
    std::sort(names.begin(), names.end());
    return names;
  }
};

const LogMapping kDefault;
const std::string kColumns =
    "id INTEGER PRIMARY KEY AUTOINCREMENT, occurred_at INTEGER NOT NULL, tenant TEXT, code TEXT, "
    "severity TEXT, actor TEXT, subject TEXT, retain_until INTEGER, metadata TEXT";
const std::string kLog =
    "CREATE TABLE audit_events (" + kColumns +
    ");INSERT INTO audit_events (occurred_at, tenant, code, actor, subject, metadata) VALUES"
    "  (1, 'acme', 'A', 'ann', 'ann', '{}'), (2, 'acme', 'A', 'bob', 'ann', '{}'),"
    "  (3, 'acme', 'A', 'ANN', 'bob', '{}'), (4, NULL, 'A', 'ann', NULL, NULL),"
    "  (5, '', 'A', NULL, 'ann', NULL), (6, 'acme', 'A', 'ann', 'bob', '{}')";

constexpr const char* kLeading =
    ";CREATE INDEX by_actor ON audit_events (actor); CREATE INDEX by_subject ON audit_events "
    "(subject, occurred_at)";
constexpr const char* kWithTenant =
    ";CREATE INDEX by_actor ON audit_events (tenant, actor); CREATE INDEX by_subject ON "
    "audit_events (tenant, subject)";

const LogMapping kForeign{.table = "event",
                          .id = {"uuid"},
                          .time = "at",
                          .time_format = TimeFormat::unix_s,
                          .code = "type",
                          .code_lookup = CodeLookup{.table = "kinds", .key = "k", .text = "t"}};

}  // namespace

TEST_CASE("rows of a person are found by actor and subject, each once", "[personal]") {
  const std::string index = GENERATE(as<std::string>{}, "", kLeading, kWithTenant);
  const Scratch scratch(kLog + index, kDefault);
  CHECK(scratch.subjects().finds_by_index() == !index.empty());
  CHECK(scratch.rows({.tenant = "acme", .person = "ann"}) == "1 2 6");
  CHECK(scratch.rows({.tenant = "acme", .person = "ann"}, 1) == "2 6");
  CHECK(scratch.rows({.person = "ann"}) == "4 5");
  CHECK(scratch.rows({.tenant = "", .person = "ann"}) == "4 5");
  CHECK(scratch.rows({.tenant = "other", .person = "ann"}).empty());
  CHECK(scratch.rows({.tenant = "acme", .person = "%"}).empty());
  CHECK(scratch.persons() == std::vector<std::string>{"-/ann", "acme/ANN", "acme/ann", "acme/bob"});
}

TEST_CASE("half of the indexes is not enough to find a person", "[personal]") {
  const std::string index = GENERATE(
      ";CREATE INDEX by_actor ON audit_events (actor)",
      ";CREATE INDEX a ON audit_events (actor); CREATE INDEX s ON audit_events (code, subject)",
      ";CREATE INDEX a ON audit_events (actor); CREATE INDEX s ON audit_events (subject) WHERE 1",
      ";CREATE INDEX a ON audit_events (actor);"
      "CREATE INDEX s ON audit_events (subject COLLATE NOCASE)");
  const Scratch scratch(kLog + index, kDefault);
  CHECK_FALSE(scratch.subjects().finds_by_index());
  CHECK(scratch.rows({.tenant = "acme", .person = "ann"}) == "1 2 6");
}

TEST_CASE("a log without the columns has no rows of anybody", "[personal]") {
  const Scratch scratch(
      "CREATE TABLE event (uuid TEXT PRIMARY KEY NOT NULL, at INTEGER, type INTEGER);"
      "CREATE TABLE kinds (k INTEGER PRIMARY KEY, t TEXT); INSERT INTO event VALUES ('u', 1, 1)",
      kForeign);
  CHECK(scratch.rows({.person = "ann"}).empty());
  CHECK(scratch.persons().empty());
  CHECK(scratch.subjects().finds_by_index());
  CHECK_NOTHROW(scratch.subjects().require_rewritable_log());
  const std::vector<StoredView> key{std::string_view{"u"}};
  CHECK_NOTHROW(scratch.rewrite(RowKey::composite(key), {.actor = kToken}));
}

TEST_CASE("numbers name persons, and a log without tenants has all rows", "[personal]") {
  const Scratch scratch(
      "CREATE TABLE event (uuid TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, at INTEGER,"
      "  type INTEGER, actor INTEGER, metadata TEXT);"
      "CREATE TABLE kinds (k INTEGER PRIMARY KEY, t TEXT); INSERT INTO kinds VALUES (3, 'LOGIN');"
      "INSERT INTO event VALUES ('Aa', 1, 3, 7, '{\"ip\":1}'), ('b', 1, 4, 70, NULL)",
      kForeign);
  const std::vector<StoredView> value{std::string_view{"Aa"}};
  const RowKey key = RowKey::composite(value);
  CHECK(scratch.rows({.tenant = "any", .person = "7"}) == "Aa");
  CHECK(scratch.rows({.person = "007"}).empty());
  CHECK(scratch.subjects().read_row(LogPlace::log, key, [&](const PersonalRow& row) {
    CHECK(row.facts.code == "LOGIN");
    CHECK(row.facts.actor == "7");
    CHECK_FALSE(row.facts.subject);
    CHECK(row.metadata == StoredView{std::string_view{"{\"ip\":1}"}});
  }));
  scratch.subjects().require_rewritable_log();
  scratch.rewrite(key, {.actor = kToken, .metadata = std::optional<std::string>{"{}"}});
  CHECK(scratch.ask("SELECT count(*) FROM event WHERE uuid = 'Aa' AND actor IS NULL AND "
                    "metadata = '{}'") == "1");
  CHECK(scratch.ask("SELECT actor FROM event WHERE uuid = 'b'") == "70");
}

TEST_CASE("a row's key is its own, whatever the column calls equal", "[personal]") {
  const Scratch scratch(
      "CREATE TABLE event (uuid TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, at INTEGER,"
      "  type INTEGER, actor TEXT);"
      "CREATE TABLE kinds (k INTEGER PRIMARY KEY, t TEXT); INSERT INTO event VALUES ('AA', 1, 1, "
      "'ann')",
      kForeign);
  const std::vector<StoredView> value{std::string_view{"aa"}};
  const RowKey key = RowKey::composite(value);
  CHECK_FALSE(scratch.subjects().read_row(LogPlace::log, key, [](const PersonalRow& /*row*/) {}));
  CHECK_THROWS_AS(scratch.rewrite(key, {.actor = kToken}), StorageError);
  CHECK(scratch.ask("SELECT actor FROM event") == "ann");
}

TEST_CASE("a key of several columns in a table without rowids is rewritten", "[personal]") {
  LogMapping mapping = kForeign;
  mapping.id = {"region", "nr"};
  mapping.code_lookup.reset();
  const Scratch scratch(
      "CREATE TABLE event (region TEXT, nr INTEGER, at INTEGER, type TEXT, subject TEXT,"
      "  PRIMARY KEY (region, nr)) WITHOUT ROWID;"
      "INSERT INTO event VALUES ('eu', 1, 1, 'A', 'ann'), ('eu', 2, 1, 'A', 'ann'),"
      "  ('us', 1, 1, 'A', 'ann')",
      mapping);
  CHECK(scratch.rows({.person = "ann"}, 1) == "eu,1 eu,2 us,1");
  const std::vector<StoredView> value{std::string_view{"eu"}, std::int64_t{2}};
  scratch.rewrite(RowKey::composite(value), {.subject = kToken});
  CHECK(scratch.rows({.person = "ann"}) == "eu,1 us,1");
  CHECK(scratch.rows({.person = kToken}) == "eu,2");
}

TEST_CASE("a rewritten row keeps what was not to change", "[personal]") {
  const Scratch scratch(kLog, kDefault);
  scratch.rewrite(RowKey::integer(2), {.subject = kToken});
  CHECK(scratch.ask("SELECT actor || subject || metadata || occurred_at FROM audit_events "
                    "WHERE id = 2") == "bob" + kToken + "{}2");
  scratch.rewrite(RowKey::integer(1),
                  {.actor = "a", .subject = "s", .metadata = std::optional<std::string>{}});
  CHECK(scratch.ask("SELECT count(*) FROM audit_events WHERE id = 1 AND actor = 'a' AND "
                    "subject = 's' AND metadata IS NULL") == "1");
  CHECK(scratch.ask("SELECT count(*) FROM audit_events WHERE actor = 'a'") == "1");
  scratch.rewrite(RowKey::integer(3), {});
  CHECK_THROWS_AS(scratch.rewrite(RowKey::integer(99), {.actor = "a"}), StorageError);
}

TEST_CASE("a trigger that keeps a row from changing is an error", "[personal]") {
  const std::string doing = GENERATE("RAISE(IGNORE)", "RAISE(ABORT, 'append only')");
  const Scratch scratch(
      kLog + ";CREATE TRIGGER firm BEFORE UPDATE ON audit_events BEGIN SELECT " + doing + "; END",
      kDefault);
  CHECK_THROWS_AS(scratch.rewrite(RowKey::integer(1), {.actor = kToken}), StorageError);
  CHECK(scratch.ask("SELECT count(*) FROM audit_events WHERE actor = 'ann'") == "3");
}

TEST_CASE("a log that can take neither token nor NULL is refused", "[personal]") {
  const std::string columns = GENERATE("actor INTEGER NOT NULL",
                                       "subject REAL NOT NULL",
                                       "metadata INTEGER NOT NULL",
                                       "x TEXT, actor TEXT AS (x)");
  const Scratch scratch(
      "CREATE TABLE event (uuid TEXT PRIMARY KEY NOT NULL, at INTEGER, type INTEGER, " + columns +
          "); CREATE TABLE kinds (k INTEGER PRIMARY KEY, t TEXT)",
      kForeign);
  const StorageError error = error_of([&] { scratch.subjects().require_rewritable_log(); });
  CHECK(error.trouble() == StorageTrouble::mapping);
  CHECK_THAT(error.what(), Contains("[events]."));
}

TEST_CASE("a number column that is NOT NULL is not rewritten", "[personal]") {
  const Scratch scratch(
      "CREATE TABLE event (uuid TEXT PRIMARY KEY NOT NULL, at INTEGER, type INTEGER,"
      "  actor INTEGER NOT NULL); CREATE TABLE kinds (k INTEGER PRIMARY KEY, t TEXT);"
      "INSERT INTO event VALUES ('a', 1, 1, 7)",
      kForeign);
  const std::vector<StoredView> value{std::string_view{"a"}};
  CHECK_THROWS_AS(scratch.rewrite(RowKey::composite(value), {.actor = kToken}), StorageError);
  CHECK(scratch.ask("SELECT actor FROM event") == "7");
}

TEST_CASE("Holdfast's own rows beside the log are found and rewritten too", "[personal]") {
  const Scratch scratch(
      "CREATE TABLE event (uuid TEXT PRIMARY KEY NOT NULL, at INTEGER, type INTEGER);"
      "CREATE TABLE kinds (k INTEGER PRIMARY KEY, t TEXT)",
      kForeign);
  in_write(*scratch.database, [&] {
    scratch.database->audit_log().append({.tenant = "acme",
                                          .code = "ACCOUNT_DELETION_REQUEST",
                                          .actor = "ann",
                                          .subject = "ann",
                                          .metadata = "{}"});
  });
  const Subject ann{.tenant = "acme", .person = "ann"};
  const LogPlace place = LogPlace::own_events;
  CHECK(scratch.rows(ann, {}, place) == "1");
  CHECK(scratch.rows(ann, 1, place).empty());
  in_write(*scratch.database, [&] {
    scratch.subjects().rewrite(place, RowKey::integer(1), {.actor = kToken, .subject = kToken});
  });
  CHECK(scratch.rows(ann, {}, place).empty());
  std::string name;
  scratch.subjects().for_each_subject(place,
                                      [&](const Subject& subject) { name += subject.person; });
  CHECK(name == kToken);
  CHECK(scratch.subjects().read_row(place, RowKey::integer(1), [](const PersonalRow& row) {
    CHECK(row.facts.code == "ACCOUNT_DELETION_REQUEST");
    CHECK(row.facts.actor == kToken);
  }));
}

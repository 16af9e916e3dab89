// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

const std::string kToken = "erased:0123456789abcdef";

/// A database that `init` made, with tables of an application in it.
struct Scratch {
  explicit Scratch(const std::string& sql) { run_sql(folder.file("audit.db"), sql); }

  ScratchDatabase folder;
  std::unique_ptr<Database> database = made_database(folder.options());

  [[nodiscard]] SubjectStore& subjects() const { return database->subjects(); }
  [[nodiscard]] std::string ask(const std::string& sql) const {
    return ask_sql(folder.file("audit.db"), sql);
  }
  /// Whoever reads a person's rows reads those that the erasure then changes.
  [[nodiscard]] TableErasure erase(const ModuleTable& table, const Subject& subject) const {
    std::int64_t read = 0;
    subjects().for_each_row(table, subject, [&](std::span<const StoredView> /*row*/) { ++read; });
    TableErasure erasure;
    in_write(*database, [&] { erasure = subjects().erase(table, subject, kToken); });
    CHECK(read == erasure.before);
    return erasure;
  }
  [[nodiscard]] std::string objection(const ModuleTable& table) const {
    const StorageError error = error_of([&] { subjects().require_module_table(table); });
    CHECK(error.trouble() == StorageTrouble::mapping);
    return error.what();
  }
  [[nodiscard]] std::vector<std::string> persons(const ModuleTable& table) const {
    std::vector<std::string> names;
    subjects().for_each_subject(table, [&](const Subject& subject) {
      names.push_back(subject.tenant.value_or("-") + "/" + subject.person);
    });
    std::sort(names.begin(), names.end());
    return names;
  }
};

ModuleTable removal(const std::string& table) {
  return {.table = table, .subject = "who"};
}

ModuleTable redaction(const std::string& table, std::vector<TreatedColumn> columns = {}) {
  return {.table = table,
          .subject = "who",
          .action = ModuleAction::redact,
          .columns = std::move(columns)};
}

void check_counts(const TableErasure& erasure, std::int64_t rows) {
  CHECK(erasure.before == rows);
  CHECK(erasure.changed == rows);
  CHECK(erasure.after == 0);
}

}  // namespace

TEST_CASE("rows of a person go and all others stay", "[module]") {
  const Scratch scratch(
      "CREATE TABLE note (id INTEGER PRIMARY KEY, who TEXT, text TEXT);"
      "INSERT INTO note (who, text) VALUES ('ann', 'a'), ('Ann', 'b'), ('ann ', 'c'), ('%', 'd'),"
      "  ('a_n', 'e'), (CAST(x'616e6e0078' AS TEXT), 'f'), (NULL, 'g'), ('ann', 'h')");
  scratch.subjects().require_module_table(removal("note"));
  CHECK(scratch.subjects().count(removal("note"), {.person = "ann"}) == 2);
  check_counts(scratch.erase(removal("note"), {.person = "ann"}), 2);
  CHECK(scratch.ask("SELECT group_concat(text, '') FROM (SELECT text FROM note ORDER BY id)") ==
        "bcdefg");
  check_counts(scratch.erase(removal("note"), {.person = "%"}), 1);
  check_counts(scratch.erase(removal("note"), {.person = std::string{"ann\0x", 5}}), 1);
  check_counts(scratch.erase(removal("note"), {.person = "nobody"}), 0);
}

TEST_CASE("a person is found whatever the column was declared as", "[module]") {
  const std::string type =
      GENERATE("INTEGER", "TEXT", "", "NUMERIC", "REAL", "VARCHAR(20) COLLATE NOCASE", "BLOB");
  const Scratch scratch("CREATE TABLE note (who " + type +
                        "); CREATE INDEX note_who ON note (who);"
                        "INSERT INTO note VALUES (7), ('7'), (70), (NULL)");
  CAPTURE(type);
  check_counts(scratch.erase(removal("note"), {.person = "7"}), 2);
  check_counts(scratch.erase(removal("note"), {.person = "7"}), 0);
  check_counts(scratch.erase(removal("note"), {.person = "70"}), 1);
}

TEST_CASE("another spelling of a number is another person", "[module]") {
  const std::string type = GENERATE("INTEGER", "NUMERIC", "REAL", "TEXT", "");
  const std::string other = GENERATE("007", "7.0", " 7", "7e0", "+7", "0x7");
  const Scratch scratch("CREATE TABLE note (who " + type + "); INSERT INTO note VALUES (7)");
  CHECK(scratch.subjects().count(removal("note"), {.person = other}) == 0);
  CHECK(scratch.subjects().count(removal("note"), {.person = "7"}) == 1);
}

TEST_CASE("numbers at the end of their range, fractions and bytes are found", "[module]") {
  const Scratch scratch(
      "CREATE TABLE note (who);"
      "INSERT INTO note VALUES (9223372036854775807), (-9223372036854775808), (0.5), (x'00ff'),"
      "  ('00ff'), ('00FF')");
  const auto count = [&](const std::string& person) {
    return scratch.subjects().count(removal("note"), {.person = person});
  };
  CHECK(count("9223372036854775807") == 1);
  CHECK(count("-9223372036854775808") == 1);
  CHECK(count("0.5") == 1);
  CHECK(count("00ff") == 2);
  CHECK(count("00FF") == 1);
  CHECK(count("9223372036854775808") == 0);
}

TEST_CASE("a collation that ignores letter case takes nobody else's rows", "[module]") {
  const std::string kind =
      GENERATE("id INTEGER PRIMARY KEY, who TEXT COLLATE NOCASE)",
               "id TEXT, who TEXT COLLATE NOCASE, PRIMARY KEY (who, id)) WITHOUT ROWID");
  const Scratch scratch("CREATE TABLE note (" + kind +
                        ";INSERT INTO note (id, who) VALUES (1, 'ann'), (2, 'ANN'), (3, 'Ann')");
  check_counts(scratch.erase(removal("note"), {.person = "ann"}), 1);
  CHECK(scratch.persons(removal("note")) == std::vector<std::string>{"-/ANN", "-/Ann"});
}

TEST_CASE("names that need quotes are taken as they are", "[module]") {
  const Scratch scratch(
      "CREATE TABLE \"odd \"\"one; --\" (\"who's \"\"id\" TEXT, \"select\" TEXT);"
      "INSERT INTO \"odd \"\"one; --\" VALUES ('x'' OR 1 = 1 --', 'y'), ('z', 'y')");
  const ModuleTable table{.table = "odd \"one; --",
                          .subject = "who's \"id",
                          .action = ModuleAction::redact,
                          .columns = {{.column = "select"}}};
  check_counts(scratch.erase(table, {.person = "x' OR 1 = 1 --"}), 1);
  CHECK(scratch.ask("SELECT count(*) FROM \"odd \"\"one; --\" WHERE \"select\" = 'y'") == "1");
}

TEST_CASE("rows are read whole, in the order of their key and as they are stored", "[module]") {
  const Scratch scratch(
      "CREATE TABLE note (id INTEGER PRIMARY KEY, who TEXT, twice AS (id * 2), any_kind);"
      "INSERT INTO note (id, who, any_kind) VALUES (9, 'ann', x'00ff'), (2, 'ann', 0.5),"
      "  (5, 'bob', 'c'), (7, 'ann', NULL), (8, 'ann', '7');"
      "CREATE TABLE pair (who TEXT, part TEXT, PRIMARY KEY (part, who)) WITHOUT ROWID;"
      "INSERT INTO pair VALUES ('ann', 'z'), ('ann', 'a'), ('bob', 'b')");
  const auto texts = [&](const char* table) {
    std::string all;
    scratch.subjects().for_each_row(
        removal(table), {.person = "ann"}, [&](std::span<const StoredView> row) {
          for (const StoredView& value : row) {
            all += std::to_string(value.index()) + to_display(value) + " ";
          }
        });
    return all;
  };
  CHECK(scratch.subjects().columns_of(removal("note")) ==
        std::vector<std::string>{"id", "who", "twice", "any_kind"});
  CHECK(texts("note") == "12 3ann 14 20.5 17 3ann 114 0 18 3ann 116 37 19 3ann 118 400ff ");
  CHECK(texts("pair") == "3ann 3a 3ann 3z ");
}

TEST_CASE("tenants are kept apart, and no tenant is the empty one", "[module]") {
  const std::string index =
      GENERATE("", ";CREATE INDEX i ON note (who)", ";CREATE INDEX i ON note (realm, who)");
  const Scratch scratch(
      "CREATE TABLE note (who TEXT, realm TEXT COLLATE NOCASE);"
      "INSERT INTO note VALUES ('ann', 'acme'), ('ann', 'ACME'), ('ann', NULL), ('ann', ''),"
      "  ('ann', '7'), ('bob', 'acme')" +
      index);
  ModuleTable table = removal("note");
  CHECK(scratch.subjects().count(table, {.tenant = "acme", .person = "ann"}) == 5);
  table.tenant = "realm";
  CHECK(scratch.persons(table) ==
        std::vector<std::string>{"-/ann", "7/ann", "ACME/ann", "acme/ann", "acme/bob"});
  check_counts(scratch.erase(table, {.tenant = "acme", .person = "ann"}), 1);
  check_counts(scratch.erase(table, {.tenant = "7", .person = "ann"}), 1);
  CHECK(scratch.subjects().count(table, {.tenant = "", .person = "ann"}) == 2);
  check_counts(scratch.erase(table, {.person = "ann"}), 2);
  CHECK(scratch.persons(table) == std::vector<std::string>{"ACME/ann", "acme/bob"});
}

TEST_CASE("every person is listed once, however the value is stored", "[module]") {
  const Scratch scratch(
      "CREATE TABLE note (who);"
      "INSERT INTO note VALUES (7), ('7'), (7.0), ('Ann'), ('ann'), ('ann'), (NULL)");
  CHECK(scratch.persons(removal("note")) == std::vector<std::string>{"-/7", "-/Ann", "-/ann"});
}

TEST_CASE("a redacted row loses what names the person and stays", "[module]") {
  const Scratch scratch(
      "CREATE TABLE orders (id INTEGER PRIMARY KEY, who TEXT NOT NULL, mail TEXT, alias TEXT,"
      "  total INTEGER);"
      "INSERT INTO orders VALUES (1, 'ann', 'ann@example.org', 'annie', 10), (2, 'bob', 'b', 'b', "
      "20)");
  const ModuleTable table =
      redaction("orders", {{.column = "mail"}, {.column = "alias", .treatment = Treatment::token}});
  scratch.subjects().require_module_table(table);
  check_counts(scratch.erase(table, {.person = "ann"}), 1);
  CHECK(scratch.ask("SELECT who || '|' || coalesce(mail, '-') || '|' || alias || '|' || total "
                    "FROM orders WHERE id = 1") == kToken + "|-|" + kToken + "|10");
  CHECK(scratch.ask("SELECT who || mail || alias FROM orders WHERE id = 2") == "bobbb");
}

TEST_CASE("a subject column that cannot hold the token becomes NULL", "[module]") {
  const std::string type = GENERATE("INTEGER", "REAL", "TEXT REFERENCES person (id)");
  const Scratch scratch(
      "CREATE TABLE person (id TEXT PRIMARY KEY); INSERT INTO person VALUES ('7');"
      "CREATE TABLE note (who " +
      type + ", text TEXT); INSERT INTO note VALUES ('7', 'a')");
  check_counts(scratch.erase(redaction("note", {{.column = "text"}}), {.person = "7"}), 1);
  CHECK(scratch.ask("SELECT count(*) FROM note WHERE who IS NULL AND text IS NULL") == "1");
}

TEST_CASE("a key of several columns takes the token", "[module]") {
  const Scratch scratch(
      "CREATE TABLE setting (who TEXT, name TEXT, value TEXT, PRIMARY KEY (who, name)) "
      "WITHOUT ROWID;"
      "INSERT INTO setting VALUES ('ann', 'a', '1'), ('ann', 'b', '2'), ('bob', 'a', '3')");
  check_counts(scratch.erase(redaction("setting", {{.column = "value"}}), {.person = "ann"}), 2);
  CHECK(scratch.ask("SELECT count(*) FROM setting WHERE who = '" + kToken + "'") == "2");
  CHECK(scratch.ask("SELECT value FROM setting WHERE who = 'bob'") == "3");
}

TEST_CASE("a treatment that a column cannot take is refused beforehand", "[module]") {
  const Scratch scratch(
      "CREATE TABLE a (who INTEGER NOT NULL);"
      "CREATE TABLE b (who INTEGER PRIMARY KEY, mail TEXT NOT NULL);"
      "CREATE TABLE c (who TEXT, n INTEGER, mail TEXT NOT NULL, up TEXT AS (upper(mail)), "
      "  kept BLOB, PRIMARY KEY (who)) STRICT");
  CHECK_THAT(scratch.objection(redaction("a")), Contains("\"who\"") && Contains("NOT NULL"));
  CHECK_THAT(scratch.objection(redaction("b")), Contains("primary key"));
  CHECK_THAT(scratch.objection(redaction("c", {{.column = "mail"}})), Contains("\"mail\""));
  CHECK_THAT(scratch.objection(redaction("c", {{.column = "who"}})), Contains("\"who\""));
  CHECK_THAT(scratch.objection(redaction("c", {{.column = "up"}})), Contains("computed"));
  CHECK_THAT(scratch.objection(redaction("c", {{.column = "n"}, {.column = "N"}})),
             Contains("twice"));
  const Treatment token = Treatment::token;
  CHECK_THAT(scratch.objection(redaction("c", {{.column = "n", .treatment = token}})),
             Contains("numbers"));
  CHECK_THAT(scratch.objection(redaction("c", {{.column = "kept", .treatment = token}})),
             Contains("bytes"));
}

TEST_CASE("tables that are no module's are refused", "[module]") {
  const Scratch scratch(
      "CREATE TABLE note (who TEXT); CREATE VIEW seen AS SELECT who FROM note;"
      "CREATE VIRTUAL TABLE words USING fts5 (who);"
      "CREATE TABLE odd (who TEXT)");
  CHECK_THAT(scratch.objection(removal("AUDIT_events")), Contains("no column"));
  ModuleTable log = removal("AUDIT_events");
  log.subject = "subject";
  CHECK_THAT(scratch.objection(log), Contains("is the audit log"));
  CHECK_THAT(scratch.objection(removal("holdfast_event")), Contains("Holdfast itself"));
  CHECK_THAT(scratch.objection(removal("sqlite_schema")), Contains("SQLite"));
  CHECK_THAT(scratch.objection(removal("seen")), Contains("is a view"));
  CHECK_THAT(scratch.objection(removal("words")), Contains("virtual table"));
  CHECK_THAT(scratch.objection(removal("nots")), Contains("did you mean"));
  ModuleTable table = removal("note");
  table.subject = "whom";
  CHECK_THAT(scratch.objection(table), Contains("no column \"whom\""));
  table = removal("note");
  table.tenant = "realm";
  CHECK_THAT(scratch.objection(table), Contains("no column \"realm\""));
}

TEST_CASE("foreign keys that take other rows along are refused by name", "[module]") {
  const std::string action = GENERATE("CASCADE", "SET NULL", "SET DEFAULT");
  const Scratch scratch(
      "CREATE TABLE person (who TEXT PRIMARY KEY, mail TEXT);"
      "CREATE TABLE post (author TEXT REFERENCES person ON DELETE " +
      action +
      ");"
      "CREATE TABLE nick (who TEXT UNIQUE);"
      "CREATE TABLE seat (holder TEXT REFERENCES Nick (WHO) ON UPDATE " +
      action + ")");
  CHECK_THAT(scratch.objection(removal("person")),
             Contains("\"post\" column \"author\" with ON DELETE " + action));
  CHECK_THAT(scratch.objection(redaction("nick")),
             Contains("\"seat\" column \"holder\" with ON UPDATE " + action));
  CHECK_NOTHROW(scratch.subjects().require_module_table(removal("nick")));
  CHECK_NOTHROW(scratch.subjects().require_module_table(redaction("person", {{.column = "mail"}})));
}

TEST_CASE("a foreign key without an action stops the erasure and is named", "[module]") {
  const Scratch scratch(
      "CREATE TABLE person (who TEXT PRIMARY KEY); INSERT INTO person VALUES ('ann');"
      "CREATE TABLE post (author TEXT REFERENCES person); INSERT INTO post VALUES ('ann')");
  scratch.subjects().require_module_table(removal("person"));
  const auto scope = scratch.database->begin_write(Durability::full);
  const StorageError error = error_of(
      [&] { (void)scratch.subjects().erase(removal("person"), {.person = "ann"}, kToken); });
  CHECK_THAT(error.what(), Contains("post.author"));
  CHECK(scratch.subjects().count(removal("person"), {.person = "ann"}) == 1);
}

TEST_CASE("triggers that nobody counts are refused by name", "[module]") {
  const Scratch scratch(
      "CREATE TABLE note (who TEXT); CREATE TABLE history (who TEXT);"
      "CREATE TRIGGER note_gone AFTER DELETE ON note BEGIN"
      "  INSERT INTO history VALUES (old.who); END;"
      "CREATE TRIGGER note_changed BEFORE UPDATE ON note BEGIN"
      "  INSERT INTO history VALUES (old.who); END;"
      "CREATE TABLE quiet (who TEXT);"
      "CREATE TRIGGER quiet_new AFTER INSERT ON quiet BEGIN SELECT 1; END");
  CHECK_THAT(scratch.objection(removal("note")), Contains("\"note_gone\""));
  CHECK_THAT(scratch.objection(redaction("note")), Contains("\"note_changed\""));
  CHECK_NOTHROW(scratch.subjects().require_module_table(removal("quiet")));
  const auto scope = scratch.database->begin_write(Durability::full);
  CHECK_THROWS_AS(scratch.subjects().erase(removal("note"), {.person = "ann"}, kToken),
                  StorageError);
}

TEST_CASE("an erasure that leaves rows of the person is an error", "[module]") {
  // The token that is put in is the person's own name: the rows still name the person.
  const Scratch scratch("CREATE TABLE note (who TEXT); INSERT INTO note VALUES ('ann')");
  const auto scope = scratch.database->begin_write(Durability::full);
  const StorageError error = error_of(
      [&] { (void)scratch.subjects().erase(redaction("note"), {.person = "ann"}, "ann"); });
  CHECK_THAT(error.what(), Contains("1 are left"));
}

TEST_CASE("an erasure that is not committed is taken back whole", "[module]") {
  const Scratch scratch("CREATE TABLE note (who TEXT); INSERT INTO note VALUES ('ann')");
  {
    const auto scope = scratch.database->begin_write(Durability::full);
    (void)scratch.subjects().erase(removal("note"), {.person = "ann"}, kToken);
  }
  CHECK(scratch.ask("SELECT count(*) FROM note") == "1");
}

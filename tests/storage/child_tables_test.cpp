// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/child_tables.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "storage/sqlite/child_rows.h"
#include "tests/storage/scratch_log.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;

constexpr const char* kIntegerLog =
    "CREATE TABLE log (id INTEGER PRIMARY KEY, at INTEGER, code TEXT, ref INTEGER);";
constexpr const char* kTextLog =
    "CREATE TABLE log (id TEXT PRIMARY KEY NOT NULL, at INTEGER, code TEXT) WITHOUT ROWID;";
const std::string kAnyLog =
    "CREATE TABLE log (id ANY PRIMARY KEY NOT NULL, at INTEGER, code TEXT) STRICT;";
constexpr const char* kPairLog =
    "CREATE TABLE log (org TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER, code TEXT, "
    "PRIMARY KEY (org, seq));";

LogMapping with_children(std::vector<ChildTable> children, std::vector<std::string> id = {"id"}) {
  return {.table = "log", .id = std::move(id), .time = "at", .children = std::move(children)};
}

/// A schema, the one child that is declared for it, and what the objection says.
struct Case {
  const char* name;
  std::string schema;
  ChildTable child;
  std::string says;
};

std::vector<Case> refused() {
  const std::string log = kIntegerLog;
  return {
      {"no such table", log, {"parts", {"log_id"}}, "no table \"parts\" ([events].children.table)"},
      {"no such column",
       log + "CREATE TABLE part (x INTEGER)",
       {"part", {"log_id"}},
       "no column \"log_id\" ([events].children.column)"},
      {"the log itself", log, {"LOG", {"ref"}}, "is the audit log itself"},
      {"Holdfast's own", log, {"holdfast_run", {"id"}}, "belongs to SQLite or to Holdfast itself"},
      {"a view",
       log + "CREATE VIEW part AS SELECT id AS log_id FROM log",
       {"part", {"log_id"}},
       "is a view"},
      {"rows of the log refer to it, so they share its rows",
       "CREATE TABLE part (id INTEGER PRIMARY KEY);"
       "CREATE TABLE log (id INTEGER PRIMARY KEY, at INTEGER, code TEXT, "
       "ref INTEGER REFERENCES part (id))",
       {"part", {"id"}},
       "several of them may share a row of it"},
      {"its own key, and no foreign key",
       log + "CREATE TABLE part (part_id INTEGER PRIMARY KEY)",
       {"part", {"part_id"}},
       "has its own key in column \"part_id\""},
      {"the column is another table's",
       log + "CREATE TABLE invoice (id INTEGER PRIMARY KEY);"
             "CREATE TABLE part (a INTEGER REFERENCES Invoice, b INTEGER)",
       {"part", {"a"}},
       "refers to table \"Invoice\" with column \"a\" ([events].children.column)"},
      {"two columns refer to the log",
       log + "CREATE TABLE part (a INTEGER REFERENCES log, b INTEGER REFERENCES log (id))",
       {"part", {"a"}},
       "a row that two rows of the log may share is no child"},
      {"refers to another column than the key",
       log +
           "CREATE UNIQUE INDEX u ON log (ref); CREATE TABLE part (a INTEGER REFERENCES log (ref))",
       {"part", {"a"}},
       "a row that two rows of the log may share is no child"},
      {"is referred to itself",
       log + "CREATE TABLE part (id INTEGER PRIMARY KEY, a INTEGER REFERENCES log);"
             "CREATE TABLE crumb (part INTEGER REFERENCES part ON DELETE CASCADE)",
       {"part", {"a"}},
       "is referred to by table \"crumb\" column \"part\""},
      {"refers to itself",
       log + "CREATE TABLE part (id INTEGER PRIMARY KEY, a INTEGER REFERENCES log, "
             "up INTEGER REFERENCES part)",
       {"part", {"a"}},
       "is referred to by table \"part\" column \"up\""},
      {"a trigger fires",
       log + "CREATE TABLE part (a INTEGER REFERENCES log);"
             "CREATE TRIGGER sly AFTER DELETE ON part BEGIN DELETE FROM log; END",
       {"part", {"a"}},
       "has trigger \"sly\""},
      {"text for integers",
       log + "CREATE TABLE part (a TEXT REFERENCES log)",
       {"part", {"a"}},
       "compares column \"a\""},
      {"no type",
       log + "CREATE TABLE part (a REFERENCES log)",
       {"part", {"a"}},
       "compares column \"a\""},
      {"ANY of a STRICT table for integers: '2' and 3.0 would be 2 and 3",
       log + "CREATE TABLE part (a ANY REFERENCES log ON DELETE CASCADE) STRICT",
       {"part", {"a"}},
       "compares column \"a\""},
      {"numbers for ANY of a STRICT table: 1 would be '1' and 1",
       kAnyLog + "CREATE TABLE part (a NUMERIC)",
       {"part", {"a"}},
       "compares column \"a\""},
      {"ANY that is no type for ANY of a STRICT table",
       kAnyLog + "CREATE TABLE part (a ANY)",
       {"part", {"a"}},
       "compares column \"a\""},
      {"another collation",
       std::string{kTextLog} + "CREATE TABLE part (a TEXT COLLATE NOCASE REFERENCES log)",
       {"part", {"a"}},
       "declare both with one type and collation"},
      {"too many columns",
       log + "CREATE TABLE part (a INTEGER, b INTEGER)",
       {"part", {"a", "b"}},
       "needs 1 columns in [events].children.column, one for each of \"id\""},
  };
}

}  // namespace

TEST_CASE("a child that cannot be one is refused in one sentence", "[children]") {
  const Case refusal = GENERATE(from_range(refused()));
  INFO(refusal.name);
  ScratchLog log{refusal.schema};
  CHECK_THAT(log.objection(with_children({refusal.child})), Contains(refusal.says));
}

TEST_CASE("a child is named once", "[children]") {
  ScratchLog log{std::string{kIntegerLog} + "CREATE TABLE part (a INTEGER, b INTEGER)"};
  CHECK_THAT(log.objection(with_children({{"part", {"a"}}, {"PART", {"b"}}})),
             Contains("is there twice in [events].children.table"));
}

TEST_CASE("the table of the codes is no child", "[children]") {
  ScratchLog log{std::string{kIntegerLog} +
                 "CREATE TABLE kinds (id INTEGER PRIMARY KEY, name TEXT, log_id INTEGER)"};
  LogMapping mapping = with_children({{"kinds", {"log_id"}}});
  mapping.code_lookup = CodeLookup{.table = "Kinds", .key = "id", .text = "name"};
  CHECK_THAT(log.objection(mapping), Contains("has the texts of the codes"));
}

TEST_CASE("a foreign key that no child declares says what to write", "[children]") {
  const auto [action, effect] = GENERATE(table<std::string, std::string>({
      {"", "SQLite refuses that"},
      {"ON DELETE RESTRICT", "SQLite refuses that"},
      {"ON DELETE CASCADE", "ON DELETE CASCADE would delete rows there that nobody counts"},
      {"ON DELETE SET NULL", "ON DELETE SET NULL would change rows there"},
      {"ON DELETE SET DEFAULT", "ON DELETE SET DEFAULT would change rows there"},
  }));
  ScratchLog log{std::string{kIntegerLog} +
                 "CREATE TABLE declared (a INTEGER REFERENCES log);"
                 "CREATE TABLE part (log_id INTEGER REFERENCES log " +
                 action + ")"};
  const std::string objection = log.objection(with_children({{"declared", {"a"}}}));
  CHECK_THAT(objection, Contains("table \"part\" column \"log_id\" refers to \"log\": "));
  CHECK_THAT(objection, Contains(effect));
  CHECK_THAT(objection, Contains(R"(children = [{ table = "part", column = "log_id" }])"));
  CHECK(log.objection(with_children({{"declared", {"a"}}, {"part", {"log_id"}}})).empty());
}

TEST_CASE("a foreign key to another column of the log cannot be declared", "[children]") {
  ScratchLog log{std::string{kIntegerLog} +
                 "CREATE UNIQUE INDEX u ON log (ref); CREATE TABLE part (a REFERENCES log (ref))"};
  CHECK_THAT(log.objection(with_children({})),
             Contains("it refers to \"ref\" and not to the key \"id\" ([events].id)"));
}

TEST_CASE("a foreign key over several columns is written in the order of the key", "[children]") {
  ScratchLog log{std::string{kPairLog} +
                 "CREATE TABLE part (number INTEGER, house TEXT, "
                 "FOREIGN KEY (number, house) REFERENCES log (seq, org))"};
  CHECK_THAT(log.objection(with_children({}, {"org", "seq"})),
             Contains(R"(column = ["house", "number"])"));
  const auto declared = with_children({{"part", {"house", "number"}}}, {"org", "seq"});
  CHECK(log.objection(declared).empty());
  CHECK(log.probe(declared).shape.mapping.at("children") == "part(house,number)");
}

TEST_CASE("a child without an index is a doubt with the index to make", "[children]") {
  ScratchLog log{std::string{kIntegerLog} + "CREATE TABLE part (a INTEGER REFERENCES log)"};
  const LogShape shape = log.probe(with_children({{"part", {"a"}}})).shape;
  CHECK_FALSE(finds_children(shape));
  CHECK_THAT(shape.doubts.front(),
             Contains("CREATE INDEX \"part_a\" ON \"part\" (\"a\")") && Contains("writers wait"));
  log.run("CREATE INDEX part_a ON part (a)");
  CHECK(finds_children(log.probe(with_children({{"part", {"a"}}})).shape));
}

TEST_CASE("a child without a foreign key is believed, and that is a doubt", "[children]") {
  ScratchLog log{std::string{kIntegerLog} +
                 "CREATE TABLE part (a INTEGER); CREATE INDEX i ON part (a)"};
  CHECK_THAT(log.probe(with_children({{"part", {"a"}}})).shape.doubts.front(),
             Contains("no foreign key says that column \"a\" of \"part\""));
}

TEST_CASE("a column of the key may refer to another table too", "[children]") {
  ScratchLog log{
      std::string{kPairLog} +
      "CREATE TABLE house (id TEXT PRIMARY KEY);"
      "CREATE TABLE part (n INTEGER, o TEXT REFERENCES house, x INTEGER REFERENCES house,"
      "FOREIGN KEY (o, n) REFERENCES log)"};
  CHECK(log.objection(with_children({{"part", {"o", "n"}}}, {"org", "seq"})).empty());
}

TEST_CASE("a mapping without children reads as it always has", "[children]") {
  ScratchLog log{kIntegerLog};
  CHECK(log.probe(with_children({})).shape.mapping.count("children") == 0);
  CHECK(log.open(with_children({}))->take_children().empty());
}

TEST_CASE("child rows go with theirs and with no other, whatever the key", "[children]") {
  const auto [schema, fill, disposed, left] =
      GENERATE(table<std::string, std::string, std::vector<std::string>, std::string>({
          // 1.5 and text belong to no row, between two that go at once.
          {std::string{kIntegerLog} + "CREATE TABLE part (a INTEGER)",
           "INSERT INTO log (id) VALUES (1), (2), (3), (5);"
           "INSERT INTO part VALUES (1), (1), (2), (1.5), ('x'), (4), (5), (NULL)",
           {"1", "2", "3"},
           "1.5 x 4 5 "},
          {std::string{kTextLog} + "CREATE TABLE part (a TEXT)",
           "INSERT INTO log (id) VALUES ('a'), ('A'), ('b ');"
           "INSERT INTO part VALUES ('a'), ('A'), ('b'), ('b '), (x'61')",
           {"a", "b "},
           "A b a"},
          {kAnyLog + "CREATE TABLE part (a ANY) STRICT",
           "INSERT INTO log (id) VALUES (1), ('1'), ('2'); INSERT INTO part VALUES (1), ('1'), (2)",
           {"1"},
           "1 2"},
      }));
  ScratchLog log{schema};
  log.run(fill);
  const auto opened = log.open(with_children({{"part", {"a"}}}));
  const SQLite::Transaction write{log.connection().db()};
  std::vector<RowKey> going;
  std::int64_t expected = 0;
  for (const std::string& typed : disposed) {
    going.push_back(*opened->find_key(typed));
    expected += opened->count_children(going.back()).at("part");
  }
  opened->dispose(going);
  CHECK(opened->take_children() == ChildCounts{{"part", expected}});
  CHECK(opened->take_children() == ChildCounts{{"part", 0}});
  CHECK(log.connection()
            .db()
            .execAndGet("SELECT group_concat(coalesce(a, ''), ' ') FROM "
                        "(SELECT CAST(a AS TEXT) AS a FROM part ORDER BY rowid)")
            .getString() == left);
}

TEST_CASE("what one key finds goes with several at once too", "[children]") {
  SQLite::Database db(":memory:", SQLite::OPEN_READWRITE);
  db.exec(
      "CREATE TABLE part (a); INSERT INTO part VALUES (1), (2), (3.0), (2.5), ('2'), (x'32'), (4)");
  const bool together = GENERATE(true, false);
  ChildRows rows{db, {{.name = "part", .table = "part", .columns = {"a"}}}, ChildRows::Ranges::yes};
  const std::vector<RowKey> keys{RowKey::integer(1), RowKey::integer(2), RowKey::integer(3)};
  std::int64_t planned = 0;
  for (const RowKey& key : keys) {
    planned += rows.count_of(key).at("part");
    if (!together) {
      rows.dispose_of({&key, 1});
    }
  }
  if (together) {
    rows.dispose_of(keys);
  }
  CHECK(planned == 3);
  CHECK(rows.take() == ChildCounts{{"part", planned}});
  CHECK(db.execAndGet("SELECT group_concat(typeof(a)) FROM part").getString() ==
        "real,text,blob,integer");
}

TEST_CASE("child rows of a key of two columns", "[children]") {
  ScratchLog log{std::string{kPairLog} +
                 "CREATE TABLE part (n INTEGER, o TEXT, FOREIGN KEY (o, n) REFERENCES log)"};
  log.run(
      "INSERT INTO log (org, seq) VALUES ('a', 1), ('a', 2), ('b', 1);"
      "INSERT INTO part VALUES (1, 'a'), (2, 'a'), (1, 'b'), (NULL, 'a')");
  const auto opened = log.open(with_children({{"part", {"o", "n"}}}, {"org", "seq"}));
  const SQLite::Transaction write{log.connection().db()};
  opened->dispose_one(*opened->find_key("a,1"));
  CHECK(opened->take_children() == ChildCounts{{"part", 1}});
  CHECK(log.number("SELECT count(*) FROM part WHERE o = 'a' AND n = 1") == 0);
  CHECK(log.number("SELECT count(*) FROM part") == 3);
}

}  // namespace holdfast::testing

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/log_layout.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_log.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

const char* const kInitTable = R"sql(
  CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    occurred_at INTEGER NOT NULL,
    tenant TEXT, code TEXT NOT NULL, severity TEXT, actor TEXT, subject TEXT,
    retain_until INTEGER,
    metadata TEXT);
  CREATE INDEX audit_events_code_time ON audit_events (code, occurred_at, tenant)
)sql";

/// A log of key, time and code, whose key is declared as given.
std::string keyed_log(const std::string& declared_key, const std::string& options = "") {
  return "CREATE TABLE audit_events (" + declared_key + ", occurred_at INTEGER, code TEXT)" +
         options;
}

LogMapping with_id(std::vector<std::string> id) {
  return {.id = std::move(id)};
}

/// A table of integer ids, times and codes with the index given.
std::string indexed_log(const std::string& index, const std::string& time_type = "INTEGER") {
  return "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at " + time_type +
         ", code TEXT, tenant TEXT); " + index;
}

}  // namespace

TEST_CASE("the table that init makes takes Holdfast's own rows", "[log_layout]") {
  ScratchLog log{kInitTable};
  const LogLayout layout = log.probe();
  CHECK(layout.shape.made_by_init);
  CHECK(layout.shape.ordered_keys);
  CHECK_FALSE(layout.shape.rows_come_late);
  CHECK_FALSE(layout.shape.reuses_newest_key);
  CHECK(layout.shape.has_tenant);
  CHECK(layout.code_time_index == "\"audit_events_code_time\"");
  CHECK(layout.groups_in_index);
  CHECK(layout.shape.index_advice.empty());
  CHECK(layout.shape.doubts.empty());
  CHECK(layout.category == "NULL");
  CHECK(layout.shape.mapping.at("id") == "id");
  CHECK(layout.shape.mapping.at("time_format") == "unix_ms");
  CHECK(layout.shape.mapping.at("category").empty());
  CHECK(layout.shape.mapping.at("code_lookup.table").empty());
  CHECK(layout.shape.mapping.size() == 15);
}

TEST_CASE("Holdfast's own rows do not go where they would not fit", "[log_layout]") {
  const auto* const columns = GENERATE(
      // another type of code, no AUTOINCREMENT, no column for the stamp, a column of somebody else
      "id INTEGER PRIMARY KEY AUTOINCREMENT, occurred_at INTEGER, tenant TEXT, code INTEGER, "
      "severity TEXT, actor TEXT, subject TEXT, retain_until INTEGER, metadata TEXT",
      "id INTEGER PRIMARY KEY, occurred_at INTEGER, tenant TEXT, code TEXT, severity TEXT, "
      "actor TEXT, subject TEXT, retain_until INTEGER, metadata TEXT",
      "id INTEGER PRIMARY KEY AUTOINCREMENT, occurred_at INTEGER, tenant TEXT, code TEXT, "
      "severity TEXT, actor TEXT, subject TEXT, metadata TEXT",
      "id INTEGER PRIMARY KEY AUTOINCREMENT, occurred_at INTEGER, tenant TEXT, code TEXT, "
      "severity TEXT, actor TEXT, subject TEXT, retain_until INTEGER, metadata TEXT, "
      "host TEXT NOT NULL");
  ScratchLog log{"CREATE TABLE audit_events (" + std::string{columns} + ")"};
  CHECK_FALSE(log.probe().shape.made_by_init);
  const OpenOptions wanted{.path = log.path(), .own_events_explicit = true};
  CHECK_THROWS_WITH(probe_log(log.connection(), wanted), Contains("own_events = \"holdfast\""));
}

TEST_CASE("two meanings of one column leave no room for own rows", "[log_layout]") {
  ScratchLog log{kInitTable};
  const LogMapping mapping{.actor = {.name = "subject", .named_in_config = true}};
  CHECK_FALSE(log.probe(mapping).shape.made_by_init);
}

TEST_CASE("a further column with a default is no hindrance for own rows", "[log_layout]") {
  ScratchLog log{kInitTable};
  log.run("ALTER TABLE audit_events ADD COLUMN host TEXT NOT NULL DEFAULT ''");
  CHECK(log.probe().shape.made_by_init);
}

TEST_CASE("a table that is not there is refused with those that are", "[log_layout]") {
  ScratchLog log{"CREATE TABLE beta (x); CREATE TABLE alpha (x); CREATE TABLE holdfast_meta (x)"};
  CHECK(log.objection() ==
        "no table \"audit_events\" ([events].table); it has: \"alpha\", \"beta\"");
  CHECK(log.objection({.table = "alpah"}) ==
        "no table \"alpah\" ([events].table); did you mean \"alpha\"?");
}

TEST_CASE("only an ordinary table of the application is an audit log", "[log_layout]") {
  ScratchLog log{
      "CREATE TABLE t (id INTEGER PRIMARY KEY, occurred_at, code); CREATE VIEW v AS SELECT * FROM t;"
      "CREATE VIRTUAL TABLE f USING fts5(code)"};
  CHECK_THAT(log.objection({.table = "v"}), Contains("is a view"));
  CHECK_THAT(log.objection({.table = "f"}), Contains("is a virtual table"));
  CHECK_THAT(log.objection({.table = "f_data"}), Contains("is part of a virtual table"));
  CHECK_THAT(log.objection({.table = "sqlite_schema"}), Contains("belongs to SQLite"));
  CHECK_THAT(log.objection({.table = "HOLDFAST_event"}), Contains("belongs to SQLite"));
}

TEST_CASE("a column that is not there is refused with the nearest one", "[log_layout]") {
  ScratchLog log{"CREATE TABLE logs (id INTEGER PRIMARY KEY, dttm INTEGER, action TEXT)"};
  LogMapping mapping{.table = "logs", .time = "dtm", .code = "action"};
  CHECK(log.objection(mapping) ==
        "table \"logs\" has no column \"dtm\" ([events].time); did you mean \"dttm\"?");
  mapping.time = "dttm";
  mapping.tenant = {.name = "customer", .named_in_config = true};
  CHECK_THAT(log.objection(mapping), StartsWith("table \"logs\" has no column \"customer\""));
  mapping.tenant.named_in_config = false;
  CHECK(log.objection(mapping).empty());
}

TEST_CASE("names are found without regard to letter case and kept as declared", "[log_layout]") {
  ScratchLog log{"CREATE TABLE Logs (Id INTEGER PRIMARY KEY, At INTEGER, Code TEXT)"};
  const LogLayout layout = log.probe({.table = "LOGS", .id = {"ID"}, .time = "at"});
  CHECK(layout.table == "\"Logs\"");
  CHECK(layout.shape.mapping.at("id") == "Id");
  CHECK(layout.shape.mapping.at("time") == "At");
}

TEST_CASE("INTEGER PRIMARY KEY is the rowid under its own name", "[log_layout]") {
  const auto* const declared = GENERATE("id INTEGER PRIMARY KEY",
                                        "id integer primary key asc",
                                        "[id] \"INTEGER\" CONSTRAINT pk PRIMARY KEY",
                                        "id INTEGER NOT NULL PRIMARY KEY");
  ScratchLog log{keyed_log(declared)};
  const LogLayout layout = log.probe();
  CHECK(layout.rowid_alias);
  CHECK(layout.shape.ordered_keys);
  CHECK(layout.shape.reuses_newest_key);
}

TEST_CASE("other keys have no order and are no rowid", "[log_layout]") {
  const auto* const declared = GENERATE("id INTEGER PRIMARY KEY DESC",
                                        "id INT PRIMARY KEY",
                                        "id BIGINT PRIMARY KEY",
                                        "id TEXT PRIMARY KEY",
                                        "id BLOB PRIMARY KEY",
                                        "id INTEGER NOT NULL UNIQUE");
  ScratchLog log{keyed_log(declared)};
  const LogLayout layout = log.probe();
  CHECK(layout.rowid_table);
  CHECK_FALSE(layout.rowid_alias);
  CHECK_FALSE(layout.shape.ordered_keys);
  CHECK_FALSE(layout.shape.reuses_newest_key);
}

TEST_CASE("AUTOINCREMENT counts only as a word of the declaration", "[log_layout]") {
  ScratchLog real{keyed_log("id INTEGER PRIMARY KEY /* , */ AutoIncrement")};
  CHECK(real.probe().autoincrement);
  ScratchLog quoted_only{keyed_log(
      "id INTEGER PRIMARY KEY -- AUTOINCREMENT\n, \"AUTOINCREMENT\" TEXT DEFAULT 'AUTOINCREMENT'"
      ", [autoincrement x] TEXT, it TEXT DEFAULT 'it''s AUTOINCREMENT'")};
  CHECK_FALSE(quoted_only.probe().autoincrement);
}

TEST_CASE("a composite key keeps the order of the mapping", "[log_layout]") {
  ScratchLog log{keyed_log("a TEXT, b INTEGER", "")};
  log.run("DROP TABLE audit_events");
  log.run(
      "CREATE TABLE audit_events (a TEXT, b INTEGER, occurred_at INTEGER, code TEXT, "
      "PRIMARY KEY (a, b)) WITHOUT ROWID");
  const LogLayout layout = log.probe(with_id({"b", "a"}));
  CHECK(layout.key_columns == std::vector<std::string>{"\"b\"", "\"a\""});
  CHECK_FALSE(layout.rowid_table);
  CHECK_THAT(log.objection(with_id({"a"})), Contains("has no declared key over \"a\""));
  CHECK_THAT(log.objection(with_id({"a", "b", "A"})), Contains("twice"));
}

TEST_CASE("a bare rowid is no identity", "[log_layout]") {
  ScratchLog log{"CREATE TABLE audit_events (id INTEGER, occurred_at INTEGER, code TEXT)"};
  CHECK_THAT(log.objection(),
             Contains("has no declared key over \"id\"") && Contains("VACUUM renumbers it"));
  for (const char* name : {"rowid", "oid", "_ROWID_"}) {
    CHECK_THAT(log.objection(with_id({name})), Contains("VACUUM renumbers it"));
  }
  CHECK_THAT(log.objection(with_id({})), Contains("has no declared key"));
}

TEST_CASE("a declared column may be called rowid", "[log_layout]") {
  ScratchLog log{keyed_log("rowid TEXT NOT NULL UNIQUE")};
  const LogLayout layout = log.probe(with_id({"rowid"}));
  CHECK(layout.key_columns == std::vector<std::string>{"\"rowid\""});
  CHECK(layout.pass_order == "_rowid_");
}

TEST_CASE("a UNIQUE index is a key only when it covers and compares every row", "[log_layout]") {
  const auto* const index = GENERATE("CREATE INDEX i ON audit_events (id)",
                                     "CREATE UNIQUE INDEX i ON audit_events (id) WHERE id <> ''",
                                     "CREATE UNIQUE INDEX i ON audit_events (lower(id))",
                                     "CREATE UNIQUE INDEX i ON audit_events (id, code)",
                                     "CREATE UNIQUE INDEX i ON audit_events (id COLLATE NOCASE)",
                                     "CREATE UNIQUE INDEX i ON audit_events (other)");
  ScratchLog log{keyed_log("id TEXT NOT NULL, other TEXT") + "; " + index};
  CHECK_THAT(log.objection(), Contains("has no declared key"));
  CHECK_THAT(log.objection(with_id({"other"})), Contains("has no declared key"));
}

TEST_CASE("a key that is NULL somewhere is refused with its column", "[log_layout]") {
  ScratchLog log{
      "CREATE TABLE audit_events (a TEXT NOT NULL, b TEXT, occurred_at INTEGER, code TEXT, "
      "PRIMARY KEY (a, b))"};
  CHECK(log.objection(with_id({"a", "b"})).empty());
  log.run("INSERT INTO audit_events (a, b) VALUES ('x', 'y'), ('x', NULL), ('x', NULL)");
  CHECK_THAT(log.objection(with_id({"a", "b"})), Contains("\"b\" ([events].id) is NULL"));
}

TEST_CASE("a foreign key that refers to the log is refused with its name", "[log_layout]") {
  const auto* const child =
      GENERATE("CREATE TABLE child (id INTEGER PRIMARY KEY, event_id REFERENCES Audit_Events)",
               "CREATE TABLE child (event_id INTEGER, FOREIGN KEY (event_id) "
               "REFERENCES audit_events (id) ON DELETE CASCADE)");
  ScratchLog log{std::string{kInitTable} + "; " + child};
  CHECK_THAT(log.objection(),
             StartsWith("table \"child\" column \"event_id\" refers to \"audit_events\": "));
}

TEST_CASE("a foreign key of the log itself", "[log_layout]") {
  ScratchLog outward{"CREATE TABLE users (id INTEGER PRIMARY KEY); " +
                     keyed_log("id INTEGER PRIMARY KEY, user_id REFERENCES users (id)")};
  CHECK(outward.objection().empty());
  ScratchLog onto_itself{keyed_log("id INTEGER PRIMARY KEY, parent REFERENCES audit_events (id)")};
  CHECK_THAT(onto_itself.objection(), Contains("column \"parent\" refers to"));
}

TEST_CASE("each trigger of the log is a doubt, by what it fires on", "[log_layout]") {
  ScratchLog log{std::string{kInitTable} + R"sql(;
    CREATE TABLE copy (x);
    CREATE TRIGGER "my ""trigger" AFTER DELETE ON audit_events BEGIN INSERT INTO copy VALUES (1); END;
    CREATE TRIGGER bare /* UPDATE */ DELETE ON audit_events BEGIN SELECT 1; END;
    CREATE TRIGGER "DELETE" BEFORE UPDATE OF code ON audit_events BEGIN DELETE FROM copy; END;
    CREATE TRIGGER adding AFTER INSERT ON audit_events BEGIN DELETE FROM copy; END;
    CREATE TRIGGER holdfast_guard BEFORE DELETE ON audit_events BEGIN SELECT 1; END
  )sql"};
  const auto doubts = log.probe().shape.doubts;
  // A name like those of Holdfast's own makes no guard.
  REQUIRE(doubts.size() == 5);
  CHECK_THAT(doubts[0], Contains("bare") && Contains("is deleted"));
  CHECK_THAT(doubts[1], Contains("holdfast_guard") && Contains("is deleted"));
  CHECK_THAT(doubts[2], Contains("my \"trigger") && Contains("is deleted"));
  CHECK_THAT(doubts[3], Contains("adding") && Contains("is added"));
  CHECK_THAT(doubts[4], Contains("DELETE") && Contains("is changed"));
}

TEST_CASE("an index that starts with code and time is found", "[log_layout]") {
  ScratchLog log{
      indexed_log("CREATE INDEX short ON audit_events (code, occurred_at);"
                  "CREATE INDEX covering ON audit_events (code, occurred_at, id, tenant);"
                  "CREATE INDEX other ON audit_events (code, occurred_at, id)")};
  const LogLayout layout = log.probe();
  CHECK(layout.code_time_index == "\"covering\"");
  CHECK(layout.groups_in_index);
  log.run("DROP INDEX covering");
  CHECK(log.probe().shape.code_time_index);
  CHECK_FALSE(log.probe().groups_in_index);
}

TEST_CASE("an index that cannot give ranges is not used, and one is advised", "[log_layout]") {
  const auto* const index =
      GENERATE("CREATE INDEX i ON audit_events (occurred_at, code)",
               "CREATE INDEX i ON audit_events (code)",
               "CREATE INDEX i ON audit_events (code, occurred_at DESC)",
               "CREATE INDEX i ON audit_events (code COLLATE NOCASE, occurred_at)",
               "CREATE INDEX i ON audit_events (lower(code), occurred_at)",
               "CREATE INDEX i ON audit_events (code, occurred_at) WHERE occurred_at > 7");
  ScratchLog log{indexed_log(index)};
  const LogLayout layout = log.probe();
  CHECK_FALSE(layout.shape.code_time_index);
  CHECK(layout.shape.index_advice ==
        "CREATE INDEX \"audit_events_code_occurred_at\" ON \"audit_events\" "
        "(\"code\", \"occurred_at\", \"tenant\")");
  log.run(layout.shape.index_advice);
  CHECK(log.probe().groups_in_index);
}

TEST_CASE("times that are text are read in full passes", "[log_layout]") {
  const std::string index = "CREATE INDEX i ON audit_events (code, occurred_at)";
  ScratchLog as_text{indexed_log(index)};
  const LogLayout layout = as_text.probe({.time_format = TimeFormat::iso8601});
  CHECK_FALSE(layout.shape.code_time_index);
  CHECK(layout.shape.index_advice.empty());
  ScratchLog text_column{indexed_log(index, "VARCHAR(20)")};
  CHECK_FALSE(text_column.probe().shape.code_time_index);
  CHECK_THAT(text_column.probe().shape.doubts.front(), Contains("declared as text"));
}

TEST_CASE("the lookup of codes names a table that is there and unambiguous", "[log_layout]") {
  ScratchLog log{"CREATE TABLE types (type_id INTEGER PRIMARY KEY, label TEXT, loose INTEGER);" +
                 keyed_log("id INTEGER PRIMARY KEY")};
  const auto objection = [&log](CodeLookup lookup) {
    return log.objection({.code_lookup = std::move(lookup)});
  };
  CHECK(objection({.table = "types", .key = "type_id", .text = "label"}).empty());
  CHECK_THAT(objection({.table = "type", .key = "type_id", .text = "label"}),
             Contains("[events].code_lookup.table"));
  CHECK_THAT(objection({.table = "types", .key = "id", .text = "label"}),
             Contains("[events].code_lookup.key"));
  CHECK_THAT(objection({.table = "types", .key = "type_id", .text = "text"}),
             Contains("[events].code_lookup.text"));
  CHECK_THAT(objection({.table = "types", .key = "loose", .text = "label"}),
             Contains("may have several texts"));
}

TEST_CASE("a rollback journal and a missing tenant are doubts", "[log_layout]") {
  ScratchLog log{keyed_log("id INTEGER PRIMARY KEY"), JournalMode::rollback};
  const auto doubts = log.probe().shape.doubts;
  REQUIRE(doubts.size() == 4);
  CHECK_THAT(doubts[0], Contains("no index"));
  CHECK_THAT(doubts[1], Contains("rollback journal"));
  CHECK_THAT(doubts[2], Contains("no tenant column"));
  CHECK_THAT(doubts[3], Contains("not AUTOINCREMENT"));
}

}  // namespace holdfast::testing

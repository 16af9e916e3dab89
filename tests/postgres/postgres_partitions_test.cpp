// SPDX-License-Identifier: Apache-2.0
// A partition goes as a table only where each of its rows is still the one that was read.
#include "storage/postgres/postgres_partitions.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "postgres_log.h"
#include "storage/postgres/postgres_partition_drop.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr const char* kLog =
    "CREATE TABLE audit_events (id bigint, occurred_at bigint, code text, retain_until bigint,"
    " PRIMARY KEY (occurred_at, id)) PARTITION BY RANGE (occurred_at);"
    "CREATE TABLE p0 PARTITION OF audit_events FOR VALUES FROM (0) TO (700);"
    "CREATE TABLE p1 PARTITION OF audit_events FOR VALUES FROM (700) TO (1400);"
    "CREATE TABLE others PARTITION OF audit_events DEFAULT;"
    "INSERT INTO audit_events SELECT n, n, 'A', NULL FROM generate_series(1, 1600) AS n;";

const std::vector<std::string> kKey{"occurred_at", "id"};
constexpr std::int64_t kAll = 1'000'000;
constexpr std::chrono::milliseconds kWait{20};

/// A log with its partitions, and what happens to it while one of them is on its way out.
class Partitions {
 public:
  explicit Partitions(const std::string& sql, const std::vector<std::string>& id = kKey)
      : log_(sql), layout_(log_.probe({.id = id})), store_(log_.connection(), layout_) {}

  [[nodiscard]] PostgresScratchLog& log() { return log_; }
  [[nodiscard]] PostgresPartitions& store() { return store_; }
  [[nodiscard]] const PostgresLogLayout& layout() const { return layout_; }

  [[nodiscard]] LogPartition find(const std::string& name, const std::string& schema = "public") {
    for (const LogPartition& partition : store_.all()) {
      if (partition.name == schema + "." + name) {
        return partition;
      }
    }
    throw std::logic_error("there is no partition " + name);
  }
  [[nodiscard]] std::string objection(const std::string& name) { return find(name).objection; }

  /// Why the partition stays; "" where it went.
  std::string drop(const std::string& name,
                   const std::function<void()>& after_reading = {},
                   const std::function<void()>& before_the_end = {}) {
    const LogPartition partition = find(name);
    try {
      const auto drop = store_.begin_drop(partition);
      (void)drop->read(kAll, [](const RowFacts&, const RowContent&) { return true; });
      if (after_reading) {
        after_reading();
      }
      drop->keep_rows();
      drop->take_write_lock();
      if (before_the_end) {
        before_the_end();
      }
      drop->drop(kWait);
    } catch (const PartitionRefused& refused) {
      CHECK(there(name));
      CHECK_FALSE(log_.connection().in_transaction());
      CHECK_FALSE(log_.connection().in_write());
      return refused.what();
    }
    CHECK_FALSE(there(name));
    return {};
  }
  [[nodiscard]] bool there(const std::string& name) const {
    return log_.ask("SELECT count(*) FROM pg_class WHERE relname = '" + name + "'") == "1";
  }
  [[nodiscard]] std::string count() const { return log_.ask("SELECT count(*) FROM audit_events"); }

 private:
  PostgresScratchLog log_;
  PostgresLogLayout layout_;
  PostgresPartitions store_;
};

/// Somebody else's transaction that stays open.
class Other {
 public:
  explicit Other(Partitions& partitions) : connection_(partitions.log().scratch().options()) {}
  void run(const std::string& sql) { connection_.exec(sql); }

 private:
  PostgresConnection connection_;
};

}  // namespace

TEST_CASE("a partition that nobody has touched goes with its rows and no others", "[partitions]") {
  Partitions made{kLog};
  CHECK(made.drop("p0").empty());
  CHECK(made.count() == "901");
  CHECK(made.log().ask("SELECT min(id) FROM audit_events") == "700");
  made.log().run("INSERT INTO audit_events VALUES (9, 800, 'A')");
}

TEST_CASE("a partition stays where its rows changed since they were read", "[partitions]") {
  const std::string changed = "somebody changed its rows while they were read";
  Partitions made{kLog};
  const auto while_read = [&](const std::string& sql) {
    return made.drop("p0", [&] { made.log().run(sql); });
  };
  CHECK(while_read("INSERT INTO audit_events VALUES (9000, 5, 'A')") == changed);
  CHECK(while_read("UPDATE audit_events SET retain_until = 9 WHERE id = 5") == changed);
  CHECK(while_read("DELETE FROM audit_events WHERE id = 5") == changed);
  CHECK(while_read("DELETE FROM p0 WHERE id = 6; INSERT INTO p0 VALUES (9001, 6, 'A')") == changed);
  CHECK(while_read("UPDATE audit_events SET occurred_at = 7 WHERE id = 800") == changed);
  // Only another partition.
  CHECK(while_read("INSERT INTO audit_events VALUES (9002, 900, 'A')").empty());
}

TEST_CASE("a transaction that was open when reading began is not overlooked", "[partitions]") {
  Partitions made{kLog};
  Other early{made};
  const std::string deed =
      GENERATE(std::string{"INSERT INTO audit_events VALUES (9000, 5, 'A')"},
               std::string{"UPDATE audit_events SET retain_until = 9 WHERE id = 5"},
               std::string{"DELETE FROM audit_events WHERE id = 5"},
               std::string{"SAVEPOINT a; UPDATE audit_events SET retain_until = 9 WHERE id = 5"});
  CAPTURE(deed);
  early.run("BEGIN");
  early.run(deed);
  SECTION("and that commits before the end") {
    // One that began later is over, so that the early one is not the newest number of all.
    Other{made}.run("INSERT INTO audit_events VALUES (9003, 1500, 'A')");
    CHECK(made.drop("p0", [&] { early.run("COMMIT"); }) ==
          "somebody changed its rows while they were read");
  }
  SECTION("and that is open in the end") {
    CHECK(made.drop("p0").find("lock") != std::string::npos);
    early.run("COMMIT");
  }
  SECTION("and that is rolled back") {
    CHECK(made.drop("p0", [&] { early.run("ROLLBACK"); }).empty());
  }
}

TEST_CASE("nobody writes to the partition between the last look and its end", "[partitions]") {
  Partitions made{kLog};
  const auto in_time = [&](const std::string& sql) {
    return error_text([&] { Other{made}.run(sql); });
  };
  CHECK(made.drop("p0",
                  {},
                  [&] {
                    CHECK_FALSE(in_time("INSERT INTO p0 VALUES (9000, 5, 'A')").empty());
                    CHECK_FALSE(in_time("DELETE FROM p0 WHERE id = 5").empty());
                    // Others go on.
                    CHECK(in_time("INSERT INTO audit_events VALUES (9000, 900, 'A')").empty());
                    CHECK(in_time("SELECT count(*) FROM audit_events").empty());
                  })
            .empty());
}

TEST_CASE("who reads the log keeps its partitions as long as that takes", "[partitions]") {
  Partitions made{kLog};
  Other reader{made};
  reader.run("BEGIN; SELECT count(*) FROM audit_events");
  CHECK(made.drop("p0").find("somebody was reading or writing the log") != std::string::npos);
  CHECK(made.count() == "1600");
  reader.run("COMMIT");
  CHECK(made.drop("p0").empty());
}

TEST_CASE("who waits for a partition and keeps the log is not waited for", "[partitions]") {
  Partitions made{kLog};
  Other writer{made};
  writer.run("BEGIN; SELECT count(*) FROM audit_events; SET lock_timeout = 20000");
  std::thread waiting;
  const std::string why = made.drop("p0", {}, [&] {
    waiting = std::thread{[&] {
      writer.run("UPDATE audit_events SET retain_until = 9 WHERE id = 5");
    }};
    while (made.log().ask("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0") {
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  });
  waiting.join();
  CHECK(why == "somebody was about to write to it");
  writer.run("COMMIT");
  CHECK(made.log().ask("SELECT retain_until FROM audit_events WHERE id = 5") == "9");
}

TEST_CASE("a partition that something depends on stays", "[partitions]") {
  Partitions made{kLog};
  made.log().run("CREATE VIEW of_p0 AS SELECT count(*) FROM p0");
  CHECK(made.drop("p0").find("2BP01") != std::string::npos);
  CHECK(made.count() == "1600");
  made.log().run("DROP VIEW of_p0");
  CHECK(made.drop("p0").empty());
}

TEST_CASE("another command of Holdfast that writes is not waited for", "[partitions]") {
  Partitions made{kLog};
  PostgresConnection other{made.log().scratch().options()};
  const PostgresWriteScope write{other, Durability::normal};
  CHECK(made.drop("p0") == "another command of Holdfast was writing");
}

TEST_CASE("what was read stays what it was, whatever its name is", "[partitions]") {
  Partitions made{kLog};
  const LogPartition old = made.find("p0");
  made.log().run("ALTER TABLE p0 RENAME TO p9; ALTER TABLE p1 RENAME TO p0");
  const auto drop = made.store().begin_drop(old);
  CHECK_THROWS_AS(drop->read(kAll, [](const auto&, const auto&) { return true; }),
                  PartitionRefused);
}

TEST_CASE("a table that takes the name of a partition does not go in its place", "[partitions]") {
  Partitions made{
      "CREATE SCHEMA parts; CREATE SCHEMA shadow; CREATE TABLE shadow.p0 (id bigint);"
      "INSERT INTO shadow.p0 VALUES (7);" +
      std::string{kLog} + "ALTER TABLE p0 SET SCHEMA parts"};
  const LogPartition partition = made.find("p0", "parts");
  const std::string swap =
      "BEGIN; ALTER SCHEMA parts RENAME TO old; ALTER SCHEMA shadow RENAME TO parts; COMMIT";
  const int when = GENERATE(0, 1, 2);
  const auto swap_if = [&](int now) {
    if (when == now) {
      made.log().run(swap);
    }
  };
  std::string why;
  try {
    const auto drop = made.store().begin_drop(partition);
    swap_if(0);
    (void)drop->read(kAll, [](const auto&, const auto&) { return true; });
    swap_if(1);
    drop->keep_rows();
    drop->take_write_lock();
    swap_if(2);
    drop->drop(kWait);
  } catch (const PartitionRefused& refused) {
    why = refused.what();
  }
  CAPTURE(when);
  CHECK_FALSE(why.empty());
  CHECK(made.count() == "1600");
  CHECK(made.log().ask("SELECT id FROM " + std::string{"parts.p0"} + " LIMIT 1") == "7");
}

TEST_CASE("a name that looks like a parameter is a name", "[partitions]") {
  Partitions made{std::string{kLog} + "ALTER TABLE p0 RENAME TO \"p$2023\""};
  CHECK(made.drop("p$2023").empty());
  CHECK(made.count() == "901");
}

TEST_CASE("a trigger that comes while a partition is read keeps it", "[partitions]") {
  Partitions made{kLog};
  made.log().run(
      "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN RETURN OLD; END'");
  CHECK(made.drop("p0", [&] {
    made.log().run(
        "CREATE TRIGGER t BEFORE DELETE ON audit_events FOR EACH ROW EXECUTE"
        " FUNCTION nothing()");
  }) == "it is not what it was any more");
}

TEST_CASE("partitions that cannot go as a whole are named with the reason", "[partitions]") {
  Partitions made{kLog};
  CHECK(made.objection("p0").empty());
  CHECK(made.find("p0").ends == from_unix_ms(700));
  CHECK(made.objection("others") == "no bound of it says at which time its rows end");
  made.log().run(
      "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
      "CREATE TRIGGER own BEFORE INSERT ON p0 FOR EACH ROW EXECUTE FUNCTION nothing();");
  CHECK(made.objection("p0") == "it has a trigger of its own");
  CHECK(made.objection("p1").empty());
  made.log().run(
      "DROP TRIGGER own ON p0;"
      "CREATE TRIGGER t AFTER DELETE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION"
      " nothing();");
  CHECK(made.objection("p1") == "a trigger fires when rows of the log are deleted");
  made.log().run(
      "DROP TRIGGER t ON audit_events; ALTER TABLE p0 SET UNLOGGED;"
      "CREATE RULE r AS ON INSERT TO p1 DO ALSO NOTHING");
  CHECK(made.objection("p0") == "it is unlogged");
  CHECK(made.objection("p1") == "it has a rule of its own");
  made.log().run(
      "ALTER TABLE p0 SET LOGGED; DROP RULE r ON p1; CREATE PUBLICATION all_rows FOR"
      " TABLE audit_events");
  CHECK(made.objection("p0").find("a publication") == 0);
  made.log().run("ALTER PUBLICATION all_rows SET (publish = 'insert')");
  CHECK(made.objection("p0").empty());
  made.log().run("ALTER PUBLICATION all_rows SET (publish = 'delete', publish_via_partition_root)");
  CHECK(made.objection("p0").find("a publication") == 0);
  made.log().run("DROP PUBLICATION all_rows; ALTER TABLE p0 ENABLE ROW LEVEL SECURITY");
  CHECK(made.objection("p0") == "row security is on for it");
  made.log().run(
      "ALTER TABLE p0 DISABLE ROW LEVEL SECURITY; CREATE SEQUENCE tickets OWNED BY p0.code;"
      "CREATE TABLE users (code text PRIMARY KEY); INSERT INTO users VALUES ('A');"
      "ALTER TABLE p1 ADD FOREIGN KEY (code) REFERENCES users");
  CHECK(made.objection("p0") == "a sequence belongs to it, and would go with it");
  CHECK(made.objection("p1").find("it has a foreign key of its own") == 0);
  // As the server itself notes the tables of a subscription, here of all of the log.
  made.log().run(
      "DROP SEQUENCE tickets; INSERT INTO pg_subscription_rel VALUES (1, 'audit_events'::regclass,"
      " 'r', NULL)");
  CHECK(made.objection("p0").find("its rows come by a subscription") == 0);
  made.log().run(
      "DELETE FROM pg_subscription_rel;"
      "CREATE FUNCTION of_ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
      " 'BEGIN END'; CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION of_ddl()");
  CHECK(made.objection("p0") == "event triggers of the database might do more");
}

TEST_CASE("only a bound on the time of the rows says where a partition ends", "[partitions]") {
  const std::string columns =
      "(id bigint, occurred_at timestamptz, tenant text, code text,"
      " retain_until bigint";
  SECTION("by hash, by list, by an expression") {
    const std::string how = GENERATE(std::string{"HASH (occurred_at)"},
                                     std::string{"LIST (occurred_at)"},
                                     std::string{"RANGE (id)"});
    const std::string values = how.front() == 'H'   ? "WITH (MODULUS 1, REMAINDER 0)"
                               : how.front() == 'L' ? "IN ('2020-01-01')"
                                                    : "FROM (0) TO (9)";
    Partitions made{"CREATE TABLE audit_events " + columns +
                    ", PRIMARY KEY (occurred_at, id))"
                    " PARTITION BY " +
                    how + "; CREATE TABLE p PARTITION OF audit_events FOR VALUES " + values};
    CHECK_FALSE(made.find("p").ends);
    CHECK_FALSE(made.objection("p").empty());
  }
  SECTION("without an end") {
    Partitions made{"CREATE TABLE audit_events " + columns +
                    ", PRIMARY KEY (occurred_at, id)) PARTITION BY RANGE (occurred_at);"
                    "CREATE TABLE p PARTITION OF audit_events FOR VALUES FROM ('2020-01-01') TO"
                    " (MAXVALUE)"};
    CHECK_FALSE(made.objection("p").empty());
  }
}

TEST_CASE("rows of a partition are read as those of the log are", "[partitions]") {
  Partitions made{
      "CREATE TABLE audit_events (occurred_at bigint PRIMARY KEY, code text, actor numeric(9, 2),"
      " retain_until bigint, more bytea) PARTITION BY RANGE (occurred_at);"
      "CREATE TABLE p0 (more bytea, gone int, retain_until bigint, occurred_at bigint NOT NULL,"
      " actor numeric(9, 2), code text); ALTER TABLE p0 DROP COLUMN gone;"
      "ALTER TABLE audit_events ATTACH PARTITION p0 FOR VALUES FROM (0) TO (9000);"
      "INSERT INTO audit_events SELECT 5000 - n, 'c' || n, n, NULL, '\\x0001' FROM"
      " generate_series(1, 4500) n",
      {"occurred_at"}};
  PostgresAuditLog log{made.log().connection(), made.layout(), false};
  const std::map<std::string, std::string> expected = contents(log);
  std::map<std::string, std::string> found;
  std::vector<RowKey> order;
  const auto drop = made.store().begin_drop(made.find("p0"));
  const auto take = [&](const RowFacts& facts, const RowContent& content) {
    order.push_back(*facts.key);
    content.append_to(found[facts.key->display()]);
    return true;
  };
  CHECK(drop->read(2500, take) == 2500);
  CHECK(drop->read(2500, take) == 2000);
  CHECK(drop->read(2500, take) == 0);
  CHECK(found == expected);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

// SPDX-License-Identifier: Apache-2.0
// Functions and operators that somebody has put where the role looks names up decide nothing.
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "postgres_log.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr const char* kNumbers =
    "CREATE TABLE audit_events (id bigint PRIMARY KEY, occurred_at bigint, code text);"
    "INSERT INTO audit_events SELECT n, n, 'A' FROM generate_series(1, 9) AS n;";
constexpr const char* kNames =
    "CREATE TABLE audit_events (id varchar(9) PRIMARY KEY, occurred_at bigint, code text);"
    "INSERT INTO audit_events VALUES ('a', 1, 'A'), ('ax', 2, 'A'), ('b', 3, 'A');";

/// Takes the row behind the one that is asked for; counts look right.
constexpr const char* kNextKey =
    "CREATE FUNCTION unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql IMMUTABLE AS "
    "'SELECT pg_catalog.unnest($1) + 1';";
constexpr const char* kLiar =
    "CREATE FUNCTION liar(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE AS "
    "$$SELECT $1::text = $2::text || 'x'$$;"
    "CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = liar);";

constexpr const char* kLeft = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM audit_events";

/// A log that Holdfast has its own tables beside.
class PreparedLog {
 public:
  explicit PreparedLog(const std::string& sql) {
    scratch_.run_sql(sql);
    (void)init_database(scratch_.options(), "identity", Instant{});
    database_ = open_database(scratch_.options());
  }

  [[nodiscard]] const PostgresScratch& scratch() const { return scratch_; }
  [[nodiscard]] Database& database() { return *database_; }
  void dispose(const std::string& key) {
    const auto write = database_->begin_write(Durability::full);
    database_->audit_log().dispose_one(key_of(database_->audit_log(), key));
    write->commit();
  }

 private:
  PostgresScratch scratch_;
  std::unique_ptr<Database> database_;
};

/// Two scripts after one another.
std::string both(std::string first, std::string_view second) {
  first.append(second);
  return first;
}

}  // namespace

TEST_CASE("a function of the same name does not choose the rows", "[names]") {
  PostgresScratchLog scratch{both(kNumbers, kNextKey)};
  const auto log = scratch.open();
  PostgresWriteScope write = scratch.write();
  const std::vector<RowKey> keys{RowKey::integer(3), RowKey::integer(5)};
  log->dispose(keys);
  write.commit();
  CHECK(scratch.ask(kLeft) == "1 2 4 6 7 8 9");
}

TEST_CASE("a row that nobody named takes the step back", "[names]") {
  PostgresScratchLog scratch{kNames};
  const auto log = scratch.open();
  const RowKey key = key_of(*log, "a");
  scratch.run(kLiar);  // after the log was looked at
  const PostgresWriteScope write = scratch.write();
  CHECK_THAT(error_text([&] { log->dispose_one(key); }), Catch::Contains("other rows than these"));
  CHECK(scratch.ask(kLeft) == "a ax b");
}

TEST_CASE("a database without triggers of others keeps to PostgreSQL's names", "[names]") {
  PreparedLog log{kNames};
  log.scratch().run_sql(kLiar);
  log.dispose("a");
  CHECK(log.scratch().ask_sql(kLeft) == "ax b");
}

TEST_CASE("the names of a hold query and of tables are those of the server's path", "[names]") {
  PreparedLog log{both(kNames,
                       "CREATE TABLE cases (id text, person text);"
                       "INSERT INTO cases VALUES ('C-7', 'u-1');"
                       "CREATE FUNCTION same(text, text) RETURNS boolean LANGUAGE sql AS "
                       "'SELECT $1 = $2';")};
  SubjectStore& subjects = log.database().subjects();
  const auto ask = [&] {
    return subjects.query_holds("SELECT id FROM cases WHERE same(person, :subject)",
                                {.person = "u-1"},
                                std::chrono::seconds{5});
  };
  REQUIRE(ask().size() == 1);
  CHECK(ask().front().id == "C-7");
  CHECK(subjects.count({.table = "cases", .subject = "person"}, {.person = "u-1"}) == 1);
  const auto write = log.database().begin_write(Durability::full);
  CHECK(ask().size() == 1);
  CHECK_NOTHROW(log.database().require_same_schema());
}

TEST_CASE("triggers of others look their names up as ever", "[names]") {
  PreparedLog log{both(kNames,
                       "CREATE TABLE gone (id text);"
                       "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN INSERT INTO gone VALUES (OLD.id); RETURN OLD; END';"
                       "CREATE TRIGGER note AFTER DELETE ON audit_events FOR EACH ROW "
                       "EXECUTE FUNCTION note();")};
  log.dispose("b");
  CHECK(log.scratch().ask_sql(kLeft) == "a ax");
  CHECK(log.scratch().ask_sql("SELECT id FROM gone") == "b");
}

TEST_CASE("check says that the server keeps names in a log of its own", "[names]") {
  PostgresScratchLog scratch{kNames};
  const auto doubts = [&scratch](const std::string& settings) {
    scratch.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET " + settings +
                "', current_database()); END $$");
    PostgresConnection connection{scratch.scratch().options()};
    std::string all;
    for (const std::string& doubt :
         probe_postgres_log(connection, scratch.scratch().options()).shape.doubts) {
      all += doubt + "\n";
    }
    return all;
  };
  CHECK_THAT(doubts("log_statement = none"), !Catch::Contains("own log"));
  CHECK_THAT(doubts("log_min_duration_statement = 250"),
             Catch::Contains("log_min_duration_statement = 250"));
  CHECK_THAT(doubts("log_statement = mod"), Catch::Contains("log_statement = mod"));
  CHECK_THAT(doubts("log_parameter_max_length = 0"), !Catch::Contains("own log"));
  CHECK_THAT(doubts("log_parameter_max_length_on_error = 40"),
             Catch::Contains("log_parameter_max_length_on_error = 40"));
}

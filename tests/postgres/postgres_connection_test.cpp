// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_connection.h"

#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "postgres_server.h"
#include "storage/postgres/postgres_scopes.h"
#include "storage/postgres/postgres_statement.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

template <typename Action>
StorageError error_of(const Action& action) {
  try {
    action();
  } catch (const StorageError& error) {
    return error;
  }
  throw std::logic_error("no StorageError was thrown");
}

StoredView first_of(PostgresStatement& statement) {
  REQUIRE(statement.step());
  return statement.column(0);
}

}  // namespace

TEST_CASE("values come back as they were bound, whatever is in them", "[connection]") {
  const PostgresScratch scratch;
  PostgresConnection connection{scratch.options()};
  PostgresStatement statement{connection,
                              "SELECT $1::bigint, $2::float8, $3::text, $4::bytea, $5::text"};
  const std::string bytes{"\0\xff'\\x", 5};
  statement.bind(1, std::int64_t{INT64_MIN});
  statement.bind(2, 0.1);
  statement.bind(3, std::string_view{"it's \\ \xc3\xa9"});
  statement.bind(4, BlobView{bytes});
  REQUIRE(statement.step());
  CHECK(statement.column(0) == StoredView{std::int64_t{INT64_MIN}});
  CHECK(statement.column(1) == StoredView{0.1});
  CHECK(statement.column(2) == StoredView{std::string_view{"it's \\ \xc3\xa9"}});
  CHECK(statement.column(3) == StoredView{BlobView{bytes}});
  CHECK(statement.column(4) == StoredView{});
  CHECK_FALSE(statement.step());
}

TEST_CASE("a text with a NUL is refused, and one that is not UTF-8 too", "[connection]") {
  const PostgresScratch scratch;
  PostgresConnection connection{scratch.options()};
  PostgresStatement statement{connection, "SELECT $1::text"};
  using std::string_view_literals::operator""sv;
  CHECK_THROWS_AS(statement.bind(1, "a\0b"sv), StorageError);
  statement.bind(1, "\xff"sv);
  const StorageError error = error_of([&] { (void)statement.step(); });
  CHECK_THAT(error.what(), Catch::Contains("cannot be stored"));
}

TEST_CASE("a cursor gives every row while other statements run between", "[connection]") {
  const PostgresScratch scratch;
  PostgresConnection connection{scratch.options()};
  PostgresStatement rows{
      connection, "SELECT * FROM generate_series(1, $1::bigint)", PostgresRows::by_cursor};
  PostgresStatement other{connection, "SELECT $1::bigint + 1"};
  rows.bind(1, std::int64_t{4000});
  std::int64_t sum = 0;
  while (rows.step()) {
    const std::int64_t number = std::get<std::int64_t>(rows.column(0));
    if (number % 1000 == 0) {
      const PostgresUse use{other};
      other.bind(1, number);
      CHECK(first_of(other) == StoredView{number + 1});
    }
    sum += number;
  }
  CHECK(sum == 4000 * 4001 / 2);
  rows.reset();
  CHECK_FALSE(connection.in_transaction());
}

TEST_CASE("errors name the database, and never a password", "[connection]") {
  const PostgresScratch scratch;
  OpenOptions options = scratch.options();
  options.url = "postgresql://holdfast:s3cret@/x?host=/nowhere";
  CHECK_THAT(error_of([&] { PostgresConnection{options}; }).what(),
             Catch::Contains("PGPASSFILE") && !Catch::Contains("s3cret"));
  options.url = "postgresql://holdfast:s3%zzcret@/x";
  CHECK_THAT(error_of([&] { PostgresConnection{options}; }).what(), !Catch::Contains("cret"));
  options.url = scratch.url();
  options.url.replace(options.url.find("/test_"), 6, "/none_");
  const StorageError missing = error_of([&] { PostgresConnection{options}; });
  CHECK(missing.trouble() == StorageTrouble::missing);
  options.url = "postgresql://holdfast@/x?host=/nowhere";
  CHECK_THAT(error_of([&] { PostgresConnection{options}; }).what(),
             Catch::StartsWith("postgresql:///x?host=/nowhere: "));
}

TEST_CASE("a password with a slash is not taken for something else and shown", "[connection]") {
  const std::string url = GENERATE("postgresql://bob:se/cret@localhost/app",
                                   "postgresql://bob:12/cret@localhost/app",
                                   "postgresql://bob:12/cret%40localhost/app",
                                   "postgresql://bob:secret/app",
                                   "postgresql://bob@x:se@cret:5432/app",
                                   "postgresql://localhost/app?host=a@cret",
                                   "postgresql://bob:1/app?user=cret@localhost/app");
  CAPTURE(url);
  CHECK(postgres_url_problem(url).has_value());
  CHECK_THAT(postgres_url_problem(url).value_or(""), !Catch::Contains("cret"));
  CHECK_THAT(postgres_label(url), !Catch::Contains("cret"));
  OpenOptions options;
  options.url = url;
  CHECK_THAT(error_of([&] { PostgresConnection{options}; }).what(), !Catch::Contains("cret"));
}

TEST_CASE("ordinary urls are let in", "[connection]") {
  const std::string url = GENERATE("postgresql://bob@localhost/app",
                                   "postgresql://bob@localhost:5432/app?sslmode=verify-full",
                                   "postgres://bob%40corp@a:5432,b:5433/app",
                                   "postgresql://bob@[::1]:5432/app",
                                   "postgresql:///app?host=/var/run/postgresql&user=bob%40corp",
                                   "postgresql://?service=audit");
  CAPTURE(url);
  CHECK_FALSE(postgres_url_problem(url).has_value());
}

TEST_CASE("what the server says of a value does not come into messages", "[connection]") {
  const PostgresScratch scratch;
  scratch.run_sql("CREATE TABLE t (n int CHECK (n > 0))");
  PostgresConnection connection{scratch.options()};
  const std::string sql =
      GENERATE("SELECT 'alice@example.org'::bigint",
               "SELECT 'alice@example.org'::json",
               "DO $$ BEGIN RAISE 'alice@example.org'; END $$",
               "DO $$ BEGIN RAISE 'alice@example.org' USING ERRCODE = '23505'; END $$",
               "DO $$ BEGIN RAISE 'alice@example.org' USING ERRCODE = 'A0001'; END $$");
  CAPTURE(sql);
  const StorageError error = error_of([&] { connection.exec(sql); });
  CHECK_THAT(error.what(), !Catch::Contains("alice") && Catch::Contains("the server's log"));
  CHECK_THAT(error_of([&] { connection.exec("INSERT INTO t VALUES (0)"); }).what(),
             Catch::Contains("23514"));
  CHECK_THAT(error_of([&] { connection.exec("SELECT * FROM nowhere"); }).what(),
             Catch::Contains("\"nowhere\" does not exist"));
}

TEST_CASE("a server that was never reached is not called lost", "[connection]") {
  OpenOptions options;
  options.url = "postgresql://holdfast@/x?host=/nowhere";
  CHECK_THAT(error_of([&] { PostgresConnection{options}; }).what(),
             Catch::Contains("could not be reached") && !Catch::Contains("lost"));
}

TEST_CASE("one write at a time, and what is not committed is gone", "[scopes]") {
  const PostgresScratch scratch;
  scratch.run_sql("CREATE TABLE t (n int)");
  PostgresConnection first{scratch.options()};
  PostgresConnection second{scratch.options()};
  {
    const PostgresWriteScope write{first, Durability::full};
    first.exec("INSERT INTO t VALUES (1)");
    const StorageError busy = error_of([&] { PostgresWriteScope{second, Durability::full}; });
    CHECK(busy.trouble() == StorageTrouble::busy);
    CHECK_FALSE(second.in_transaction());
  }
  CHECK(scratch.ask_sql("SELECT count(*) FROM t") == "0");
  PostgresWriteScope write{second, Durability::normal};
  second.exec("INSERT INTO t VALUES (1)");
  write.commit();
  CHECK(scratch.ask_sql("SELECT count(*) FROM t") == "1");
}

TEST_CASE("a write that met an error cannot be committed", "[scopes]") {
  const PostgresScratch scratch;
  scratch.run_sql("CREATE TABLE t (n int)");
  PostgresConnection connection{scratch.options()};
  PostgresWriteScope write{connection, Durability::full};
  connection.exec("INSERT INTO t VALUES (1)");
  CHECK_THROWS_AS(connection.exec("SELECT * FROM nowhere"), PostgresError);
  CHECK_THROWS_AS(write.commit(), StorageError);
  CHECK(scratch.ask_sql("SELECT count(*) FROM t") == "0");
}

TEST_CASE("a lost connection is said, and nothing of the write counts", "[scopes]") {
  const PostgresScratch scratch;
  scratch.run_sql("CREATE TABLE t (n int)");
  PostgresConnection connection{scratch.options()};
  PostgresWriteScope write{connection, Durability::full};
  connection.exec("INSERT INTO t VALUES (1)");
  scratch.cut_connections();
  const StorageError error = error_of([&] { write.commit(); });
  CHECK_THAT(error.what(), Catch::Contains("not known") || Catch::Contains("taken back"));
  CHECK(scratch.ask_sql("SELECT count(*) FROM t") == "0");
}

TEST_CASE("a session that only reads cannot write", "[scopes]") {
  const PostgresScratch scratch;
  scratch.run_sql("CREATE TABLE t (n int)");
  OpenOptions options = scratch.options();
  options.read_only = true;
  PostgresConnection connection{options};
  const StorageError error = error_of([&] { connection.exec("INSERT INTO t VALUES (1)"); });
  CHECK(error.trouble() == StorageTrouble::read_only);
  CHECK(error_of([&] {
          PostgresWriteScope{connection, Durability::full};
        }).trouble() == StorageTrouble::read_only);
}

TEST_CASE("one run at a time, until the session ends", "[scopes]") {
  const PostgresScratch scratch;
  PostgresConnection second{scratch.options()};
  {
    PostgresConnection first{scratch.options()};
    CHECK(take_postgres_run_lock(first));
    CHECK_FALSE(take_postgres_run_lock(second));
  }
  // The server hears of the end a moment later.
  bool taken = false;
  for (int turn = 0; turn < 100 && !taken; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    taken = take_postgres_run_lock(second);
  }
  CHECK(taken);
}

TEST_CASE("the own tables' schema is that of the log", "[connection]") {
  const PostgresScratch scratch;
  scratch.run_sql("CREATE SCHEMA app; CREATE TABLE app.audit_events (id bigint PRIMARY KEY)");
  OpenOptions options = scratch.options();
  CHECK(PostgresConnection{options}.schema() == "public");
  options.mapping.table = "app.audit_events";
  CHECK(PostgresConnection{options}.schema() == "app");
}

// SPDX-License-Identifier: Apache-2.0
// What others hold in the database does not keep a session waiting without an end.
#include <libpq-fe.h>

#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "postgres_log.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// Another session that keeps what `sql` locks for two seconds.
class Other {
 public:
  Other(const PostgresScratch& scratch, const std::string& sql)
      : holding_([&scratch, sql] {
          scratch.run_sql("BEGIN; " + sql + "; SELECT pg_sleep(2); COMMIT");
        }) {
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  Other(Other&&) = delete;
  Other& operator=(Other&&) = delete;
  ~Other() { holding_.join(); }

 private:
  std::thread holding_;
};

}  // namespace

TEST_CASE("a table that somebody locks is not waited for without an end", "[session]") {
  PostgresScratchLog scratch{kOwnLog};
  const auto log = scratch.open();
  const Other other{scratch.scratch(), "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"};
  CHECK_THAT(error_text([&] { (void)log->count_rows({}); }), Catch::Contains("not had in time"));
}

TEST_CASE("no busy wait is not one without an end", "[session]") {
  const PostgresScratch scratch;
  OpenOptions options = scratch.options();
  options.busy_wait = std::chrono::milliseconds{0};
  PostgresConnection connection{options};
  const Other other{scratch,
                    "SELECT pg_advisory_xact_lock(1212577585, oid::int) FROM pg_namespace "
                    "WHERE nspname = 'public'"};
  CHECK_THAT(error_text([&] {
               PostgresWriteScope{connection, Durability::full};
             }),
             Catch::Contains("the write lock"));
}

TEST_CASE("init and its removal do not come beside a run", "[session]") {
  const PostgresScratch scratch;
  (void)init_database(scratch.options(), "identity", Instant{});
  PostgresConnection run{scratch.options()};
  REQUIRE(take_postgres_run_lock(run));
  CHECK_THAT(error_text([&] { (void)remove_own_tables(scratch.options()); }),
             Catch::Contains("another run"));
  CHECK_THAT(error_text([&] { (void)init_database(scratch.options(), "identity", Instant{}); }),
             Catch::Contains("another run"));
  CHECK(scratch.ask_sql("SELECT count(*) FROM holdfast_meta") != "0");
}

TEST_CASE("who holds the write lock is said, and a dead peer is found out", "[session]") {
  const PostgresScratch scratch;
  PostgresConnection first{scratch.options()};
  PostgresConnection second{scratch.options()};
  const std::string holder = first.ask("SELECT pg_catalog.pg_backend_pid()");
  const PostgresWriteScope write{first, Durability::full};
  CHECK_THAT(error_text([&] {
               PostgresWriteScope{second, Durability::full};
             }),
             Catch::Contains("(server process " + holder + ")"));
  std::string waits;
  PQconninfoOption* const options = PQconninfo(first.handle());
  for (const PQconninfoOption* one = options; one->keyword != nullptr; ++one) {
    const std::string keyword = one->keyword;
    if (keyword == "keepalives_idle" || keyword == "tcp_user_timeout") {
      waits += keyword + "=" + (one->val == nullptr ? "" : one->val) + " ";
    }
  }
  PQconninfoFree(options);
  CHECK(waits == "keepalives_idle=60 tcp_user_timeout=120000 ");
}

TEST_CASE("a session that a pooler has put in the place of ours is not used", "[session]") {
  const PostgresScratch scratch;
  PostgresConnection connection{scratch.options()};
  // As another command of Holdfast would leave it, and as a session does that nobody has set.
  const std::string other = GENERATE("SET holdfast.session = 'other'", "DISCARD ALL");
  connection.exec(other);
  CHECK_THAT(error_text([&] {
               PostgresWriteScope{connection, Durability::full};
             }),
             Catch::Contains("connect to the server directly"));
  CHECK_THAT(error_text([&] {
               PostgresWriteScope{connection, PostgresWriteScope::LockLater{}};
             }),
             Catch::Contains("connect to the server directly"));
  CHECK_THAT(error_text([&] { PostgresReadScope{connection}; }),
             Catch::Contains("connect to the server directly"));
  CHECK_THAT(error_text([&] { (void)take_postgres_run_lock(connection); }),
             Catch::Contains("connect to the server directly"));
  CHECK_FALSE(connection.in_transaction());
  CHECK(scratch.ask_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                        "(SELECT oid FROM pg_database WHERE datname = current_database())") == "0");
}

TEST_CASE("the server's clock is read, and goes on in a transaction", "[session]") {
  const PostgresScratch scratch;
  (void)init_database(scratch.options(), "identity", Instant{});
  const auto database = open_database(scratch.options());
  const auto first = database->server_now();
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  REQUIRE(first.has_value());
  CHECK(*first > now - std::chrono::minutes{1});
  CHECK(*first < now + std::chrono::minutes{1});
  const auto write = database->begin_write(Durability::full);
  const auto before = database->server_now();
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  CHECK(*database->server_now() > *before);
}

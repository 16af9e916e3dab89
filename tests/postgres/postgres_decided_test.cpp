// SPDX-License-Identifier: Apache-2.0
// Rows that are decided on what a delete returns: whatever is amiss, all of them are there again.
#include <libpq-fe.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "postgres_log.h"
#include "storage/postgres/postgres_statement.h"
#include "tests/policy/test_values.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t kRows = 2300;  // a few statements, and a part of one
constexpr const char* kFill =
    "INSERT INTO audit_events SELECT n, n, NULL, 'A', 'info', 'ann', NULL, NULL, '{}'"
    " FROM generate_series(1, 2300) AS n";
constexpr const char* kPartitioned =
    "CREATE TABLE audit_events (id bigint, occurred_at bigint, code text, PRIMARY KEY (id,"
    " occurred_at)) PARTITION BY RANGE (occurred_at);"
    "CREATE TABLE old PARTITION OF audit_events FOR VALUES FROM (0) TO (700);"
    "CREATE TABLE new PARTITION OF audit_events FOR VALUES FROM (700) TO (9000);"
    "INSERT INTO audit_events SELECT n, n, 'A' FROM generate_series(1, 2300) AS n";

std::vector<RowKey> all_keys(AuditLog& log) {
  std::vector<RowKey> keys;
  log.for_each_key([&](const RowKey& key) { keys.push_back(key); });
  std::sort(keys.begin(), keys.end());
  return keys;
}

bool never() {
  return false;
}

bool goes(const RowFacts& /*row*/, const RowContent& /*content*/) {
  return true;
}

/// What stops the deletion of `keys` in a write of its own; "" where they went, and are gone.
std::string deleting(PostgresScratchLog& scratch,
                     AuditLog& log,
                     const std::vector<RowKey>& keys,
                     const Verdict& verdict = goes) {
  try {
    PostgresWriteScope write = scratch.write();
    if (log.dispose_decided(keys, verdict, never) != keys.size()) {
      return "not all of them";
    }
    write.commit();
    return "";
  } catch (const RowsStay& stays) {
    return stays.what();
  }
}

}  // namespace

TEST_CASE("each row is shown as it was when it was deleted, by its key", "[decided]") {
  const bool partitioned = GENERATE(false, true);
  CAPTURE(partitioned);
  PostgresScratchLog scratch{partitioned ? std::string{kPartitioned}
                                         : std::string{kOwnLog} + kFill};
  const auto log =
      scratch.open(partitioned ? LogMapping{.id = {"id", "occurred_at"}} : LogMapping{});
  std::vector<RowKey> keys = all_keys(*log);
  keys.resize(1800);
  std::vector<std::string> before;
  log->read_whole_rows(
      keys, [&](const RowFacts&, const RowContent& row) { row.append_to(before.emplace_back()); });
  std::vector<RowKey> shown;
  std::vector<std::string> contents;
  CHECK(deleting(scratch, *log, keys, [&](const RowFacts& facts, const RowContent& row) {
          shown.push_back(*facts.key);
          row.append_to(contents.emplace_back());
          return true;
        }).empty());
  CHECK(shown == keys);
  CHECK(contents == before);
  CHECK(scratch.ask("SELECT count(*) || ' ' || min(id) FROM audit_events") == "500 1801");
}

TEST_CASE("one row that stays keeps them all", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const auto log = scratch.open();
  const std::int64_t stays = GENERATE(1, 700, 2300);
  const std::vector<RowKey> keys = all_keys(*log);
  CHECK_THAT(deleting(scratch,
                      *log,
                      keys,
                      [&](const RowFacts& facts, const RowContent&) {
                        return facts.key->as_integer() != stays;
                      }),
             Contains("row " + std::to_string(stays) + " stays"));
  CHECK(log->count_rows({}) == kRows);
  CHECK(deleting(scratch, *log, keys).empty());
  CHECK(log->count_rows({}) == 0);
}

TEST_CASE("a write in which a row was to stay cannot be committed by mistake", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const auto log = scratch.open();
  const std::vector<RowKey> keys = all_keys(*log);
  const bool throws = GENERATE(false, true);
  PostgresWriteScope write = scratch.write();
  CHECK_THROWS(log->dispose_decided(
      keys,
      [&](const RowFacts& facts, const RowContent&) {
        const bool stays = facts.key->as_integer() == 600;
        if (throws && stays) {
          throw StorageError(StorageTrouble::other, "cannot decide");
        }
        return !stays;
      },
      never));
  CHECK_THAT(error_text([&] { write.commit(); }), Contains("cannot be committed"));
  CHECK(log->count_rows({}) == kRows);
}

TEST_CASE("a row that is not there, or named twice, keeps them all", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const auto log = scratch.open();
  CHECK_THAT(deleting(scratch, *log, {RowKey::integer(3), RowKey::integer(9999)}),
             Contains("other rows went"));
  CHECK_THAT(deleting(scratch, *log, {RowKey::integer(3), RowKey::integer(3)}),
             Contains("other rows went"));
  CHECK_THAT(deleting(scratch, *log, {RowKey::integer(9999)}), Contains("no row went"));
  CHECK(log->count_rows({}) == kRows);
}

TEST_CASE("a trigger keeps them all, and so does a missing write", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const std::vector<RowKey> keys{RowKey::integer(3), RowKey::integer(4)};
  {
    const auto log = scratch.open();
    CHECK_THAT(error_text([&] { (void)log->dispose_decided(keys, goes, never); }),
               Contains("only deleted inside a write"));
  }
  scratch.run(
      "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM audit_events"
      " WHERE id = 9; RETURN OLD; END $$;"
      "CREATE TRIGGER more BEFORE DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION more()");
  const auto log = scratch.open();
  CHECK_THAT(deleting(scratch, *log, keys), Contains("a trigger may do more"));
  CHECK(log->count_rows({}) == kRows);
}

TEST_CASE("who decides may ask the server while it deletes the next rows", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const auto log = scratch.open();
  std::int64_t asked = 0;
  CHECK(deleting(scratch, *log, all_keys(*log), [&](const RowFacts& facts, const RowContent&) {
          const std::string number = std::to_string(facts.key->as_integer());
          asked += scratch.connection().ask("SELECT " + number) == number ? 1 : 0;
          return true;
        }).empty());
  CHECK(asked == kRows);
  CHECK(log->count_rows({}) == 0);
}

TEST_CASE("no further rows are begun once it is enough", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const auto log = scratch.open();
  const std::vector<RowKey> keys = all_keys(*log);
  std::int64_t shown = 0;
  PostgresWriteScope write = scratch.write();
  const std::size_t done = log->dispose_decided(
      keys,
      [&](const RowFacts&, const RowContent&) { return ++shown > 0; },
      [&] { return shown > 0; });
  write.commit();
  CHECK(done < keys.size());
  CHECK(shown == static_cast<std::int64_t>(done));
  CHECK(log->count_rows({}) == kRows - shown);
}

TEST_CASE("a row that somebody changes meanwhile is shown as it is after that", "[decided]") {
  PostgresScratchLog scratch{std::string{kOwnLog} + kFill};
  const auto log = scratch.open();
  PostgresConnection other{scratch.scratch().options()};
  other.exec("BEGIN; UPDATE audit_events SET retain_until = 77 WHERE id = 1200");
  std::thread later{[&other] {
    std::this_thread::sleep_for(std::chrono::milliseconds{80});
    other.exec("COMMIT");
  }};
  const std::string why =
      deleting(scratch, *log, all_keys(*log), [](const RowFacts& facts, const RowContent&) {
        return std::holds_alternative<std::monostate>(facts.retain_until);
      });
  later.join();
  CHECK_THAT(why, Contains("row 1200 stays"));
  CHECK(log->count_rows({}) == kRows);
}

TEST_CASE("an answer is there for whoever wants it, whatever was asked in between", "[decided]") {
  const PostgresScratch scratch;
  PostgresConnection connection{scratch.options()};
  const auto first = connection.send("SELECT 1");
  const auto second = connection.send("SELECT 2");
  CHECK(connection.ask("SELECT 3") == "3");
  const auto answered = [&](PostgresSent& sent) {
    const PostgresResult rows = connection.answer(sent);
    return std::string{PQgetvalue(rows.get(), 0, 0)};
  };
  CHECK(answered(*second) == "2");
  CHECK(answered(*first) == "1");
  const auto wrong = connection.send("SELECT 1 / 0");
  CHECK(connection.ask("SELECT 4") == "4");
  CHECK_THROWS_WITH(connection.answer(*wrong), Contains("22012"));
  // An answer that nobody took is none, and not nothing.
  CHECK_THROWS_AS(connection.answer(*wrong), StorageError);
}

TEST_CASE("a cursor that is left half way leaves nothing on the line", "[decided]") {
  const PostgresScratch scratch;
  PostgresConnection connection{scratch.options()};
  connection.exec("BEGIN");
  {
    PostgresStatement rows{
        connection, "SELECT * FROM generate_series(1, 9000)", PostgresRows::by_cursor};
    CHECK(rows.step());
    CHECK(connection.ask("SELECT 5") == "5");
  }
  CHECK(connection.ask("SELECT count(*) FROM pg_cursors") == "0");
  connection.exec("COMMIT");
}

TEST_CASE("what spoilt a transaction is told, and not only that it is spoilt", "[decided]") {
  PostgresScratchLog scratch{""};
  PostgresConnection connection{scratch.scratch().options()};
  connection.exec("BEGIN");
  const auto sent = connection.send("SELECT 1 / 0");
  CHECK_THAT(error_text([&] { connection.exec("SELECT 1"); }), Contains("22012"));
  CHECK_THAT(error_text([&] { connection.exec("SELECT 1"); }), Contains("25P02"));
  CHECK_THAT(error_text([&] { (void)connection.answer(*sent); }), Contains("22012"));
  connection.exec("ROLLBACK");

  connection.exec("BEGIN");
  CHECK_FALSE(error_text([&] { connection.exec("SELECT nothing"); }).empty());
  CHECK_THAT(error_text([&] { connection.exec("SELECT 1"); }), Contains("25P02"));
}

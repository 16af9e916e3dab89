// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

const std::string kId = "usr-7f3a9c51";
const std::string kName = "Annegret Quistorp";
const std::string kMail = "quistorp@example.org";
const std::string kToken = "erased:0123456789abcdef";

/// Many people, so that pages split and merge around the one.
const std::string kPeople =
    "CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT, mail TEXT);"
    "CREATE INDEX person_mail ON person (mail); CREATE INDEX person_name ON person (name);"
    "CREATE TABLE orders (nr INTEGER PRIMARY KEY, person TEXT, name TEXT, total INTEGER);"
    "CREATE INDEX orders_person ON orders (person, name);"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000)"
    "  INSERT INTO person SELECT 'usr-' || printf('%x', i * 7919), 'n' || i, 'm' || i FROM n;"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000)"
    "  INSERT INTO orders (person, name, total) SELECT 'usr-' || i % 50, 'n', i FROM n;";

std::string of_the_one() {
  const std::string values = "'" + kId + "', '" + kName + "'";
  return kPeople + "INSERT INTO person VALUES (" + values + ", '" + kMail +
         "');"
         "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300)"
         "  INSERT INTO orders (person, name, total) SELECT " +
         values + ", i FROM n";
}

bool names_the_one(const std::filesystem::path& path) {
  const std::string bytes = bytes_of(path);
  return bytes.find(kId) != std::string::npos || bytes.find(kName) != std::string::npos ||
         bytes.find(kMail) != std::string::npos;
}

/// Everything that an erasure does to the storage.
void erase_everywhere(Database& database, std::int64_t request) {
  const Subject subject{.person = kId};
  SubjectStore& subjects = database.subjects();
  (void)subjects.erase({.table = "person", .subject = "id"}, subject, kToken);
  (void)subjects.erase({.table = "orders",
                        .subject = "person",
                        .action = ModuleAction::redact,
                        .columns = {{.column = "name"}}},
                       subject,
                       kToken);
  for (const RowKey& key : subjects.rows_of(LogPlace::log, subject, {})) {
    subjects.rewrite(
        LogPlace::log,
        key,
        {.actor = kToken, .subject = kToken, .metadata = std::optional<std::string>{"{}"}});
  }
  database.erasures().rename_in_attempts(request, kId, kToken);
  database.erasures().store(
      {.id = request, .subject = kToken, .state = ErasureState::completed, .requested_by = kToken});
}

}  // namespace

TEST_CASE("after an erasure no byte of the person is in the files", "[erasure]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  run_sql(path, "PRAGMA journal_mode = WAL");
  (void)init_sqlite(scratch.options(), "id-of-the-test", kDay);
  run_sql(path, of_the_one());
  const auto database = open_sqlite(scratch.options());
  std::int64_t request = 0;
  in_write(*database, [&] {
    request = database->erasures().open({.subject = kId, .requested_by = kId});
    database->erasures().add_attempt({.erasure = request, .who = kId});
    for (int i = 0; i < 300; ++i) {
      database->audit_log().append({.code = "LOGIN",
                                    .actor = kId,
                                    .subject = kId,
                                    .metadata = R"({"mail":")" + kMail + "\"}"});
    }
  });
  // The files can only be read as files by another process: SQLite's locks end with a closing.
  REQUIRE(database->checkpoint_all());
  std::filesystem::copy_file(path, scratch.file("before"));
  REQUIRE(names_the_one(scratch.file("before")));

  in_write(*database, [&] { erase_everywhere(*database, request); });
  REQUIRE(database->checkpoint_all());
  std::filesystem::copy_file(path, scratch.file("after"));
  std::filesystem::copy_file(path.string() + "-wal", scratch.file("after-wal"));
  CHECK_FALSE(names_the_one(scratch.file("after")));
  CHECK_FALSE(names_the_one(scratch.file("after-wal")));
  CHECK(database->integrity_problem().empty());
}

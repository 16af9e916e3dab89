// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/connection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <iterator>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "storage/still_files.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

/// Turns root into an ordinary user for as long as it lives, because root may write anywhere.
class OrdinaryUser {
 public:
  OrdinaryUser() : before_(::geteuid()) {
    if (before_ == 0 && ::seteuid(65534) != 0) {
      throw std::runtime_error("cannot become an ordinary user");
    }
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;
  OrdinaryUser(OrdinaryUser&&) = delete;
  OrdinaryUser& operator=(OrdinaryUser&&) = delete;
  ~OrdinaryUser() {
    if (::seteuid(before_) != 0) {
      std::abort();  // every test after this one would run as the wrong user
    }
  }

 private:
  ::uid_t before_;
};

StorageError open_error(const OpenOptions& options) {
  return error_of([&] { (void)open_sqlite(options); });
}

std::string pragma(Connection& connection, const std::string& name) {
  return connection.db().execAndGet("PRAGMA " + name).getString();
}

}  // namespace

TEST_CASE("a missing database is named, with the command that makes one", "[connection]") {
  const ScratchDatabase scratch;
  const StorageError error = open_error(scratch.options());
  CHECK(error.trouble() == StorageTrouble::missing);
  CHECK_THAT(error.what(), Contains("audit.db: no such database") && Contains("holdfast init"));
}

TEST_CASE("a folder is not a database", "[connection]") {
  const ScratchDatabase scratch;
  std::filesystem::create_directory(scratch.file("audit.db"));
  const StorageError error = open_error(scratch.options());
  CHECK(error.trouble() == StorageTrouble::not_a_database);
  CHECK_THAT(error.what(), Contains("is a folder"));
}

TEST_CASE("another kind of file and an encrypted one are told from a database", "[connection]") {
  const ScratchDatabase scratch;
  // An encrypted database has no header: bytes without a pattern, in whole pages.
  const std::string content =
      GENERATE(std::string("not a database at all, only words\n"), std::string(8192, '\x5A'));
  write_bytes(scratch.file("audit.db"), content);
  const StorageError error = open_error(scratch.options());
  CHECK(error.trouble() == StorageTrouble::not_a_database);
  CHECK_THAT(error.what(), Contains("is not an SQLite database, or it is encrypted"));
  CHECK(bytes_of(scratch.file("audit.db")) == content);
}

TEST_CASE("a damaged schema is found out when the database is opened", "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  std::string bytes = bytes_of(scratch.file("audit.db"));
  bytes.replace(100, 3996, std::string(3996, '\x7F'));  // the first page, behind its header
  write_bytes(scratch.file("audit.db"), bytes);
  const StorageError error = open_error(scratch.options());
  CHECK(error.trouble() == StorageTrouble::corrupt);
  CHECK_THAT(error.what(), Contains("is damaged") && Contains(".recover"));
}

TEST_CASE("a file that may only be read is refused for writing", "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"), GENERATE("", "PRAGMA journal_mode = DELETE"));
  ::chmod(scratch.file("audit.db").c_str(), 0444);
  ::chmod(scratch.path().c_str(), 0755);
  const OrdinaryUser user;
  const StorageError error = open_error(scratch.options());
  CHECK(error.trouble() == StorageTrouble::read_only);
  CHECK_THAT(error.what(), Contains("audit.db"));
}

TEST_CASE("a write-ahead-log database in a folder that may only be read can be read",
          "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  ::chmod(scratch.file("audit.db").c_str(), 0444);
  ::chmod(scratch.path().c_str(), 0555);
  OpenOptions options = scratch.options();
  options.read_only = true;
  const OrdinaryUser user;
  CHECK(open_sqlite(options)->identity() == "id-of-the-test");
}

TEST_CASE("commits that wait in a log that nobody may open are never overlooked", "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  {
    SQLite::Database killed(scratch.file("audit.db").string(), SQLite::OPEN_READWRITE);
    sqlite3_db_config(killed.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    killed.exec("INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')");
  }
  std::filesystem::remove(scratch.file("audit.db-shm"));
  ::chmod(scratch.file("audit.db").c_str(), 0444);
  ::chmod(scratch.file("audit.db-wal").c_str(), 0444);
  ::chmod(scratch.path().c_str(), 0555);
  OpenOptions options = scratch.options();
  options.read_only = true;
  {
    const OrdinaryUser user;
    CHECK_THAT(open_error(options).what(), Contains("audit.db: ") && Contains("-shm"));
  }
  ::chmod(scratch.path().c_str(), 0755);
  CHECK(open_sqlite(options)->audit_log().count_rows(std::nullopt) == 1);
}

TEST_CASE("a reader who may not write the database leaves nothing that keeps others from it",
          "[connection]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  (void)made_database(scratch.options());
  ::chmod(path.c_str(), 0644);
  ::chmod(scratch.path().c_str(), 0777);
  OpenOptions options = scratch.options();
  options.read_only = true;
  const auto alone = [&scratch] {
    return std::distance(std::filesystem::directory_iterator{scratch.path()}, {}) == 1;
  };
  {
    const OrdinaryUser user;
    const auto database = open_sqlite(options);
    const auto scope = database->begin_read();
    CHECK(database->audit_log().count_rows(std::nullopt) == 0);
    CHECK(alone());
  }
  CHECK(alone());
  CHECK_FALSE(changed_still_file());
}

TEST_CASE("a reader makes no side files where commits wait beside the database", "[connection]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  (void)made_database(scratch.options());
  {
    SQLite::Database killed(path.string(), SQLite::OPEN_READWRITE);
    sqlite3_db_config(killed.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    killed.exec("INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')");
  }
  std::filesystem::remove(scratch.file("audit.db-shm"));
  ::chmod(path.c_str(), 0644);
  ::chmod(scratch.file("audit.db-wal").c_str(), 0644);
  ::chmod(scratch.path().c_str(), 0777);
  OpenOptions options = scratch.options();
  options.read_only = true;
  {
    const OrdinaryUser user;
    const StorageError error = open_error(options);
    CHECK(error.trouble() == StorageTrouble::read_only);
    CHECK_THAT(error.what(), Contains("audit.db: commits wait beside it"));
  }
  CHECK_FALSE(std::filesystem::exists(scratch.file("audit.db-shm")));
}

TEST_CASE("what is written under a reader of a still file is said, and is no damage",
          "[connection]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  (void)made_database(scratch.options());
  ::chmod(path.c_str(), 0644);
  ::chmod(scratch.path().c_str(), 0755);
  OpenOptions options = scratch.options();
  options.read_only = true;
  std::unique_ptr<Database> database;
  {
    const OrdinaryUser user;
    database = open_sqlite(options);
  }
  CHECK_FALSE(changed_still_file());
  REQUIRE_NOTHROW(require_still_files());
  SECTION("another program has it open") {
    SQLite::Database writer(path.string(), SQLite::OPEN_READWRITE);
    writer.exec("INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')");
    REQUIRE(changed_still_file());
    CHECK(changed_still_file()->trouble() == StorageTrouble::busy);
  }
  SECTION("another program had it open") {
    run_sql(path, "INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')");
    CHECK(changed_still_file());
  }
  SECTION("pages that do not fit together") {
    std::string bytes = bytes_of(path);
    bytes.replace(4096, bytes.size() - 4096, bytes.size() - 4096, '\x7F');
    write_bytes(path, bytes);
    CHECK_THROWS_WITH(database->integrity_problem(), Contains("somebody wrote to it"));
  }
  CHECK_THROWS_WITH(require_still_files(),
                    Contains(path.string() + ": somebody wrote to it") && Contains("try again"));
}

TEST_CASE("reading leaves the file as it is, byte for byte", "[connection]") {
  const ScratchDatabase scratch;
  const std::string mode = GENERATE("wal", "delete");
  const auto path = scratch.file("audit.db");
  (void)made_database(scratch.options());
  run_sql(path,
          "PRAGMA journal_mode = " + mode +
              "; INSERT INTO audit_events (occurred_at, code) "
              "VALUES (1, 'A')");
  const std::string before = bytes_of(path);
  OpenOptions options = scratch.options();
  options.read_only = true;
  {
    const auto database = open_sqlite(options);
    const auto scope = database->begin_read();
    const auto keys = database->new_key_set();
    keys->add(RowKey::integer(1));
    const RowKey key = RowKey::integer(1);
    database->first_seen().meet({.key = &key, .time = std::int64_t{5}});
    CHECK(database->audit_log().count_rows(std::nullopt) == 1);
    CHECK(database->integrity_problem().empty());
  }
  CHECK(bytes_of(path) == before);
}

TEST_CASE("nothing is written over a connection that only reads", "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  OpenOptions options = scratch.options();
  options.read_only = true;
  const auto database = open_sqlite(options);
  const StorageError error = error_of([&] { (void)database->begin_write(Durability::full); });
  CHECK(error.trouble() == StorageTrouble::read_only);
}

TEST_CASE("a connection has every safe setting", "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  Connection connection(scratch.options(), ConnectionMode::read_write);
  CHECK(pragma(connection, "trusted_schema") == "0");
  CHECK(pragma(connection, "cell_size_check") == "1");
  CHECK(pragma(connection, "secure_delete") == "1");
  CHECK(pragma(connection, "foreign_keys") == "1");
  CHECK(pragma(connection, "wal_autocheckpoint") == "0");
  CHECK(pragma(connection, "busy_timeout") == "50");
  CHECK(pragma(connection, "cache_size") == "-65536");
  // Defensive mode: the schema table cannot be written to. And no text in double quotes.
  CHECK_THROWS_AS(connection.db().exec("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"),
                  SQLite::Exception);
  CHECK_THROWS_AS(connection.db().exec(R"(SELECT "no such column")"), SQLite::Exception);
}

TEST_CASE("what belongs to the application stays: journal mode, user_version, application_id",
          "[connection]") {
  const ScratchDatabase scratch;
  const auto path = scratch.file("audit.db");
  run_sql(path,
          "PRAGMA journal_mode = DELETE; PRAGMA user_version = 7; PRAGMA application_id = 9;"
          "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at, code)");
  (void)made_database(scratch.options());
  CHECK(ask_sql(path, "PRAGMA journal_mode") == "delete");
  CHECK(ask_sql(path, "PRAGMA user_version") == "7");
  CHECK(ask_sql(path, "PRAGMA application_id") == "9");
}

TEST_CASE("a path that looks like a URI or a memory database is a file name", "[connection]") {
  const ScratchDatabase scratch;
  const std::string name = GENERATE("file:a?mode=memory", ":memory:");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  const OpenOptions options{.path = name};
  CHECK(made_database(options)->is_set_up());
  CHECK(std::filesystem::exists(scratch.file(name)));
  std::filesystem::current_path(before);
}

TEST_CASE("names are quoted whole, and tables are found as SQLite finds them", "[connection]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  Connection connection(scratch.options(), ConnectionMode::read_write);
  CHECK(quoted("a\"b") == "\"a\"\"b\"");
  CHECK(has_table(connection.db(), "AUDIT_events"));
  CHECK_FALSE(has_table(connection.db(), "audit_events_code_time"));
}

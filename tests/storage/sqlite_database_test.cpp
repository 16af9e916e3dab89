// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_database.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "storage/sqlite/scopes.h"
#include "tests/storage/scratch_database.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;
using namespace std::chrono_literals;

namespace {

constexpr const char* kInsertRow = "INSERT INTO audit_events (occurred_at, code) VALUES (1, 'A')";

/// The database of init in a rollback-journal mode.
std::unique_ptr<Database> journal_database(const OpenOptions& options) {
  (void)made_database(options);
  run_sql(options.path, "PRAGMA journal_mode = DELETE");
  return open_sqlite(options);
}

/// Another process that is making a checkpoint, for so long as it is told: SQLite's own lock for
/// it, a byte of the file beside the log (https://sqlite.org/walformat.html, section 2.3).
class OtherCheckpoint {
 public:
  OtherCheckpoint(const std::filesystem::path& database, std::chrono::milliseconds length) {
    constexpr off_t kCheckpointLock = 121;
    const std::string index = database.string() + "-shm";
    std::array<int, 2> told{};
    REQUIRE(::pipe(told.data()) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      // NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): the system's own interface
      const int file = ::open(index.c_str(), O_RDWR | O_CLOEXEC);
      struct flock lock {};
      lock.l_type = F_WRLCK;
      lock.l_start = kCheckpointLock;
      lock.l_len = 1;
      const bool locked = ::fcntl(file, F_SETLK, &lock) == 0;
      // NOLINTEND(cppcoreguidelines-pro-type-vararg)
      if (::write(told[1], locked ? "1" : "0", 1) == 1) {
        std::this_thread::sleep_for(length);
      }
      ::_exit(0);
    }
    REQUIRE(child_ > 0);
    char answer = '0';
    REQUIRE(::read(told[0], &answer, 1) == 1);
    CHECK(answer == '1');
    ::close(told[0]);
    ::close(told[1]);
  }
  OtherCheckpoint(const OtherCheckpoint&) = delete;
  OtherCheckpoint& operator=(const OtherCheckpoint&) = delete;
  OtherCheckpoint(OtherCheckpoint&&) = delete;
  OtherCheckpoint& operator=(OtherCheckpoint&&) = delete;
  ~OtherCheckpoint() { ::waitpid(child_, nullptr, 0); }

 private:
  pid_t child_ = 0;
};

/// The notes that are in the database file, whatever is in the log beside it.
int notes_without_log(const ScratchDatabase& scratch) {
  const auto copy = scratch.file("copy.db");
  std::filesystem::copy_file(
      scratch.file("audit.db"), copy, std::filesystem::copy_options::overwrite_existing);
  SQLite::Database alone(copy.string(), SQLite::OPEN_READWRITE);
  return alone.execAndGet("SELECT count(*) FROM holdfast_journal").getInt();
}

}  // namespace

TEST_CASE("leaving a write without commit takes everything back", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  {
    const auto scope = database->begin_write(Durability::normal);
    database->journal().add({.what = "a"});
  }
  CHECK(database->journal().since(0).empty());
  in_write(*database, [&] { database->journal().add({.what = "b"}); });
  CHECK(database->journal().since(0).size() == 1);
}

TEST_CASE("a write says who is in its way, and for how long it waited", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  SQLite::Database other(scratch.file("audit.db").string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const StorageError error = error_of([&] { (void)database->begin_write(Durability::full); });
  CHECK(error.trouble() == StorageTrouble::busy);
  CHECK_THAT(error.what(), Contains("another program has held the write lock for 50 ms"));
  other.exec("ROLLBACK");
  CHECK_NOTHROW(database->begin_write(Durability::full)->commit());
}

TEST_CASE("a commit is as durable as asked for, in a rollback journal always fully", "[database]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  const bool wal = GENERATE(true, false);
  if (!wal) {
    run_sql(scratch.file("audit.db"), "PRAGMA journal_mode = DELETE");
  }
  Connection connection(scratch.options(), ConnectionMode::read_write);
  DeletionWatch deletions(connection.db(), "audit_events");
  const auto level_of = [&](Durability durability) {
    const SqliteWriteScope scope(connection, durability, deletions);
    return connection.db().execAndGet("PRAGMA synchronous").getInt();
  };
  CHECK(level_of(Durability::normal) == (wal ? 1 : 3));
  CHECK(level_of(Durability::full) == (wal ? 2 : 3));
  CHECK(level_of(Durability::normal) == (wal ? 1 : 3));
}

TEST_CASE("a view does not change while others write, and does not keep them", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  REQUIRE(database->readers_are_free());
  {
    const auto view = database->begin_read();
    const auto inner = database->begin_read();
    run_sql(scratch.file("audit.db"), kInsertRow);
    CHECK(database->audit_log().count_rows(std::nullopt) == 0);
  }
  CHECK(database->audit_log().count_rows(std::nullopt) == 1);
  CHECK_NOTHROW(database->begin_write(Durability::full)->commit());
}

TEST_CASE("in a rollback journal a view keeps nobody from writing", "[database]") {
  const ScratchDatabase scratch;
  const auto database = journal_database(scratch.options());
  CHECK_FALSE(database->readers_are_free());
  const auto view = database->begin_read();
  CHECK_NOTHROW(run_sql(scratch.file("audit.db"), kInsertRow));
  CHECK(database->audit_log().count_rows(std::nullopt) == 1);
}

TEST_CASE("commits of others are noticed, one's own are not", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  const std::int64_t before = database->foreign_commits();
  in_write(*database, [&] { database->journal().add({.what = "a"}); });
  (void)database->checkpoint_some();
  CHECK(database->checkpoint_all());
  CHECK(database->foreign_commits() == before);
  run_sql(scratch.file("audit.db"), kInsertRow);
  CHECK(database->foreign_commits() != before);
}

TEST_CASE("when the database was last written to is read off its files", "[database]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours{5};
  std::filesystem::last_write_time(scratch.file("audit.db"), long_ago);
  const auto database = open_sqlite(scratch.options());
  const Instant now =
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  // The empty log that opening makes does not count.
  REQUIRE(database->last_written().has_value());
  CHECK(*database->last_written() < now - std::chrono::hours{4});
  // What others wrote is in the log only, as long as nobody has moved it on.
  in_write(*database, [&] { database->journal().add({.what = "a"}); });
  CHECK(*database->last_written() > now - std::chrono::minutes{1});
}

TEST_CASE("a database by a symbolic link has its log beside the file itself", "[database]") {
  const ScratchDatabase scratch;
  const ScratchDatabase elsewhere;
  (void)made_database(scratch.options());
  std::filesystem::create_symlink(scratch.file("audit.db"), elsewhere.file("audit.db"));
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours{5};
  std::filesystem::last_write_time(scratch.file("audit.db"), long_ago);
  const auto database = open_sqlite(elsewhere.options());
  const Instant now =
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  REQUIRE(database->last_written().has_value());
  CHECK(*database->last_written() < now - std::chrono::hours{4});
  CHECK(database->log_bytes() == 0);
  in_write(*database, [&] { database->journal().add({.what = "a"}); });
  CHECK(*database->last_written() > now - std::chrono::minutes{1});
  CHECK(database->log_bytes() ==
        static_cast<std::int64_t>(std::filesystem::file_size(scratch.file("audit.db-wal"))));
  CHECK(database->place_mark() == open_sqlite(scratch.options())->place_mark());
  CHECK(journal_database(ScratchDatabase().options())->log_bytes() == 0);
}

TEST_CASE("a changed schema stops the work, temporary tables do not", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  const auto keys =
      database->plans().keys(database->plans().save({.digest = "d"}, *database->new_key_set()));
  CHECK_NOTHROW(database->require_same_schema());
  run_sql(scratch.file("audit.db"), "CREATE INDEX of_somebody ON audit_events (actor)");
  CHECK_THROWS_AS(database->require_same_schema(), StorageError);
}

TEST_CASE("the log is emptied unless a reader stands in the way", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  in_write(*database, [&] { database->journal().add({.what = "a"}); });
  SQLite::Database reader(scratch.file("audit.db").string(), SQLite::OPEN_READONLY);
  reader.exec("BEGIN; SELECT count(*) FROM holdfast_journal");
  in_write(*database, [&] { database->journal().add({.what = "b"}); });
  CHECK_FALSE(database->checkpoint_all());
  reader.exec("COMMIT");
  CHECK(database->checkpoint_all());
  CHECK(std::filesystem::file_size(scratch.file("audit.db-wal")) == 0);
  CHECK(journal_database(ScratchDatabase().options())->checkpoint_all());
}

TEST_CASE("a checkpoint of somebody else is waited for, so that the log is not left to others",
          "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  REQUIRE(database->checkpoint_all());
  in_write(*database, [&] { database->journal().add({.what = "a"}); });
  REQUIRE(notes_without_log(scratch) == 0);

  SECTION("one that ends soon") {
    const OtherCheckpoint other(scratch.file("audit.db"), 4ms);
    (void)database->checkpoint_some();
    CHECK(notes_without_log(scratch) == 1);
  }
  SECTION("one that does not end is left alone") {
    const OtherCheckpoint other(scratch.file("audit.db"), 400ms);
    (void)database->checkpoint_some();
    CHECK(notes_without_log(scratch) == 0);
  }
  (void)database->checkpoint_some();
  CHECK(notes_without_log(scratch) == 1);
}

TEST_CASE("the log does not grow on and on where somebody is always in its way", "[database]") {
  constexpr std::size_t kWritten = 4U << 20;
  constexpr std::size_t kWrites = 60;
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  const std::string text(kWritten, 'x');
  std::future<void> reading;
  std::uintmax_t largest = 0;
  for (std::size_t i = 0; i < kWrites; ++i) {
    in_write(*database, [&] { database->journal().add({.what = "a", .detail = text}); });
    // Begins before the checkpoint, and ends after the next write: that cannot begin the log anew.
    auto reader = std::make_unique<SQLite::Database>(scratch.file("audit.db").string());
    reader->exec("BEGIN; SELECT count(*) FROM holdfast_journal");
    reading = std::async(std::launch::async, [ending = std::move(reader)] {
      std::this_thread::sleep_for(20ms);
      ending->exec("COMMIT");
    });
    (void)database->checkpoint_some();
    largest = std::max(largest, std::filesystem::file_size(scratch.file("audit.db-wal")));
  }
  CHECK(largest < kWrites * kWritten * 4 / 5);
}

TEST_CASE("the room of deleted rows is counted as free", "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          "INSERT INTO audit_events (occurred_at, code, metadata) "
          "VALUES (1, 'A', zeroblob(100000))");
  const SpaceReport before = database->space();
  CHECK(before.free_bytes == 0);
  run_sql(scratch.file("audit.db"), "DELETE FROM audit_events");
  CHECK(database->space().file_bytes == before.file_bytes);
  CHECK(database->space().free_bytes >= 98'304);
}

TEST_CASE("only a file of incremental vacuum gives pages back, and no more than asked for",
          "[database]") {
  const int mode = GENERATE(0, 1, 2);  // none, full, incremental
  const bool wal = GENERATE(true, false);
  CAPTURE(mode, wal);
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  run_sql(scratch.file("audit.db"),
          std::string{"PRAGMA journal_mode = "} + (wal ? "WAL" : "DELETE") +
              "; PRAGMA auto_vacuum = " + std::to_string(mode) +
              "; VACUUM; INSERT INTO audit_events (occurred_at, code, metadata) VALUES (1, 'A', "
              "zeroblob(400000)); DELETE FROM audit_events");
  const auto database = open_sqlite(scratch.options());
  const SpaceReport before = database->space();
  CHECK(before.gives_back == (mode == 2));
  in_write(*database, [&] { database->give_back_pages(0); });
  in_write(*database, [&] { database->give_back_pages(3); });
  // Pages that map the others may go along.
  const std::int64_t given_back = before.file_bytes - database->space().file_bytes;
  CHECK(given_back >= (mode == 2 ? 3 * before.page_bytes : 0));
  CHECK(given_back <= (mode == 2 ? 4 * before.page_bytes : 0));
  CHECK(database->integrity_problem().empty());
  CHECK(database->checkpoint_all());
  CHECK(std::filesystem::file_size(scratch.file("audit.db")) ==
        static_cast<std::uintmax_t>(database->space().file_bytes));
}

TEST_CASE("damage is found and said", "[database]") {
  const ScratchDatabase scratch;
  const auto options = scratch.options();
  CHECK(made_database(options)->integrity_problem().empty());
  run_sql(options.path,
          "PRAGMA journal_mode = DELETE; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
          "FROM n WHERE i < 5000) INSERT INTO audit_events (occurred_at, code) SELECT i, 'A' FROM "
          "n");
  std::string bytes = bytes_of(options.path);
  bytes.replace(bytes.size() - 4096, 4096, std::string(4096, '\x11'));
  write_bytes(options.path, bytes);
  CHECK_FALSE(open_sqlite(options)->integrity_problem().empty());
}

TEST_CASE("Holdfast's own instants are lowered to a clock that was set back, and listed",
          "[database]") {
  const ScratchDatabase scratch;
  const auto database = made_database(scratch.options());
  const RowKey key = RowKey::integer(1);
  in_write(*database, [&] {
    const std::int64_t hold = database->holds().place({.scope = {.everything = true}});
    (void)database->holds().release(hold, {.who = "a", .at = kDay + 1h, .reason = "r"});
    const std::int64_t early = database->holds().place({.scope = {.everything = true}});
    (void)database->holds().release(early, {.who = "a", .at = kDay, .reason = "r"});
    database->policies().add({.in_force_from = kDay + 1h});
    const std::int64_t plan =
        database->plans().save({.digest = "d", .saved_at = kDay + 1h}, *database->new_key_set());
    const std::int64_t approval = database->plans().approve(plan, "a", kDay);
    database->plans().use(approval, kDay + 1h);
    database->first_seen().meet({.key = &key});
    CHECK(database->first_seen().record_met(kDay + 1h, 10) == 0);
  });
  std::vector<std::string> said;
  in_write(*database, [&] { said = database->lower_instants(kDay); });
  const std::string ending = " after the new clock: lowered to 2026-11-23T00:00:00Z";
  CHECK(said == std::vector<std::string>{"1 hold was released (1)" + ending,
                                         "1 row was first seen" + ending,
                                         "1 policy version came into force" + ending,
                                         "1 approval was last used" + ending,
                                         "1 plan was saved" + ending});
  CHECK(database->holds().all().front().released_at == kDay);
  CHECK(database->policies().versions().front().in_force_from == kDay);
  CHECK(database->plans().open_approval()->last_used_at == kDay);
  CHECK(database->plans().find("d").front().saved_at == kDay);
  CHECK(database->first_seen().find({.key = &key}) == kDay);
  in_write(*database, [&] { CHECK(database->lower_instants(kDay).empty()); });
}

TEST_CASE("Holdfast's audit rows go into the log only where they fit and are wanted",
          "[database]") {
  const ScratchDatabase scratch;
  (void)made_database(scratch.options());
  OpenOptions options = scratch.options();
  CHECK(open_sqlite(options)->audit_log().appends_to_log());
  options.own_events_into_log = false;
  CHECK_FALSE(open_sqlite(options)->audit_log().appends_to_log());

  const ScratchDatabase foreign;
  run_sql(foreign.file("audit.db"),
          "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at, code INTEGER)");
  CHECK_FALSE(made_database(foreign.options())->audit_log().appends_to_log());
  options = foreign.options();
  options.own_events_explicit = true;
  CHECK(error_of([&] { (void)open_sqlite(options); }).trouble() == StorageTrouble::mapping);
}

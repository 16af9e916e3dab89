// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_database.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <variant>

#include "storage/registers/instant_lowering.h"
#include "storage/sqlite/key_sets.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/scopes.h"
#include "storage/still_files.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kSelectIdentity = R"sql(
SELECT value FROM holdfast_meta WHERE key = 'database_id'
)sql";

constexpr const char* kSchemaCookie = "PRAGMA schema_version";
constexpr const char* kForeignCommits = "PRAGMA data_version";

// A checkpoint that empties the log keeps writers out while it waits for readers: no longer than a
// writer would wait for a slice.
constexpr std::chrono::milliseconds kLongestCheckpointWait{50};

// For so long the end of somebody else's checkpoint is waited for: no longer than a rest lasts.
constexpr int kCheckpointTries = 20;
constexpr std::chrono::milliseconds kBetweenCheckpoints{1};

// From this size on the log is made to begin anew. Beside somebody who writes all the time it never
// would by itself: whenever a write could begin it anew, a few commits are not in the database yet.
constexpr std::int64_t kLargeLog = std::int64_t{128} << 20;

ConnectionMode mode_of(const OpenOptions& options) {
  return options.read_only ? ConnectionMode::read_only : ConnectionMode::read_write;
}

bool require_set_up(Connection& connection, const OpenOptions& options) {
  const bool set_up = is_set_up(connection);
  if (!set_up && !options.read_only) {
    throw StorageError(
        StorageTrouble::not_set_up,
        connection.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
  }
  return set_up;
}

/// Never text codes into somebody's integers: only the table that `init` makes takes our rows.
/// probe_log() has refused a configuration that insists on another one.
bool appends_into_log(const LogLayout& layout, const OpenOptions& options) {
  return options.own_events_into_log && layout.shape.made_by_init;
}

/// In the place of a log that cannot be read: no row, in columns of the usual names. Holdfast's own
/// audit rows go into holdfast_event.
LogLayout layout_without_log() {
  LogLayout layout{.table = "(SELECT id, occurred_at, code FROM holdfast_event WHERE 0)",
                   .key_columns = {"id"},
                   .rowid_alias = true,
                   .autoincrement = true,
                   .time = "occurred_at",
                   .raw_code = "code",
                   .code = "code",
                   .columns = {"id", "occurred_at", "code"},
                   .pass_order = "id"};
  layout.shape.ordered_keys = true;
  layout.shape.mapping["table"] = "holdfast_event";
  return layout;
}

std::int64_t read_integer(Statement& statement) {
  const StatementUse use{statement};
  if (!statement.step()) {
    return 0;
  }
  const StoredView value = statement.column(0);
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

/// In the other modes SQLite either gives back at every commit or cannot without a whole VACUUM.
bool is_incremental(SQLite::Database& db) {
  constexpr int kIncremental = 2;
  return db.execAndGet("PRAGMA auto_vacuum").getInt() == kIncremental;
}

/// Shortens the busy wait of a connection for as long as it lives.
class ShortWait {
 public:
  explicit ShortWait(SQLite::Database& db)
      : db_(db), before_(db.execAndGet("PRAGMA busy_timeout").getInt()) {
    db_.setBusyTimeout(static_cast<int>(kLongestCheckpointWait.count()));
  }
  ShortWait(const ShortWait&) = delete;
  ShortWait& operator=(const ShortWait&) = delete;
  ShortWait(ShortWait&&) = delete;
  ShortWait& operator=(ShortWait&&) = delete;
  // SQLite cannot fail at this for a connection that is open.
  ~ShortWait() { sqlite3_busy_timeout(db_.getHandle(), before_); }

 private:
  SQLite::Database& db_;
  int before_;
};

/// A checkpoint that is in nobody's way. Another one that is under way mostly is of a single small
/// commit, and would leave all the rest to the next commit of an application. Returns how many
/// pages the log has; 0 where the other one did not end.
std::int64_t copy_log(SQLite::Database& db) {
  SQLite::Statement checkpoint(db, "PRAGMA wal_checkpoint(PASSIVE)");
  for (int tries = 0; tries < kCheckpointTries; ++tries) {
    if (!checkpoint.executeStep()) {
      break;
    }
    if (checkpoint.getColumn(0).getInt() == 0) {
      return checkpoint.getColumn(1).getInt64();
    }
    checkpoint.reset();
    std::this_thread::sleep_for(kBetweenCheckpoints);
  }
  return 0;
}

/// Brings what was copied into the database file to the disk. A failure is told only once, to
/// whoever asks first: so it is one of the run. Errors: SQLite::Exception.
void sync_file(SQLite::Database& db) {
  sqlite3_file* file = nullptr;
  int answer = sqlite3_file_control(db.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (answer == SQLITE_OK && file != nullptr && file->pMethods != nullptr) {
    answer = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  }
  if (answer != SQLITE_OK) {
    throw SQLite::Exception("the database file could not be synced", answer);
  }
}

/// copy_log(), and what was copied is on the disk: otherwise whoever comes to the end of the log,
/// maybe under the write lock, waits for all of it. SQLite itself syncs only where nobody has
/// committed meanwhile, and does not tell. Errors: SQLite::Exception.
std::int64_t copy_and_sync_log(SQLite::Database& db) {
  const std::int64_t pages = copy_log(db);
  if (pages > 0) {
    sync_file(db);
  }
  return pages;
}

}  // namespace

SqliteDatabase::SqliteDatabase(const OpenOptions& options)
    : connection_(options, mode_of(options)),
      schema_cookie_(connection_.db().execAndGet(kSchemaCookie).getInt64()),
      home_{.connection = connection_, .set_up = require_set_up(connection_, options)},
      layout_(options.registers_only ? layout_without_log() : probe_log(connection_, options)),
      log_(connection_, layout_, appends_into_log(layout_, options)),
      holds_(home_),
      ledger_(home_),
      policies_(home_),
      plans_(home_),
      bookmarks_(home_),
      first_seen_(home_),
      journal_(home_),
      erasures_(home_),
      exports_(home_),
      subjects_(connection_, home_.set_up, layout_),
      witness_outbox_(home_),
      restored_rows_(home_),
      guard_(connection_, layout_, !options.registers_only),
      foreign_commits_(connection_.db(), kForeignCommits),
      schema_cookie_now_(connection_.db(), kSchemaCookie),
      large_log_(kLargeLog) {}

std::unique_ptr<KeySet> SqliteDatabase::new_key_set() {
  // Only the rowid under its own name is sure to be an integer in every row.
  if (layout_.rowid_alias) {
    return std::make_unique<IntegerKeySet>();
  }
  return std::make_unique<SpilledKeySet>(connection_.db());
}

std::string SqliteDatabase::identity() {
  if (!home_.set_up) {
    return "";
  }
  RegisterQuery row(home_, kSelectIdentity);
  return row.with().next() ? row.text(0) : "";
}

std::string SqliteDatabase::place_mark() {
  struct ::stat file {};
  int moved = 1;
  if (::stat(connection_.file(), &file) != 0 ||
      sqlite3_file_control(connection_.db().getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) !=
          SQLITE_OK ||
      moved != 0) {
    return "";
  }
  return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

std::unique_ptr<WriteScope> SqliteDatabase::begin_write(Durability durability) {
  return std::make_unique<SqliteWriteScope>(connection_, durability, log_.deletions());
}

std::unique_ptr<ReadScope> SqliteDatabase::begin_read() {
  return std::make_unique<SqliteReadScope>(connection_);
}

std::int64_t SqliteDatabase::foreign_commits() {
  return read_integer(foreign_commits_);
}

std::optional<Instant> SqliteDatabase::last_written() {
  std::optional<Instant> latest;
  // Its own names: a symbolic link has no log beside it.
  const char* const name = connection_.file();
  for (const char* const part : {name, sqlite3_filename_wal(name)}) {
    struct ::stat file {};
    // An empty log was made when the database was opened.
    if (::stat(part, &file) == 0 && file.st_size > 0) {
      const Instant written{std::chrono::floor<std::chrono::milliseconds>(
          std::chrono::seconds{file.st_mtim.tv_sec} +
          std::chrono::nanoseconds{file.st_mtim.tv_nsec})};
      latest = std::max(latest, std::optional{written});
    }
  }
  return latest;
}

void SqliteDatabase::require_same_schema() {
  if (read_integer(schema_cookie_now_) != schema_cookie_) {
    throw StorageError(StorageTrouble::other,
                       path() +
                           ": a table, index or trigger was changed while Holdfast was at "
                           "work: nothing more is deleted; run again, it looks anew");
  }
}

std::int64_t SqliteDatabase::log_bytes() {
  struct ::stat file {};
  const char* const log = sqlite3_filename_wal(connection_.file());
  return connection_.wal() && ::stat(log, &file) == 0 ? file.st_size : 0;
}

void SqliteDatabase::copy_log() {
  if (connection_.wal()) {
    (void)copy_and_sync_log(connection_.db());
  }
}

bool SqliteDatabase::checkpoint_some() {
  if (!connection_.wal()) {
    return false;
  }
  SQLite::Database& db = connection_.db();
  if (copy_and_sync_log(db) * db.execAndGet("PRAGMA page_size").getInt64() < large_log_) {
    return false;
  }
  restart_log();
  return true;
}

/// Writers wait while the last of it is copied, and 50 ms at most for readers. Where a reader does
/// not end, the log may become twice as large before it is tried again.
void SqliteDatabase::restart_log() {
  const ShortWait wait{connection_.db()};
  const bool busy = connection_.db().execAndGet("PRAGMA wal_checkpoint(RESTART)").getInt() != 0;
  large_log_ = busy ? 2 * large_log_ : kLargeLog;
}

bool SqliteDatabase::checkpoint_all() {
  if (!connection_.wal()) {
    return true;
  }
  // The copying is done first, while writers go on: then little is left to do under the lock.
  (void)copy_and_sync_log(connection_.db());
  (void)copy_and_sync_log(connection_.db());  // what was written meanwhile
  const ShortWait wait{connection_.db()};
  SQLite::Statement checkpoint(connection_.db(), "PRAGMA wal_checkpoint(TRUNCATE)");
  return checkpoint.executeStep() && checkpoint.getColumn(0).getInt() == 0;
}

SpaceReport SqliteDatabase::space() {
  SQLite::Database& db = connection_.db();
  const std::int64_t page = db.execAndGet("PRAGMA page_size").getInt64();
  return {.file_bytes = page * db.execAndGet("PRAGMA page_count").getInt64(),
          .free_bytes = page * db.execAndGet("PRAGMA freelist_count").getInt64(),
          .page_bytes = page,
          .gives_back = is_incremental(db)};
}

void SqliteDatabase::give_back_pages(std::int64_t most) {
  SQLite::Database& db = connection_.db();
  if (most > 0 && is_incremental(db)) {
    // Run to its end: each step of this statement gives back one page only.
    db.exec("PRAGMA incremental_vacuum(" + std::to_string(most) + ")");
  }
}

std::optional<std::int64_t> SqliteDatabase::give_room_back() {
  connection_.db().exec("VACUUM");
  return 0;
}

std::string SqliteDatabase::integrity_problem() {
  try {
    const std::string found = connection_.db().execAndGet("PRAGMA quick_check(1)").getString();
    if (found != "ok") {
      require_still_files();
    }
    return found == "ok" ? "" : found;
  } catch (const SQLite::Exception& error) {
    require_still_files();
    // A database that is damaged enough cannot even be checked: that is the answer.
    const StorageError problem = as_storage_error(error, path());
    if (problem.trouble() != StorageTrouble::corrupt &&
        problem.trouble() != StorageTrouble::not_a_database) {
      throw StorageError(problem);
    }
    return problem.what();
  }
}

std::vector<std::string> SqliteDatabase::lower_instants(Instant now) {
  return lower_own_instants(home_, now);
}

std::unique_ptr<Database> open_sqlite(const OpenOptions& options) {
  try {
    return std::make_unique<SqliteDatabase>(options);
  } catch (const SQLite::Exception& error) {
    throw as_storage_error(error, options.path.string());
  }
}

}  // namespace holdfast

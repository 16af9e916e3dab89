// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/audit_log.h"
#include "storage/erasure_register.h"
#include "storage/export_register.h"
#include "storage/hold_register.h"
#include "storage/key_set.h"
#include "storage/log_guard.h"
#include "storage/log_mapping.h"
#include "storage/partition_store.h"
#include "storage/plan_store.h"
#include "storage/policy_register.h"
#include "storage/restored_rows.h"
#include "storage/run_ledger.h"
#include "storage/small_registers.h"
#include "storage/storage_error.h"
#include "storage/subject_store.h"
#include "storage/witness_outbox.h"

namespace holdfast {

/// One write transaction. Leaving the scope without commit() takes everything back.
class WriteScope {
 public:
  WriteScope() = default;
  WriteScope(const WriteScope&) = delete;
  WriteScope& operator=(const WriteScope&) = delete;
  WriteScope(WriteScope&&) = delete;
  WriteScope& operator=(WriteScope&&) = delete;
  virtual ~WriteScope() = default;
  virtual void commit() = 0;
};

/// One consistent view for reading; ends with the scope. Where readers block writers it is empty.
class ReadScope {
 public:
  ReadScope() = default;
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;
  ReadScope(ReadScope&&) = delete;
  ReadScope& operator=(ReadScope&&) = delete;
  virtual ~ReadScope() = default;
};

/// Whether a commit survives a power cut on its own (full), or may be taken back with all that it
/// holds (normal; in rollback-journal mode every commit is full).
enum class Durability { normal, full };

/// How large the database is, and what of it is free for new rows.
struct SpaceReport {
  std::int64_t file_bytes = 0;
  std::int64_t free_bytes = 0;
  std::int64_t page_bytes = 0;
  bool gives_back = false;  ///< the file is one of those whose free pages can be cut off its end
};

/// How slices work in a database best.
struct SliceManners {
  std::int64_t rows_at_once = 64;  ///< read and deleted before the clock is looked at again
  /// Whoever waits for the write lock has it after a rest of so long.
  std::chrono::microseconds longest_rest = std::chrono::microseconds::max();
  bool warm_next_rows = true;  ///< a rest is used to read the rows that are next
  /// A delete shows the rows that it takes, so that they are decided on that and read only once.
  bool decides_on_deleted = false;
};

/// The database in which the audit log and Holdfast's own tables live together.
class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  Database(Database&&) = delete;
  Database& operator=(Database&&) = delete;
  virtual ~Database() = default;

  [[nodiscard]] virtual AuditLog& audit_log() = 0;
  [[nodiscard]] virtual HoldRegister& holds() = 0;
  [[nodiscard]] virtual RunLedger& ledger() = 0;
  [[nodiscard]] virtual PolicyRegister& policies() = 0;
  [[nodiscard]] virtual PlanStore& plans() = 0;
  [[nodiscard]] virtual BookmarkRegister& bookmarks() = 0;
  [[nodiscard]] virtual FirstSeenRegister& first_seen() = 0;
  [[nodiscard]] virtual Journal& journal() = 0;
  [[nodiscard]] virtual ErasureRegister& erasures() = 0;
  [[nodiscard]] virtual ExportRegister& exports() = 0;
  [[nodiscard]] virtual SubjectStore& subjects() = 0;
  [[nodiscard]] virtual WitnessOutbox& witness_outbox() = 0;
  [[nodiscard]] virtual RestoredRows& restored_rows() = 0;
  [[nodiscard]] virtual LogGuard& guard() = 0;
  /// The partitions of the log; null where the storage knows none.
  [[nodiscard]] virtual PartitionStore* partitions() { return nullptr; }
  /// An empty key set of the kind that the log's keys need.
  [[nodiscard]] virtual std::unique_ptr<KeySet> new_key_set() = 0;

  /// False where Holdfast's own tables are not there yet: registers then read as empty.
  [[nodiscard]] virtual bool is_set_up() const = 0;
  /// What tells this database from a copy of another: made by `init`, "" before.
  [[nodiscard]] virtual std::string identity() = 0;
  /// What messages and reports call the database: a file's path, or a server and a name.
  [[nodiscard]] virtual std::string path() const = 0;
  /// Beside which path Holdfast's own files about the database lie: OpenOptions::path.
  [[nodiscard]] virtual std::filesystem::path beside() const { return path(); }
  /// What tells the very file that is open from another one that has its name by now; of a server,
  /// what can be told of it. Empty where nothing can.
  [[nodiscard]] virtual std::string place_mark() { return identity() + " " + path(); }
  /// True where readers do not block writers.
  [[nodiscard]] virtual bool readers_are_free() const = 0;
  [[nodiscard]] virtual SliceManners slice_manners() const { return {}; }
  /// The statement that frees what deleted rows leave behind, for a server whose upkeep is not
  /// Holdfast's; empty where deleting overwrites them.
  [[nodiscard]] virtual std::string vacuum_statement() const { return {}; }

  [[nodiscard]] virtual std::unique_ptr<WriteScope> begin_write(Durability durability) = 0;
  [[nodiscard]] virtual std::unique_ptr<ReadScope> begin_read() = 0;

  /// Changes whenever another connection has committed.
  [[nodiscard]] virtual std::int64_t foreign_commits() = 0;
  /// When anything was last written to the database, by the clock of the file system; none where
  /// that cannot be told.
  [[nodiscard]] virtual std::optional<Instant> last_written() = 0;
  /// The clock of the server that the database lives on; none where there is no server.
  [[nodiscard]] virtual std::optional<Instant> server_now() { return std::nullopt; }
  /// Throws StorageError where the schema is not the one that was probed when the database was
  /// opened.
  virtual void require_same_schema() = 0;
  /// How large the file of the write-ahead log is; 0 where there is none.
  [[nodiscard]] virtual std::int64_t log_bytes() { return 0; }
  /// Moves what it can of the log into the database. Nobody waits for that.
  virtual void copy_log() {}
  /// The same; a log that has become large begins anew, and for its last commits others wait.
  /// Returns true where it was so.
  virtual bool checkpoint_some() = 0;
  /// Empties the write-ahead log. Returns false where a reader stood in the way.
  virtual bool checkpoint_all() = 0;
  [[nodiscard]] virtual SpaceReport space() = 0;
  /// Cuts up to so many free pages off the end of the file, where SpaceReport::gives_back;
  /// otherwise does nothing. Call inside a write; the file shrinks when that is in the file.
  virtual void give_back_pages(std::int64_t most) = 0;
  /// Gives the room of deleted rows back. A file is written anew, without free pages and without
  /// what deleted rows left in others, and nobody else can write meanwhile; a server runs
  /// vacuum_statement(). Outside of a write. Returns how many deleted rows are still there, because
  /// somebody may still look at them; none where that cannot be told. Errors: StorageError.
  virtual std::optional<std::int64_t> give_room_back() = 0;
  /// Empty where the database is sound, otherwise the first thing that is not.
  [[nodiscard]] virtual std::string integrity_problem() = 0;

  /// Takes the lock of one run at a time that lives in the database and ends with this object;
  /// false where another run has it. Beside the lock file, which SQLite needs alone.
  [[nodiscard]] virtual bool take_run_lock() { return true; }

  /// After the clock was set: lowers Holdfast's own instants that are later than `now` to it, and
  /// says which. Call inside a write.
  virtual std::vector<std::string> lower_instants(Instant now) = 0;
};

/// How to open a database.
struct OpenOptions {
  std::filesystem::path path;  ///< the file; with `url` only where Holdfast's own files lie
  std::string url;             ///< of a PostgreSQL database
  LogMapping mapping;
  bool own_events_into_log = true;   ///< wanted; the log must fit, see LogShape::made_by_init
  bool own_events_explicit = false;  ///< the configuration says so: not fitting is an error
  bool read_only = false;            ///< changes nothing, and works before `init`
  bool registers_only = false;       ///< the mapping is not looked at, and the log seems empty
  std::int64_t cache_bytes = std::int64_t{64} << 20;
  std::chrono::milliseconds busy_wait{65'000};
};

/// Opens an existing SQLite database and probes the audit log against the mapping.
/// Errors: StorageError: missing, not a database, corrupt, mapping, not_set_up (unless read_only),
/// newer_schema, older_schema.
[[nodiscard]] std::unique_ptr<Database> open_sqlite(const OpenOptions& options);

/// True where the text is meant as the url of a PostgreSQL database.
[[nodiscard]] inline bool is_postgres_url(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

/// Why the text names no database, where it is a url of another kind or has a password in it: a
/// clause without its subject that does not quote it. A file need not be there.
[[nodiscard]] std::optional<std::string> place_problem(const std::string& text);

/// What `init` did, as sentences.
struct InitReport {
  std::vector<std::string> done;
  bool changed = false;
};

/// What `init` does about the guards: leaves what is there, or sets them where they are not whole.
enum class Guards { as_they_are, set };

/// Creates the database, or adds Holdfast's own tables beside an audit log that exists, or brings
/// an older schema up to date, in one transaction. Never touches a row of the log. `identity` is a
/// fresh random id, `now` the system clock. Errors: StorageError.
[[nodiscard]] InitReport init_sqlite(const OpenOptions& options,
                                     const std::string& identity,
                                     Instant now,
                                     Guards guards = Guards::as_they_are);

/// Takes Holdfast's own tables out again. Errors: StorageError.
[[nodiscard]] InitReport remove_sqlite(const OpenOptions& options);

/// The same three for the PostgreSQL database of `url`, in the schema of the log's table. The log
/// itself is made only in an empty schema. Errors also: a build without PostgreSQL; guards, which
/// there are none of.
[[nodiscard]] std::unique_ptr<Database> open_postgres(const OpenOptions& options);
[[nodiscard]] InitReport init_postgres(const OpenOptions& options,
                                       const std::string& identity,
                                       Instant now,
                                       Guards guards = Guards::as_they_are);
[[nodiscard]] InitReport remove_postgres(const OpenOptions& options);

/// Why a url cannot be used: it is none of PostgreSQL, or has a password in it. None where it can,
/// and in a build without PostgreSQL.
[[nodiscard]] std::optional<std::string> postgres_url_problem(const std::string& url);
/// What Database::path() says of a url: never a user or a password.
[[nodiscard]] std::string postgres_label(const std::string& url);

/// What Database::path() would say, without opening it.
[[nodiscard]] std::string database_label(const OpenOptions& options);

/// The same three for whichever database the options mean.
[[nodiscard]] std::unique_ptr<Database> open_database(const OpenOptions& options);
[[nodiscard]] InitReport init_database(const OpenOptions& options,
                                       const std::string& identity,
                                       Instant now,
                                       Guards guards = Guards::as_they_are);
[[nodiscard]] InitReport remove_own_tables(const OpenOptions& options);

}  // namespace holdfast

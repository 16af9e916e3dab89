// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/connection.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <sqlite3.h>

#include "storage/sqlite/file_mark.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kSafePragmas = R"sql(
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA secure_delete = ON;
PRAGMA wal_autocheckpoint = 0;
)sql";

constexpr const char* kHasTable = R"sql(
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE
)sql";

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

/// SQLite would take "file:x" for a URI and ":memory:" for no file at all.
std::string file_name(const std::filesystem::path& path) {
  return path.is_absolute() ? path.string() : (std::filesystem::path{"."} / path).string();
}

/// The path as a URI, with everything escaped that has a meaning in one.
std::string immutable_uri(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char letter : file_name(path)) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '/' || letter == '.';
    const auto code = static_cast<unsigned char>(letter);
    if (plain) {
      uri += letter;
    } else {
      uri += {'%', kHexDigits[code >> 4U], kHexDigits[code & 0x0FU]};
    }
  }
  return uri + "?immutable=1";
}

/// Makes an empty file that only its owner may read; leaves one that exists as it is.
void make_file(const std::filesystem::path& path) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the mode has to be right from the start.
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file >= 0) {
    ::close(file);
    return;
  }
  if (errno != EEXIST) {
    const std::string why = std::generic_category().message(errno);
    throw StorageError(StorageTrouble::other,
                       path.string() + ": the database cannot be made (" + why +
                           "): check that its folder exists and that you may write to it");
  }
}

void require_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw StorageError(
        StorageTrouble::missing,
        path.string() + ": no such database: check [database].path, or run \"holdfast init\"");
  }
  if (status.type() == std::filesystem::file_type::none) {
    throw StorageError(StorageTrouble::other,
                       path.string() + ": cannot be looked at (" + error.message() +
                           "): run as a user who may read it");
  }
  if (status.type() != std::filesystem::file_type::regular) {
    const bool folder = status.type() == std::filesystem::file_type::directory;
    throw StorageError(StorageTrouble::not_a_database,
                       path.string() + (folder ? ": is a folder" : ": is not a regular file") +
                           ", not a database: check [database].path");
  }
}

void set_option(SQLite::Database& db, int option, int value) {
  int now = -1;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): SQLite's own interface.
  const int result = sqlite3_db_config(db.getHandle(), option, value, &now);
  if (result != SQLITE_OK || now != value) {
    throw SQLite::Exception("this SQLite library lacks a safety setting of 3.29 or later", result);
  }
}

void set_safely(SQLite::Database& db, const OpenOptions& options, ConnectionMode mode) {
  const bool reads_only = mode == ConnectionMode::read_only;
  set_option(db, SQLITE_DBCONFIG_DEFENSIVE, 1);
  set_option(db, SQLITE_DBCONFIG_DQS_DML, 0);
  set_option(db, SQLITE_DBCONFIG_DQS_DDL, 0);
  set_option(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, reads_only ? 1 : 0);
  db.exec(kSafePragmas);
  db.exec("PRAGMA cache_size = -" + std::to_string(options.cache_bytes / 1024));
  if (!reads_only) {
    db.exec("PRAGMA foreign_keys = ON");
  }
  // The first look inside: this is where another kind of file and an encrypted one are found out.
  (void)db.execAndGet("SELECT count(*) FROM sqlite_schema");
}

/// Nobody asks how much memory SQLite has: it need not be counted, under one lock for all threads.
/// Where SQLite is at work already it stays as it is.
void leave_memory_uncounted() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): sqlite3_config has no other form.
  static const int answer = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)answer;
}

SQLite::Database open_named(const std::string& name,
                            int flags,
                            const OpenOptions& options,
                            ConnectionMode mode) {
  leave_memory_uncounted();
  // A connection is handed from thread to thread, and never used by two at once.
  SQLite::Database db(name,
                      flags | SQLite::OPEN_NOMUTEX,  // NOLINT(hicpp-signed-bitwise)
                      static_cast<int>(options.busy_wait.count()));
  set_safely(db, options, mode);
  return db;
}

bool has_bytes(const std::filesystem::path& path, const char* suffix) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path.string() + suffix, error);
  return !error && size > 0;
}

/// The file itself: SQLite puts its side files beside it, and not beside a symbolic link to it.
std::filesystem::path real_file(const std::filesystem::path& path) {
  std::error_code unknown;
  std::filesystem::path file = std::filesystem::canonical(path, unknown);
  return unknown ? path : file;
}

/// True where a database is whole without its side files: nothing waits in a journal, and nobody
/// has it open.
bool is_whole(const FileMark& mark) {
  return mark.found && !mark.waiting && !mark.shared_memory;
}

/// True where SQLite would make side files as a user who may not write to the database. They would
/// be that user's, and nobody else could write any more.
bool would_be_in_the_way(const std::filesystem::path& file, const FileMark& mark) {
  return !(mark.log && mark.shared_memory) &&
         ::faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) != 0 && keeps_write_ahead_log(file);
}

/// Reading it as a file that does not change is safe: whoever reads so never writes, and
/// changed_still_file() says where somebody else did.
SQLite::Database open_still(const OpenOptions& options, const FileMark& mark) {
  remember_still_file(options.path, mark);
  return open_named(immutable_uri(options.path),
                    SQLite::OPEN_READONLY | SQLite::OPEN_URI,  // NOLINT(hicpp-signed-bitwise)
                    options,
                    ConnectionMode::read_only);
}

SQLite::Database open_reading(const OpenOptions& options) {
  const std::filesystem::path file = real_file(options.path);
  const FileMark mark = mark_of(file);
  if (would_be_in_the_way(file, mark)) {
    if (is_whole(mark)) {
      return open_still(options, mark);
    }
    throw StorageError(
        StorageTrouble::read_only,
        options.path.string() +
            ": commits wait beside it, and reading them takes a -wal and a -shm file "
            "of your own, so that nobody else could write any more: run as a user "
            "who may write to it, or copy it with its -wal file to a folder of yours");
  }
  try {
    return open_named(
        file_name(options.path), SQLite::OPEN_READONLY, options, ConnectionMode::read_only);
  } catch (const SQLite::Exception& error) {
    // A write-ahead-log database on a medium or in a folder that we may not write to.
    const int primary = error.getErrorCode() % 256;
    if ((primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY) || !is_whole(mark)) {
      throw;
    }
    return open_still(options, mark);
  }
}

SQLite::Database open_database(const OpenOptions& options, ConnectionMode mode) {
  if (mode == ConnectionMode::create) {
    make_file(options.path);
  }
  require_file(options.path);
  try {
    if (mode == ConnectionMode::read_only) {
      return open_reading(options);
    }
    return open_named(file_name(options.path), SQLite::OPEN_READWRITE, options, mode);
  } catch (const SQLite::Exception& error) {
    throw as_storage_error(error, options.path.string());
  }
}

}  // namespace

SideFiles::SideFiles(const std::filesystem::path& database, ConnectionMode mode) {
  std::error_code unknown;
  // SQLite puts them beside the file itself, and not beside a symbolic link to it.
  const std::filesystem::path file = std::filesystem::canonical(database, unknown);
  if (mode == ConnectionMode::read_only && !unknown &&
      !std::filesystem::exists(file.string() + "-wal", unknown) &&
      !std::filesystem::exists(file.string() + "-shm", unknown) && !unknown) {
    database_ = file;
  }
}

/// Only SQLite may take them away: it does when the last connection that may write closes, and asks
/// for every lock before. Where that fails they stay, which harms nobody.
SideFiles::~SideFiles() {
  std::error_code unknown;
  if (database_.empty() || !std::filesystem::exists(database_.string() + "-shm", unknown) ||
      has_bytes(database_, "-wal")) {
    return;
  }
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(database_.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    (void)sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
  }
  (void)sqlite3_close(db);
}

Connection::Connection(const OpenOptions& options, ConnectionMode mode)
    : path_(options.path.string()),
      mode_(mode),
      side_files_(options.path, mode),
      db_(open_database(options, mode)) {
  // SQLite opens a file that it may not write to for reading, without a word.
  if (mode != ConnectionMode::read_only && sqlite3_db_readonly(db_.getHandle(), "main") != 0) {
    throw StorageError(
        StorageTrouble::read_only,
        path_ + ": may only be read: run as a user who may write to the file and its folder");
  }
  wal_ = db_.execAndGet("PRAGMA journal_mode").getString() == "wal";
}

const char* Connection::file() const {
  return sqlite3_db_filename(db_.getHandle(), "main");
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char letter : name) {
    out += letter;
    if (letter == '"') {
      out += letter;
    }
  }
  return out + '"';
}

bool has_table(SQLite::Database& db, const std::string& name) {
  SQLite::Statement query(db, kHasTable);
  query.bind(1, name);
  return query.executeStep() && query.getColumn(0).getInt64() > 0;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include <SQLiteCpp/SQLiteCpp.h>

#include "storage/database.h"

namespace holdfast::testing {

/// A folder of its own for the database of one test, gone afterwards.
class ScratchDatabase {
 public:
  ScratchDatabase() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no folder for the test: " + name);
    }
    path_ = name;
  }
  ScratchDatabase(const ScratchDatabase&) = delete;
  ScratchDatabase& operator=(const ScratchDatabase&) = delete;
  ScratchDatabase(ScratchDatabase&&) = delete;
  ScratchDatabase& operator=(ScratchDatabase&&) = delete;
  ~ScratchDatabase() {
    std::error_code ignored;  // what is left behind harms no other test
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path path() const { return path_; }
  [[nodiscard]] std::filesystem::path file(const std::string& name) const { return path_ / name; }
  /// Options for "audit.db" in this folder, with a short busy wait.
  [[nodiscard]] OpenOptions options() const {
    return {.path = file("audit.db"), .busy_wait = std::chrono::milliseconds{50}};
  }

 private:
  std::filesystem::path path_;
};

inline constexpr Instant kDay = date::sys_days{date::year{2026} / 11 / 23};

/// What somebody does with another program: runs SQL over a connection of its own.
inline void run_sql(const std::filesystem::path& path, const std::string& sql) {
  SQLite::Database db(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 1000);
  db.exec(sql);
}

/// The first column of the first row, as text.
inline std::string ask_sql(const std::filesystem::path& path, const std::string& sql) {
  SQLite::Database db(path.string(), SQLite::OPEN_READONLY, 1000);
  return db.execAndGet(sql).getString();
}

/// The file's bytes. Only while nobody has it open as a database.
inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A database that `init` made, opened.
inline std::unique_ptr<Database> made_database(const OpenOptions& options) {
  (void)init_sqlite(options, "id-of-the-test", kDay);
  return open_sqlite(options);
}

/// The trouble that an action ends in.
template <typename Action>
StorageError error_of(const Action& action) {
  try {
    action();
  } catch (const StorageError& error) {
    return error;
  }
  throw std::logic_error("no StorageError was thrown");
}

/// Carries out an action inside one write that is committed.
template <typename Action>
void in_write(Database& database, const Action& action) {
  const auto scope = database.begin_write(Durability::full);
  action();
  scope->commit();
}

}  // namespace holdfast::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "jobs/cli/archive_files.h"
#include "jobs/cli/console.h"
#include "jobs/cli/export_files.h"
#include "jobs/cli/hold_process.h"
#include "jobs/cli/key_files.h"
#include "jobs/cli/system_clock.h"
#include "jobs/cli/witness_file.h"
#include "jobs/clock.h"
#include "jobs/desk.h"
#include "jobs/run_lock.h"
#include "jobs/settings.h"
#include "storage/database.h"

namespace holdfast {

/// The options that every verb has.
struct CommonOptions {
  std::filesystem::path config;
  bool json = false;
  bool verbose = false;
  std::string as;
};

enum class Access { read_only, read_write };

/// One call of the program: configuration, database, console, and who calls.
class Session {
 public:
  explicit Session(const CommonOptions& options);

  /// The configuration, loaded at the first call. Errors: ConfigError.
  [[nodiscard]] const Settings& settings();
  /// Opens the database. Errors: StorageError.
  [[nodiscard]] Database& open(Access access);
  /// Opens the database a second time, for reading row after row only. Errors: StorageError.
  [[nodiscard]] std::unique_ptr<Database> open_reader();
  void close() { database_.reset(); }
  /// Takes the lock of one run at a time; open() takes the one in the database too, where that may
  /// be reached from other machines. Errors: JobError(another_run), then and there.
  [[nodiscard]] RunLock lock_runs();
  /// What the desks work with. Opens the database.
  [[nodiscard]] Desk desk(Access access);
  /// The same, and who acts is asked for even where the database is only read.
  [[nodiscard]] Desk personal_desk(Access access);
  [[nodiscard]] std::string who();
  /// What a message about the database names: its path once the configuration has been read.
  [[nodiscard]] std::string database_name() const;

  [[nodiscard]] const CommonOptions& options() const { return options_; }
  [[nodiscard]] Console& console() { return *console_; }
  [[nodiscard]] RunObserver& observer() { return *observer_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] HoldCommand& programs() { return programs_; }
  [[nodiscard]] ErasureKeys& keys();
  /// Null where [archive] is not set.
  [[nodiscard]] ArchiveStore* archives();
  /// Null where [export] is not set.
  [[nodiscard]] ExportStore* exports();
  [[nodiscard]] Witness& witness();

 private:
  CommonOptions options_;
  SystemClock clock_;
  std::unique_ptr<Console> console_;
  std::unique_ptr<ConsoleObserver> observer_;
  std::unique_ptr<Settings> settings_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<KeyFiles> keys_;
  std::unique_ptr<ArchiveFiles> archives_;
  std::unique_ptr<ExportFiles> exports_;
  std::unique_ptr<WitnessFile> witness_;
  HoldProcess programs_;
  bool wants_run_lock_ = false;
};

/// Whose file or folder tells who owns the database: the file, or the state directory.
[[nodiscard]] std::filesystem::path owner_place(const Settings& settings);

/// Throws ConfigError where [database].state_directory is needed and is not there, or somebody else
/// could change it.
void require_state_directory(const Settings& settings);

/// The options of an opening that follow from the settings.
[[nodiscard]] OpenOptions open_options(const Settings& settings);

}  // namespace holdfast

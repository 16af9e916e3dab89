// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace holdfast {

/// The lock that lets one run at a time work on a database. It belongs to the process: when that
/// dies, however it dies, the lock is free. It is a file of its own beside the database, because
/// opening the database file a second time would drop SQLite's own locks.
class RunLock {
 public:
  /// Takes the lock. Errors: JobError(another_run) where it is taken, JobError(failed) where the
  /// file cannot be made.
  explicit RunLock(const std::filesystem::path& database);
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  RunLock(RunLock&&) = delete;
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

  /// Where the lock of a database lies.
  [[nodiscard]] static std::filesystem::path file_for(const std::filesystem::path& database);

 private:
  int descriptor_;
};

}  // namespace holdfast

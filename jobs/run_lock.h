// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "jobs/missed_runs.h"

namespace holdfast {

/// What can be seen of a lock without taking it.
struct LockLook {
  bool taken = false;
  std::vector<MissedRun> missed;  ///< as RunLock::missed() gives them
};

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

  /// The runs that could not be recorded, oldest first. Errors: none; where the file cannot be read
  /// there are none.
  [[nodiscard]] std::vector<MissedRun> missed() const;
  /// Keeps one more in the lock file, which has room for it also on a full disk. Returns false
  /// where that was not possible.
  [[nodiscard]] bool note_missed(const MissedRun& run);
  /// They are in the ledger now. Returns false where the file still has them.
  [[nodiscard]] bool forget_missed();

  /// Looks at the lock of a database and changes nothing: a file that is not there is not made.
  /// None where there is no such file, or where it may not be read. Errors: none.
  [[nodiscard]] static std::optional<LockLook> look_at(const std::filesystem::path& database);

  /// Where the lock of a database lies.
  [[nodiscard]] static std::filesystem::path file_for(const std::filesystem::path& database);

 private:
  [[nodiscard]] bool write_notes(const std::vector<MissedRun>& runs);

  int descriptor_;
};

}  // namespace holdfast

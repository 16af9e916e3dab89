// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/desk.h"
#include "jobs/prune_run.h"
#include "tests/faults/fault_folders.h"
#include "tests/jobs/job_world.h"
#include "tests/jobs/temp_folder.h"

namespace holdfast::testing {

/// What the worlds of these tests have beside a log with held, stamped, floored, recent, unknown
/// and due rows.
struct FaultWorldOptions {
  bool wal = true;
  bool guards = false;
  bool archive = false;
  bool archive_past_keep = false;  ///< tonight's run destroys the one before
  bool earlier_run = false;        ///< not the first run of the database
  bool erasure = false;            ///< a request of user-7 that bob may complete now
  bool when_due = false;           ///< and that the nightly run is to complete
  bool exports = false;            ///< a copy past its keep, and one of user-7 that is to be made
  bool handed_out = false;         ///< that one is made and fetched already
  bool gives_back = false;         ///< incremental vacuum
  bool set_up = true;              ///< false: the log is there, and `init` was never called
  int rows = 288;                  ///< half of them due: a few slices
  std::chrono::hours late{0};      ///< nobody has written for so long
};

/// Where a copy is fetched to, in the folder of the world.
constexpr const char* kFetchedCopy = "fetched.zip";

/// The rows that were there at the beginning, by key: each as one text.
using LogRows = std::map<std::int64_t, std::string>;

/// A database with all that belongs to it in one folder, which can be put back as it was.
class FaultWorld {
 public:
  explicit FaultWorld(const FaultWorldOptions& options);

  /// Everything as at the beginning, on a disk without a fault.
  void put_back();

  /// Tonight's run; later ones a day after the other.
  RunReport run(int night = 0);
  /// Calls `act` with what an interactive command of this person works with.
  void at_desk(const std::string& who, const std::function<void(const Desk&)>& act);
  [[nodiscard]] OpenOptions options() const;
  [[nodiscard]] Settings& settings() { return settings_; }
  [[nodiscard]] Instant now() const { return kTonight + options_.late; }
  [[nodiscard]] const FaultWorldOptions& made_with() const { return options_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

  /// Over a connection of another program.
  [[nodiscard]] std::string ask(const std::string& sql) const;
  [[nodiscard]] LogRows first_rows() const;
  [[nodiscard]] std::int64_t last_first_row() const { return last_first_row_; }
  /// What is wrong with the folder of the copies: it has the ready ones and nothing else.
  [[nodiscard]] std::string exports_fault() const;
  /// What is wrong with them at any moment: each that is ready is the file that was made, what
  /// others do not know of is nowhere, and each deed has its audit row.
  [[nodiscard]] std::string copies_fault() const;
  /// What a person has outside of the log.
  [[nodiscard]] std::string profiles() const;

 private:
  struct Kept {
    std::filesystem::path path;
    std::string bytes;
    bool folder = false;
  };

  void make();
  void fill() const;
  void make_request();
  void make_old_copy();
  void hand_out();
  void keep();

  FaultWorldOptions options_;
  TempFolder folder_;
  Settings settings_;
  std::vector<Kept> kept_;
  std::int64_t last_first_row_ = 0;
  WatchingObserver observer_;
  StopFlag stop_;
};

}  // namespace holdfast::testing

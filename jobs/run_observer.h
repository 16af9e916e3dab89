// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace holdfast {

/// How far a command has come, for whoever watches.
struct Progress {
  std::string phase;
  std::int64_t done = 0;
  std::int64_t total = 0;  ///< 0: not known
};

/// What a job tells while it goes; the command line prints it.
class RunObserver {
 public:
  RunObserver() = default;
  RunObserver(const RunObserver&) = delete;
  RunObserver& operator=(const RunObserver&) = delete;
  RunObserver(RunObserver&&) = delete;
  RunObserver& operator=(RunObserver&&) = delete;
  virtual ~RunObserver() = default;

  virtual void progress(const Progress& progress) = 0;
  /// One line of the log: key=value pairs, never a row's contents.
  virtual void note(const std::string& line) = 0;
  virtual void warn(const std::string& line) = 0;
};

/// Set by SIGINT and SIGTERM: the run ends after its current slice.
class StopFlag {
 public:
  void raise() { raised_.store(true); }
  [[nodiscard]] bool raised() const { return raised_.load(); }

 private:
  std::atomic<bool> raised_{false};
};

}  // namespace holdfast

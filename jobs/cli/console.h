// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "jobs/cli/text_table.h"
#include "jobs/run_observer.h"
#include "jobs/settings.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Where the answer goes and how: stdout carries the answer, stderr the log.
class Console {
 public:
  struct Wishes {
    bool json = false;
    bool verbose = false;
    std::string log_level = "info";
    LogFormat log_format = LogFormat::text;
  };

  explicit Console(const Wishes& wishes);

  [[nodiscard]] bool json() const { return wishes_.json; }
  /// True where a person is likely to read the answer: on a terminal, or with --verbose.
  [[nodiscard]] bool talkative() const;
  /// True where stderr goes to something that sorts by weight: lines of JSON, or the journal.
  [[nodiscard]] bool log_is_collected() const;
  [[nodiscard]] bool stderr_is_terminal() const { return stderr_terminal_; }
  /// True where a line may be drawn over and over: on a terminal that can.
  [[nodiscard]] bool shows_progress() const;
  [[nodiscard]] bool colours() const { return colours_; }

  static void print(const std::string& text);
  static void print_json(const nlohmann::json& value);
  /// The same for JSON as text without white space.
  static void print_json_text(const std::string& text);
  /// What went wrong, on stderr: behind "holdfast: ", or as the log is written. No level keeps it
  /// back.
  static void complain(const std::string& sentence);
  /// The text in bold where colours are wanted; never the only sign of anything.
  [[nodiscard]] std::string strong(const std::string& text) const;

 private:
  Wishes wishes_;
  bool stdout_terminal_;
  bool stderr_terminal_;
  bool colours_;
};

/// Prints progress on a terminal and the log on stderr.
class ConsoleObserver final : public RunObserver {
 public:
  explicit ConsoleObserver(const Console& console) : console_(console) {}
  ConsoleObserver(const ConsoleObserver&) = delete;
  ConsoleObserver& operator=(const ConsoleObserver&) = delete;
  ConsoleObserver(ConsoleObserver&&) = delete;
  ConsoleObserver& operator=(ConsoleObserver&&) = delete;
  ~ConsoleObserver() override;

  void progress(const Progress& progress) override;
  void note(const std::string& line) override;
  void warn(const std::string& line) override;

 private:
  void clear_line();
  const Console& console_;
  bool line_shown_ = false;
  std::string phase_;  // of the last progress, and what it began with
  std::chrono::steady_clock::time_point phase_began_;
  std::int64_t done_before_ = 0;
};

}  // namespace holdfast

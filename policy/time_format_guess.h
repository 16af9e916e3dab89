// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "policy/event_time.h"

namespace holdfast {

/// What a column of times seems to be stored as.
struct GuessedTime {
  std::optional<TimeFormat> format;  ///< none where the values contradict each other or say nothing
  std::string why;                   ///< one clause about what was seen
  std::optional<Instant> earliest;   ///< of the values that the format can read; none without one
  std::optional<Instant> latest;
  std::int64_t values = 0;  ///< that were looked at, NULLs not among them
  std::int64_t nulls = 0;
};

/// Guesses how times are stored from some of them. A format counts for a value that it reads as a
/// time from 2000 to `latest_plausible`.
class TimeFormatGuess {
 public:
  explicit TimeFormatGuess(Instant latest_plausible) : latest_plausible_(latest_plausible) {}

  void add(const StoredView& value);
  /// Some values of another kind are borne, one in a hundred: real logs are messy. No format where
  /// the digits of every whole number are a date too, such as yyMMddHHmm: it could be either.
  [[nodiscard]] GuessedTime result() const;

 private:
  struct Seen {
    std::int64_t values = 0;
    Instant earliest;
    Instant latest;
  };
  static constexpr std::size_t kFormats = 6;

  Instant latest_plausible_;
  std::array<Seen, kFormats> seen_{};
  std::int64_t values_ = 0;
  std::int64_t nulls_ = 0;
  std::int64_t apple_ = 0;     // seconds since 2001, as macOS counts them
  std::int64_t calendar_ = 0;  // whole numbers whose digits are a date too
};

}  // namespace holdfast

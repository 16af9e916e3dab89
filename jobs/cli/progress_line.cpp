// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/progress_line.h"

namespace holdfast {
namespace {

constexpr std::int64_t kPercent = 100;
constexpr std::int64_t kSecondsPerMinute = 60;
constexpr std::int64_t kSecondsPerHour = 3600;

std::string in_words(std::int64_t seconds) {
  if (seconds < kSecondsPerMinute) {
    return std::to_string(seconds) + " s";
  }
  if (seconds < kSecondsPerHour) {
    return std::to_string(seconds / kSecondsPerMinute) + " min " +
           std::to_string(seconds % kSecondsPerMinute) + " s";
  }
  return std::to_string(seconds / kSecondsPerHour) + " h " +
         std::to_string(seconds % kSecondsPerHour / kSecondsPerMinute) + " min";
}

}  // namespace

std::string progress_line(const Progress& progress, const PhasePace& pace, std::size_t columns) {
  std::string line = progress.phase + " " + std::to_string(progress.done);
  if (progress.total > 0) {
    line += " of " + std::to_string(progress.total) + " rows (" +
            std::to_string(kPercent * progress.done / progress.total) + " %)";
  } else {
    line += " rows";
  }
  const double seconds = std::chrono::duration<double>(pace.since).count();
  const std::int64_t done = progress.done - pace.done_before;
  if (seconds >= 1 && done > 0) {
    const double rate = static_cast<double>(done) / seconds;
    line += ", " + std::to_string(static_cast<std::int64_t>(rate)) + " rows/s";
    if (progress.total > progress.done) {
      const auto left = static_cast<double>(progress.total - progress.done) / rate;
      line += ", " + in_words(static_cast<std::int64_t>(left) + 1) + " left";
    }
  }
  // The last column stays free: a terminal would go on to the next line behind it.
  return columns == 0 || line.size() < columns ? line : line.substr(0, columns - 1);
}

}  // namespace holdfast

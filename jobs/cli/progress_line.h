// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "jobs/run_observer.h"

namespace holdfast {

/// How a phase has gone since it was first heard of.
struct PhasePace {
  std::int64_t done_before = 0;
  std::chrono::nanoseconds since{0};
};

/// One line for a terminal: rows done, of how many, the rate, and the time that is left at that
/// rate. Both are left out in the first second, when they would be guesses. Shapes: no wider than
/// `columns`, 0 for any width.
[[nodiscard]] std::string progress_line(const Progress& progress,
                                        const PhasePace& pace,
                                        std::size_t columns);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/system_clock.h"

#include <chrono>

namespace holdfast {

Instant SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/clock.h"

namespace holdfast {

/// The clock of the machine: the one place that asks what time it is.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
};

}  // namespace holdfast

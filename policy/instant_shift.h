// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "policy/instant.h"

namespace holdfast {

/// The instant that is `span`, 0 or more, after another; the last before the end of time where it
/// would be none. Stored instants may be anything, and one that wrapped round would lie in the
/// past.
[[nodiscard]] constexpr Instant later_by(Instant instant, std::chrono::milliseconds span) {
  constexpr Instant kLast = kEndOfTime - std::chrono::milliseconds{1};
  return instant > kLast - span ? kLast : instant + span;
}

/// The same before it; the first after the beginning of time where there would be none.
[[nodiscard]] constexpr Instant earlier_by(Instant instant, std::chrono::milliseconds span) {
  constexpr Instant kFirst = kBeginningOfTime + std::chrono::milliseconds{1};
  return instant < kFirst + span ? kFirst : instant - span;
}

}  // namespace holdfast

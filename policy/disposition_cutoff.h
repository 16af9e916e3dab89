// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/instant.h"
#include "policy/retention_window.h"

namespace holdfast {

/// The first instant at which a row of this time may go, in whichever zone on Earth it was written.
/// The day of the event is not counted, a date that does not exist becomes the last day of its
/// month, and that last day is over at UTC-12 too. `forever` gives kEndOfTime. Never throws.
/// An event after the year 20000 gives kEndOfTime, one before -20000 counts as of that year: both
/// late, never early, and nothing overflows. Source: Regulation (EEC, Euratom) 1182/71 art. 3, see
/// policy/README.md.
[[nodiscard]] Instant deletable_from(Instant event_time, const RetentionWindow& window);

/// The disposition cut-off: the first instant still inside the window at `as_of`. A row is due
/// exactly when `event_time < disposition_cutoff(window, as_of)`, which is the same as
/// `deletable_from(event_time, window) <= as_of`; a row is never early in any zone and at most 5
/// days late, counted in UTC. `forever` gives kBeginningOfTime. Never throws. Of `as_of` only
/// kEndOfTime itself is not an instant to ask for.
[[nodiscard]] Instant disposition_cutoff(const RetentionWindow& window, Instant as_of);

}  // namespace holdfast

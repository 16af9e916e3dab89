// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/event_time.h"
#include "policy/stored_value.h"
#include "storage/audit_log.h"

namespace holdfast {

/// The bounds of the times in between, in the unit of the column. Rounded so that a candidate is
/// never left out: `below` up, `above` down.
struct TimeBounds {
  StoredView below;
  StoredView above;
};

/// The bounds of a range, drawn in to the calendar: times outside it are unreadable in every
/// format, and so are candidates whatever the range. Only for the unix formats.
[[nodiscard]] TimeBounds time_bounds(const CandidateRange& range, TimeFormat format);

}  // namespace holdfast

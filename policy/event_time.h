// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "policy/instant.h"
#include "policy/stored_value.h"

namespace holdfast {

/// How an audit log stores its times; the words of `[events].time_format`.
enum class TimeFormat { unix_s, unix_ms, unix_us, unix_real, iso8601, utc_text };

[[nodiscard]] std::optional<TimeFormat> parse_time_format(std::string_view word);
[[nodiscard]] std::string_view to_token(TimeFormat format);

/// The instant that a stored value means, or none where it cannot be read with certainty.
/// The unix formats take integers and finite reals (floored to the millisecond), never text.
/// `iso8601` takes text with a zone ("Z", "+05:30", "+0530", "+05"), "T" or a space between date
/// and time; text without a zone is unreadable, because guessing can be 26 hours wrong, and so is
/// an offset of more than 14 hours. `utc_text` takes "YYYY-MM-DD hh:mm:ss[.f]" ("T" allowed) and no
/// zone. Leap seconds (:60) are read as :59. Dates that do not exist, trailing characters, and
/// years outside 0001 to 9999, in every format, are unreadable.
[[nodiscard]] std::optional<Instant> parse_event_time(const StoredView& value, TimeFormat format);

/// The number that `instant` has in one of the unix formats, rounded down; for text formats none.
[[nodiscard]] std::optional<double> to_unix_number(Instant instant, TimeFormat format);

}  // namespace holdfast

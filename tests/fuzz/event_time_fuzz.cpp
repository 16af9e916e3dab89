// SPDX-License-Identifier: Apache-2.0
// Stored times in every format. What is read lies inside the calendar and reads back from its own
// text; a zone is never guessed; numbers are never read from text.
#include "policy/event_time.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "policy/time_text.h"
#include "tests/fuzz/fuzz_input.h"

using namespace holdfast;
using namespace holdfast::fuzzing;

namespace {

constexpr TimeFormat kFormats[] = {TimeFormat::unix_s,
                                   TimeFormat::unix_ms,
                                   TimeFormat::unix_us,
                                   TimeFormat::unix_real,
                                   TimeFormat::iso8601,
                                   TimeFormat::utc_text};

bool is_text_format(TimeFormat format) {
  return format == TimeFormat::iso8601 || format == TimeFormat::utc_text;
}

void check_instant(Instant instant) {
  require(kCalendarBegin <= instant && instant < kCalendarEnd, "a time is of the years 1 to 9999");
  const auto again = parse_rfc3339(to_rfc3339(instant));
  require(again && *again == instant, "an instant reads back from its own text");
}

void check_number(const StoredView& value, TimeFormat format, Instant instant) {
  const double number = std::holds_alternative<double>(value)
                            ? std::get<double>(value)
                            : static_cast<double>(std::get<std::int64_t>(value));
  const auto least = to_unix_number(instant, format);
  require(least.has_value(), "a unix format has numbers");
  require(*least <= number, "the number of an instant is not above what was stored");
}

void check_text(const std::string& text) {
  const auto with_zone = parse_event_time(StoredView{std::string_view{text}}, TimeFormat::iso8601);
  const auto without = parse_event_time(StoredView{std::string_view{text}}, TimeFormat::utc_text);
  require(!(with_zone && without), "a text has a zone or it has none");
  const std::string more = text + " x";
  for (const TimeFormat format : {TimeFormat::iso8601, TimeFormat::utc_text}) {
    require(!parse_event_time(StoredView{std::string_view{more}}, format),
            "no trailing text is read over");
  }
  if (without) {
    const std::string zoned = text + "Z";
    require(parse_event_time(StoredView{std::string_view{zoned}}, TimeFormat::iso8601) == without,
            "UTC text and the same text with Z are one instant");
  }
  if (with_zone) {
    const auto written = scan_time(text);
    require(written && written->offset, "what has a zone was written with one");
    require(written->as_written - *written->offset == *with_zone, "an offset is converted once");
  }
  if (const auto typed = parse_rfc3339(text)) {
    check_instant(*typed);
    require(scan_day(text) || with_zone == *typed, "a typed time is read as a stored one");
  } else {
    require(!typed.error().empty(), "what is refused is refused with a sentence");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const std::size_t kind = input.below(4);
  const std::int64_t bits = kind < 2 ? input.integer() : 0;
  const std::string text{input.rest()};
  StoredView value = std::string_view{text};
  if (kind == 0) {
    value = bits;
  } else if (kind == 1) {
    value = std::bit_cast<double>(bits);
  } else if (kind == 2) {
    value = BlobView{text};
  } else {
    check_text(text);
  }
  for (const TimeFormat format : kFormats) {
    const auto instant = parse_event_time(value, format);
    require(parse_time_format(to_token(format)) == format, "a format reads back from its word");
    if (!instant) {
      continue;
    }
    check_instant(*instant);
    require(is_text_format(format) == (kind == 3), "only text formats read text, and only text");
    if (kind < 2) {
      check_number(value, format, *instant);
    }
  }
  return 0;
}

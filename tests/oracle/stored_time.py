# SPDX-License-Identifier: Apache-2.0
"""The oracle's own reading of stored times, and of the instants that reports print."""

import datetime
import functools
import math
import re
from fractions import Fraction

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)

# Milliseconds in one unit, as an exact ratio.
MS_PER_UNIT = {"unix_s": (1000, 1), "unix_ms": (1, 1), "unix_us": (1, 1000), "unix_real": (1000, 1)}
TEXT_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")


def to_ms(moment):
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


@functools.lru_cache
def day_start_ms(day_text):
    """`2000-01-01` as the first instant of that day in UTC."""
    return to_ms(datetime.datetime.fromisoformat(day_text).replace(tzinfo=UTC))


def read_text_time(text, zoned):
    """A civil time with (or, unless `zoned`, without) its zone, in UTC milliseconds; None where it is unreadable."""
    match = TEXT_TIME.fullmatch(text)
    if not match or bool(match[8]) != zoned:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime.datetime(year, month, day, hour, minute, 59 if second == 60 else second, tzinfo=UTC)
    except ValueError:
        return None
    offset_min = 0
    if zoned and match[8] != "Z":
        hours, minutes = int(match[8][1:3]), int(match[8][4:6])
        if hours > 23 or minutes > 59:
            return None
        offset_min = (60 * hours + minutes) * (-1 if match[8][0] == "-" else 1)
    milliseconds = int((match[7] or "0")[:3].ljust(3, "0"))
    return to_ms(moment) + milliseconds - offset_min * 60_000


def read_stored_time(value, time_format):
    """A stored value in UTC milliseconds, floored; None where `time_format` cannot be read from it."""
    if time_format in MS_PER_UNIT:
        times, divisor = MS_PER_UNIT[time_format]
        if isinstance(value, int):
            return value * times // divisor
        if isinstance(value, float) and math.isfinite(value):
            return math.floor(Fraction(value) * times / divisor)
        return None
    if not isinstance(value, str):
        return None
    return read_text_time(value, zoned=time_format == "iso8601")


def read_report_time(text):
    """An RFC 3339 instant of a report in UTC milliseconds."""
    value = read_text_time(text, zoned=True)
    if value is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return value

# SPDX-License-Identifier: Apache-2.0
"""The oracle's own time arithmetic: calendar windows, and the first instant at which a row may go.

Written from the rule's text alone. Both forms of it are here: `deletable_from` for one event, and
`disposition_cutoff` for one clock, which the decision never uses.
"""

import datetime
import functools
import re
from typing import NamedTuple

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
EARLIEST_ZONE_MS = 14 * HOUR_MS
EPOCH = datetime.date(1970, 1, 1)


class Window(NamedTuple):
    """A whole number of calendar units; `forever` has none."""

    count: int
    unit: str


FOREVER = Window(0, "forever")


@functools.lru_cache
def parse_window(text):
    """Reads `13 months`, `1 day`, `forever`, and the ISO form of the vectors, `P13M`."""
    if text == "forever":
        return FOREVER
    iso = re.fullmatch(r"P(\d+)([DMY])", text)
    if iso:
        return Window(int(iso[1]), {"D": "day", "M": "month", "Y": "year"}[iso[2]])
    words = re.fullmatch(r"(\d+) (day|month|year)s?", text)
    if not words or int(words[1]) < 1:
        raise ValueError(f"not a window: {text!r}")
    return Window(int(words[1]), words[2])


def month_length(year, month):
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


@functools.lru_cache(maxsize=200_000)
def last_day(event_day, window):
    """The last day of a window that an event on `event_day` begins, as a day number; None for never."""
    if window.unit == "forever":
        return None
    if window.unit == "day":
        return event_day + window.count
    start = EPOCH + datetime.timedelta(days=event_day)
    months = window.count * (12 if window.unit == "year" else 1)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    month += 1
    if year > datetime.MAXYEAR:
        return None
    end = datetime.date(year, month, min(start.day, month_length(year, month)))
    return (end - EPOCH).days


def event_day_of(event_ms):
    """The latest calendar date that the event can carry anywhere, as a day number."""
    return (event_ms + EARLIEST_ZONE_MS) // DAY_MS


def deletable_from(event_ms, window):
    """The first instant at which the event's window is over in every zone; None for never."""
    end = last_day(event_day_of(event_ms), window)
    return None if end is None else (end + 2) * DAY_MS


def is_due(event_ms, window, clock_ms):
    """Whether the window of an event has run out at `clock_ms`."""
    first = deletable_from(event_ms, window)
    return first is not None and first <= clock_ms


def disposition_cutoff(window, clock_ms):
    """The first instant still inside the window at `clock_ms`: found by bisection over event days."""
    if window.unit == "forever":
        return None
    over_by = clock_ms // DAY_MS - 2
    lowest = (datetime.date.min - EPOCH).days
    low, high = lowest, over_by
    while low < high:
        middle = (low + high + 1) // 2
        end = last_day(middle, window)
        if end is not None and end <= over_by:
            low = middle
        else:
            high = middle - 1
    return (low + 1) * DAY_MS - EARLIEST_ZONE_MS

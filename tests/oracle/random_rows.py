# SPDX-License-Identifier: Apache-2.0
"""Seeded rows: times on and beside every edge of the rules, and every kind of dirt that a real log carries."""

import datetime
import uuid

from calendar_rule import DAY_MS, EARLIEST_ZONE_MS, HOUR_MS, disposition_cutoff, parse_window
from random_policy import CODE_FLOORS, FLOORS, WINDOWS
from stored_time import EPOCH, UTC, day_start_ms

TEXT_FORMATS = ("iso8601", "utc_text")
EDGES_MS = (-DAY_MS, -HOUR_MS, -1000, -1, 0, 1, 1000, HOUR_MS, DAY_MS)
GARBAGE_TEXT = ("", "garbage", "99", "NULL", "\u2003")
GARBAGE_TEXT += ("2024-13-01T00:00:00Z", "2023-02-29 12:00:00", "2024-06-31T00:00:00Z")
GARBAGE_BYTES = (b"", b"\x00\xff\xfe", b"2024-01-01 00:00:00", b"2024-01-01T00:00:00Z")


def civil(time_ms):
    return EPOCH + datetime.timedelta(milliseconds=time_ms)


def text_time(rng, time_ms, zoned):
    """One of the spellings of an instant: any offset, any number of decimals."""
    offset_min = rng.choice((0, 0, 0, 330, -210, 840, -720, 60)) if zoned else 0
    moment = civil(time_ms + offset_min * 60_000)
    text = moment.strftime("%Y-%m-%d" + ("T" if zoned else " ") + "%H:%M:%S")
    if moment.second == 59 and rng.random() < 0.3:
        text = text[:-2] + "60"
    if time_ms % 1000 or rng.random() < 0.3:
        text += f".{time_ms % 1000:03d}" + rng.choice(("", "000", "999", "999999"))
    if not zoned:
        return text
    if offset_min == 0:
        return text + rng.choice(("Z", "Z", "+00:00"))
    return text + f"{'-' if offset_min < 0 else '+'}{abs(offset_min) // 60:02d}:{abs(offset_min) % 60:02d}"


def stored_time(rng, time_ms, time_format):
    """An instant as a row of this format would store it."""
    if time_format in TEXT_FORMATS:
        return text_time(rng, time_ms, zoned=time_format == "iso8601")
    if time_format == "unix_real" or (time_format == "unix_s" and rng.random() < 0.1):
        return time_ms / 1000
    if time_format == "unix_s":
        return time_ms // 1000
    if time_format == "unix_us":
        return time_ms * 1000 + rng.choice((0, 0, 1, 999))
    return float(time_ms) if rng.random() < 0.05 else time_ms


def dirty_time(rng, now_ms, time_format, earliest, nullable):
    """A stored time that cannot be believed, or is the first that can."""
    earliest_ms = day_start_ms(earliest) + rng.choice((-DAY_MS, -1, 0))
    out_of_range_ms = rng.choice((0, -1, earliest_ms, now_ms + rng.randint(2, 20) * DAY_MS))
    kinds = [
        lambda: stored_time(rng, out_of_range_ms, time_format),
        lambda: rng.choice(GARBAGE_TEXT),
        lambda: rng.choice(GARBAGE_BYTES),
        lambda: stored_time(rng, now_ms - 900 * DAY_MS, rng.choice(TEXT_FORMATS)) + rng.choice(("?", "\0", " ")),
    ]
    if nullable:
        kinds.append(lambda: None)
    if time_format in TEXT_FORMATS:
        other = "utc_text" if time_format == "iso8601" else "iso8601"
        kinds += [lambda: stored_time(rng, now_ms - 900 * DAY_MS, other), lambda: now_ms - 900 * DAY_MS]
    else:
        old_ms = now_ms - 900 * DAY_MS
        wrong_unit = old_ms if time_format in ("unix_s", "unix_real") else old_ms // 1000
        kinds += [lambda: wrong_unit, lambda: rng.choice((float("inf"), 9.9e17, 2**63 - 1, -(2**63)))]
    return rng.choice(kinds)()


class RowSource:
    """Makes the rows of one world: `world` gives cast, config, table and the instants of its nights."""

    def __init__(self, rng, world, hold_days):
        self.rng = rng
        self.world = world
        self.first_night_ms = world.nights[0].at_ms
        self.instants_ms = [night.at_ms for night in world.nights]
        self.hold_edges_ms = [edge for day in hold_days for edge in self.edges_of_hold_day(day)]

    @staticmethod
    def edges_of_hold_day(day):
        start_ms = day_start_ms(day)
        return (start_ms - 14 * HOUR_MS, start_ms + DAY_MS + 12 * HOUR_MS)

    def window_edge_ms(self):
        """Some window's disposition cut-off on some night, or a calendar oddity beside it."""
        window = parse_window(self.rng.choice((*WINDOWS, *FLOORS, *CODE_FLOORS)))
        edge_ms = disposition_cutoff(window, self.rng.choice(self.instants_ms))
        return edge_ms + self.rng.choice(EDGES_MS)

    def leap_edge_ms(self):
        """The turn of a month that ends early, seen from the earliest zone."""
        year = civil(self.first_night_ms).year - self.rng.randint(1, 3)
        day = self.rng.choice((f"{year}-03-01", f"{year}-02-28", f"{year}-12-31", f"{year}-01-31"))
        return day_start_ms(day) - self.rng.choice((0, EARLIEST_ZONE_MS)) + self.rng.choice(EDGES_MS)

    def sane_ms(self):
        draw = self.rng.random()
        if draw < 0.35:
            return self.window_edge_ms()
        if draw < 0.42:
            return self.leap_edge_ms()
        if draw < 0.50 and self.hold_edges_ms:
            return self.rng.choice(self.hold_edges_ms) + self.rng.choice((-1, 0, 1))
        if draw < 0.52:
            return self.first_night_ms + self.rng.choice((0, 1000, 300_000, 301_000))
        return self.first_night_ms - self.rng.randint(0, 1300) * DAY_MS - self.rng.randint(0, DAY_MS)

    def dirty_time(self, nullable):
        table = self.world.table
        return dirty_time(self.rng, self.first_night_ms, table.time_format, table.earliest_plausible, nullable)

    def time(self):
        table = self.world.table
        if self.rng.random() < self.world.dirt:
            return self.dirty_time(nullable=not table.own)
        return stored_time(self.rng, max(self.sane_ms(), day_start_ms("2000-01-02")), table.time_format)

    def stamp(self):
        draw = self.rng.random()
        if draw > self.world.stamped:
            return None
        time_format = self.world.table.time_format
        if draw < 0.1 * self.world.stamped:
            return self.dirty_time(nullable=True)
        if draw < 0.5 * self.world.stamped:
            return stored_time(self.rng, self.rng.choice(self.instants_ms) + self.rng.choice(EDGES_MS), time_format)
        distance_ms = self.rng.randint(-400, 100) * DAY_MS
        return stored_time(self.rng, self.first_night_ms + distance_ms, time_format)

    def code(self):
        cast, rng = self.world.cast, self.rng
        draw = rng.random()
        if draw > 0.1:
            code = rng.choice(cast.codes)
            return int(code) if code.isdigit() else code
        if draw > 0.06:
            return rng.choice(sorted(cast.aliases)) if cast.aliases else rng.choice(cast.codes)
        if draw > 0.01 or self.world.table.own:
            return rng.choice(cast.unknown_codes)
        return rng.choice((None, b"\x01\x02", 3.5, 77777, ""))

    def category(self):
        draw = self.rng.random()
        if draw < 0.75:
            return self.rng.choice((None, None, ""))
        return self.rng.choice(self.world.cast.stored_categories)

    def key(self, number):
        kind = self.world.table.key_kind
        if kind in ("own", "rowid", "descending"):
            return number + self.world.table.first_key
        if kind == "uuid":
            return str(uuid.UUID(int=self.rng.getrandbits(128)))
        return self.rng.choice(("k", "\u00e9", "key ", "K")) + f"{self.rng.randint(0, 99):02d}-{number}"

    def row(self, key):
        """One row by the logical names of its columns."""
        rng, cast = self.rng, self.world.cast
        return {
            "key": key,
            "time": self.time(),
            "code": self.code(),
            "tenant": rng.choice(cast.tenants),
            "actor": rng.choice((*cast.people, "ann\0x")),
            "subject": rng.choice(cast.people),
            "other_subject": rng.choice(cast.people),
            "category": self.category(),
            "retain_until": self.stamp(),
            "note": f'{{"n": {rng.randint(0, 999)}}}',
        }

    def rows(self, count, after=0):
        """Rows with keys in ascending order of insertion, with gaps."""
        number, made = after, []
        for _ in range(count):
            number += self.rng.choice((1, 1, 1, 2, 5))
            made.append(self.row(self.key(number)))
        return made


def newest_row_is_old(rows, rng, world):
    """Makes the row with the highest key one that would go, were it not the newest."""
    newest = max(rows, key=lambda row: row["key"])
    old_ms = world.nights[0].at_ms - 4000 * DAY_MS
    newest.update(time=stored_time(rng, max(old_ms, day_start_ms("2001-01-01")), world.table.time_format))
    newest.update(retain_until=None, category=None, code=rng.choice(world.cast.codes))


def as_utc(at_ms):
    """An instant as the clock of the program wants it."""
    return (EPOCH + datetime.timedelta(milliseconds=at_ms)).astimezone(UTC)

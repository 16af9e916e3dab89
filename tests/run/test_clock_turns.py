# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Time zones, summer time, leap seconds, clocks that are turned under the run or stand still altogether (libfaketime)."""

import datetime
import json
import os
import sqlite3
import subprocess
import time
import unittest
from pathlib import Path

from audit_world import COMPLETED, FAILED, EPOCH, World, at, config_with, days, deletable_from, rfc3339_ms, to_ms, world
from holdfast_cli import UTC, Clock, program_path, require, work_folder
from run_watch import StartedRun, wait_for_slices

STEP = days(8)
WINDOW = "90 days"
SLOW = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}}
TOLERANT = {"safety": {"max_bad_time_share": 0.5}}
ZONEINFO = Path("/usr/share/zoneinfo")
A_MOMENT_MS = 60_000  # how far a clock that goes may have got
# A zone, and the hour in which its clocks are turned.
TURNS = (
    ("Europe/Berlin", "2030-03-31T01:30:00"),
    ("Europe/Berlin", "2030-10-27T00:30:00"),
    ("America/New_York", "2030-11-03T05:30:00"),
    ("Australia/Lord_Howe", "2030-04-06T14:40:00"),
    ("Pacific/Apia", "2011-12-30T09:30:00"),  # a day that was left out
)


class ZonedClock(Clock):
    """A clock that goes, set by its distance from the real one: a local time of an autumn night could be two instants."""

    def __init__(self, start, zone="UTC"):
        super().__init__(start, running=True)
        self.zone = zone

    def environment(self):
        ahead_s = round(self.now.timestamp() - time.time())
        return super().environment() | {"FAKETIME": f"{ahead_s:+d}", "TZ": self.zone}


class FileClock(Clock):
    """A clock that a file sets, also for processes that are already there."""

    def __init__(self, start, file):
        self.file = file
        super().__init__(start)
        self.set(start)

    def set(self, instant):
        super().set(instant)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"), encoding="utf-8")
        fresh.rename(self.file)

    def environment(self):
        changed = super().environment() | {"FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1"}
        del changed["FAKETIME"]
        return changed


class ClockTurns(unittest.TestCase):
    def make(self, start, *changes):
        made = self.enterContext(world(config_with(TOLERANT, *changes), now=start.isoformat()[:19]))
        self.times = {}
        for back in range(150):
            for hour in (0, 9, 11):
                event = start - days(back) - datetime.timedelta(hours=hour)
                self.times[made.insert(event)[0]] = event
        return made

    def due_at(self, run_clock):
        return {key for key, event in self.times.items() if deletable_from(event, WINDOW) <= run_clock}

    def as_of(self, report):
        return EPOCH + datetime.timedelta(milliseconds=rfc3339_ms(report["as_of"]))

    def run_near(self, made, instant):
        """A run at about this instant: what it deleted is what is due by UTC, whatever the zone."""
        made.clock.set(instant)
        report = made.run(expect=0).json
        as_of = self.as_of(report)
        self.assertLess(abs(to_ms(as_of) - to_ms(instant)), A_MOMENT_MS, report["as_of"])
        self.assertEqual(made.ids(), set(self.times) - self.due_at(as_of))
        event = made.events(COMPLETED)[-1]
        self.assertLess(abs(event["occurred_at"] - to_ms(instant)), A_MOMENT_MS)
        return as_of


class Zones(ClockTurns):
    def test_the_nights_in_which_clocks_are_turned_are_nights_like_others(self):
        for zone, turned in TURNS:
            with self.subTest(zone=zone, turned=turned):
                require((ZONEINFO / zone).exists(), f"no such zone on this machine: {zone}")
                middle = at(turned)
                made = self.make(middle - days(2))
                made.clock = ZonedClock(middle - days(2), zone)
                for back in (48, 24, 3, 2, 1, 0, -1, -2, -3, -24):
                    self.run_near(made, middle - datetime.timedelta(hours=back))

    def test_a_machine_that_moves_from_zone_to_zone_counts_on_in_utc(self):
        start = at("2030-01-01T02:30:00")
        made = self.make(start)
        zones = ("Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "right/UTC", "Nowhere/Land", "UTC", "<+14>-14")
        last = EPOCH
        for number, zone in enumerate(zones):
            made.clock = ZonedClock(start, zone)
            as_of = self.run_near(made, start + datetime.timedelta(hours=7 * number))
            self.assertGreater(as_of, last)
            last = as_of


class LeapSeconds(ClockTurns):
    def test_a_second_that_comes_twice_is_not_a_clock_that_went_back(self):
        start = at("2029-12-31T23:59:58")
        made = self.make(start)
        as_of = []
        # The system repeats 23:59:59 in a leap second, or goes slower and is a second behind.
        for second in (0, 1, 1, 0, 1, 2, 1, 3):
            made.clock.set(start + datetime.timedelta(seconds=second))
            report = made.run(expect=0).json
            as_of.append(self.as_of(report))
            self.assertEqual(made.ids(), set(self.times) - self.due_at(as_of[-1]))
        self.assertEqual(as_of, sorted(as_of))
        self.assertEqual(as_of[-1], start + datetime.timedelta(seconds=3))
        self.assertEqual(made.events(FAILED), [])

    def test_rows_of_a_leap_second_go_with_those_of_the_second_before(self):
        mapped = {"table": "log", "time": "at", "own_events": "holdfast"}
        texts = {
            "iso8601": ("2026-12-31T23:59:59Z", "2026-12-31T23:59:60Z", "2027-01-01T05:29:60+05:30", "2026-12-31T23:59:60.999Z"),
            "utc_text": ("2026-12-31 23:59:59", "2026-12-31 23:59:60", "2026-12-31T23:59:60.5", "2026-12-31 23:59:60.999"),
        }
        for time_format, stored in texts.items():
            with self.subTest(time_format=time_format), work_folder() as folder:
                with sqlite3.connect(folder / "audit.db") as database:
                    database.execute("CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, code TEXT)")
                    database.executemany("INSERT INTO log (at, code) VALUES (?, 'ACCOUNT_PROFILE_UPDATE')", [(text,) for text in stored])
                    database.execute("INSERT INTO log (at, code) VALUES ('2026-12-31T23:59:61Z', 'ACCOUNT_PROFILE_UPDATE')")
                first = deletable_from(at("2026-12-31T23:59:59"), WINDOW)
                made = World(folder, config_with(TOLERANT, events=mapped | {"time_format": time_format}), first - days(1))
                made.init()
                for instant, left in ((first - datetime.timedelta(seconds=1), len(stored) + 1), (first, 1)):
                    made.clock.set(instant)
                    made.run(expect=0)
                    self.assertEqual(made.query("SELECT count(*) FROM log"), [(left,)])


class Turned(ClockTurns):
    """The clock is turned while the run deletes: it was read once, at the start."""

    START = at("2030-01-01T02:00:00")

    def turn(self, instant):
        made = self.make(self.START, SLOW)
        aged = self.START - days(120)
        self.times |= dict.fromkeys(made.insert(aged, count=3000), aged)
        made.clock = FileClock(self.START, made.folder / "clock")
        with StartedRun(made) as run:
            self.assertTrue(wait_for_slices(made.database, 1, 2, run), run)
            made.clock.set(instant)
            self.assertEqual(run.finish(), 0, run)
        self.assertEqual(self.as_of(run.json), self.START)
        self.assertEqual(made.ids(), set(self.times) - self.due_at(self.START))
        return made

    def test_ten_years_ahead(self):
        made = self.turn(at("2040-01-01T02:00:00"))
        report = made.run(expect=0).json
        self.assertEqual(self.as_of(report), self.START + STEP)
        self.assertEqual(made.ids(), set(self.times) - self.due_at(self.START + STEP))
        event = made.query("SELECT code, severity FROM audit_events ORDER BY id DESC LIMIT 1")
        self.assertEqual(event, [(COMPLETED, "Info")])
        self.assertTrue(json.loads(made.query("SELECT record FROM holdfast_run ORDER BY id DESC LIMIT 1")[0][0])["clock"]["clamped"])

    def test_a_year_back(self):
        made = self.turn(at("2029-01-01T02:00:00"))
        rows = made.ids()
        answer = made.run(expect=4)
        self.assertEqual(answer.json["error"]["reason"], "clock_went_back")
        self.assertEqual(made.ids(), rows)
        event = made.query("SELECT code, severity FROM audit_events ORDER BY id DESC LIMIT 1")
        self.assertEqual(event, [(FAILED, "Warning")])

    def test_one_day_back_and_ahead_again_and_again(self):
        made = self.make(self.START, SLOW)
        made.clock = FileClock(self.START, made.folder / "clock")
        made.run(expect=0)
        outcomes = set()
        for number in range(12):
            made.clock.set(self.START + days((-1, 0, 1)[number % 3]))
            answer = made.run()
            outcomes.add(answer.exit_status)
            as_of = made.clocks()[-1][1]
            self.assertLessEqual(as_of, to_ms(self.START + days(1)))
            self.assertEqual(made.ids(), set(self.times) - self.due_at(EPOCH + datetime.timedelta(milliseconds=as_of)))
        self.assertEqual(outcomes, {0, 4})


class Frozen(ClockTurns):
    def test_a_run_ends_where_no_clock_moves_at_all(self):
        """A machine that was suspended or is being debugged: the monotonic clock stands still as well."""
        made = self.make(at("2030-01-01T02:00:00"), SLOW)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "FAKETIME"))} | made.clock.environment()
        for name in ("FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"):
            environment.pop(name)
        command = [str(program_path()), "run", "--config", str(made.config_file)]
        for runs in (1, 2):
            done = subprocess.run(command, env=environment, cwd=made.folder, capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(made.ids(), set(self.times) - self.due_at(at("2030-01-01T02:00:00")))
            self.assertEqual(len(made.events(COMPLETED)), runs)


if __name__ == "__main__":
    unittest.main()

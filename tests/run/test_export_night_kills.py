# SPDX-License-Identifier: Apache-2.0
"""A nightly run that makes some copies and destroys others is killed: at random moments and at each of its steps.

What stands in the folder is whole, the register agrees with it, and the next run does what is left to do.
"""

import contextlib
import random
import sqlite3
import time
import unittest
import zipfile
from dataclasses import dataclass

from audit_world import COMPLETED, FAILED
from export_world import READY, Copy, export_config, export_world
from kill_count import KillCount
from run_watch import StartedRun

ROWS = 1500
PEOPLE = ("u-1", "u-2", "u-3")
# Each night is eight days later: what the test looks for may not grow old before it ends.
FOREVER = {"retention": {"category": {name: {"window": "forever"} for name in ("audit-retention", "data-erasure")}}}


@dataclass(frozen=True)
class Night:
    """What is there before the run that is killed."""

    expired: int  # a copy past its keep
    asked: list  # copies that are to be made
    files: set


def copies_in(world):
    return [name for name in world.files() if not name.startswith(".")]


class NightKills(unittest.TestCase):
    kills = 8
    journal_mode = "WAL"

    def setUp(self):
        self.made = self.enterContext(export_world(export_config(FOREVER), journal_mode=self.journal_mode))
        for person in PEOPLE:
            for number in range(ROWS // len(PEOPLE)):
                names = {"actor": person, "subject": f"o-{number % 7}"}
                self.made.insert(self.made.clock.now, "NEVER_DUE", tenant="acme", **names)
        self.rng = random.Random(self.id())
        self.count = KillCount(self.kills)
        self.made.run(expect=0)
        begun_s = time.monotonic()
        self.night()
        self.made.run(expect=0)
        self.length_s = time.monotonic() - begun_s

    def night(self):
        """Copies that the next run has to make, and one that is past its keep."""
        self.made.clock.advance(days=1)
        expired = self.made.ready("u-9")
        self.made.fetch(expired, name=f"old-{expired}.zip")
        self.made.clock.advance(days=7)
        with self.made.connection() as database:
            sql = "UPDATE holdfast_export SET expires_at_ms = ? WHERE id = ?"
            database.execute(sql, (self.made.clock.now_ms - 1000, expired))
        return Night(expired, [self.made.ask_copy(person) for person in PEOPLE], set(self.made.files()))

    # How it is killed

    def at_any_time(self, _run, _night):
        time.sleep(self.rng.uniform(0, 1.1 * self.length_s))

    def until_register(self, run, sql, *values):
        """Returns as soon as the register says so."""
        with contextlib.closing(sqlite3.connect(self.made.database, timeout=0)) as look:
            while run.running:
                with contextlib.suppress(sqlite3.OperationalError):
                    if look.execute(sql, values).fetchone()[0]:
                        return
                time.sleep(0.0005)

    def until_folder(self, run, seen):
        """Returns as soon as the folder looks like that."""
        while run.running and not seen(set(self.made.files())):
            time.sleep(0.0005)

    def kill(self, wait):
        night = self.night()
        expired, asked = night.expired, night.asked
        with StartedRun(self.made) as run:
            wait(run, night)
            status = run.kill()
        self.assertIn(status, (-9, 0), run)
        if status == -9:
            self.count.killed()
        else:
            self.length_s *= 0.9  # it was over before it was killed
        with self.counting("other failures"):
            self.check_right_after(expired, asked)
        self.leave_what_an_earlier_kill_had_left(expired)
        answer = self.made.run(expect=0)
        with self.counting("other failures"):
            self.check_when_done(expired, asked, answer)
        self.check_runs()
        return status

    def leave_what_an_earlier_kill_had_left(self, expired):
        """Between the line and its file, and in the middle of a draft, there is too little time to be met by chance."""
        name = self.name_of(expired)
        if self.made.state(expired)[0] == "destroyed":
            (self.made.copies / name).write_bytes(b"a copy that is destroyed")
        (self.made.copies / f".{name}.new-0123456789abcdef").write_bytes(b"half a copy")

    @contextlib.contextmanager
    def counting(self, kind):
        try:
            yield
        except AssertionError:
            self.count.wrong(kind)
            raise

    # What has to be true

    def ready_events(self):
        """Of which copies the audit log says that they are made."""
        return [event["metadata"]["export_id"] for event in self.made.events(READY)]

    def name_of(self, export):
        return self.made.query("SELECT file FROM holdfast_export WHERE id = ?", export)[0][0]

    def check_right_after(self, expired, asked):
        """Every file is a whole zip, every ready line has its file, and no line of another state says that it is ready."""
        for name in copies_in(self.made):
            with zipfile.ZipFile(self.made.copies / name) as opened:
                self.assertIsNone(opened.testzip())
        ready = self.made.query("SELECT id, file, bytes FROM holdfast_export WHERE state = 'ready'")
        for export, name, size in ready:
            self.assertEqual((self.made.copies / name).stat().st_size, size, f"export {export}")
        events = self.ready_events()
        for export in asked:
            state = self.made.state(export)[0]
            self.assertIn(state, ("requested", "ready"))
            self.assertEqual(events.count(export), 1 if state == "ready" else 0)
            if state == "requested":
                self.assertIn("not_ready", self.made.fetch(export, expect=4).stderr)
        self.assertIn(self.made.state(expired), (("ready", ""), ("destroyed", "expired")))

    def check_when_done(self, expired, asked, answer):
        self.assertEqual(self.made.state(expired), ("destroyed", "expired"), answer)
        self.assertEqual([self.made.state(export)[0] for export in asked], ["ready"] * len(asked), answer)
        self.assertEqual(self.made.files(), sorted(self.name_of(export) for export in asked))
        events = self.ready_events()
        for export in asked:
            self.assertEqual(events.count(export), 1)
            Copy(self.made.fetch(export, name=f"night-{export}.zip"))
            self.made.export("destroy", export, who="alice")
        self.assertEqual(self.made.files(), [])

    def check_runs(self):
        """Each run that is over has one audit event."""
        events = [event["metadata"]["run_id"] for event in self.made.events(COMPLETED, FAILED)]
        over = [id for (id,) in self.made.query("SELECT id FROM holdfast_run WHERE outcome IS NOT NULL")]
        without = [id for id in over if events.count(id) != 1]
        self.count.wrong("runs without audit event", len(without))
        self.assertEqual(without, [])
        if self.made.query("PRAGMA integrity_check") != [("ok",)]:
            self.count.wrong("inconsistent ledgers")
            self.fail("integrity_check")

    # The tests

    def test_at_random_moments(self):
        try:
            while not self.count.enough:
                self.kill(self.at_any_time)
        finally:
            self.count.tell(f"{self.journal_mode}, nightly runs that make and destroy copies")

    def test_at_each_step(self):
        killed = 0
        state = "SELECT state = ? FROM holdfast_export WHERE id = ?"
        steps = {
            "the one past its keep is destroyed": lambda run, night: self.until_register(run, state, "destroyed", night.expired),
            "its file is gone": lambda run, night: self.until_folder(run, lambda now: night.files - now),
            "the first has a file": lambda run, night: self.until_folder(run, lambda now: now - night.files),
            "the first is ready": lambda run, night: self.until_register(run, state, "ready", night.asked[0]),
            "the second has a file": lambda run, night: self.until_folder(run, lambda now: len(now - night.files) >= 2),
            "the last is ready": lambda run, night: self.until_register(run, state, "ready", night.asked[-1]),
        }
        for name, wait in steps.items():
            with self.subTest(name):
                killed += self.kill(wait) == -9
        self.assertGreaterEqual(killed, 3, "most of the runs were over before they were killed")
        self.count.tell(f"{self.journal_mode}, at each step of copies")


class NightKillsInRollbackMode(NightKills):
    journal_mode = "DELETE"


if __name__ == "__main__":
    unittest.main()

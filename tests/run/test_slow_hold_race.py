# SPDX-License-Identifier: Apache-2.0
"""Holds placed and released at random while runs delete, in both journal modes, with a grace that ends on the way and one that does not."""

import random
import time
import unittest

from audit_world import config_with, world
from hold_race import HoldRace
from run_watch import StartedRun

PEOPLE = 40
ROWS = 24_000
NIGHTS = 5
MOST_NIGHTS = 40
LONGEST_REST_S = 0.12


class RandomHoldRaceTest(unittest.TestCase):
    def play(self, journal_mode, grace):
        rng = random.Random(f"{journal_mode} {grace}")
        quick = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}, "safety": {"hold_release_grace": grace}}
        made = self.enterContext(world(config_with(quick), now="2030-01-01T02:00:00"))
        with made.connection() as database:
            database.execute(f"PRAGMA journal_mode = {journal_mode}")
        self.placed = self.released = self.deleted = 0
        race = HoldRace(made)
        nights = 0
        while nights < NIGHTS or (min(self.placed, self.released) <= NIGHTS and nights < MOST_NIGHTS):
            self.fill(made, rng)
            self.night(made, rng, race, keeps_released=grace == "30 days")
            made.clock.advance(days=1)
            nights += 1
        print(
            f"\n{journal_mode}, grace {grace}: {self.placed} holds placed and {self.released} released while"
            f" {self.deleted} rows were deleted in {nights} runs",
            flush=True,
        )
        self.assertGreater(self.placed, NIGHTS)
        self.assertGreater(self.released, NIGHTS)

    def fill(self, made, rng):
        time_ms = made.clock.now_ms - 200 * 86_400_000
        rows = [(time_ms + number, f"person-{rng.randrange(PEOPLE)}", f"person-{rng.randrange(PEOPLE)}") for number in range(ROWS)]
        with made.connection() as database:
            database.executemany(
                "INSERT INTO audit_events (occurred_at, tenant, code, actor, subject)"
                " VALUES (?, 'acme', 'ACCOUNT_PROFILE_UPDATE', ?, ?)",
                rows,
            )

    def night(self, made, rng, race, keeps_released):
        """One run with people at the register beside it."""
        race.read_people()
        with StartedRun(made) as run:
            run.wait_for_phase("deleting")
            while run.running:
                self.one_change(rng, race, keeps_released)
                time.sleep(rng.uniform(0, LONGEST_REST_S))
            self.assertEqual(run.finish(), 0, run)
        self.assertEqual(run.json["outcome"], "completed", run)
        self.assertEqual(run.json["deleted"] + run.json["kept"], run.json["rows_before"])
        self.deleted += run.json["deleted"]
        race.check(self)

    def one_change(self, rng, race, keeps_released):
        held = sorted(race.active)
        if held and rng.random() < 0.4:
            person = rng.choice(held)
            if not keeps_released:
                race.forget(person)
            race.release_by_command(person)
            self.released += 1
            return
        free = sorted({f"person-{number}" for number in range(PEOPLE)} - race.active)
        if free:
            rng.choice((race.place_by_command, race.place_directly))(rng.choice(free))
            self.placed += 1

    def test_a_short_grace_in_wal_mode(self):
        self.play("WAL", "1 day")

    def test_a_short_grace_in_rollback_mode(self):
        self.play("DELETE", "1 day")

    def test_a_long_grace_in_wal_mode(self):
        self.play("WAL", "30 days")

    def test_a_long_grace_in_rollback_mode(self):
        self.play("DELETE", "30 days")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Runs and erasures that are killed, lose their connection or their server at random points: nothing that is held is
gone, the ledger counts what is, and the next run closes the dead one.

$HOLDFAST_CUTS sets how many have to die, $HOLDFAST_SEED the points.
"""

import os
import random
import signal
import time
import unittest
from collections import Counter

from postgres_world import COMPLETED, FAILED, PostgresWorld, at, days, work_folder

# isort: split
from erasure_world import PERSON, ErasureWorld, erasure_config

NOW = at("2030-01-01T02:00:00")
OLD = NOW - days(200)
HELD, ROWS, PERSONS_ROWS = 500, 2000, 500
TENANT = "globex"


class CutWorld(PostgresWorld, ErasureWorld):
    """Held rows, rows that are due, and persons who want to be forgotten."""

    def __init__(self, folder):
        # Hours pass between the runs, and months in which one asks, another agrees, and the days to think it over end.
        super().__init__(folder, erasure_config({"run": {"max_lock": "20ms"}}, modules=()), NOW)
        self.init()
        self.held = set(self.insert(OLD, tenant="acme", count=HELD))
        self.freeze("--tenant=acme")
        self.inserted = 0
        self.asked = 0

    def due(self):
        self.insert(self.clock.now - days(200), count=ROWS)
        self.inserted += ROWS
        return self.start("run")

    def erasing(self):
        """A completion, with the request and the rows that it is about."""
        self.asked += 1
        person = f"{PERSON}-{self.asked}"
        young = self.insert(self.clock.now - days(5), count=PERSONS_ROWS, tenant=TENANT, subject=person)
        request = self.waiting(person, TENANT)
        return self.start("erasure", "complete", str(request), "--as", "bob", "--json"), request, person, young

    def backends(self):
        found = self.sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'holdfast'")
        return [int(pid) for pid in found.split()]

    def kill_backend(self):
        for pid in self.backends()[:1]:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)

    def deeds(self, process):
        return {
            "killed": process.kill,
            "connection cut": self.cut_connections,
            "its server process killed": self.kill_backend,
            "server restarted": lambda: self.server.restart("fast"),
            "server crashed": self.server.restart,
        }


class Cuts(unittest.TestCase):
    cuts = 5
    most_rounds_a_cut = 4

    def setUp(self):
        self.seed = int(os.environ.get("HOLDFAST_SEED", random.randrange(1 << 30)))
        self.dice = random.Random(self.seed)
        self.wanted = int(os.environ.get("HOLDFAST_CUTS", self.cuts))
        self.died = Counter()

    def test_nothing_held_is_gone_and_the_ledger_agrees(self):
        with work_folder() as folder:
            made = CutWorld(folder)
            begun = time.monotonic()
            first = made.due()
            first.communicate(timeout=120)
            self.assertEqual(first.returncode, 0)
            self.length_s = time.monotonic() - begun
            turn = 0
            while sum(self.died.values()) < self.wanted:
                turn += 1
                self.assertLess(turn, self.most_rounds_a_cut * self.wanted, "hardly anything dies")
                self.where = f"seed {self.seed}, round {turn}"
                if turn % 5 == 4:
                    self.one_erasure(made)
                else:
                    self.one_run(made)
            self.check_at_the_end(made)
        print(f"\nseed {self.seed}: {turn} rounds, {sum(self.died.values())} died: {dict(self.died)}; rows lost 0")

    def cut(self, made, process, what):
        time.sleep(self.dice.uniform(0, 1.1 * self.length_s))
        name, deed = self.dice.choice(sorted(made.deeds(process).items()))
        deed()
        made.server.answers()
        process.communicate(timeout=120)
        self.where += f", {what}, {name}"
        if process.returncode != 0:
            self.died[f"{what}: {name}"] += 1
        return process.returncode != 0

    def one_run(self, made):
        died = self.cut(made, made.due(), "run")
        self.assertTrue(made.held <= made.ids(), self.where)
        made.clock.advance(hours=1)
        # Some die right after another one has.
        if died and self.dice.random() < 0.4:
            self.check_next_run(made)

    def check_next_run(self, made):
        """What died open is closed as failed by the next run, with an audit event, and its rows are counted."""
        dead = [run for (run,) in made.query("SELECT id FROM holdfast_run WHERE outcome IS NULL")]
        self.assertLessEqual(len(dead), 1, f"{self.where}: open runs {dead}")
        made.run(expect=0)
        made.clock.advance(hours=1)
        for run in dead:
            outcome = made.query("SELECT outcome FROM holdfast_run WHERE id = ?", run)[0][0]
            self.assertEqual(outcome, "failed", f"{self.where}, run {run}")
        self.check_events(made)

    def check_events(self, made):
        runs = {run for (run,) in made.query("SELECT id FROM holdfast_run")}
        told = Counter(event["metadata"]["run_id"] for event in made.events(COMPLETED, FAILED))
        self.assertEqual(set(told), runs, self.where)
        self.assertEqual(set(told.values()), {1}, f"{self.where}: {told}")

    def one_erasure(self, made):
        process, request, person, young = made.erasing()
        self.cut(made, process, "erasure")
        self.assertTrue(made.held <= made.ids(), self.where)
        self.assertTrue(set(young) <= made.ids(), self.where)
        named = made.named(person)  # the rows about the request are among them
        completed = made.query("SELECT state FROM holdfast_erasure WHERE id = ?", request) == [("completed",)]
        self.assertEqual(not named, completed, f"{self.where}: {len(named)} rows with the name, completed: {completed}")
        if not completed:
            self.assertTrue(set(young) <= named, f"{self.where}: half an erasure")
            made.complete(request)
            self.assertEqual(made.named(person), set(), self.where)
        made.clock.advance(hours=1)

    def check_at_the_end(self, made):
        made.run(expect=0)
        self.assertTrue(made.held <= made.ids(), self.where)
        due = made.query("SELECT count(*) AS n FROM audit_events WHERE tenant IS NULL AND code = 'ACCOUNT_PROFILE_UPDATE'")
        self.assertEqual(due, [(0,)], self.where)
        slices = "SELECT coalesce(sum(deleted), 0)::bigint AS n FROM holdfast_run_slice"
        runs = "SELECT coalesce(sum(deleted), 0)::bigint AS n FROM holdfast_run"
        deleted = made.query(slices)[0][0]
        self.assertEqual(made.query(runs)[0][0], deleted, self.where)
        young = made.asked * PERSONS_ROWS
        left = made.query("SELECT count(*) AS n FROM audit_events WHERE tenant = ? AND severity IS NULL", TENANT)[0][0]
        self.assertEqual(deleted, self.grown(made) - left, self.where)
        self.assertLessEqual(left, young)
        made.call("verify", expect=0)
        self.check_events(made)

    def grown(self, made):
        """The application's rows that were ever there, but for the held ones."""
        return made.inserted + made.asked * PERSONS_ROWS


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""A writer that holds the lock for a minute is waited for; one that never lets go ends the run, and says so as soon as it can."""

import contextlib
import sqlite3
import time
import unittest

from audit_world import FAILED
from test_neighbours import FRESH_MS, INSERT, Neighbours

BUSY_WAIT_S = 65
# The slice, the closing, the closing again, and with its audit row aside: each waits once. It ends right after the last.
ALL_WAITS_S = 4 * BUSY_WAIT_S + 15


class LongLock(Neighbours):
    def hold_the_lock(self, made, seconds, journal):
        run = self.started(made)
        with contextlib.closing(sqlite3.connect(made.database, timeout=20, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN EXCLUSIVE" if journal == "DELETE" else "BEGIN IMMEDIATE")
            neighbour.execute(INSERT, (FRESH_MS, "neighbour", None))
            time.sleep(seconds)
            self.assertEqual(run.running, seconds < BUSY_WAIT_S, run)
            neighbour.execute("ROLLBACK")
        return run

    def test_for_a_minute(self):
        for journal in ("WAL", "DELETE"):
            with self.subTest(journal=journal):
                made = self.make(journal=journal)
                run = self.hold_the_lock(made, 60, journal)
                self.assertEqual(run.finish(), 0, run)
                self.finishes(made)

    def test_for_ever(self):
        """The run cannot even write that it failed; the next one closes it."""
        made = self.make()
        run = self.hold_the_lock(made, ALL_WAITS_S, "WAL")
        self.assertEqual(run.finish(), 1, run)
        self.assertIn("lock", run.log)
        made.clock.advance(hours=1)
        report = made.run(expect=0).json
        self.assertEqual(report["closed_dead_runs"], [1])
        self.assertEqual(len(made.events(FAILED)), 1)
        self.check(made)
        self.assertEqual(made.ids(), self.protected)


if __name__ == "__main__":
    unittest.main()

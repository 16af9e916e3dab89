# SPDX-License-Identifier: Apache-2.0
"""Kills at random moments until every step of a run, as the ledger calls it, was hit three times in each journal mode, and
$HOLDFAST_KILLS runs were killed in each."""

import unittest

import test_kills
from holdfast_cli import work_folder

HITS = 3
MOST_SERIES = 300


class SlowKillTest(test_kills.KillTest):
    rows = 20_000

    def kill_series(self, world, expected):
        for _ in range(max(MOST_SERIES, self.count.wanted)):
            if self.killer.fewest() >= HITS and self.count.enough:
                break
            with work_folder() as folder:
                self.series(world, expected, folder, kills=self.killer.rng.randint(1, 4))
        self.assertGreaterEqual(self.killer.fewest(), HITS, f"not every step was hit: {self.killer}")
        self.assertTrue(self.count.enough)


if __name__ == "__main__":
    unittest.main()

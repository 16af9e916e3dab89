# SPDX-License-Identifier: Apache-2.0
"""Kills of completions of a person with some thousand rows, until both ends were met often enough, and $HOLDFAST_KILLS
were killed in each journal mode."""

import unittest

import test_erasure_kills
from erasure_kills import ERASED, THERE


class SlowEraseKillTest(test_erasure_kills.EraseKillTest):
    rows = 1500  # four times in the log under the person's name, and once in the orders
    kills = 60

    def check_in(self, journal_mode):
        hits = super().check_in(journal_mode)
        self.assertGreaterEqual(hits[THERE], 10, hits)
        self.assertGreaterEqual(hits[ERASED], 2, hits)


if __name__ == "__main__":
    unittest.main()

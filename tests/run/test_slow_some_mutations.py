# SPDX-License-Identifier: Apache-2.0
"""A few damaged databases through every verb; many more in test_slow_mutations.py. $HOLDFAST_SEED sets the seed."""

import os
import time
import unittest

from holdfast_cli import work_folder
from mutated_databases import MutatedDatabases


def damage(test, count, journal_mode):
    seed = int(os.environ.get("HOLDFAST_SEED", time.time_ns() % 1_000_000))
    with work_folder() as folder:
        databases = MutatedDatabases(folder, seed, journal_mode)
        problems = []
        for number in range(count):
            problems += databases.damage_once(number)
        print(f"\nseed {seed}, {journal_mode}: {databases}", flush=True)
        test.assertEqual(problems, [], f"HOLDFAST_SEED={seed}")


class Mutations(unittest.TestCase):
    def test_some_damages(self):
        damage(self, 8, "WAL")
        damage(self, 8, "DELETE")


if __name__ == "__main__":
    unittest.main()

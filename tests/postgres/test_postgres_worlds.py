# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Random worlds and real audit events in SQLite and in PostgreSQL, row by row against the oracle and each other.

$HOLDFAST_SEED picks other worlds; a failure names its world, and `HOLDFAST_WORLD="edited 17"` plays that one alone.
"""

import os
import unittest

from typed_world import ROTATION, TypedWorld
from postgres_driver import play_in_both
from real_world import SAAS_AUDIT, WINDOWS_SECURITY, RealWorld
from run.holdfast_cli import program_path

WORLDS = 3


def worlds(first_seed, count):
    """Every kind of world in turn, with another seed in each round; every 25th is a large one."""
    named = os.environ.get("HOLDFAST_WORLD")
    if named:
        kind, seed = named.split()
        yield int(seed), kind
        return
    for number in range(count):
        kind = "large" if number % 25 == 24 else ROTATION[number % len(ROTATION)]
        yield 100 * first_seed + number, kind


class TheSame(unittest.TestCase):
    def test_in_random_worlds(self):
        program_path()
        for seed, kind in worlds(int(os.environ.get("HOLDFAST_SEED", "1")), WORLDS):
            with self.subTest(world=f"{kind} {seed}"):
                play_in_both(lambda: TypedWorld(seed, kind))

    def test_on_a_sample_of_real_events(self):
        program_path()
        for name, night, every in ((SAAS_AUDIT, "2025-06-01T03:00:00Z", 2), (WINDOWS_SECURITY, "2022-03-01T03:00:00Z", 100)):
            with self.subTest(name):
                met = play_in_both(lambda: RealWorld(0, name, night, every=every))
                self.assertGreater(min(met["window"], met["expired"]), 0)


if __name__ == "__main__":
    unittest.main()

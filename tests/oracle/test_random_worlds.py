# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The program against the oracle in seeded random worlds: row by row, plan against run against the rules.

$HOLDFAST_SEED picks other worlds; a failure names its world, and `HOLDFAST_WORLD="edited 17"` plays that one alone.
"""

import os
import time
import unittest

from random_world import ROTATION, World
from run.holdfast_cli import program_path, work_folder
from world_driver import WorldDriver

SECONDS = 18
FEWEST_WORLDS = 10


def play(seed, kind):
    """Plays one world to its end and gives the reasons met; raises Disagreement."""
    with work_folder() as folder:
        return WorldDriver(World(seed, kind), folder).play()


def worlds(first_seed):
    """Every kind of world in turn, with another seed in each round."""
    named = os.environ.get("HOLDFAST_WORLD")
    if named:
        kind, seed = named.split()
        yield int(seed), kind
        return
    seed = first_seed
    while True:
        for position, kind in enumerate(ROTATION):
            yield 100 * seed + position, kind
        seed += 1


class RandomWorldsTest(unittest.TestCase):
    def test_program_and_oracle_decide_the_same_for_every_row(self):
        program_path()
        first_seed = int(os.environ.get("HOLDFAST_SEED", "1"))
        started = time.monotonic()
        for number, (seed, kind) in enumerate(worlds(first_seed)):
            if number >= FEWEST_WORLDS and time.monotonic() - started > SECONDS:
                break
            with self.subTest(world=f"{kind} {seed}"):
                play(seed, kind)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Random worlds until every reason of the rules was met by a hundred rows or more; prints how often each was.

$HOLDFAST_WORLDS sets the number of worlds that are played at least, $HOLDFAST_SEED the first seed.
"""

import os
import time
import unittest
from collections import Counter

from random_world import ROTATION
from run.holdfast_cli import program_path
from test_random_worlds import play, worlds

REASONS = (
    "bad_time unknown_code no_policy window hold hold_grace row_stamp floor code_floor policy_delay "
    "not_consumed not_archived newest_id limit not_reached expired"
).split()
ROWS_PER_REASON = 100
MOST_SECONDS = 1500


class SlowRandomWorldsTest(unittest.TestCase):
    def test_every_reason_is_decided_alike_for_a_hundred_rows(self):
        program_path()
        at_least = int(os.environ.get("HOLDFAST_WORLDS", "150"))
        first_seed = int(os.environ.get("HOLDFAST_SEED", "1000"))
        met, failed, started = Counter(), [], time.monotonic()
        for number, (seed, kind) in enumerate(worlds(first_seed)):
            if number % 25 == 24:
                kind = "large"
            enough = number >= at_least and all(met[reason] >= ROWS_PER_REASON for reason in REASONS)
            if enough or len(failed) >= len(ROTATION) or time.monotonic() - started > MOST_SECONDS:
                break
            with self.subTest(world=f"{kind} {seed}"):
                failed.append(kind)
                met += play(seed, kind)
                failed.pop()
        print(f"\n{number} worlds in {time.monotonic() - started:.0f} s")
        for reason in REASONS:
            print(f"  {reason:13} {met[reason]:8} rows")
        self.assertEqual([reason for reason in REASONS if met[reason] < ROWS_PER_REASON], [])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""200 random worlds and all real audit events in SQLite and in PostgreSQL, row by row against the oracle and each other;
prints how often each reason was met.

$HOLDFAST_WORLDS sets how many worlds are played, $HOLDFAST_SEED the first seed.
"""

import os
import time
import unittest
from collections import Counter

from test_postgres_worlds import worlds
from typed_world import ROTATION, TypedWorld
from postgres_driver import play_in_both
from real_world import SAAS_AUDIT, WINDOWS_SECURITY, RealWorld
from run.holdfast_cli import program_path

REASONS = (
    "bad_time unknown_code no_policy window hold hold_grace row_stamp floor code_floor policy_delay "
    "not_archived limit not_reached expired"
).split()
FEWEST = 100


class TheSame(unittest.TestCase):
    def test_in_200_random_worlds(self):
        program_path()
        count = int(os.environ.get("HOLDFAST_WORLDS", "200"))
        met, failed, played, started = Counter(), [], 0, time.monotonic()
        for seed, kind in worlds(int(os.environ.get("HOLDFAST_SEED", "1000")), count):
            if len(failed) >= len(ROTATION):
                break
            with self.subTest(world=f"{kind} {seed}"):
                failed.append(f"{kind} {seed}")
                met += play_in_both(lambda: TypedWorld(seed, kind))
                failed.pop()
                played += 1
        print(f"\n{played} worlds the same in {time.monotonic() - started:.0f} s, {len(failed)} not: {failed}")
        for reason in REASONS:
            print(f"  {reason:13} {met[reason]:8} rows")
        if count >= 200:
            self.assertEqual([reason for reason in REASONS if met[reason] < FEWEST], [])

    def test_on_all_real_events(self):
        program_path()
        for name, night in ((SAAS_AUDIT, "2025-06-01T03:00:00Z"), (WINDOWS_SECURITY, "2021-07-15T00:00:00Z")):
            with self.subTest(name):
                met = play_in_both(lambda: RealWorld(10, name, night))
                print(f"\n{name}: {dict(met)}")
                self.assertGreater(min(met["window"], met["expired"]), 100)


if __name__ == "__main__":
    unittest.main()

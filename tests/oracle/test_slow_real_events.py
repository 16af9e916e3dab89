# SPDX-License-Identifier: Apache-2.0
"""The program against the oracle on all 107,731 Windows Security events."""

import unittest

from real_world import WINDOWS_SECURITY, RealWorld
from run.holdfast_cli import program_path, work_folder
from world_driver import WorldDriver


class SlowRealEventsTest(unittest.TestCase):
    def test_all_windows_security_events(self):
        program_path()
        for seed, first_night in ((10, "2021-07-15T00:00:00Z"), (11, "2023-10-31T23:59:59Z")):
            with self.subTest(seed=seed), work_folder() as folder:
                reasons = WorldDriver(RealWorld(seed, WINDOWS_SECURITY, first_night), folder).play()
                print(f"\n{first_night}: {dict(reasons)}")
                self.assertGreater(reasons["expired"], 1000)


if __name__ == "__main__":
    unittest.main()

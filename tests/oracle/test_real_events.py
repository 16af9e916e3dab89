# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The program against the oracle on real audit events: Windows Security (a sample) and 47 SaaS products."""

import unittest

from real_world import SAAS_AUDIT, WINDOWS_SECURITY, RealWorld
from run.holdfast_cli import program_path, work_folder
from world_driver import WorldDriver


class RealEventsTest(unittest.TestCase):
    def play(self, *arguments, **options):
        program_path()
        with work_folder() as folder:
            reasons = WorldDriver(RealWorld(*arguments, **options), folder).play()
        for reason in ("window", "expired"):
            self.assertGreater(reasons[reason], 0, reason)

    def test_saas_audit_events(self):
        for seed in range(3):
            with self.subTest(seed=seed):
                self.play(seed, SAAS_AUDIT, "2025-06-01T03:00:00Z")

    def test_a_sample_of_windows_security_events(self):
        for seed in range(2):
            with self.subTest(seed=seed):
                self.play(seed, WINDOWS_SECURITY, "2022-03-01T03:00:00Z", every=20)


if __name__ == "__main__":
    unittest.main()

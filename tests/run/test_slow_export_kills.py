# SPDX-License-Identifier: Apache-2.0
"""Nightly runs that make and destroy copies, killed at random moments: forty, or $HOLDFAST_KILLS, in each journal mode."""

import unittest

import test_export_night_kills


class SlowNightKills(test_export_night_kills.NightKills):
    kills = 40


class SlowNightKillsInRollbackMode(SlowNightKills):
    journal_mode = "DELETE"


if __name__ == "__main__":
    unittest.main()

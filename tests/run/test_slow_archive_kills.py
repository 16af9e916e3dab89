# SPDX-License-Identifier: Apache-2.0
"""Fifty kills, or $HOLDFAST_KILLS, at random moments of runs that archive what they delete."""

import unittest

import test_archive_kills


class SlowArchiveKillTest(test_archive_kills.ArchiveKillTest):
    rows = 5000
    kills = 50
    kills_in_a_row = 4


if __name__ == "__main__":
    unittest.main()

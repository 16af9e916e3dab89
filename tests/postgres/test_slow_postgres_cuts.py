# SPDX-License-Identifier: Apache-2.0
"""Runs and erasures that die, until $HOLDFAST_CUTS (100) have."""

import unittest

import test_postgres_cuts


class SlowCuts(test_postgres_cuts.Cuts):
    cuts = 100


if __name__ == "__main__":
    unittest.main()

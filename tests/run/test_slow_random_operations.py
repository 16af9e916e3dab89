# SPDX-License-Identifier: Apache-2.0
"""Random operations of all verbs for $HOLDFAST_MINUTES, 10 when nothing is said."""

import os
import unittest

from random_exports import RandomExports
from test_random_operations import play_for, seed_of_the_day


class SlowRandomOperations(unittest.TestCase):
    def test_model_and_database_agree_for_long(self):
        tally = play_for(60 * float(os.environ.get("HOLDFAST_MINUTES", "10")), seed_of_the_day())
        for name in RandomExports.OPERATIONS:
            print(f"  {name}: {tally[name]}", flush=True)


if __name__ == "__main__":
    unittest.main()

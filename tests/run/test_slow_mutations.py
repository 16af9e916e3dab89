# SPDX-License-Identifier: Apache-2.0
"""Hundreds of damaged databases through every verb: nothing crashes, hangs, or deletes a row that has to stay."""

import os
import unittest

from test_slow_some_mutations import damage

DAMAGES = int(os.environ.get("HOLDFAST_DAMAGES", "300"))


class ManyMutations(unittest.TestCase):
    def test_in_wal_mode(self):
        damage(self, DAMAGES, "WAL")

    def test_in_rollback_mode(self):
        damage(self, DAMAGES, "DELETE")


if __name__ == "__main__":
    unittest.main()

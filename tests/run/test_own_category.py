# SPDX-License-Identifier: Apache-2.0
"""Rows that carry a category of their own: what cannot be read as one keeps its row."""

import unittest

from audit_world import at, config_with, world
from figures_check import check_plan_equals_run

AGED = at("2029-01-01")
CONFIG = config_with(events={"own_events": "holdfast"})


class OwnCategory(unittest.TestCase):
    def test_a_category_that_is_no_text_keeps_its_row(self):
        with world(CONFIG) as made:
            with made.connection() as database:
                database.execute("ALTER TABLE audit_events ADD COLUMN category")
            kept = {made.insert(AGED, category=value)[0] for value in (b"account", 7, 3.5, "nonsense")}
            gone = {made.insert(AGED, category=value)[0] for value in ("account", "Account", "", None)}
            plan, reasons = made.plan_rows()
            self.assertEqual({int(key) for key, reason in reasons.items() if reason == "no_policy"}, kept)
            self.assertEqual({int(key) for key, reason in reasons.items() if reason == "expired"}, gone)
            check_plan_equals_run(self, plan.json, made.run(expect=0).json)
            self.assertEqual(made.ids(), kept)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The row that has to stay ten years: an erasure that was forced past its holds."""

import unittest

from audit_world import OVERRIDDEN, POLICY_UPDATED, at, config_with, days, deletable_from, to_ms, world

NOW = at("2030-01-01T02:00:00")
NINE_YEARS_OLD = at("2021-01-01T12:00:00")
TEN_YEARS = {OVERRIDDEN: {"at_least": "10 years", "basis": "platform policy"}}


def config_of(code_entries):
    config = config_with({"retention": {"category": {"data-erasure": {"window": "90 days"}}}})
    config["retention"]["code"] = code_entries
    return config


class TenYearRow(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world(config_of(TEN_YEARS)))
        self.stamped = self.made.insert(NINE_YEARS_OLD, OVERRIDDEN, retain_until=to_ms(at("2031-01-01T12:00:00")))[0]
        self.bare = self.made.insert(NINE_YEARS_OLD, OVERRIDDEN)[0]
        self.neighbour = self.made.insert(NINE_YEARS_OLD, "ACCOUNT_DELETION_REQUEST")[0]

    def run_at(self, instant):
        self.made.clock.set(instant)
        report = self.made.run(expect=0).json
        return report["kept_by_reason"]

    def test_it_survives_a_category_window_of_90_days(self):
        kept = self.run_at(NOW)
        self.assertEqual(self.made.ids(), {self.stamped, self.bare})
        self.assertEqual((kept["row_stamp"], kept["code_floor"]), (1, 1))
        self.assertEqual(self.made.explain(self.bare)["reason"], "code_floor")
        explained = self.made.explain(self.stamped)
        self.assertEqual(explained["reason"], "row_stamp")
        self.assertEqual({test["reason"] for test in explained["tests"] if test["keeps"]}, {"row_stamp", "code_floor"})

    def test_it_goes_with_the_end_of_its_tenth_year_and_not_before(self):
        first = deletable_from(NINE_YEARS_OLD, "10 years")
        self.assertEqual(first, at("2031-01-04"))  # 2 January in UTC+14, and over everywhere
        self.run_at(first - days(8))
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        self.run_at(first - days(1))
        self.assertEqual(self.made.ids(), {self.stamped, self.bare})
        self.run_at(first)
        self.assertEqual(self.made.ids(), set())

    def removed_in_every_way(self):
        """The config without the floor: the key, the entry, the section; and the window made as short as can be."""
        for entries in ({OVERRIDDEN: {"window": "1 day"}}, {}):
            yield config_of(entries)
        short = config_of({})
        short["retention"].pop("code")
        short["retention"]["category"]["data-erasure"]["window"] = "1 day"
        yield short

    def test_it_survives_a_file_without_its_at_least_through_stamp_and_delay(self):
        for config in self.removed_in_every_way():
            with self.subTest(config["retention"]):
                self.tearDown()
                self.doCleanups()
                self.setUp()
                self.survives(config)

    def survives(self, config):
        self.run_at(NOW)
        self.made.write_config(config)
        for night in range(1, 8):
            kept = self.run_at(NOW + days(night))
            self.assertEqual(self.made.ids(), {self.stamped, self.bare}, f"night {night}")
            self.assertEqual((kept["row_stamp"], kept["policy_delay"]), (1, 1), f"night {night}")
        self.assertEqual(self.made.explain(self.bare)["reason"], "policy_delay")
        kept = self.run_at(NOW + days(9))
        self.assertEqual(self.made.ids(), {self.stamped})
        self.assertEqual(kept["row_stamp"], 1)
        events = self.made.events(POLICY_UPDATED)
        self.assertEqual(len(events), 1)
        where = f"retention.code.{OVERRIDDEN}.at_least"
        changes = {change["where"]: (change["from"], change["to"]) for change in events[0]["metadata"]["changes"]}
        self.assertEqual(changes[where], ("10 years", None))

    def test_the_stamp_outlasts_every_policy_until_it_has_passed(self):
        self.run_at(NOW)
        self.made.write_config(config_of({}))
        stamp = at("2031-01-01T12:00:00")
        for instant in (NOW + days(30), NOW + days(200), stamp - days(1), stamp):
            self.run_at(instant)
            self.made.call("approve", "--clock", "--as", "alice", expect=0)
            self.run_at(instant)
            self.assertIn(self.stamped, self.made.ids())
        self.run_at(stamp + days(1))
        self.assertEqual(self.made.ids(), set())

    def test_putting_the_floor_back_acts_at_once(self):
        self.run_at(NOW)
        self.made.write_config(config_of({}))
        self.run_at(NOW + days(5))
        self.made.write_config(config_of(TEN_YEARS))
        for night in (6, 13, 20):
            self.run_at(NOW + days(night))
        self.assertEqual(self.made.ids(), {self.stamped, self.bare})

    def test_a_tenant_cannot_touch_it(self):
        self.run_at(NOW)
        config = config_of(TEN_YEARS)
        config["retention"]["tenant"] = {"acme": {"code": {OVERRIDDEN: {"window": "1 day"}}}}
        mine = self.made.insert(NINE_YEARS_OLD, OVERRIDDEN, tenant="acme")[0]
        self.made.write_config(config)
        for night in (1, 9, 17):
            self.run_at(NOW + days(night))
        self.assertIn(mine, self.made.ids())
        config["retention"]["tenant"]["acme"]["code"][OVERRIDDEN]["at_least"] = "1 day"
        self.made.write_config(config)
        self.made.call("run", expect=2)


if __name__ == "__main__":
    unittest.main()

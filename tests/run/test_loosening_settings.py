# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Locks, looser safety settings, new administrators, what keeps more, and the events of a change."""

import datetime
import unittest

from audit_world import FAILED, POLICY_UPDATED, at, config_with, days, to_ms, world
from loosening_world import (
    NIGHT,
    EDITED,
    LAST_OF_DELAY,
    AFTER_DELAY,
    AGED,
    UPDATE,
    OWN_CODES,
    PRESET,
    category,
    tenant,
    code,
    LooseningWorld,
)


class Locked(LooseningWorld):
    LOCKED = category(window="400 days", locked=True)

    def start(self, change):
        key = self.made.insert(AGED)[0]
        self.edit(change)
        self.run_at(NIGHT, expect=0)
        return key

    def test_shortening_or_removing_it_is_refused(self):
        key = self.start(self.LOCKED)
        for change in (
            category(window="90 days", locked=True),
            category(window="90 days"),
            category(window=None, at_least="90 days"),
        ):
            with self.subTest(change):
                self.edit(change)
                report = self.run_at(EDITED, expect=2).json
                self.assertEqual(report["outcome"], "invalid")
                self.assertIn("locked", report["error"]["message"])
                self.assertEqual(self.made.ids(), {key})

    def test_a_locked_preset_may_not_be_removed(self):
        key = self.start({"retention": {"presets": [PRESET | {"locked": True}]}})
        for change in ({}, {"retention": {"presets": [PRESET | {"locked": True, "categories": ["mfa"]}]}}):
            self.edit(change)
            self.assertEqual(self.run_at(EDITED, expect=2).json["outcome"], "invalid")
            self.assertEqual(self.made.ids(), {key})

    def test_taking_the_lock_off_waits_and_then_shortening_waits_too(self):
        key = self.start(self.LOCKED)
        self.edit(category(window="400 days"))
        self.run_at(EDITED, expect=0)
        self.edit(category(window="90 days"))
        self.assertEqual(self.run_at(EDITED + days(1), expect=2).json["outcome"], "invalid")
        self.assertEqual(self.run_at(LAST_OF_DELAY, expect=2).json["outcome"], "invalid")
        self.edit(category(window="400 days"))
        self.run_at(AFTER_DELAY, expect=0)
        self.edit(category(window="90 days"))
        self.run_at(AFTER_DELAY + days(1), expect=0)
        self.run_at(AFTER_DELAY + days(7), expect=0)
        self.assertEqual(self.made.ids(), {key})
        self.run_at(AFTER_DELAY + days(9), expect=0)
        self.assertEqual(self.made.ids(), set())

    def test_extending_it_is_free(self):
        key = self.start(self.LOCKED)
        self.edit(category(window="500 days", locked=True))
        self.run_at(EDITED, expect=0)
        self.assertEqual(self.made.ids(), {key})

    def test_policy_apply_refuses_as_well(self):
        self.start(self.LOCKED)
        changed = self.made.folder / "changed.toml"
        self.edit(category(window="90 days"))
        changed.write_text(self.made.config_file.read_text())
        self.edit(self.LOCKED)
        answer = self.made.call("policy", "apply", changed, "--reason", "r", "--as", "alice", expect=(2, 4))
        self.assertIn("locked", answer.stderr)


class LooserSafety(LooseningWorld):
    def start(self, safety, rows=40):
        """Half of the rows are due, and the old value stands."""
        self.due = set(self.made.insert(AGED, count=rows // 2))
        self.young = set(self.made.insert(NIGHT - days(1), count=rows // 2))
        self.edit({"safety": safety})

    def test_a_greater_share(self):
        self.limit_waits(
            {"max_category_share": 0.2, "limit_min_rows": 10}, {"max_category_share": 0.9, "limit_min_rows": 10}
        )

    def test_a_higher_limit_min_rows(self):
        self.limit_waits(
            {"max_category_share": 0.2, "limit_min_rows": 10}, {"max_category_share": 0.2, "limit_min_rows": 1000}
        )

    def limit_waits(self, old, new):
        self.start(old)
        self.assertEqual(self.run_at(NIGHT, expect=4).json["outcome"], "limited")
        self.edit({"safety": new})
        for instant in (EDITED, LAST_OF_DELAY):
            report = self.run_at(instant, expect=4).json
            self.assertEqual(report["outcome"], "limited")
            self.assertEqual(report["kept_by_reason"]["limit"], len(self.due))
        self.run_at(AFTER_DELAY, expect=0)
        self.assertEqual(self.made.ids(), self.young)

    def test_a_greater_share_of_bad_times(self):
        self.start({"max_bad_time_share": 0.01})
        self.run_at(NIGHT, expect=0)
        self.made.insert(AGED)
        self.made.insert(0, count=5)
        rows = self.made.ids()
        self.edit({"safety": {"max_bad_time_share": 0.5}})
        for instant in (EDITED, LAST_OF_DELAY):
            report = self.run_at(instant, expect=4).json
            self.assertEqual((report["outcome"], report["error"]["reason"]), ("refused", "bad_time_share"))
            self.assertEqual(self.made.ids(), rows)
        self.assertEqual(self.run_at(AFTER_DELAY, expect=0).json["deleted"], 1)

    def test_a_shorter_grace(self):
        self.start({"hold_release_grace": "30 days"})
        hold = self.made.freeze("--everything")
        self.run_at(NIGHT, expect=0)
        self.made.release(hold)
        self.edit({"safety": {"hold_release_grace": "1 day"}})
        for instant in (EDITED, LAST_OF_DELAY):
            report = self.run_at(instant, expect=0).json
            self.assertEqual(report["kept_by_reason"]["hold_grace"], len(self.due))
        self.run_at(AFTER_DELAY, expect=0)
        self.assertEqual(self.made.ids(), self.young)

    def test_a_greater_clock_step(self):
        self.start({"max_clock_step": "8 days"})
        self.run_at(NIGHT, expect=0)
        self.edit({"safety": {"max_clock_step": "400 days"}})
        self.run_at(EDITED, expect=0)
        report = self.run_at(at("2040-01-01"), expect=0).json
        self.assertEqual(at(report["as_of"][:19]), EDITED + days(8))
        self.assertEqual(self.made.ids(), self.young)

    def test_a_greater_clock_step_counts_after_its_delay(self):
        self.start({"max_clock_step": "8 days"})
        self.run_at(NIGHT, expect=0)
        self.edit({"safety": {"max_clock_step": "100 days"}})
        self.run_at(EDITED, expect=0)
        self.run_at(AFTER_DELAY, expect=0)
        report = self.run_at(at("2040-01-01"), expect=0).json
        self.assertEqual(at(report["as_of"][:19]), AFTER_DELAY + days(100))

    def test_no_approval_of_the_first_run_any_more(self):
        """Only the first run asks, and before it nothing is in force that could wait."""
        self.start({"first_run_needs_approval": True})
        self.assertEqual(self.run_at(NIGHT, expect=4).json["error"]["reason"], "first_run_not_approved")
        self.assertEqual(self.made.ids(), self.due | self.young)


class LongerListOfAdministrators(LooseningWorld):
    def test_a_new_name_waits_and_an_old_one_goes_on(self):
        hold = self.made.freeze("--everything")
        self.edit({"admins": {"principals": ["alice"]}})
        self.run_at(NIGHT, expect=0)
        self.edit({"admins": {"principals": ["alice", "mallory"]}})
        digest = self.made.save_plan()
        for instant in (EDITED, LAST_OF_DELAY):
            self.run_at(instant, expect=0)
            for words in (
                ("approve", digest), ("approve", "--clock"), ("hold", "release", hold.json["hold"], "--reason", "r")
            ):
                answer = self.made.call(*words, "--as", "mallory", expect=4)
                self.assertIn("mallory", answer.stderr)
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        self.run_at(AFTER_DELAY, expect=0)
        self.made.call("approve", "--clock", "--as", "mallory", expect=0)

    def test_a_new_name_waits_even_before_a_run_has_met_it(self):
        hold = self.made.freeze("--everything")
        self.edit({"admins": {"principals": ["alice"]}})
        self.run_at(NIGHT, expect=0)
        self.edit({"admins": {"principals": ["alice", "mallory"]}})
        self.made.release(hold, who="mallory", expect=4)

    def test_a_removed_name_is_out_at_once(self):
        hold = self.made.freeze("--everything")
        self.edit({"admins": {"principals": ["alice", "bob"]}})
        self.run_at(NIGHT, expect=0)
        self.edit({"admins": {"principals": ["bob"]}})
        self.made.release(hold, who="alice", expect=4)
        self.made.release(hold, who="bob")


class WhatKeepsMore(LooseningWorld):
    WAYS = {
        "a longer window": (category(window="400 days"), "window", {}),
        "forever": (category(window="forever"), "window", {}),
        "no window any more": ({"retention": {"category": {"account": None}}}, "no_policy", {}),
        "a window of a tenant": (tenant(window="400 days"), "window", {"tenant": "acme"}),
        "a window of a code": (code(window="400 days"), "window", {}),
        "an at_least of a category": (category(at_least="400 days"), "floor", {}),
        "an at_least of a code": (code(at_least="400 days"), "code_floor", {}),
        "a preset": ({"retention": {"presets": [PRESET]}}, "floor", {}),
        "a mapped category": (
            {"events": {"category": "class"}, "retention": {"category": {"sessions": {"window": "400 days"}}}},
            "window",
            {"class": "sessions"},
        ),
        "a mapped stamp": (
            {"events": {"retain_until": "imported_at"}}, "row_stamp", {"imported_at": to_ms(at("2040-01-01"))}
        ),
        "a later earliest_plausible": ({"events": {"earliest_plausible": "2029-12-01"}}, "bad_time", {}),
        "an archive": ({"archive": {"directory": "archive", "keep": "1 year"}}, "not_archived", {}),
    }

    def test_each_acts_at_once(self):
        for what, (change, reason, columns) in self.WAYS.items():
            with self.subTest(what):
                self.doCleanups()
                self.setUp()
                self.edit({})
                self.run_at(NIGHT, expect=0)
                key = self.made.insert(AGED, **columns)[0]
                self.edit(change)
                self.made.clock.set(EDITED)
                self.assertEqual(self.reason_of(key), reason)
                report = self.run_at(EDITED, expect=0).json
                self.assertEqual(report["kept_by_reason"][reason], 1, report["kept_by_reason"])
                self.assertEqual(self.made.ids(), {key})

    def test_an_alias_or_an_entry_taken_out_makes_its_rows_unknown_at_once(self):
        self.edit(
            {"catalogue": {"aliases": {"OLD_NAME": UPDATE}, "extend": "codes.tsv"}},
            {"codes.tsv": OWN_CODES.format("account")},
        )
        self.run_at(NIGHT, expect=0)
        keys = {*self.made.insert(AGED, "OLD_NAME"), *self.made.insert(AGED, "OUR_EVENT")}
        self.edit({})
        self.assertEqual(self.run_at(EDITED, expect=0).json["kept_by_reason"]["unknown_code"], 2)
        self.assertEqual(self.made.ids(), keys)

    def test_a_stricter_safety_acts_at_once(self):
        self.edit({})
        self.run_at(NIGHT, expect=0)
        self.made.insert(AGED, count=20)
        self.made.insert(NIGHT, count=20)
        self.edit({"safety": {"max_category_share": 0.1, "limit_min_rows": 10}})
        self.assertEqual(self.run_at(EDITED, expect=4).json["outcome"], "limited")
        self.assertEqual(len(self.made.ids()), 40)


class PolicyEvents(unittest.TestCase):
    def test_an_edit_is_logged_once_by_the_first_run_that_meets_it(self):
        with world() as made:
            made.run(expect=0)
            self.assertEqual(made.events(POLICY_UPDATED), [])  # there was no older version that could have changed
            made.write_config(config_with(category(window="60 days")))
            for night in range(1, 4):
                made.clock.set(NIGHT + days(night))
                made.run(expect=0)
            (event,) = made.events(POLICY_UPDATED)
            self.assertEqual(event["actor"], "unknown")
            self.assertEqual(event["occurred_at"], to_ms(NIGHT + days(1)))
            change = {"where": "retention.category.account.window", "from": "90 days", "to": "60 days"}
            self.assertEqual(event["metadata"]["changes"], [change])
            for words in ("owner ", "SHA-256 ", "changed ", "holdfast.toml"):
                self.assertIn(words, event["metadata"]["source"])

    def test_a_comment_or_another_order_is_no_change(self):
        with world() as made:
            made.run(expect=0)
            made.config_file.write_text("# a comment\n" + made.config_file.read_text())
            made.clock.advance(days=1)
            report = made.run(expect=0).json
            self.assertEqual(made.events(POLICY_UPDATED), [])
            self.assertEqual(report["policy"]["version"], 1)

    def apply(self, made, change, *options, expect=0):
        file = made.folder / "changed.toml"
        text = made.config_file.read_text()
        made.write_config(config_with(change))
        file.write_text(made.config_file.read_text())
        made.config_file.write_text(text)
        return made.call("policy", "apply", file, "--json", *options, expect=expect)

    def test_policy_apply_records_person_and_reason_once_and_the_delay_counts_from_there(self):
        with world() as made:
            made.write_config(config_with(category(window="400 days")))
            made.run(expect=0)
            key = made.insert(AGED)[0]
            made.clock.advance(hours=12)
            applied = made.clock.now
            answer = self.apply(made, category(window="60 days"), "--reason", "contract 2026-11", "--as", "alice").json
            self.assertEqual(answer["applied_by"], "alice")
            self.assertEqual([row["newly_deleted"] for row in answer["rows"]], [1])
            self.assertIn('"60 days"', made.config_file.read_text())
            for later in (days(1), days(6), days(7) - datetime.timedelta(seconds=1)):
                made.clock.set(applied + later)
                self.assertEqual(made.run(expect=0).json["kept_by_reason"]["policy_delay"], 1)
            made.clock.set(applied + days(7) + datetime.timedelta(seconds=1))
            made.run(expect=0)
            self.assertEqual(made.ids(), set())
            (event,) = made.events(POLICY_UPDATED)
            self.assertEqual(event["actor"], "alice")
            self.assertEqual(event["metadata"]["reason"], "contract 2026-11")
            change = {"where": "retention.category.account.window", "from": "400 days", "to": "60 days"}
            self.assertIn(change, event["metadata"]["changes"])
            self.assertEqual(key, 2)

    def test_policy_apply_of_what_an_edit_that_no_run_has_met_replaced_waits(self):
        """Back to the version before: it is in force from now and not since it was recorded first."""
        with world() as made:
            made.write_config(config_with(category(window="60 days")))
            made.run(expect=0)
            made.insert(AGED)
            made.clock.advance(days=3)
            made.write_config(config_with(category(window="400 days")))
            self.apply(made, category(window="60 days"), "--reason", "r", "--as", "alice")
            made.write_config(config_with(category(window="60 days")))
            applied = made.clock.now
            for later in (days(0), days(7) - datetime.timedelta(seconds=1)):
                made.clock.set(applied + later)
                self.assertEqual(made.run(expect=0).json["kept_by_reason"].get("policy_delay"), 1)
            made.clock.set(applied + days(7) + datetime.timedelta(seconds=1))
            made.run(expect=0)
            self.assertEqual(made.ids(), set())

    def test_policy_apply_wants_a_reason_a_valid_file_and_a_change(self):
        with world() as made:
            made.run(expect=0)
            before = made.config_file.read_text()
            self.apply(made, category(window="60 days"), "--as", "alice", expect=2)
            self.apply(made, category(window="60 days"), "--reason", "", "--as", "alice", expect=2)
            self.apply(made, category(window="0 days"), "--reason", "r", "--as", "alice", expect=2)
            self.apply(made, {}, "--reason", "r", "--as", "alice", expect=2)
            self.assertEqual(made.config_file.read_text(), before)
            self.assertEqual(made.events(POLICY_UPDATED, FAILED), [])

    def test_policy_diff_shows_the_effect_and_changes_nothing(self):
        with world() as made:
            made.run(expect=0)
            made.insert(NIGHT - days(80), count=3)
            changed = made.folder / "changed.toml"
            changed.write_text(made.config_file.read_text().replace("90 days", "60 days"))
            answer = made.call("policy", "diff", changed, "--json", expect=0).json
            self.assertEqual([(row["category"], row["newly_deleted"]) for row in answer["rows"]], [("account", 3)])
            self.assertEqual(made.query("SELECT count(*) FROM holdfast_policy"), [(1,)])
            self.assertNotIn("60 days", made.config_file.read_text())


if __name__ == "__main__":
    unittest.main()

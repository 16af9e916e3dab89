# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Holds, bookmarks and `explain`: what they take, what they refuse, and what a run makes of them."""

import datetime
import unittest

from audit_world import Untouched, at, config_with, days, one_sentence, world
from figures_check import check_run

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
MFA = "ACCOUNT_MFA_DEVICE_VERIFIED"
MS = datetime.timedelta(milliseconds=1)
SECOND = datetime.timedelta(seconds=1)
HOUR = datetime.timedelta(hours=1)
CONFIG = {"retention": {"category": {"mfa": {"window": "90 days"}}}}


class HoldWorld(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world(config_with(CONFIG)))

    def reasons(self):
        return {int(key): reason for key, reason in self.made.plan_rows()[1].items()}

    def held(self):
        return {key for key, reason in self.reasons().items() if reason == "hold"}


class Placing(HoldWorld):
    def test_terms_of_different_kinds_are_anded_and_repeats_ored(self):
        rows = {}
        for tenant in ("acme", "globex", "initech"):
            for code in ("ACCOUNT_PROFILE_UPDATE", MFA):
                for actor, subject in (("ann", "bea"), ("bea", "cyd"), ("cyd", None)):
                    key = self.made.insert(AGED, code, tenant=tenant, actor=actor, subject=subject)[0]
                    rows[key] = (tenant, code, actor, subject)
        for terms, covered in (
            (("--tenant=acme",), lambda t, c, a, s: t == "acme"),
            (("--tenant=acme", "--tenant=globex"), lambda t, c, a, s: t in ("acme", "globex")),
            (("--tenant=acme", "--category=mfa"), lambda t, c, a, s: t == "acme" and c == MFA),
            (("--person=bea",), lambda t, c, a, s: "bea" in (a, s)),
            (("--person=bea", "--tenant=acme"), lambda t, c, a, s: "bea" in (a, s) and t == "acme"),
            (("--actor=bea",), lambda t, c, a, s: a == "bea"),
            (("--subject=bea",), lambda t, c, a, s: s == "bea"),
            (("--actor=ann", "--subject=cyd"), lambda t, c, a, s: a == "ann" and s == "cyd"),
            ((f"--code={MFA}", "--person=cyd"), lambda t, c, a, s: c == MFA and "cyd" in (a, s)),
            (("--everything",), lambda t, c, a, s: True),
        ):
            with self.subTest(terms):
                hold = self.made.freeze(*terms)
                expected = {key for key, row in rows.items() if covered(*row)}
                self.assertEqual(self.held(), expected)
                self.assertEqual(hold.json["rows"], len(expected))
                with self.made.connection() as database:
                    database.execute("DELETE FROM holdfast_hold_term")
                    database.execute("DELETE FROM holdfast_hold")

    def test_single_rows_by_id(self):
        keys = self.made.insert(AGED, count=5)
        self.made.freeze(f"--event-id={keys[1]}", f"--event-id={keys[3]}")
        check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual(self.made.ids(), {keys[1], keys[3]})

    def test_dates_cover_those_days_in_every_zone(self):
        first = at("2029-03-01") - datetime.timedelta(hours=14)  # the first of March begins at UTC+14
        end = at("2029-04-01") + datetime.timedelta(hours=12)  # the last of March ends at UTC-12
        inside = {self.made.insert(time)[0] for time in (first, first + MS, at("2029-03-15"), end - MS)}
        outside = {self.made.insert(time)[0] for time in (first - MS, end, end + MS)}
        hold = self.made.freeze("--from=2029-03-01", "--to=2029-03-31")
        self.assertEqual(hold.json["rows"], len(inside))
        self.assertEqual(self.held(), inside)
        check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual(self.made.ids(), inside)
        self.assertTrue(outside)

    def test_instants_are_taken_as_they_are_and_the_last_is_included(self):
        start, last = at("2029-03-01T10:00:00"), at("2029-03-01T12:00:00")
        inside = {self.made.insert(time)[0] for time in (start, last)}
        for time in (start - MS, last + MS):
            self.made.insert(time)
        self.made.freeze("--from=2029-03-01T11:00:00+01:00", "--to=2029-03-01T12:00:00Z")
        self.assertEqual(self.held(), inside)

    def test_a_bad_time_counts_as_inside_every_range(self):
        self.made.write_config(config_with({"safety": {"max_bad_time_share": 1.0}}))
        keys = {self.made.insert(time)[0] for time in (0, "never", 2**62)}
        self.made.run(expect=0)
        for later in range(0, 120, 8):
            self.made.clock.set(NOW + days(later))
            self.made.run(expect=0)
            if later == 0:
                self.made.freeze("--from=2029-03-01", "--to=2029-03-31")
        self.assertEqual(self.made.ids(), keys)

    def test_a_term_that_is_nowhere_is_refused_unless_it_is_to_come(self):
        self.made.insert(AGED, tenant="acme")
        for term, near in (
            ("--tenant=acmee", None),
            ("--tenant=ACME", "acme"),
            ("--category=mfaa", "mfa"),
            ("--code=ACCOUNT_PROFILE_UPDATED", None),
            ("--code=account_profile_update", "ACCOUNT_PROFILE_UPDATE"),
        ):
            with self.subTest(term):
                before = Untouched(self.made.database)
                answer = self.made.freeze(term, expect=2)
                one_sentence(self, answer, term.split("=")[1], "--future", *([near] if near else []))
                self.assertEqual(before.differences(), "")
                self.made.freeze(term, "--future")

    def test_what_is_to_come_is_held_when_it_comes(self):
        self.made.freeze("--tenant=initech", "--future")
        key = self.made.insert(AGED, tenant="initech")[0]
        self.assertEqual(self.held(), {key})

    def test_a_tenant_of_the_config_and_a_code_of_the_catalogue_need_no_row(self):
        self.made.write_config(
            config_with({"retention": {"tenant": {"acme": {"category": {"account": {"window": "1 year"}}}}}})
        )
        self.made.freeze("--tenant=acme")
        self.made.freeze("--code=TENANT_WEBHOOK_CREATED")
        self.made.freeze("--category=webhooks")

    def test_near_misses_by_letter_case_are_printed(self):
        self.made.insert(AGED, actor="ann")
        self.made.insert(AGED, actor="Ann", count=2)
        answer = self.made.freeze("--person=ann").json
        self.assertEqual(answer["rows"], 1)
        self.assertEqual(answer["near_misses"], [{"value": "Ann", "rows": 2}])
        text = self.made.call(
            "hold", "place", "--matter", "M", "--reason", "r", "--person=ann", "--as", "alice", expect=0
        )
        self.assertIn("Ann", text.stdout)

    def test_a_person_whom_no_row_names_is_held_and_it_is_said(self):
        said = self.made.call("hold", "place", "--matter", "M", "--reason", "r", "--person=u-4711", "--as", "alice", expect=0).stdout
        self.assertIn("covers no row now: check the spelling", said)

    def test_no_term_at_all_is_refused_unless_everything_is_meant(self):
        keys = set(self.made.insert(AGED, count=3))
        one_sentence(self, self.made.freeze(expect=2), "--everything")
        self.made.freeze("--everything")
        check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual(self.made.ids(), keys)

    def test_what_makes_no_sense_is_refused(self):
        self.made.insert(AGED, tenant="acme")
        for terms in (
            ("--from=2029-04-01", "--to=2029-03-01"),
            ("--from=yesterday",),
            ("--to=2029-02-30",),
            ("--tenant=acme", "--kind=moral"),
            ("--tenant=acme", "--review-by=soon"),
            ("--tenant=acme", "--everything-else"),
        ):
            with self.subTest(terms):
                self.made.freeze(*terms, expect=2)
        self.made.freeze("--tenant=acme", matter="", expect=2)
        self.made.freeze("--tenant=acme", reason="", expect=2)
        self.assertEqual(self.made.query("SELECT count(*) FROM holdfast_hold"), [(0,)])

    def test_everything_beside_a_narrower_term_never_holds_less(self):
        """Nobody can tell which of the two was meant: refused, or everything is held."""
        keys = {*self.made.insert(AGED, tenant="acme"), *self.made.insert(AGED, tenant="globex")}
        answer = self.made.freeze("--everything", "--tenant=acme", expect=(0, 2))
        if answer.exit_status == 0:
            self.assertEqual(self.held(), keys)


class Ending(HoldWorld):
    def nightly_until(self, instant):
        while self.made.clock.now + days(7) < instant:
            self.made.clock.advance(days=7)
            self.made.run(expect=0)
        self.made.clock.set(instant)
        return self.made.run(expect=0).json

    def test_thirty_days_of_grace_after_the_release(self):
        keys = set(self.made.insert(AGED, tenant="acme", count=2))
        hold = self.made.freeze("--tenant=acme")
        self.made.run(expect=0)
        self.assertNotIn("released", self.made.call("hold", "list", expect=0).stdout)
        answer = self.made.release(hold).json
        self.assertEqual(at(answer["grace_ends_at"][:19]), NOW + days(30))
        listed = self.made.call("hold", "list", expect=0).stdout
        self.assertIn("no active holds; released: 1, and rows of theirs stay until 2030-01-31", listed)
        report = self.nightly_until(NOW + days(30) - SECOND)
        self.assertEqual(report["kept_by_reason"]["hold_grace"], 2)
        self.assertEqual(self.made.ids(), keys)
        self.made.clock.set(NOW + days(30) + SECOND)
        self.assertEqual(self.made.call("hold", "list", expect=0).stdout, "no active holds; released: 1 (hold list --all)\n")
        self.made.run(expect=0)
        self.assertEqual(self.made.ids(), set())

    def test_a_hold_released_by_a_clock_that_has_gone_back_ends_all_the_same(self):
        self.made.insert(AGED, tenant="acme")
        hold = self.made.freeze("--tenant=acme")
        self.made.clock.set(NOW - HOUR)
        answer = self.made.release(hold).json
        self.assertEqual(at(answer["grace_ends_at"][:19]), NOW - HOUR + days(30))
        self.made.clock.set(NOW)
        self.assertEqual(self.nightly_until(NOW - HOUR + days(30))["kept_by_reason"]["hold_grace"], 1)
        self.nightly_until(NOW + days(30) + SECOND)
        self.assertEqual(self.made.ids(), set())

    def test_a_hold_that_ends_before_it_begins_is_in_force_for_every_verb_and_can_be_released(self):
        keys = set(self.made.insert(AGED, tenant="acme"))
        hold = self.made.freeze("--tenant=acme")
        with self.made.connection() as database:
            database.execute("UPDATE holdfast_hold SET released_at_ms = 1500000000, released_by = 'sql', release_reason = 'x'")
        self.assertEqual(self.nightly_until(NOW + days(60))["kept_by_reason"]["hold"], 1)
        self.assertEqual(self.made.ids(), keys)
        (line,) = self.made.call("hold", "list", "--json", expect=0).json["holds"]
        self.assertTrue(line["active"])
        self.assertEqual(self.made.call("status", "--json", expect=0).json["holds_active"], 1)
        self.made.release(hold)
        self.nightly_until(NOW + days(91))
        self.assertEqual(self.made.ids(), set())

    def test_a_row_is_free_only_when_its_last_hold_is_released(self):
        (key,) = self.made.insert(AGED, tenant="acme", actor="ann")
        first, second = self.made.freeze("--tenant=acme"), self.made.freeze("--person=ann")
        self.made.run(expect=0)
        self.made.release(first)
        explained = self.made.explain(key)
        self.assertEqual({hold["hold"] for hold in explained["holds"]}, {1, 2})
        self.assertEqual(self.nightly_until(NOW + days(60))["kept_by_reason"]["hold"], 1)
        self.made.release(second)
        self.assertEqual(self.nightly_until(NOW + days(89))["kept_by_reason"]["hold_grace"], 1)
        self.nightly_until(NOW + days(91))
        self.assertEqual(self.made.ids(), set())

    def test_a_hold_past_its_review_still_holds_and_is_listed(self):
        keys = set(self.made.insert(AGED, tenant="acme"))
        self.made.freeze("--tenant=acme", "--review-by=2030-01-10")
        self.nightly_until(NOW + days(60))
        self.assertEqual(self.made.ids(), keys)
        (line,) = self.made.call("hold", "list", "--json", expect=0).json["holds"]
        self.assertTrue(line["past_review"])
        (overdue,) = self.made.call("status", "--json", expect=0).json["holds_past_review"]
        self.assertEqual(overdue["hold"], 1)
        self.made.call("hold", "review", "1", "--until=2031-01-01", "--reason=appeal", "--as", "alice", expect=0)
        self.assertEqual(self.made.call("status", "--json", expect=0).json["holds_past_review"], [])

    def test_only_an_administrator_releases_and_only_once(self):
        hold = self.made.freeze("--everything")
        self.made.release(hold, who="mallory", expect=4)
        self.made.release(hold)
        self.made.release(hold, expect=4)
        self.made.call("hold", "release", "1", "--reason", "", "--as", "alice", expect=2)
        (line,) = self.made.call("hold", "list", "--all", "--json", expect=0).json["holds"]
        self.assertEqual((line["active"], line["released_by"], line["release_reason"]), (False, "alice", "closed"))


    def test_taking_holdfast_out_exports_its_registers_first(self):
        self.made.freeze("--everything", matter="MATTER-2030-7")
        there = set(self.made.folder.iterdir())
        self.made.call("init", "--remove", expect=0)
        exports = [path for path in self.made.folder.iterdir() if path not in there]
        self.assertTrue(any(b"MATTER-2030-7" in path.read_bytes() for path in exports), exports)


class Bookmarks(HoldWorld):
    def test_rows_above_the_lowest_bookmark_stay_until_it_moves_on(self):
        keys = self.made.insert(AGED, count=6)
        for name, key in (("webhooks", keys[2]), ("export", keys[4])):
            self.made.call("bookmark", "set", name, key, "--as", "alice", expect=0)
        report = check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual((self.made.ids(), report["kept_by_reason"]["not_consumed"]), (set(keys[3:]), 3))
        self.made.call("bookmark", "set", "webhooks", keys[5], "--as", "alice", expect=0)
        self.made.run(expect=0)
        self.assertEqual(self.made.ids(), {keys[5]})
        self.made.call("bookmark", "drop", "export", "--as", "alice", expect=0)
        self.made.run(expect=0)
        self.assertEqual(self.made.ids(), set())
        listed = self.made.call("bookmark", "list", "--json", expect=0).json["bookmarks"]
        self.assertEqual([(line["name"], line["event_id"]) for line in listed], [("webhooks", keys[5])])
        self.made.call("bookmark", "drop", "export", "--as", "alice", expect=2)

    def test_a_bookmark_that_has_read_nothing_keeps_everything(self):
        keys = set(self.made.insert(AGED, count=3))
        for position in (0, -1):
            self.made.call("bookmark", "set", "--as", "alice", "--", "webhooks", position, expect=0)
            self.assertEqual(self.made.run(expect=0).json["kept_by_reason"]["not_consumed"], 3)
        self.assertEqual(self.made.ids(), keys)


class Explain(HoldWorld):
    def test_a_kept_a_due_and_a_gone_row(self):
        gone, held = self.made.insert(AGED)[0], self.made.insert(AGED, tenant="acme")[0]
        young = self.made.insert(at("2029-12-31T12:00:00"))[0]
        self.made.freeze("--tenant=acme", matter="2030-7")
        self.made.run(expect=0)
        due = self.made.insert(AGED)[0]
        explained = self.made.explain(young)
        self.assertEqual((explained["reason"], explained["deletes"]), ("window", False))
        self.assertEqual(explained["earliest"], "2030-04-03T00:00:00Z")
        explained = self.made.explain(held)
        self.assertEqual((explained["reason"], explained["deletes"]), ("hold", False))
        self.assertEqual([hold["matter"] for hold in explained["holds"]], ["2030-7"])
        explained = self.made.explain(due)
        self.assertEqual((explained["reason"], explained["deletes"], explained["holds"]), ("expired", True, []))
        explained = self.made.explain(gone)
        self.assertEqual((explained["gone"]["run"], explained["gone"]["slice"]), (1, 1))
        answer = self.made.call("explain", "12345", expect=2)
        one_sentence(self, answer, "12345")
        text = self.made.call("explain", str(held), expect=0).stdout
        for word in ("hold", "2030-7"):
            self.assertIn(word, text)

    def test_explain_says_what_plan_says_of_every_row(self):
        for time, code, columns in (
            (AGED, "ACCOUNT_PROFILE_UPDATE", {}),
            (AGED, "NO_SUCH_CODE", {}),
            (AGED, "TENANT_WEBHOOK_CREATED", {}),
            (0, MFA, {}),
            (at("2029-12-31"), MFA, {}),
            (AGED, MFA, {"retain_until": "garbage"}),
            (AGED, MFA, {"tenant": "acme"}),
        ):
            self.made.insert(time, code, **columns)
        self.made.freeze("--tenant=acme")
        reasons = self.reasons()
        self.assertEqual(len(set(reasons.values())), 7)
        for key, reason in reasons.items():
            self.assertEqual(self.made.explain(key)["reason"], reason, key)


if __name__ == "__main__":
    unittest.main()

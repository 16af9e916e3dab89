# SPDX-License-Identifier: Apache-2.0
"""Holds and erasures: what an override suspends and what not, what a digest is worth, and who sees the holds."""

import json
import unittest

from audit_world import days
from erasure_world import (
    BLOCKED, DONE, EMAIL, NAME, OTHER, OVERRIDDEN, PERSON, REASON, TENANT, blocked, erasure_config, erasure_world, names_in,
    refused, reports_of,
)  # fmt: skip


class HoldWorld(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()

    def old_rows(self):
        """Rows of the person of which no window or floor is left: only a hold keeps them."""
        limit = self.made.clock.now_ms - 900 * 86_400_000
        return {id for id in self.made.named(PERSON) if self.made.rows()[id]["occurred_at"] < limit}

    def prune(self, **time):
        """The next nightly run, after some time."""
        self.made.clock.advance(**time)
        return self.made.run(expect=0).json


class Override(HoldWorld):
    def test_suspended_holds_keep_the_pseudonymised_rows(self):
        for term in ("person", "subject", "actor"):
            with self.subTest(term), erasure_world() as self.made:
                self.made.fill()
                hold = self.made.freeze(f"--{term}={PERSON}")
                covered = {
                    id for id in self.old_rows()
                    if term != "actor" or self.made.rows()[id]["actor"] == PERSON
                }  # fmt: skip
                request = self.made.waiting()
                answer = self.made.override(request)
                self.assertEqual(answer.json["receipt"]["holds_extended"], [hold.json["hold"]])
                token = self.made.token()
                self.assertEqual(self.made.named(PERSON), set())
                report = self.prune(days=1)
                self.assertEqual(covered - self.made.ids(), set(), "a held row went")
                self.assertGreaterEqual(report["kept_by_reason"]["hold"], len(covered))
                self.assertLessEqual(covered, self.made.named(token))
                self.made.release(hold)
                self.prune(days=40)
                self.assertEqual(covered & self.made.ids(), set())

    def test_a_hold_of_another_tenant_is_not_extended(self):
        self.made.insert(self.made.clock.now, tenant="globex", subject=PERSON)
        self.made.freeze(f"--person={PERSON}", "--tenant=globex")
        answer = self.made.complete(self.made.waiting())
        self.assertEqual(answer.json["receipt"]["holds_extended"], [])

    def test_an_override_leaves_two_rows_of_which_one_is_stamped_for_ten_years(self):
        self.made.freeze(f"--person={PERSON}")
        self.made.override(self.made.waiting())
        self.assertEqual(self.made.deeds()[-2:], [OVERRIDDEN, DONE])
        critical = self.made.events(OVERRIDDEN)[0]
        self.assertEqual((critical["severity"], critical["actor"], critical["metadata"]["reason"]), ("Critical", "bob", REASON))
        stamp = self.made.query("SELECT retain_until FROM audit_events WHERE code = ?", OVERRIDDEN)[0][0]
        self.assertGreater(stamp, self.made.clock.now_ms + 3652 * 86_400_000)
        self.assertEqual(self.made.query("SELECT retain_until FROM audit_events WHERE code = ?", DONE), [(None,)])

    def test_an_override_that_nothing_needed_leaves_no_critical_row(self):
        hold = self.made.freeze(f"--person={PERSON}")
        request = self.made.waiting()
        digest = self.made.digest(request)
        self.made.release(hold)
        self.made.clock.advance(days=40)
        self.made.complete(request, "--override", digest, "--reason", REASON)
        self.assertEqual(self.made.deeds()[-1:], [DONE])
        self.assertEqual(self.made.deeds(OVERRIDDEN), [])

    def test_a_released_hold_counts_until_its_grace_is_over(self):
        hold = self.made.freeze(f"--person={PERSON}")
        request = self.made.waiting()
        self.made.release(hold)
        blocked(self, self.made.complete(request, expect=4), "holds")
        self.made.clock.advance(days=29)
        blocked(self, self.made.complete(request, expect=4), "holds")
        self.made.clock.advance(days=2)
        self.made.complete(request)

    def test_a_digest_of_other_holds_is_stale(self):
        self.made.freeze(f"--person={PERSON}")
        request = self.made.waiting()
        digest = self.made.digest(request)
        self.made.dispute()
        words = ("--override", digest, "--reason", REASON)
        blocked(self, self.made.complete(request, *words, expect=4), "override_stale")
        blocked(self, self.made.complete(request, *words, who="alice", expect=4), "dual_control")
        second = self.made.ask(OTHER)
        self.made.agree(second)
        self.assertNotEqual(self.made.digest(second), self.made.digest(request))
        self.assertEqual(self.made.deeds(DONE, OVERRIDDEN), [])
        self.made.complete(request, "--override", self.made.digest(request)[:12], "--reason", REASON)

    def test_a_locked_hold_is_not_overridden(self):
        for lock in (lambda: self.made.freeze(f"--person={PERSON}", "--locked"), lambda: self.made.dispute(locked=1)):
            with erasure_world() as self.made:
                lock()
                self.made.fill()
                request = self.made.waiting()
                blocked(self, self.made.override(request, expect=4), "hold_locked")
                self.assertEqual(self.made.deeds(BLOCKED, OVERRIDDEN), [BLOCKED])

    def test_a_reason_has_twenty_characters(self):
        self.made.freeze(f"--person={PERSON}")
        request = self.made.waiting()
        for reason in ("x" * 19, " " * 30 + "x" * 19, "é" * 19):
            refused(self, self.made, self.made.override(request, reason=reason, expect=4), "20 characters")
        self.assertEqual(self.made.deeds(BLOCKED, OVERRIDDEN), [])
        self.made.override(request, reason="é" * 20)

    def test_an_override_does_not_bypass_the_cooling_off_time(self):
        self.made.freeze(f"--person={PERSON}")
        request = self.made.ask()
        self.made.agree(request)
        self.made.clock.advance(days=13)
        blocked(self, self.made.override(request, expect=4), "cool_off")


class AfterTheErasure(HoldWorld):
    """The rows that stayed for a floor or stamp are due some months later; only a hold keeps them then."""

    def test_a_hold_that_names_the_person_after_the_erasure_keeps_the_token_rows(self):
        token = self.made.erased()
        left = {id for id in self.made.named(token) if self.made.rows()[id]["code"] == "ACCOUNT_PROFILE_UPDATE"}
        self.assertTrue(left)
        placed = self.made.freeze(f"--person={PERSON}", "--future")
        self.assertEqual(placed.json["rows"], len(self.made.named(token)))
        self.prune(days=200)
        self.assertLessEqual(left, self.made.ids())

    def test_without_a_hold_they_go(self):
        token = self.made.erased()
        left = {id for id in self.made.named(token) if self.made.rows()[id]["code"] == "ACCOUNT_PROFILE_UPDATE"}
        self.prune(days=200)
        self.assertEqual(left & self.made.ids(), set())

    def test_the_key_stays_while_a_hold_needs_it(self):
        self.made.erased()
        hold = self.made.freeze(f"--person={PERSON}", "--future")
        forget = ("forget-key", "--tenant", TENANT, "--reason", "contract ended")
        refused(self, self.made, self.made.erasure(*forget, who="bob", expect=4), f"hold {hold.json['hold']}", "needs the key")
        self.made.release(hold)
        refused(self, self.made, self.made.erasure(*forget, who="bob", expect=4), "grace")
        self.assertEqual(len(self.made.key_files()), 1)
        self.made.clock.advance(days=40)
        self.made.erasure(*forget, who="bob")
        self.assertEqual(self.made.key_files(), [])


class GraceOfKeys(unittest.TestCase):
    """A key is not forgotten, and no name taken out of a hold, before a run would call the hold over."""

    def held_and_erased(self, made):
        hold = made.call(
            "hold", "place", "--matter", "M", "--reason", "r", "--person", PERSON, "--as", "alice", "--json", expect=0
        ).json["hold"]
        made.insert(made.clock.now - days(200), tenant="globex", actor=PERSON, subject=PERSON, count=2)
        request = made.ask()
        made.agree(request)
        for _ in range(3):
            made.clock.advance(days=6)
            made.call("run", expect=0)
        made.override(request)
        made.call("hold", "release", hold, "--reason", "over", "--as", "alice", "--json", expect=0)

    def still_held(self, made):
        refused(self, made, made.erasure("forget-key", "--tenant", TENANT, "--reason", "x", who="bob", expect=4), "grace")
        run = made.call("run", "--json", expect=0).json
        self.assertEqual(run["deleted"], 0)
        self.assertGreaterEqual(run["kept_by_reason"]["hold_grace"], 2)

    def test_a_shorter_grace_waits_for_the_delay(self):
        safety = {"max_clock_step": "8 days", "policy_shorten_delay": "7 days"}
        with erasure_world(erasure_config({"safety": safety | {"hold_release_grace": "30 days"}})) as made:
            made.fill()
            made.call("run", expect=0)
            self.held_and_erased(made)
            made.clock.advance(days=2)
            made.write_config(erasure_config({"safety": safety | {"hold_release_grace": "1 days"}}))
            self.still_held(made)

    def test_a_clock_that_is_ahead_ends_no_grace(self):
        with erasure_world(erasure_config({"safety": {"max_clock_step": "8 days"}})) as made:
            made.fill()
            made.call("run", expect=0)
            self.held_and_erased(made)
            right = made.clock.now
            made.clock.advance(days=365)
            refused(self, made, made.erasure("forget-key", "--tenant", TENANT, "--reason", "x", who="bob", expect=4), "grace")
            made.clock.set(right)
            made.clock.advance(days=1)
            self.still_held(made)


class WhoSeesHolds(HoldWorld):
    def setUp(self):
        super().setUp()
        self.made.dispute("D-SECRET")
        self.request = self.made.waiting()

    def test_show_tells_the_holds_to_who_may_complete_and_to_nobody_else(self):
        shown = self.made.show(self.request, who="bob")
        self.assertEqual([hold["id"] for hold in reports_of_show(shown)["shop"]["holds"]], ["D-SECRET"])
        self.assertFalse(shown["all_clear"])
        for who in ("alice", PERSON, "mallory"):
            with self.subTest(who):
                answer = self.made.erasure("show", self.request, who=who)
                self.assertLessEqual(set(answer.json), {"request", "attempts", "receipt"}, answer)
                self.assertNotIn("D-SECRET", json.dumps(answer.json))
                plain = self.made.call("erasure", "show", self.request, "--as", who, expect=0)
                self.assertNotIn("D-SECRET", plain.stdout)

    def test_a_blocked_attempt_tells_the_barred_nothing_about_holds(self):
        answer = self.made.complete(self.request, who="alice", expect=4)
        self.assertNotIn("holds", answer.json)
        refused(self, self.made, self.made.complete(self.request, who=PERSON, expect=4), "administrator")

    def test_attempts_do_not_betray_the_holds_either(self):
        self.made.complete(self.request, expect=4)
        for who in ("alice", PERSON):
            words = names_in(self.made.show(self.request, who=who))
            self.assertNotIn("D-SECRET", words)
            for word in (NAME, EMAIL):
                self.assertNotIn(word, words)

    def test_the_event_of_a_blocked_attempt_names_the_holds(self):
        answer = self.made.complete(self.request, expect=4)
        blocked(self, answer, "holds")
        self.assertEqual(reports_of(answer)["shop"]["status"], "hold")
        event = self.made.events(BLOCKED)[0]
        self.assertEqual(event["metadata"]["holds"], [{"module": "shop", "id": "D-SECRET"}])
        self.assertEqual(event["actor"], "bob")


def reports_of_show(shown):
    return {report["module"]: report for report in shown["holds"]}


if __name__ == "__main__":
    unittest.main()

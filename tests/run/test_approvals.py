# SPDX-License-Identifier: Apache-2.0
"""An approved plan lets its own rows past the limits: these, once, under this policy, for seven days."""

import datetime
import unittest

from audit_world import at, config_with, days, laid_over, rfc3339_ms, to_ms, world
from figures_check import check_plan_equals_run, check_run

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
YOUNG = at("2029-12-31")
STRICT = {"safety": {"first_run_needs_approval": True, "max_category_share": 0.2, "limit_min_rows": 10}}
SECOND = datetime.timedelta(seconds=1)


class Approvals(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world(config_with(STRICT)))
        self.aged = set(self.made.insert(AGED, tenant="acme", count=30))
        self.young = set(self.made.insert(YOUNG, tenant="acme", count=10))

    def approve(self):
        digest = self.made.save_plan()
        self.made.approve(digest)
        return digest

    def run_at(self, instant, outcome):
        self.made.clock.set(instant)
        return check_run(self, self.made, self.made.run(), outcome)

    def change(self, change):
        self.made.write_config(laid_over(config_with(STRICT), change))

    def test_the_plan_after_the_approval_is_the_run(self):
        digest = self.approve()
        plan = self.made.plan().json
        self.assertEqual((plan["digest"], plan["needs_approval"], plan["deleted"]), (digest, [], 30))
        report = self.run_at(NOW, "completed")
        check_plan_equals_run(self, plan, report)
        self.assertEqual((report["approved_plan"], report["approved_by"]), (digest, "alice"))
        self.assertEqual(self.made.ids(), self.young)

    def test_a_run_after_days_has_the_plans_cut_offs_and_its_own_clock(self):
        edge = set(self.made.insert(NOW - days(90), tenant="globex", count=3))
        self.approve()
        approved = self.made.plan().json
        self.made.clock.set(NOW + days(5))
        plan = self.made.plan().json
        report = self.run_at(NOW + days(5), "completed")
        check_plan_equals_run(self, plan, report)
        self.assertEqual(self.made.ids(), self.young | edge)  # due by now, and not in the plan
        cut_offs = {(line["tenant"], line["category"]): line["disposition_cutoff"] for line in approved["categories"]}
        for line in report["categories"]:
            if line["disposition_cutoff"]:
                self.assertEqual(line["disposition_cutoff"], cut_offs.get((line["tenant"], line["category"])), line)
        self.assertEqual(self.made.clocks()[-1], (to_ms(NOW + days(5)),) * 2)
        self.run_at(NOW + days(6), "completed")
        self.assertEqual(self.made.ids(), self.young)

    def test_only_the_keys_of_the_plan_go(self):
        self.approve()
        late = set(self.made.insert(AGED, tenant="acme", count=15))
        small = set(self.made.insert(AGED, tenant="initech", count=2))
        report = self.run_at(NOW, "completed")
        self.assertEqual(self.made.ids(), self.young | late | small)
        self.assertEqual(report["kept_by_reason"]["limit"], len(late | small))
        self.run_at(NOW + days(1), "limited")
        self.assertEqual(self.made.ids(), self.young | late)

    def test_rows_are_decided_again_one_by_one(self):
        held, stamped, rejuvenated = sorted(self.aged)[:3]
        self.approve()
        self.made.freeze(f"--event-id={held}")
        with self.made.connection() as database:
            database.execute(
                "UPDATE audit_events SET retain_until = ? WHERE id = ?", (to_ms(at("2040-01-01")), stamped)
            )
            database.execute("UPDATE audit_events SET occurred_at = ? WHERE id = ?", (to_ms(YOUNG), rejuvenated))
        report = self.run_at(NOW, "completed")
        self.assertEqual(self.made.ids(), self.young | {held, stamped, rejuvenated})
        self.assertEqual((report["kept_by_reason"]["hold"], report["kept_by_reason"]["row_stamp"]), (1, 1))

    def test_a_hold_released_after_the_approval_has_its_grace(self):
        hold = self.made.freeze("--everything")
        self.approve()
        self.made.release(hold)
        report = self.run_at(NOW, "completed")
        self.assertEqual(report["kept_by_reason"]["hold_grace"], 30)
        self.assertEqual(self.made.ids(), self.aged | self.young)

    def test_it_is_spent_once(self):
        self.approve()
        self.run_at(NOW, "completed")
        again = set(self.made.insert(AGED, tenant="acme", count=20))
        self.run_at(NOW + days(1), "limited")
        self.assertEqual(self.made.ids(), self.young | again)

    def test_the_ids_of_a_spent_plan_open_nothing_when_they_come_back(self):
        self.approve()
        self.run_at(NOW, "completed")
        with self.made.connection() as database:
            rows = [(key, to_ms(AGED), "ACCOUNT_PROFILE_UPDATE", "acme") for key in self.aged]
            database.executemany("INSERT INTO audit_events (id, occurred_at, code, tenant) VALUES (?, ?, ?, ?)", rows)
        self.run_at(NOW + days(1), "limited")
        self.assertEqual(self.made.ids(), self.young | self.aged)

    def test_a_partial_run_does_not_spend_it(self):
        self.change({"run": {"max_rows": 12}})
        self.approve()
        for night, outcome in enumerate(("partial", "partial", "completed")):
            self.run_at(NOW + days(night), outcome)
        self.assertEqual(self.made.ids(), self.young)
        again = set(self.made.insert(AGED, tenant="acme", count=20))
        self.run_at(NOW + days(4), "limited")
        self.assertEqual(self.made.ids(), self.young | again)

    def test_a_dead_run_does_not_spend_it(self):
        self.change({"run": {"max_rows": 12}})
        self.approve()
        self.run_at(NOW, "partial")
        with self.made.connection() as database:
            database.execute("UPDATE holdfast_run SET outcome = NULL, closed_at_ms = NULL")
        self.change({})
        self.run_at(NOW + days(1), "completed")
        self.assertEqual(self.made.ids(), self.young)

    def test_it_lapses_seven_days_after_it_was_given(self):
        self.approve()
        report = self.run_at(NOW + days(7) + SECOND, "refused")
        self.assertTrue(any("lapsed" in warning for warning in report["warnings"]), report["warnings"])
        self.assertEqual(self.made.ids(), self.aged | self.young)

    def test_it_counts_until_its_seventh_day_is_over(self):
        self.approve()
        self.run_at(NOW + days(7) - SECOND, "completed")
        self.assertEqual(self.made.ids(), self.young)

    def test_using_it_starts_the_seven_days_anew(self):
        self.change({"run": {"max_rows": 12}})
        self.approve()
        self.run_at(NOW + days(6), "partial")
        self.run_at(NOW + days(12), "partial")
        self.run_at(NOW + days(18), "completed")
        self.assertEqual(self.made.ids(), self.young)

    def test_and_unused_it_lapses_seven_days_after_the_last_use(self):
        self.change({"run": {"max_rows": 12}})
        self.approve()
        self.run_at(NOW + days(1), "partial")
        self.run_at(NOW + days(8) + SECOND, "limited")
        self.assertEqual(len(self.made.ids()), 28)

    def test_a_policy_change_voids_it(self):
        self.approve()
        self.change({"retention": {"category": {"sessions": {"window": "5 years"}}}})
        report = self.run_at(NOW, "refused")
        self.assertTrue(any("policy" in warning for warning in report["warnings"]), report["warnings"])
        self.assertEqual(self.made.ids(), self.aged | self.young)

    def test_a_plan_of_an_older_policy_cannot_be_approved(self):
        digest = self.made.save_plan()
        self.change({"retention": {"category": {"sessions": {"window": "5 years"}}}})
        answer = self.made.call("approve", digest, "--as", "alice", expect=4)
        self.assertIn("another policy", answer.stderr)

    def test_the_last_approval_is_the_one_that_counts(self):
        self.approve()
        more = set(self.made.insert(AGED, tenant="acme", count=5))
        self.approve()
        self.run_at(NOW, "completed")
        self.assertEqual(self.made.ids(), self.young)
        self.assertEqual(len(more), 5)

    def test_the_digest_covers_keys_cut_offs_policy_and_holds(self):
        digests = [self.made.save_plan()]
        self.assertEqual(self.made.plan().json["digest"], digests[0])
        self.made.insert(AGED)
        digests.append(self.made.save_plan())
        self.made.freeze("--tenant=initech", "--future")
        digests.append(self.made.save_plan())
        self.change({"retention": {"category": {"sessions": {"window": "5 years"}}}})
        digests.append(self.made.save_plan())
        self.made.clock.advance(days=1)
        digests.append(self.made.save_plan())
        self.assertEqual(len(set(digests)), 5)

    def test_the_digest_covers_the_identity_of_the_database(self):
        digest = self.made.save_plan()
        with world(config_with(STRICT)) as other:
            other.insert(AGED, tenant="acme", count=30)
            other.insert(YOUNG, tenant="acme", count=10)
            self.assertNotEqual(other.save_plan(), digest)
            other.call("approve", digest, "--as", "alice", expect=2)

    def test_the_answer_says_when_it_lapses(self):
        answer = self.made.call("approve", self.made.save_plan()[:12], "--as", "alice", "--json", expect=0).json
        self.assertEqual(answer["rows"], 30)
        self.assertEqual(rfc3339_ms(answer["lapses_at"]), to_ms(NOW + days(7)))
        self.assertEqual(rfc3339_ms(answer["as_of"]), to_ms(NOW))


class WhoMay(unittest.TestCase):
    def test_who_is_no_administrator_approves_nothing(self):
        with world(config_with(STRICT)) as made:
            made.insert(AGED, count=30)
            digest = made.save_plan()
            answer = made.call("approve", digest, "--as", "mallory", expect=4)
            self.assertIn("mallory", answer.stderr)
            check_run(self, made, made.run(), "refused")
            made.call("approve", digest, "--as", "bob", expect=0)
            check_run(self, made, made.run(), "completed")

    def test_as_counts_only_where_the_config_trusts_it(self):
        with world(config_with(STRICT, identity={"trust_flag": False})) as made:
            made.insert(AGED, count=30)
            digest = made.save_plan()
            for words in (
                ("approve", digest),
                ("approve", "--clock"),
                ("hold", "place", "--matter", "M", "--reason", "r", "--everything"),
                ("bookmark", "set", "webhooks", "1"),
            ):
                answer = made.call(*words, "--as", "alice", expect=4)
                self.assertIn("trust_flag", answer.stderr)
            self.assertEqual(made.query("SELECT count(*) FROM holdfast_hold"), [(0,)])
            check_run(self, made, made.run(), "refused")

    def test_without_a_list_of_administrators_nobody_may(self):
        with world(config_with(STRICT, admins={"principals": []})) as made:
            made.insert(AGED, count=30)
            made.call("approve", made.save_plan(), "--as", "alice", expect=4)


if __name__ == "__main__":
    unittest.main()

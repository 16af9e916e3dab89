# SPDX-License-Identifier: Apache-2.0
"""Persons with unlucky names, words of modules that name the person, and data that came back."""

import json
import unittest

from erasure_world import DONE, OVERRIDDEN, PERSON, TENANT, TOKEN, blocked, erasure_world, refused, reports_of


class UnluckyNames(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())

    def test_a_name_that_is_part_of_everything_spoils_neither_receipt_nor_evidence(self):
        for number, person in enumerate(("1", "e", "id", "true", '"', ":"), 1):
            with self.subTest(person=person):
                self.made.fill(person, name="Nobody", email="nobody@x.example")
                self.made.dispute(reference=f"D-{number}", person=person)
                request = self.made.ask(person, who="alice")
                self.made.agree(request)
                self.made.clock.advance(days=15)
                blocked(self, self.made.complete(request, expect=4), "holds")
                self.made.override(request)
                receipt = self.made.show(request)["receipt"]
                self.assertEqual(receipt["request_id"], request)
                self.assertEqual(receipt["completed_by"], "bob")
                events = self.made.events("ACCOUNT_DELETION_REQUEST", "ACCOUNT_DELETION_APPROVED",
                                          "ACCOUNT_DELETION_BLOCKED_BY_HOLDS", DONE)[-4:]  # fmt: skip
                for event in events:
                    self.assertEqual(event["metadata"]["request_id"], request)
                self.assertIn("deadline", events[0]["metadata"])
                self.assertIn("cooloff_until", events[1]["metadata"])
                self.assertRegex(events[2]["metadata"]["hold_digest"], "^[0-9a-f]{64}$")

    def test_what_a_module_says_of_the_person_stays_nowhere(self):
        for person in ("u-4711", 'Ann "O\'Brien" \\ 50%', "two\nlines"):
            with self.subTest(person=person):
                self.made.fill(person, name="Nobody", email="nobody@x.example")
                reference = f"dispute of {person}"
                self.made.dispute(reference=reference, person=person)
                request = self.made.waiting(person)
                self.made.complete(request, expect=4)
                self.made.override(request, reason=f"{person} settled it, counsel agrees")
                with self.made.connection() as database:
                    database.execute("DELETE FROM disputes")
                    rows = [row for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                            for row in database.execute(f'SELECT * FROM "{name}"')]  # fmt: skip
                for form in (person, json.dumps(person)[1:-1]):
                    self.assertEqual([row for row in rows if any(form in str(value) for value in row)], [])
                for event in self.made.events(OVERRIDDEN, DONE)[-2:]:
                    self.assertRegex(event["metadata"]["holds"][0]["id"], "^dispute of " + TOKEN.pattern + "$")

    def test_a_token_is_no_person(self):
        self.made.fill()
        token = self.made.erased()
        answer = self.made.erasure("request", "--tenant", TENANT, "--subject", token, who="alice", expect=2)
        refused(self, self.made, answer, token, exit_status=2)
        self.assertEqual(self.made.token(), token)

    def test_a_hold_of_the_empty_tenant_covers_a_person_without_rows(self):
        words = ("--tenant", "", "--person", "zoe", "--future")
        self.made.freeze(*words)
        request = self.made.waiting("zoe", None)
        answer = self.made.complete(request, expect=4)
        blocked(self, answer, "holds")
        self.assertEqual(len(reports_of(answer)["holdfast"]["holds"]), 1)


class CameBack(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()
        self.token = self.made.erased()

    def test_a_later_request_has_its_own_guards(self):
        self.made.fill()
        request = self.made.ask()
        for act in (lambda: None, lambda: self.made.erasure("reject", request, "--reason", "17_3_e", who="alice")):
            act()
            answer = self.made.erasure("reapply", who="alice", expect=4)
            self.assertEqual(answer.json["erased_again"], [])
            self.assertEqual([(line["token"], line["why"]) for line in answer.json["held"]],
                             [(self.token, "newer_request")])  # fmt: skip
            self.assertNotEqual(self.made.named(PERSON), set())

    def test_one_person_who_cannot_be_erased_again_does_not_stop_the_others(self):
        self.made.fill("a-1", name="Nobody", email="nobody@x.example")
        other = self.made.erased("a-1")
        # The token of the one stands there already, and it may stand there once only.
        self.made.query("DELETE FROM orders WHERE rowid NOT IN (SELECT min(rowid) FROM orders GROUP BY customer)")
        self.made.query("CREATE UNIQUE INDEX one_each ON orders (customer)")
        for person in ("a-1", PERSON):
            self.made.query("INSERT INTO profiles VALUES (?, ?, 'n', 'e')", person, TENANT)
        self.made.query("INSERT INTO orders (tenant, customer) VALUES (?, 'a-1')", TENANT)
        answer = self.made.erasure("reapply", who="alice", expect=1)
        self.assertEqual([line["token"] for line in answer.json["failed"]], [other])
        self.assertEqual([line["token"] for line in answer.json["erased_again"]], [self.token])
        self.assertEqual(self.made.query("SELECT user_id FROM profiles"), [("a-1",)])


if __name__ == "__main__":
    unittest.main()

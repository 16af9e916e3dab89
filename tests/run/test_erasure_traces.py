# SPDX-License-Identifier: Apache-2.0
"""After an erasure no file of the database holds a byte of the person, and what is left joins through a token."""

import contextlib
import random
import sqlite3
import unittest

from audit_world import days
from erasure_world import DONE, EMAIL, NAME, OTHER, PERSON, TENANT, TOKEN, erasure_config, erasure_world, names_in


class Traces(unittest.TestCase):
    journal_mode = "WAL"

    def setUp(self):
        self.made = self.enterContext(erasure_world(journal_mode=self.journal_mode))

    def assert_gone(self, *words):
        self.assertEqual(self.made.traces(*(words or (PERSON, NAME, EMAIL))), [])

    def test_nothing_of_the_person_is_in_a_file_after_the_completion(self):
        self.made.fill(rows=20)
        self.assertTrue(self.made.traces(PERSON) and self.made.traces(NAME) and self.made.traces(EMAIL))
        self.made.erased()
        self.assert_gone()

    def test_nothing_is_left_while_the_application_has_the_database_open(self):
        """Whoever closes the database last empties the write-ahead log anyway; here that is not the completion."""
        self.made.fill(rows=20)
        request = self.made.waiting()
        with contextlib.closing(sqlite3.connect(self.made.database)) as application:
            application.execute("SELECT count(*) FROM profiles").fetchall()
            self.made.complete(request)
            self.assert_gone()

    def test_nothing_is_left_after_the_nightly_run_did_it(self):
        self.made.fill(rows=20)
        request = self.made.ask()
        self.made.agree(request)
        self.made.complete(request, "--when-due")
        self.assertTrue(self.made.traces(PERSON))
        self.made.clock.advance(days=15)
        report = self.made.run(expect=0).json
        self.assertEqual(report["erasures"]["completed"], [request])
        self.assert_gone()

    def test_pages_that_split_leave_no_copy_behind(self):
        """Rows that SQLite moves to another page while the application writes are copied, not deleted."""
        rng = random.Random(4711)
        self.made.fill(rows=100)
        with self.made.connection() as database:
            database.execute("PRAGMA secure_delete = ON")
            database.execute("CREATE INDEX log_by_subject ON audit_events (subject)")
            for number in range(3000):
                neighbour = f"u-47{rng.choice((10, 12))}{rng.randrange(10**9)}"
                email = f"maria@ros{rng.randrange(10**9)}.example"
                database.execute("INSERT OR IGNORE INTO profiles VALUES (?, ?, 'X', ?)", (neighbour, TENANT, email))
                database.execute("INSERT INTO orders (tenant, customer, email) VALUES (?, ?, ?)", (TENANT, neighbour, email))
                log = "INSERT INTO audit_events (occurred_at, tenant, code, subject) VALUES (?, ?, 'ACCOUNT_PROFILE_UPDATE', ?)"
                database.execute(log, (self.made.clock.now_ms, TENANT, neighbour))
        self.made.erased()
        self.assert_gone()

    def test_the_answers_name_nobody(self):
        self.made.fill()
        request = self.made.waiting()
        answer = self.made.complete(request)
        for document in (answer.json, self.made.show(request), self.made.erasure("list", "--all", who="bob").json):
            words = " ".join(names_in(document))
            self.assertRegex(words, TOKEN)
            for word in (PERSON, NAME, EMAIL):
                self.assertNotIn(word, words)

    def test_a_reason_that_names_the_person_has_the_token_instead(self):
        self.made.fill()
        self.made.dispute(person=PERSON)
        request = self.made.waiting()
        self.made.override(request, reason=f"the dispute of {PERSON} is settled, counsel agrees")
        with self.made.connection() as database:
            database.execute("PRAGMA secure_delete = ON")
            database.execute("DELETE FROM disputes")
        self.made.run(expect=0)
        self.assert_gone(PERSON)


class TracesInRollbackMode(Traces):
    journal_mode = "DELETE"


class WhatIsLeft(unittest.TestCase):
    def setUp(self):
        config = erasure_config({"admins": {"principals": ["alice", "bob", "carol"]}})
        self.made = self.enterContext(erasure_world(config))
        self.made.fill()

    def test_rows_that_have_to_stay_join_through_the_token(self):
        young = {id for id in self.made.named(PERSON) if self.made.rows()[id]["occurred_at"] > self.made.clock.now_ms - 10**10}
        everybody_else = {id: row for id, row in self.made.rows().items() if id not in self.made.named(PERSON)}
        token = self.made.erased()
        rows = self.made.rows()
        self.assertLessEqual(young, self.made.named(token))
        self.assertEqual({id: rows[id] for id in everybody_else}, everybody_else)
        self.assertEqual({rows[id]["metadata"] for id in young}, {'{"ip_country":"IT"}'})
        self.assertEqual(self.made.query("SELECT count(*) FROM profiles"), [(0,)])
        self.assertEqual(self.made.query("SELECT DISTINCT customer, email, amount FROM orders"), [(token, None, 42)])
        joined = self.made.query("SELECT count(*) FROM orders JOIN audit_events ON subject = customer WHERE actor = ?", OTHER)
        self.assertEqual(joined, [(9,)])

    def test_rows_whose_keep_is_over_go_and_the_receipt_counts_them(self):
        old = {id for id in self.made.named(PERSON) if self.made.rows()[id]["occurred_at"] < self.made.clock.now_ms - 10**10}
        request = self.made.waiting()
        answer = self.made.complete(request)
        self.assertEqual(old & self.made.ids(), set())
        receipt = answer.json["receipt"]
        self.assertEqual(receipt["audit_log"]["deleted"], len(old))
        tables = {line["table"]: (line["action"], line["before"], line["changed"], line["after"]) for line in receipt["modules"]}
        self.assertEqual(tables, {"profiles": ("delete", 1, 1, 0), "orders": ("redact", 3, 3, 0)})
        event = self.made.events(DONE)[0]
        self.assertEqual(event["metadata"]["rows_deleted"], len(old))
        self.assertEqual(self.made.show(request)["receipt"]["completed_by"], "bob")

    def test_an_administrators_deeds_stay_named_when_the_administrator_is_erased(self):
        self.made.erased()
        deeds = self.made.query("SELECT id FROM audit_events WHERE actor = 'bob' AND code = ?", DONE)
        self.made.insert(self.made.clock.now - days(5), tenant=TENANT, actor="bob", subject="bob")
        request = self.made.waiting("bob")
        answer = self.made.complete(request, who="carol")
        self.assertGreaterEqual(answer.json["receipt"]["audit_log"]["evidence_kept"], 1)
        self.assertEqual(self.made.query("SELECT id FROM audit_events WHERE actor = 'bob'"), deeds)
        self.assertEqual(self.made.query("SELECT id FROM audit_events WHERE subject = 'bob'"), [])



if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""A hold query reads and nothing else: what writes, attaches, loads code or does two things is refused."""

import contextlib
import sqlite3
import unittest

from erasure_world import BLOCKED, DONE, PERSON, PROFILES, blocked, contents, erasure_config, erasure_world, refused, reports_of

WRITING = {
    "deletes": "DELETE FROM profiles RETURNING user_id AS id",
    "updates": "UPDATE orders SET amount = 0 RETURNING id",
    "inserts": "INSERT INTO disputes (reference) VALUES ('x') RETURNING reference AS id",
    "drops": "DROP TABLE disputes",
    "makes a table": "CREATE TABLE stolen AS SELECT * FROM profiles",
    "attaches": "ATTACH 'other.db' AS other",
    "vacuums into a file": "VACUUM INTO 'other.db'",
    "loads code": "SELECT load_extension('evil.so') AS id",
    "loads code deep inside": "WITH t(id) AS (SELECT LOAD_EXTENSION('evil.so')) SELECT id FROM t",
    "has two statements": "SELECT 1 AS id WHERE 0; DELETE FROM profiles",
    "has two queries": "SELECT 1 AS id WHERE 0; SELECT 2 AS id",
    "hides the second behind a comment": "SELECT 1 AS id WHERE 0; /* -- */ DELETE FROM profiles",
    "changes a setting": "PRAGMA writable_schema = ON",
    "reads a setting": "SELECT name AS id FROM pragma_table_info('profiles')",
    "begins a transaction": "BEGIN EXCLUSIVE",
    "ends the transaction": "COMMIT",
    "sets a savepoint": "SAVEPOINT s",
    "explains": "EXPLAIN SELECT 1 AS id",
    "has no column id": "SELECT reference FROM disputes WHERE customer = :subject",
    "has a parameter of its own": "SELECT reference AS id FROM disputes WHERE customer = :person",
    "is nothing": "-- only a comment",
    "reads a table that is not there": "SELECT id FROM no_such_table",
    "is no SQL": "SELEKT id",
}
SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id FROM n WHERE i < 0"


def with_query(sql, **others):
    return erasure_config(modules=[{"name": "crm", "tables": [PROFILES], "holds_sql": sql, **others}])


class Queries(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()
        self.request = self.made.waiting()

    def untouched(self, before):
        after = contents(self.made.database)
        self.assertEqual(after[0], before[0])
        changed = {table for table in after[1] if after[1][table] != before[1][table]}
        self.assertLessEqual(changed, {"audit_events", "holdfast_erasure_attempt"})
        self.assertFalse((self.made.folder / "other.db").exists())

    def test_what_does_more_than_read_is_refused_by_check(self):
        for name, sql in WRITING.items():
            with self.subTest(name):
                before = contents(self.made.database)
                self.made.write_config(with_query(sql))
                answer = self.made.call("check", "--json", expect=4)
                wrong = [line["message"] for line in answer.json["findings"] if line["weight"] == "wrong"]
                self.assertEqual(len(wrong), 1, wrong)
                self.assertRegex(wrong[0], "^erasure.module.crm.holds_sql: .*the hold query")
                self.assertEqual(contents(self.made.database), before)

    def test_what_does_more_than_read_blocks_the_completion(self):
        for name, sql in WRITING.items():
            with self.subTest(name):
                before = contents(self.made.database)
                self.made.write_config(with_query(sql))
                answer = self.made.complete(self.request, expect=4)
                blocked(self, answer, "module_unanswered")
                report = reports_of(answer)["crm"]
                self.assertEqual(report["status"], "error")
                self.assertIn("hold query", report["problem"])
                self.untouched(before)
        self.assertEqual(self.made.deeds(BLOCKED, DONE), [BLOCKED] * len(WRITING))

    def test_check_names_what_else_would_stop_every_completion(self):
        for table, word in (
            (PROFILES | {"table": "nowhere"}, "nowhere"),
            (PROFILES | {"subject": "nobody"}, "nobody"),
            (PROFILES | {"table": "audit_events", "subject": "actor"}, "audit_events"),
        ):
            with self.subTest(word):
                self.made.write_config(erasure_config(modules=[{"name": "crm", "tables": [table], "holds": "none"}]))
                answer = self.made.call("check", "--json", expect=4)
                wrong = [line["message"] for line in answer.json["findings"] if line["weight"] == "wrong"]
                self.assertEqual(len(wrong), 1, wrong)
                self.assertRegex(wrong[0], f"^erasure.module.crm: .*{word}")
                before = contents(self.made.database)
                refused(self, self.made, self.made.complete(self.request, expect=2), word, exit_status=2)
                self.assertEqual(contents(self.made.database), before)

    def test_a_query_that_never_ends_is_stopped_by_its_time_limit(self):
        self.made.write_config(with_query(SLOW, time_limit="1s"))
        answer = self.made.complete(self.request, expect=4)
        blocked(self, answer, "module_unanswered")
        self.assertIn("did not answer within 1000 ms", reports_of(answer)["crm"]["problem"])

    def test_a_view_does_not_smuggle_a_write_in(self):
        with contextlib.closing(sqlite3.connect(self.made.database)) as database:
            database.executescript(
                "CREATE VIEW harmless AS SELECT load_extension('evil.so') AS id;"
                "CREATE TABLE seen (n); CREATE TRIGGER look AFTER INSERT ON seen BEGIN DELETE FROM profiles; END;"
            )
        self.made.write_config(with_query("SELECT id FROM harmless"))
        blocked(self, self.made.complete(self.request, expect=4), "module_unanswered")
        self.assertEqual(self.made.query("SELECT count(*) FROM profiles"), [(1,)])

    def test_a_line_without_an_id_is_no_answer(self):
        self.made.write_config(with_query("SELECT NULL AS id"))
        blocked(self, self.made.complete(self.request, expect=4), "module_unanswered")

    def test_anything_but_a_plain_no_is_locked(self):
        for value, locked in (("0", False), ("NULL", False), ("1", True), ("'no'", True), ("2", True)):
            with self.subTest(value):
                self.made.write_config(with_query(f"SELECT 'H' AS id, {value} AS locked"))
                answer = self.made.complete(self.request, expect=4)
                blocked(self, answer, "holds")
                self.assertIs(reports_of(answer)["crm"]["holds"][0]["locked"], locked)

    def test_a_query_that_only_reads_lets_it_through(self):
        sql = "SELECT reference AS id FROM disputes, json_each('[1]') WHERE customer = :subject AND tenant = :tenant;  -- end"
        self.made.write_config(with_query(sql))
        self.made.call("check", expect=0)
        self.made.complete(self.request)
        self.assertEqual(self.made.named(PERSON), set())


if __name__ == "__main__":
    unittest.main()

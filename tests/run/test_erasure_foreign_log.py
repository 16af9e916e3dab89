# SPDX-License-Identifier: Apache-2.0
"""Erasure in a log that Holdfast did not make: a column takes the token where it can, NULL where it cannot, and where
it can take neither the completion is refused whole."""

import contextlib
import shutil
import sqlite3
import unittest

from audit_world import at, shared_data
from erasure_world import DONE, EMAIL, ErasureWorld, contents, refused
from holdfast_cli import work_folder

PERSON = "4711"  # a number, as the login of many an application
HEAD = "category\tcode\tseverity\tdescription\n"
ROWS = [
    ("2029-12-20 10:00:00", "open", 4711, '{"url": "/a", "email": "maria@rossi.example"}'),
    ("2029-12-21 10:00:00", "query", 4711, '{"result": "ok", "user": 4711}'),
    ("2029-12-22 10:00:00", "query", 4712, '{"result": "ok"}'),
    ("2029-12-23 10:00:00", "open", None, "{}"),
    ("2029-06-23 10:00:00", "open", 4711, "{}"),
]
MAPPING = {
    "table": "logs", "time": "dttm", "time_format": "utc_text", "code": "action",
    "subject": "user_id", "metadata": "json", "own_events": "holdfast",
}  # fmt: skip


FAVOURITES = {"table": "favourites", "subject": "user_id", "action": "delete"}


def log_config(*modules):
    return {
        "database": {"path": "audit.db"},
        "events": MAPPING,
        "catalogue": {"built_in": False, "extend": "codes.tsv"},
        "retention": {"category": {"app": {"window": "90 days", "basis": "ours"}}},
        "admins": {"principals": ["alice", "bob"]},
        "identity": {"trust_flag": True},
        "safety": {"first_run_needs_approval": False, "max_category_share": 1.0},
        "erasure": {"keep_metadata": {"*": ["result", "user"]}, "module": list(modules)},
    }


class ForeignLog(unittest.TestCase):
    def world(self, user_id, metadata="TEXT"):
        folder = self.enterContext(work_folder())
        (folder / "codes.tsv").write_text(HEAD + "app\topen\tInfo\tAn action.\napp\tquery\tInfo\tAn action.\n")
        made = ErasureWorld(folder, log_config({"name": "users", "tables": [FAVOURITES], "holds": "none"}), at("2030-01-01"))
        with contextlib.closing(sqlite3.connect(made.database)) as database:
            database.executescript(
                f"CREATE TABLE logs (id INTEGER PRIMARY KEY, dttm TEXT, action TEXT, user_id {user_id}, json {metadata});"
                "CREATE TABLE people (id TEXT PRIMARY KEY); INSERT INTO people VALUES ('4711'), ('4712');"
                "CREATE TABLE favourites (id INTEGER PRIMARY KEY, user_id INTEGER, place TEXT);"
                "INSERT INTO favourites (user_id, place) VALUES (4711, 'x'), (4712, 'y');"
            )
            rows = [row if "NOT NULL" not in user_id or row[2] else (*row[:2], 1, row[3]) for row in ROWS]
            database.executemany("INSERT INTO logs (dttm, action, user_id, json) VALUES (?, ?, ?, ?)", rows)
            database.commit()
        made.init()
        return made

    def waiting(self, made):
        request = made.ask(PERSON, tenant=None)
        made.agree(request)
        made.clock.advance(days=15)
        return request

    def events_elsewhere(self, made, *codes):
        marks = ", ".join("?" * len(codes))
        return made.query(f"SELECT code, actor, subject FROM holdfast_event WHERE code IN ({marks}) ORDER BY id", *codes)

    def log(self, made):
        return made.query("SELECT id, action, CAST(user_id AS TEXT), json FROM logs ORDER BY id")

    def check(self, made, name_of):
        """`name_of`: what stands for the person in the log, from the token."""
        rest = self.log(made)[2:4]
        request = self.waiting(made)
        answer = made.complete(request)
        token = made.token(None)
        name = name_of(token)
        self.assertEqual(
            self.log(made)[:2], [(1, "open", name, None), (2, "query", name, '{"result":"ok","user":"%s"}' % token)]
        )
        self.assertEqual(self.log(made)[2:], rest)
        self.assertEqual(answer.json["receipt"]["audit_log"]["deleted"], 1)
        self.assertEqual(made.query("SELECT user_id FROM favourites"), [(4712,)])
        self.assertEqual(self.events_elsewhere(made, DONE), [(DONE, "bob", token)])
        self.assertEqual(made.traces(EMAIL), [])
        self.assertEqual(made.query("SELECT count(*) FROM holdfast_event WHERE ? IN (actor, subject)", PERSON), [(0,)])
        made.run(expect=0)

    def test_a_number_column_becomes_null(self):
        self.check(self.world("INTEGER"), lambda token: None)

    def test_a_text_column_becomes_the_token(self):
        self.check(self.world("TEXT"), lambda token: token)

    def test_a_text_column_that_may_not_be_null_becomes_the_token(self):
        self.check(self.world("TEXT NOT NULL"), lambda token: token)

    def test_a_reference_to_another_table_becomes_null(self):
        made = self.world("TEXT REFERENCES people (id)")
        self.check(made, lambda token: None)

    def test_a_number_column_that_may_not_be_null_stops_the_completion_whole(self):
        made = self.world("INTEGER NOT NULL")
        request = self.waiting(made)
        answer = made.call("check", "--json", expect=4)
        wrong = [line["message"] for line in answer.json["findings"] if line["weight"] == "wrong"]
        self.assertEqual(len(wrong), 1, answer)
        self.assertIn("user_id", wrong[0])
        before = contents(made.database)
        refused(self, made, made.complete(request, expect=2), "user_id", exit_status=2)
        self.assertEqual(contents(made.database), before)

    def test_metadata_that_may_not_be_null_becomes_an_empty_object(self):
        made = self.world("INTEGER", metadata="TEXT NOT NULL DEFAULT '{}'")
        made.complete(self.waiting(made))
        self.assertEqual(self.log(made)[0], (1, "open", None, "{}"))

    def test_an_overridden_hold_keeps_the_rows_with_a_token_and_without_one(self):
        for user_id in ("TEXT", "INTEGER"):
            with self.subTest(user_id):
                made = self.world(user_id)
                made.freeze(f"--person={PERSON}")
                made.override(self.waiting(made))
                made.clock.advance(days=200)
                made.approved_run(expect=0)
                left = {id for id, *_ in self.log(made)}
                self.assertIn(2, left)
                holds = made.query("SELECT kind FROM holdfast_hold_term ORDER BY hold_id, kind")
                self.assertEqual(("event_id",) in holds, user_id == "INTEGER", holds)


class Superset(unittest.TestCase):
    """The `logs` table of a real Superset, whose user_id refers to its table of users."""

    def test_a_persons_rows_lose_the_name(self):
        folder = self.enterContext(work_folder())
        shutil.copyfile(shared_data("databases/superset.db"), folder / "audit.db")
        (folder / "audit.db").chmod(0o644)
        with contextlib.closing(sqlite3.connect(folder / "audit.db")) as database:
            actions = database.execute("SELECT DISTINCT action FROM logs WHERE action IS NOT NULL ORDER BY 1").fetchall()
            ((person, count),) = database.execute(
                "SELECT user_id, count(*) FROM logs WHERE user_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
            ).fetchall()
            total = database.execute("SELECT count(*) FROM logs").fetchone()[0]
        lines = "".join(f"app\t{action}\tInfo\tAn action.\n" for (action,) in actions)
        (folder / "codes.tsv").write_text(HEAD + lines)
        made = ErasureWorld(folder, log_config(), at("2023-04-19T12:00:00"))
        made.init()
        request = made.ask(str(person), tenant=None)
        made.agree(request)
        made.clock.advance(days=15)
        receipt = made.complete(request).json["receipt"]["audit_log"]
        self.assertEqual(receipt["deleted"] + receipt["pseudonymised"], count)
        self.assertEqual(made.query("SELECT count(*) FROM logs WHERE user_id = ?", person), [(0,)])
        self.assertEqual(made.query("SELECT count(*) FROM logs"), [(total - receipt["deleted"],)])
        self.assertEqual(made.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(made.query("PRAGMA foreign_key_check(logs)"), [])


if __name__ == "__main__":
    unittest.main()

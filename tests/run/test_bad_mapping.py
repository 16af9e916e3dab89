# SPDX-License-Identifier: Apache-2.0
"""Mappings that cannot be right, and two runs at once: one clear sentence, nothing changed."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

from audit_world import COMPLETED, FAILED, Untouched, at, config_with, one_sentence, to_ms, world
from holdfast_cli import program_path, require


def aged_world(**options):
    """A world with ten rows of which one run would delete nine."""
    return world(**options)


def fill(made):
    made.insert(at("2029-01-01"), count=9, tenant="acme")
    made.insert(at("2029-12-31"), tenant="acme")


class WrongMapping(unittest.TestCase):
    CASES = {
        "wrong table": ({"table": "audit_event"}, ("audit_event", "table")),
        "a view": ({"table": "seen"}, ("seen",)),
        "wrong key": ({"id": "uuid"}, ("uuid",)),
        "wrong time": ({"time": "ocurred_at"}, ("ocurred_at", "[events].time")),
        "wrong code": ({"code": "event"}, ("event", "[events].code")),
        "wrong tenant": ({"tenant": "org"}, ("org", "[events].tenant")),
        "wrong stamp": ({"retain_until": "keep"}, ("keep", "[events].retain_until")),
        "wrong category": ({"category": "class"}, ("class", "[events].category")),
        "a column that is not the key": ({"id": "code"}, ("code",)),
        "a bare rowid": ({"id": "rowid"}, ("rowid",)),
        "a lookup that is not there": ({"code_lookup": {"table": "kinds", "key": "id", "text": "name"}}, ("kinds",)),
    }

    def test_a_table_or_column_that_is_not_there(self):
        for what, (events, words) in self.CASES.items():
            with self.subTest(what), aged_world() as made:
                fill(made)
                with made.connection() as database:
                    database.execute("CREATE VIEW seen AS SELECT * FROM audit_events")
                made.write_config(config_with({"events": events}))
                before = Untouched(made.database)
                for verb in ("check", "plan"):
                    answer = made.call(verb, expect=2)
                    one_sentence(self, answer, *words)
                    self.assertEqual(before.differences(), "", answer)
                self.run_is_recorded(made, words)

    def run_is_recorded(self, made, words):
        """The log stays as it is; the run that could not start stands in the ledger and in holdfast_event."""
        rows = made.query("SELECT * FROM audit_events ORDER BY id")
        one_sentence(self, made.call("run", expect=2), *words)
        report = made.run(expect=2).json
        self.assertEqual(report["outcome"], "invalid")
        self.assertEqual(made.query("SELECT * FROM audit_events ORDER BY id"), rows)
        self.assertEqual(made.query("SELECT outcome FROM holdfast_run"), [("invalid",)] * 2)
        self.assertEqual(made.query("SELECT code FROM holdfast_event"), [(FAILED,)] * 2)

    def test_a_table_without_a_declared_key(self):
        with world(config_with({"events": {"table": "logs"}}), init=False) as made:
            with contextlib.closing(sqlite3.connect(made.database)) as database:
                database.execute("CREATE TABLE logs (id INTEGER, occurred_at INTEGER, code TEXT)")
                database.execute("INSERT INTO logs VALUES (1, ?, 'ACCOUNT_PROFILE_UPDATE')", (to_ms(at("2020-01-01")),))
                database.commit()
            before = Untouched(made.database)
            for verb in ("check", "plan", "init"):
                answer = made.call(verb, expect=2)
                one_sentence(self, answer, "logs", "key")
                self.assertEqual(before.differences(), "", answer)
            one_sentence(self, made.call("run", expect=(1, 2)), "audit.db")
            self.assertEqual(before.differences(), "")

    def test_a_foreign_key_that_refers_to_the_table(self):
        with aged_world() as made:
            fill(made)
            with made.connection() as database:
                database.execute(
                    "CREATE TABLE notes (id INTEGER PRIMARY KEY, event INTEGER REFERENCES audit_events (id))"
                )
            before = Untouched(made.database)
            one_sentence(self, made.call("plan", expect=2), "notes", "event")
            self.assertEqual(before.differences(), "")
            self.run_is_recorded(made, ("notes", "event"))

    def test_a_wrong_time_format_is_refused_and_records_nothing(self):
        for time_format in ("unix_s", "unix_us", "unix_real", "iso8601", "utc_text"):
            with self.subTest(time_format), aged_world() as made:
                made.insert(at("2029-01-01"), count=50)
                made.insert(at("2029-12-31"), count=50)
                made.write_config(config_with({"events": {"time_format": time_format, "own_events": "holdfast"}}))
                rows = made.rows()
                answer = made.run(expect=4)
                self.assertEqual(answer.json["outcome"], "refused")
                self.assertEqual(answer.json["error"]["reason"], "bad_time_share", answer)
                self.assertEqual(answer.json["deleted"], 0)
                self.assertEqual(made.rows(), rows)
                self.assertEqual(made.query("SELECT count(*) FROM holdfast_first_seen"), [(0,)])
                events = made.query("SELECT code FROM holdfast_event")
                self.assertEqual(events, [(FAILED,)])
                # The right format again, long after: no first-seen clock has begun to count.
                made.write_config(config_with({"safety": {"policy_shorten_delay": "1 day"}}))
                self.assertEqual(made.plan().json["kept_by_reason"]["bad_time"], 0)


class TwoRuns(unittest.TestCase):
    def test_a_second_run_leaves_everything_to_the_first(self):
        with aged_world() as made:
            fill(made)
            lock = made.database.with_name("audit.db.holdfast-lock")
            require(shutil.which("flock") is not None, "flock(1) is not installed")
            holder = subprocess.Popen(["flock", "--no-fork", str(lock), "sleep", "30"])
            try:
                self.wait_until_locked(lock)
                before = Untouched(made.database)
                answer = made.call("run", expect=11)
                one_sentence(self, answer, "another run")
                self.assertEqual(before.differences(), "")
                for verb in ("plan", "check", "status"):  # who only reads need not wait
                    made.call(verb, expect=(0, 4))
            finally:
                holder.kill()
                holder.wait()
            made.call("run", expect=0)
            self.assertEqual(len(made.ids()), 1)

    def wait_until_locked(self, lock):
        for _ in range(200):
            if subprocess.run(["flock", "--nonblock", str(lock), "true"], check=False).returncode:
                return
            time.sleep(0.01)
        self.fail("the lock was not taken")

    def test_two_real_runs_at_once(self):
        with aged_world() as made:
            made.insert(at("2029-01-01"), count=20_000, tenant="acme")
            command = [str(program_path()), "run", "--config", str(made.config_file)]
            environment = {**os.environ, **made.clock.environment()}
            runs = [
                subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                for _ in range(3)
            ]
            statuses = sorted(run.wait(timeout=60) for run in runs)
            self.assertEqual(statuses[0], 0, statuses)
            self.assertTrue(set(statuses) <= {0, 11}, statuses)
            self.assertEqual(len(made.events(COMPLETED)), statuses.count(0))
            self.assertEqual(sum(event["metadata"]["deleted"] for event in made.events(COMPLETED)), 20_000)
            self.assertEqual(made.ids(), set())


if __name__ == "__main__":
    unittest.main()

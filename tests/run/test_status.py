# SPDX-License-Identifier: Apache-2.0
"""What `status` says in the morning, to a person, to a script and to Nagios."""

import fcntl
import os
import re
import signal
import subprocess
import time
import unittest

from audit_world import at, config_with, is_root, to_ms, world
from holdfast_cli import program_path

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
YOUNG = at("2029-12-31")
LINE = re.compile(r"HOLDFAST (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+?)(?: \|((?: [a-z_]+=-?\d+s?(?:;\d*){0,2})+))?\n")
STATES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


class Status(unittest.TestCase):
    def world(self, *changes, **sections):
        return self.enterContext(world(config_with(*changes, **sections)))

    def nagios(self, made, state, *words):
        """Asks as a monitor does, and gives what was said and the figures."""
        answer = made.call("status", "--nagios", *words)
        found = LINE.fullmatch(answer.stdout)
        self.assertIsNotNone(found, answer)
        self.assertEqual((found[1], answer.exit_status), (state, STATES[state]), answer)
        figures = dict(pair.split("=") for pair in (found[3] or "").split())
        return found[2], {name: value.split(";")[0] for name, value in figures.items()}

    def test_success_grows_old(self):
        made = self.world()
        said, _ = self.nagios(made, "WARNING")
        self.assertIn("no run has succeeded yet", said)
        made.run(expect=0)
        for hours, state in ((35, "OK"), (1, "WARNING"), (23, "WARNING"), (1, "CRITICAL")):
            made.clock.advance(hours=hours)
            said, figures = self.nagios(made, state)
        self.assertIn("no success for 2 days", said)
        self.assertEqual(figures["last_success_age"], str(60 * 3600) + "s")
        self.nagios(made, "WARNING", "--critical-hours", "61")
        self.nagios(made, "OK", "--critical-hours", "99", "--warning-hours", "98")
        made.run(expect=0)
        said, figures = self.nagios(made, "OK")
        self.assertEqual(said, "last success 0 h ago, run 2 completed")
        self.assertEqual(figures["rows_waiting"], "0")

    def test_partial_nights_are_nothing_before_the_seventh(self):
        made = self.world(run={"max_rows": 1})
        made.insert(AGED, count=20)
        for night in range(1, 9):
            made.run(expect=3)
            said, figures = self.nagios(made, "OK" if night < 7 else "WARNING")
            self.assertEqual((figures["partial_in_a_row"], figures["rows_waiting"]), (str(night), str(20 - night)))
            made.clock.advance(days=1)
        self.assertIn("8 runs in a row stopped early", said)
        status = made.call("status", "--json", expect=0).json
        self.assertEqual((status["partial_in_a_row"], status["failed_in_a_row"]), (8, 0))
        self.assertIn("8 runs in a row stopped early", made.call("status", expect=0).stdout)

    def test_each_bad_end_is_critical_and_limited_is_a_warning(self):
        made = self.world({"safety": {"max_category_share": 0.2, "limit_min_rows": 10}})
        made.insert(AGED, tenant="acme", count=20)
        made.run(expect=4)
        said, figures = self.nagios(made, "WARNING")
        self.assertIn("safety limit", said)
        self.assertEqual(figures["rows_waiting"], "20")
        made.clock.advance(days=-3)
        made.run(expect=4)
        made.clock.advance(days=3, hours=1)
        said, figures = self.nagios(made, "CRITICAL")
        self.assertIn("run 2 refused (clock_went_back)", said)
        self.assertEqual(figures["failed_in_a_row"], "1")
        before = made.config_file.read_text()
        made.write_config(before + "nonsense = 1\n")
        made.run(expect=2)
        made.write_config(before)
        said, figures = self.nagios(made, "CRITICAL")
        self.assertIn("run 3 invalid (config)", said)
        self.assertEqual(figures["failed_in_a_row"], "2")
        # Neither of the two came to know what is due.
        self.assertNotIn("rows_waiting", figures)

    def test_a_refused_run_tells_what_waits_where_it_planned(self):
        made = self.world({"safety": {"first_run_needs_approval": True}})
        made.insert(AGED, count=30)
        said = made.call("run", expect=4).stdout
        self.assertIn("30 kept, 30 due and left: ", said)
        _, figures = self.nagios(made, "CRITICAL")
        self.assertEqual(figures["rows_waiting"], "30")
        made.approved_run(expect=0)
        made.clock.advance(days=-3)
        said = made.call("run", expect=4).stdout
        self.assertIn(" kept: ", said)
        self.assertNotIn("due and left", said)

    def test_holds_past_review_and_a_witness_that_differs(self):
        made = self.world()
        made.run(expect=0)
        made.freeze("--person=p", "--review-by=2030-01-02")
        self.nagios(made, "OK")
        made.clock.advance(days=1, hours=1)
        made.run(expect=0)
        made.clock.advance(hours=3)
        made.clock.advance(hours=21)
        said, figures = self.nagios(made, "WARNING")
        self.assertEqual(figures["holds_past_review"], "1", said)
        witness = made.folder / "audit.db.witness"
        witness.write_bytes(witness.read_bytes().replace(b'"kind":"hold', b'"kind":"h0ld', 1))
        said, _ = self.nagios(made, "CRITICAL")
        self.assertIn("witness", said)

    def test_erasures_due(self):
        made = self.world()
        made.insert(YOUNG, tenant="acme", subject="someone")
        made.run(expect=0)
        made.call("erasure", "request", "--tenant", "acme", "--subject", "someone", "--as", "alice", expect=0)
        made.clock.advance(days=27)
        made.run()
        said, figures = self.nagios(made, "WARNING")
        self.assertEqual((figures["erasures_open"], figures["erasures_due_soon"]), ("1", "1"), said)
        made.clock.advance(days=10)
        made.run()
        said, figures = self.nagios(made, "CRITICAL")
        self.assertEqual(figures["erasures_overdue"], "1", said)
        self.assertNotIn("someone", said)

    def test_what_cannot_be_read_is_unknown(self):
        made = self.world()
        config = made.config_file.read_text()
        made.write_config(config + "no | sense = 1\n")
        said, _ = self.nagios(made, "UNKNOWN")
        self.assertNotIn("|", said)
        made.write_config(config)
        for words in (("--nonsense",), ("--warning-hours", "x"), ("--warning-hours", "0")):
            self.nagios(made, "UNKNOWN", *words)
        made.database.write_bytes(b"no database at all" * 100)
        self.nagios(made, "UNKNOWN")
        made.database.unlink()
        self.nagios(made, "UNKNOWN")
        with world(init=False) as empty:
            self.nagios(empty, "UNKNOWN")

    def die_while_deleting(self, made):
        """A run that is killed between two slices."""
        with made.connection() as database:
            rows = ((to_ms(AGED), "ACCOUNT_PROFILE_UPDATE", "x" * 300) for _ in range(6_000))
            database.executemany("INSERT INTO audit_events (occurred_at, code, metadata) VALUES (?, ?, ?)", rows)
        command = [str(program_path()), "run", "--config", str(made.config_file)]
        with subprocess.Popen(command, env={**os.environ, **made.clock.environment()}) as run:
            try:
                deadline = time.monotonic() + 60
                while made.query("SELECT count(*) FROM holdfast_run_slice")[0][0] < 2:
                    self.assertTrue(run.poll() is None and time.monotonic() < deadline, "the run ended by itself")
                run.send_signal(signal.SIGSTOP)
                self.nagios(made, "OK")
                self.assertIsNone(made.call("status", "--json", expect=0).json["died_run"])
            finally:
                run.kill()

    def test_a_run_that_died_is_critical_before_the_next_one_says_so(self):
        made = self.world(run={"max_lock": "1ms", "max_lock_idle": "1ms"})
        made.run(expect=0)
        self.nagios(made, "OK")
        self.die_while_deleting(made)
        said, figures = self.nagios(made, "CRITICAL")
        self.assertIn("run 2 died", said)
        self.assertEqual(figures["failed_in_a_row"], "1")
        self.assertEqual(made.call("status", "--json", expect=0).json["died_run"], 2)
        self.assertIn("run 2 died", made.call("status", expect=0).stdout)
        with open(f"{made.database}.holdfast-lock", "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.nagios(made, "OK")
        if not is_root():
            os.chmod(f"{made.database}.holdfast-lock", 0)
            self.nagios(made, "OK")
            os.chmod(f"{made.database}.holdfast-lock", 0o600)
        made.run(expect=0)
        self.nagios(made, "OK")

    def test_a_run_that_could_not_be_recorded_is_critical(self):
        made = self.world()
        made.run(expect=0)
        sound = made.database.read_bytes()
        made.database.write_bytes(b"no database at all" * 100)
        made.call("run", expect=1)
        made.database.write_bytes(sound)
        said, figures = self.nagios(made, "CRITICAL")
        self.assertIn("a run could not be recorded (not_a_database)", said)
        self.assertEqual(figures["failed_in_a_row"], "1")
        status = made.call("status", "--json", expect=0).json
        self.assertEqual([run["reason"] for run in status["missed_runs"]], ["not_a_database"])
        self.assertIn("a run could not be recorded, 2030-01-01T02:00:00Z (not_a_database)", made.call("status").stdout)
        made.run(expect=0)
        self.nagios(made, "OK")

    def test_no_lock_file_is_made_by_looking(self):
        made = self.world()
        lock = made.folder / "audit.db.holdfast-lock"
        lock.unlink(missing_ok=True)
        self.nagios(made, "WARNING")
        made.call("status", expect=0)
        self.assertFalse(lock.exists())

    def test_its_limits_are_in_its_help(self):
        text = self.world().call("status", "--help", expect=0).stdout
        for words in ("36 h", "60 h", "7 runs in a row", "3 UNKNOWN", "--critical-hours", "without --nagios"):
            self.assertIn(words, text)
        self.assertNotIn("the same for every verb", text)

    def test_a_category_is_overdue_where_its_rows_wait_for_days(self):
        made = self.world({"safety": {"max_category_share": 0.2, "limit_min_rows": 10}})
        made.insert(at("2029-09-25"), tenant="acme", count=20)
        made.freeze("--person=held")
        made.insert(at("2028-01-01"), actor="held")
        status = made.call("status", "--json", expect=0).json
        self.assertIsNone(status["last_success"])
        (overdue,) = status["overdue_categories"]
        self.assertEqual(overdue["category"], "account")
        self.assertEqual((overdue["waiting"], overdue["overdue_days"]), (20, 6))
        self.assertEqual(overdue["oldest_due"], "2029-09-25T00:00:00Z")
        (line,) = [line for line in status["oldest"] if line["category"] == "account"]
        self.assertEqual((line["oldest"], line["disposition_cutoff"]), ("2028-01-01T00:00:00Z", "2029-10-01T10:00:00Z"))
        text = made.call("status", expect=0).stdout
        self.assertIn("overdue: account, 20 rows, the oldest by 6 days", text)
        made.approved_run(expect=0)
        status = made.call("status", "--json", expect=0).json
        self.assertEqual(status["overdue_categories"], [])
        self.assertEqual((status["last_success_age_seconds"], status["rows_waiting"]), (0, 0))
        made.clock.advance(days=3)
        self.assertIn("3 days ago", made.call("status", expect=0).stdout)
        self.assertEqual(made.call("status", "--json", expect=0).json["last_success_age_seconds"], 3 * 86400)

    def test_each_row_is_overdue_by_its_own_window(self):
        windows = {"acme": {"category": {"account": {"window": "300 days"}}}, "brief": {"category": {"account": {"window": "30 days"}}}}
        made = self.world({"retention": {"tenant": windows}})
        made.insert(at("2029-03-06"), tenant="acme", count=2)
        made.insert(at("2029-03-05"), tenant="acme")
        # Past the platform's window for months, and due by its own only since today.
        self.assertEqual(made.call("status", "--json", expect=0).json["overdue_categories"], [])
        # Inside the platform's, and due for weeks.
        made.insert(at("2029-11-10"), tenant="brief")
        (overdue,) = made.call("status", "--json", expect=0).json["overdue_categories"]
        self.assertEqual((overdue["category"], overdue["overdue_days"]), ("account", 20))

    def test_a_row_of_yesterday_night_is_not_overdue(self):
        made = self.world()
        made.insert(at("2029-09-30"), count=3)
        self.assertEqual(made.call("status", "--json", expect=0).json["overdue_categories"], [])
        made.clock.advance(days=3)
        self.assertEqual(len(made.call("status", "--json", expect=0).json["overdue_categories"]), 1)


if __name__ == "__main__":
    unittest.main()

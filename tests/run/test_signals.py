# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM end a run after its current slice: consistent, said so, and finished by the next run."""

import contextlib
import signal
import sqlite3
import time
import unittest

from audit_world import COMPLETED, FAILED, at, config_with, days, world
from run_watch import StartedRun, wait_for_slices
from slice_keys import read_slices

INTERRUPTED = 130
NOW = at("2030-01-01T02:00:00")
SLOW = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}}
DUE = 4000
YOUNG = 100


class SignalTest(unittest.TestCase):
    def make(self):
        made = self.enterContext(world(config_with(SLOW), now="2030-01-01T02:00:00"))
        made.insert(NOW - days(200), count=DUE)
        made.insert(NOW - days(2), count=YOUNG)
        return made

    def slices(self, made):
        with made.connection() as database:
            return read_slices(database)

    def check_interrupted(self, made, run, deleted_before):
        """The run says what it did and what is left, in its answer, its audit event and its ledger line."""
        self.assertEqual(run.finish(), INTERRUPTED, run)
        report = run.json
        deleted = report["deleted"]
        left = DUE - deleted_before - deleted
        self.assertEqual(report["outcome"], "interrupted", run)
        self.assertEqual(report["kept_by_reason"]["not_reached"], left)
        self.assertEqual(report["deleted"] + report["kept"], report["rows_before"])
        self.assertEqual(len(made.rows()), left + YOUNG)
        pieces = [piece for piece in self.slices(made) if piece.run == report["run_id"]]
        self.assertEqual(sum(piece.deleted for piece in pieces), deleted)
        self.assertEqual(sum(len(piece.keys) for piece in pieces), deleted)
        metadata = made.events(COMPLETED)[-1]["metadata"]
        self.assertEqual(metadata["run_id"], report["run_id"])
        self.assertEqual((metadata["outcome"], metadata["rows_remaining"]), ("interrupted", left))
        line = made.query("SELECT outcome, deleted FROM holdfast_run WHERE id = ?", report["run_id"])
        self.assertEqual(line, [("interrupted", deleted)])
        self.assertEqual(made.events(FAILED), [])
        return deleted, left

    def check_next_run_finishes(self, made, left):
        answer = made.run(expect=0)
        self.assertEqual((answer.json["outcome"], answer.json["deleted"]), ("completed", left), answer)
        self.assertEqual(answer.json["closed_dead_runs"], [])
        self.assertEqual(len(made.rows()), YOUNG)
        self.assertEqual(made.query("PRAGMA integrity_check"), [("ok",)])

    def stop_while_deleting(self, *numbers):
        made = self.make()
        with StartedRun(made) as run:
            self.assertTrue(wait_for_slices(made.database, 1, 3, run), run)
            for number in numbers:
                run.send(number)
            deleted, left = self.check_interrupted(made, run, 0)
        self.assertGreater(deleted, 0)
        self.assertGreater(left, 0)
        self.check_next_run_finishes(made, left)

    def test_sigint_ends_a_run_after_its_current_slice(self):
        self.stop_while_deleting(signal.SIGINT)

    def test_sigterm_ends_a_run_after_its_current_slice(self):
        self.stop_while_deleting(signal.SIGTERM)

    def test_a_second_signal_changes_nothing(self):
        self.stop_while_deleting(signal.SIGINT, signal.SIGTERM, signal.SIGINT)

    def test_a_signal_before_the_plan_ends_the_run_there(self):
        made = self.make()
        with contextlib.closing(sqlite3.connect(made.database, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")  # the run waits for it before its first write
            run = self.enterContext(StartedRun(made))
            time.sleep(0.3)
            run.send(signal.SIGTERM)
            neighbour.execute("ROLLBACK")
        self.assertEqual(run.finish(), INTERRUPTED, run)
        report = run.json
        self.assertEqual((report["outcome"], report["deleted"]), ("interrupted", 0), run)
        # Nothing was looked at, so nobody knows which rows are due.
        self.assertEqual(report["kept_by_reason"]["not_reached"], DUE + YOUNG)
        self.assertEqual(report["rows_after"], report["rows_before"] + report["appended"])
        self.assertTrue(any("stopped_while_planning" in warning for warning in report["warnings"]), run)
        self.assertEqual(made.query("SELECT outcome, phase FROM holdfast_run"), [("interrupted", "planning")])
        self.assertEqual(len(made.rows()), DUE + YOUNG)
        self.check_next_run_finishes(made, DUE)

    def test_every_run_may_be_interrupted_and_the_work_still_gets_done(self):
        made = self.make()
        gone = 0
        for run_id in range(1, 5):
            with StartedRun(made) as run:
                self.assertTrue(wait_for_slices(made.database, run_id, 2, run), run)
                run.send(signal.SIGTERM)
                deleted, left = self.check_interrupted(made, run, gone)
            gone += deleted
        self.check_next_run_finishes(made, left)

    def test_an_interrupted_run_does_not_spend_its_approval(self):
        strict = {"safety": {"first_run_needs_approval": True, "max_category_share": 0.2}}
        made = self.enterContext(world(config_with(SLOW, strict), now="2030-01-01T02:00:00"))
        made.insert(NOW - days(200), count=DUE)
        made.insert(NOW - days(2), count=YOUNG)
        digest = made.save_plan()
        made.approve(digest)
        with StartedRun(made) as run:
            self.assertTrue(wait_for_slices(made.database, 1, 3, run), run)
            run.send(signal.SIGTERM)
            _, left = self.check_interrupted(made, run, 0)
        answer = made.run(expect=0)
        self.assertEqual((answer.json["approved_plan"], answer.json["deleted"]), (digest, left), answer)


if __name__ == "__main__":
    unittest.main()

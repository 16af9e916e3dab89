# SPDX-License-Identifier: Apache-2.0
"""Rows that are committed below the highest key that others have seen: nothing is made of them, and nothing hides
behind them that Holdfast can tell."""

import json
import time
import unittest

from postgres_world import at, config_with, days, laid_over, one_sentence, postgres_world, to_ms

NOW = at("2030-01-01T02:00:00")
OLD = NOW - days(200)
YOUNG = NOW - days(5)
INSERT = "INSERT INTO audit_events (occurred_at, code{more}) VALUES ({time}, 'ACCOUNT_PROFILE_UPDATE'{values}) RETURNING id"


def insert(instant, **columns):
    more = "".join(f", {name}" for name in columns)
    values = "".join(f", '{value}'" for value in columns.values())
    return INSERT.format(time=to_ms(instant), more=more, values=values)


def wait_until(true, seconds=30):
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise AssertionError("it did not come to be in time")
        time.sleep(0.05)


def waits_for_a_lock(made):
    return made.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holdfast'"
        " AND datname = current_database() AND wait_event_type = 'Lock'"
    ) == "1"


def record(made, run):
    return json.loads(made.query("SELECT record FROM holdfast_run WHERE id = ?", run)[0][0])


class BetweenRuns(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(postgres_world())
        self.due = self.made.insert(OLD, count=5)
        with self.made.session() as other:
            other.do("BEGIN")
            self.late = int(other.do(insert(YOUNG)))
            self.young = self.made.insert(YOUNG, count=3)
            self.made.run(expect=0)
            other.do("COMMIT")

    def test_a_late_row_is_a_note(self):
        self.assertIn(self.late, self.made.ids())
        found = self.made.call("verify", "--json", expect=0).json
        self.assertTrue(any("1 rows" in note and "committed late" in note for note in found["notes"]), found)
        warnings = self.made.run(expect=0).json["warnings"]
        self.assertFalse([warning for warning in warnings if "came_back" in warning], warnings)
        between = record(self.made, 2)["between_runs"]
        self.assertEqual((between["committed_late"], between["came_back"], between["vanished"]), (1, 0, 0))
        found = self.made.call("verify", "--json", expect=0).json
        self.assertTrue(any("between run 1 and run 2" in note for note in found["notes"]), found)

    def test_a_deleted_row_that_is_back_is_no_late_row(self):
        self.made.sql(f"INSERT INTO audit_events (id, occurred_at, code) VALUES ({self.due[0]}, {to_ms(OLD)}, 'X')")
        found = self.made.call("verify", "--json", expect=1).json
        self.assertEqual([problem["reason"] for problem in found["problems"]], ["row_is_back"])

    def test_rows_that_somebody_deleted_are_missed(self):
        self.made.sql(f"DELETE FROM audit_events WHERE id IN ({self.young[0]}, {self.young[1]})")
        found = self.made.call("verify", "--json", expect=1).json
        self.assertEqual([problem["reason"] for problem in found["problems"]], ["vanished_between_runs"])


class InARun(unittest.TestCase):
    """A row is in flight when the run begins, and committed while the run waits for another row."""

    def run_while(self, made, meanwhile):
        due = made.insert(OLD, count=50)
        with made.session() as writer, made.session() as keeper:
            writer.do("BEGIN")
            late = int(writer.do(insert(YOUNG)))
            due += made.insert(OLD, count=50)
            keeper.do("BEGIN")
            keeper.do(f"SELECT 1 FROM audit_events WHERE id = {due[60]} FOR UPDATE")
            started = made.start("run", "--json")
            wait_until(lambda: waits_for_a_lock(made))
            meanwhile(keeper, due)
            writer.do("COMMIT")
            keeper.do("COMMIT")
            out, err = started.communicate(timeout=120)
        self.assertIn(late, made.ids())
        return json.loads(out), started.returncode, err

    def test_its_sums_close(self):
        with postgres_world() as made:
            report, status, err = self.run_while(made, lambda keeper, due: None)
            self.assertEqual((report["outcome"], status), ("completed", 0), err)
            self.assertEqual(set(report["reconciliation"].values()), {0})
            self.assertEqual((report["deleted"], report["appended"]), (100, 2))
            made.call("verify", expect=0)

    def test_a_planned_row_that_somebody_deletes_does_not_hide_behind_it(self):
        with postgres_world() as made:
            report, status, err = self.run_while(
                made, lambda keeper, due: keeper.do(f"DELETE FROM audit_events WHERE id = {due[60]}")
            )
            self.assertEqual(report["outcome"], "failed", err)
            self.assertEqual(report["error"]["reason"], "reconciliation")
            self.assertEqual(report["reconciliation"]["after_minus_expected"], -1)
            self.assertEqual((report["vanished"], status), (1, 1))

    def test_a_planned_row_that_gets_a_stamp_stays_and_the_others_go(self):
        """Also out of the archive, into which the slice that was taken back had begun to go."""
        with postgres_world() as made:
            folder = made.folder / "archive"
            folder.mkdir(mode=0o700)
            with made.config_file.open("a") as config:
                config.write(f'[archive]\ndirectory = "{folder}"\nkeep = "13 months"\n')
            stamp = to_ms(NOW + days(3650))
            report, status, err = self.run_while(
                made, lambda keeper, due: keeper.do(f"UPDATE audit_events SET retain_until = {stamp} WHERE id = {due[60]}")
            )
            self.assertEqual((report["outcome"], status), ("completed", 0), err)
            self.assertEqual(made.sql("SELECT count(*) FROM audit_events WHERE retain_until IS NOT NULL"
                                      f" AND occurred_at = {to_ms(OLD)}"), "1")
            self.assertEqual((report["deleted"], report["vanished"]), (99, 0))
            self.assertEqual(made.query("SELECT sum(deleted) FROM holdfast_run_slice")[0][0], 99)
            made.call("archive", "verify", expect=0)
            made.call("verify", expect=0)
            made.freeze("--everything")
            before = len(made.ids())
            made.call("archive", "restore", report["run_id"], "--as", "alice", expect=0)
            self.assertEqual(len(made.ids()) - before, 99)


    def test_a_slice_is_taken_back_behind_the_keys_that_were_read_at_once(self):
        """It begins with keys of one reading and meets the row that stays among those of the next: none of either
        is lost sight of."""
        for rows in (40_000, 70_000):
            with self.subTest(rows=rows), postgres_world() as made:
                due = made.insert(OLD, count=rows)
                stays = due[32_768 + 6]
                with made.session() as keeper:
                    keeper.do("BEGIN")
                    keeper.do(f"SELECT 1 FROM audit_events WHERE id = {due[0]} FOR UPDATE")
                    started = made.start("run", "--json")
                    wait_until(lambda made=made: waits_for_a_lock(made))
                    made.sql(f"UPDATE audit_events SET retain_until = {to_ms(NOW + days(3650))} WHERE id = {stays}")
                    keeper.do("COMMIT")
                    out, err = started.communicate(timeout=120)
                report = json.loads(out)
                self.assertEqual((report["outcome"], started.returncode), ("completed", 0), err)
                self.assertEqual((report["deleted"], report["rows_remaining"], report["vanished"]), (rows - 1, 0, 0))
                self.assertEqual([row for row in made.ids() if row in set(due)], [stays])
                self.assertEqual(made.query("SELECT sum(deleted) FROM holdfast_run_slice")[0][0], rows - 1)
                made.call("verify", expect=0)


class Others(unittest.TestCase):
    def test_a_bookmark_is_refused(self):
        with postgres_world() as made:
            made.insert(OLD, count=5)
            answer = made.call("bookmark", "set", "siem", "5", expect=2)
            one_sentence(self, answer, "bookmarks", "order of their keys", "hold")
            self.assertEqual(made.call("bookmark", "list", "--json", expect=0).json["bookmarks"], [])

    def test_an_erasure_finds_a_row_that_was_in_flight_at_its_search(self):
        """The search comes after the module's program was asked, and the lock after the search."""
        with postgres_world() as made:
            asked, answer = made.folder / "asked", made.folder / "answer"
            program = made.folder / "holds"
            program.write_text(f"#!/bin/sh\ntouch {asked}\nwhile ! [ -e {answer} ]; do sleep 0.05; done\ncat {answer}\n")
            program.chmod(0o755)
            made.sql("CREATE TABLE profiles (person text PRIMARY KEY)")
            table = {"table": "profiles", "subject": "person", "action": "delete"}
            module = {"name": "crm", "tables": [table], "holds_command": [str(program)], "time_limit": "50s"}
            made.write_config(laid_over(made.config, {"erasure": {"cool_off": "14 days", "module": [module]}}))
            made.insert(YOUNG, actor="u-1", count=2)
            words = ("erasure", "request", "--subject", "u-1", "--as", "alice", "--json")
            request = made.call(*words, expect=0).json["request"]["id"]
            made.clock.advance(hours=1)
            made.call("erasure", "approve", request, "--as", "alice", expect=0)
            made.clock.advance(days=20)
            schema = "(SELECT oid::int FROM pg_namespace WHERE nspname = 'public')"
            with made.session() as writer, made.session() as keeper:
                writer.do("BEGIN")
                late = int(writer.do(insert(YOUNG, actor="u-1")))
                made.insert(YOUNG, actor="u-2")
                started = made.start("erasure", "complete", str(request), "--as", "bob", "--json")
                wait_until(asked.exists)
                keeper.do(f"SELECT pg_advisory_lock(1212577585, {schema})")
                whole = made.folder / "whole"
                whole.write_text(json.dumps({"module": "crm", "subject": "u-1", "status": "clear", "holds": []}))
                whole.rename(answer)
                wait_until(lambda: waits_for_a_lock(made))
                writer.do("COMMIT")
                keeper.do(f"SELECT pg_advisory_unlock(1212577585, {schema})")
                out, err = started.communicate(timeout=120)
            self.assertEqual(started.returncode, 0, out + err)
            self.assertNotEqual(made.rows()[late]["actor"], "u-1")
            self.assertEqual([row for row in made.rows().values() if row["actor"] == "u-1"], [])


if __name__ == "__main__":
    unittest.main()

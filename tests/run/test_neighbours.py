# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Others at work beside a run: writers, readers that stay, an editor of the policy, a change of the schema, and two persons
who release or place a hold in the second in which an erasure is completed."""

import contextlib
import hashlib
import sqlite3
import threading
import time
import unittest

from audit_world import COMPLETED, FAILED, at, config_with, days, to_ms, world
from erasure_world import PERSON, TENANT, erasure_config, erasure_world
from run_watch import StartedRun, wait_for_slices
from slice_keys import read_slices

NOW = at("2030-01-01T02:00:00")
SLOW = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}}
DUE, YOUNG, HELD, STAMPED = 3000, 200, 100, 100
INSERT = "INSERT INTO audit_events (occurred_at, tenant, code, actor, retain_until) VALUES (?, 'acme', 'ACCOUNT_PROFILE_UPDATE', ?, ?)"
OLD_MS, FRESH_MS = to_ms(NOW - days(200)), to_ms(NOW - days(6))


class Neighbours(unittest.TestCase):
    def make(self, *changes, journal="WAL"):
        made = self.enterContext(world(config_with(SLOW, *changes)))
        with made.connection() as database:
            database.execute(f"PRAGMA journal_mode = {journal}")
            for number in range(DUE):
                database.execute(INSERT, (OLD_MS + number, "someone", None))
                if number % (DUE // HELD) == 0:
                    database.execute(INSERT, (OLD_MS + number, "mallory", None))
                    database.execute(INSERT, (OLD_MS + number, "someone", to_ms(NOW + days(50))))
            database.executemany(INSERT, [(FRESH_MS, "someone", None)] * YOUNG)
        made.place_hold({"person": "mallory"})
        self.protected = {id for id, row in made.rows().items() if self.stays(row)}
        self.assertEqual(len(self.protected), YOUNG + HELD + STAMPED)
        return made

    def stays(self, row):
        return row["actor"] == "mallory" or row["retain_until"] is not None or row["occurred_at"] >= FRESH_MS

    def started(self, made, slices=2, run_id=1):
        run = self.enterContext(StartedRun(made))
        self.assertTrue(wait_for_slices(made.database, run_id, slices, run), run)
        return run

    def check(self, made, run_events=True):
        """No protected row is gone, each deleted row is attested once, and each closed run has one event."""
        with made.connection() as database:
            slices = read_slices(database)
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        attested = [key for piece in slices for key in piece.keys]
        self.assertEqual(len(attested), len(set(attested)))
        self.assertEqual(self.protected & set(attested), set())
        self.assertLessEqual(self.protected, made.ids())
        if run_events:
            runs = made.query("SELECT count(*) FROM holdfast_run WHERE outcome IS NOT NULL")[0][0]
            self.assertEqual(len(made.events(COMPLETED, FAILED)), runs)
        return set(attested)

    def finishes(self, made):
        """The next night does what is left, and the chain is whole."""
        made.clock.advance(hours=1)
        made.run(expect=0)
        self.check(made)
        self.assertEqual(made.ids(), self.protected)
        made.call("verify", expect=0)


class Writers(Neighbours):
    def write_until(self, made, stop, written):
        with contextlib.closing(sqlite3.connect(made.database, timeout=30, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            while not stop.is_set():
                for time_ms in (OLD_MS, FRESH_MS):
                    written.append((database.execute(INSERT, (time_ms, "writer", None)).lastrowid, time_ms))
                stop.wait(0.002)

    def play(self, journal):
        made = self.make(journal=journal)
        stop, written = threading.Event(), [[], [], []]
        writers = [threading.Thread(target=self.write_until, args=(made, stop, each)) for each in written]
        for writer in writers:
            writer.start()
        reports = []
        try:
            for _ in range(3):
                with StartedRun(made) as run:
                    self.assertEqual(run.finish(), 0, run)
                reports.append(run.json)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.protected |= {id for each in written for id, time_ms in each if time_ms == FRESH_MS}
        attested = self.check(made)
        rows = {id for each in written for id, _ in each}
        self.assertGreater(len(rows), 100)
        self.assertEqual(rows - made.ids(), rows & attested, "every written row is there or attested")
        for report in reports:
            highest = report["population"]["snapshot_highest_key"]
            with made.connection() as database:
                keys = {key for piece in read_slices(database) if piece.run == report["run_id"] for key in piece.keys}
            self.assertTrue(all(key <= highest for key in keys), "a run leaves what came after its start")
            self.assertEqual(report["vanished"], 0)
        self.finishes(made)

    def test_three_writers_in_wal_mode(self):
        self.play("WAL")

    def test_three_writers_in_rollback_mode(self):
        self.play("DELETE")


class Lockers(Neighbours):
    """The long forms, a minute and more, are in test_slow_neighbours.py."""

    def test_a_writer_that_holds_the_lock_for_some_seconds_is_waited_for(self):
        for journal in ("WAL", "DELETE"):
            with self.subTest(journal=journal):
                made = self.make(journal=journal)
                run = self.started(made)
                with contextlib.closing(sqlite3.connect(made.database, timeout=20, isolation_level=None)) as neighbour:
                    neighbour.execute("BEGIN IMMEDIATE")
                    neighbour.execute(INSERT, (FRESH_MS, "neighbour", None))
                    time.sleep(2)
                    self.assertTrue(run.running, run)
                    neighbour.execute("ROLLBACK")
                self.assertEqual(run.finish(), 0, run)
                self.finishes(made)

    def test_a_reader_that_stays_pins_the_log_and_sees_what_it_saw(self):
        made = self.make()
        rows = len(made.ids())
        with contextlib.closing(sqlite3.connect(made.database, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            count = "SELECT count(*) FROM audit_events WHERE code = 'ACCOUNT_PROFILE_UPDATE'"
            self.assertEqual(reader.execute(count).fetchone(), (rows,))
            for _ in range(3):
                report = made.run(expect=0).json
                self.assertFalse(report["storage"]["wal_emptied"])
                made.clock.advance(days=1)
                self.assertEqual(reader.execute(count).fetchone(), (rows,))
            reader.execute("COMMIT")
            self.assertEqual(reader.execute(count).fetchone(), (len(self.protected),))
        self.finishes(made)

    def test_a_reader_in_rollback_mode_is_waited_for(self):
        made = self.make(journal="DELETE")
        run = self.started(made)
        with contextlib.closing(sqlite3.connect(made.database, timeout=20, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM audit_events").fetchone()
            time.sleep(2)
            self.assertTrue(run.running, run)
            reader.execute("COMMIT")
        self.assertEqual(run.finish(), 0, run)
        self.finishes(made)


class Editors(Neighbours):
    def test_a_policy_that_is_swapped_under_the_run_is_met_by_the_next(self):
        made = self.make()
        before = hashlib.sha256(made.config_file.read_bytes()).hexdigest()
        run = self.started(made)
        made.write_config(config_with(SLOW, {"retention": {"category": {"account": {"window": "1 day"}}}}))
        self.assertEqual(run.finish(), 0, run)
        self.assertIn(before, run.json["policy"]["source"])
        self.check(made)
        # The shorter window waits from the run that meets it.
        made.clock.advance(hours=1)
        report = made.run(expect=0).json
        self.assertEqual(report["deleted"], 0)
        self.assertEqual(report["kept_by_reason"]["policy_delay"], YOUNG)
        self.check(made)

    def test_a_file_that_is_written_again_and_again_is_one_policy_or_refused(self):
        made = self.make()
        texts = [made.config_file.read_text(encoding="utf-8")]
        made.write_config(config_with(SLOW, {"retention": {"category": {"account": {"window": "3 months"}}}}))
        texts.append(made.config_file.read_text(encoding="utf-8"))
        stop = threading.Event()

        def edit():
            while not stop.is_set():
                for text in texts:
                    with made.config_file.open("w", encoding="utf-8") as file:
                        for at_letter in range(0, len(text), 97):  # as an editor without a temporary file does it
                            file.write(text[at_letter : at_letter + 97])
                            file.flush()

        editor = threading.Thread(target=edit)
        editor.start()
        try:
            answers = [made.run() for _ in range(25)]
        finally:
            stop.set()
            editor.join()
        self.assertLessEqual({answer.exit_status for answer in answers}, {0, 2}, answers)
        self.check(made, run_events=False)  # what cannot be read may lack the place for its event
        self.finishes(made)


class Schemas(Neighbours):
    CHANGES = {
        "a column more": "ALTER TABLE audit_events ADD COLUMN host TEXT",
        "the subject renamed": "ALTER TABLE audit_events RENAME COLUMN actor TO who",
        "the stamp renamed": "ALTER TABLE audit_events RENAME COLUMN retain_until TO until",
        "the table renamed": "ALTER TABLE audit_events RENAME TO audit_log",
        "the table dropped and made again": "CREATE TABLE t AS SELECT * FROM audit_events; DROP TABLE audit_events;"
        "ALTER TABLE t RENAME TO audit_events",
        "the table replaced by a view": "ALTER TABLE audit_events RENAME TO t; CREATE VIEW audit_events AS SELECT * FROM t",
        "an index more": "CREATE INDEX more ON audit_events (actor)",
        "every index dropped": "",
        "a trigger that deletes": "CREATE TRIGGER greedy AFTER DELETE ON audit_events BEGIN DELETE FROM audit_events WHERE id > old.id; END",
        "a trigger that forbids": "CREATE TRIGGER strict BEFORE DELETE ON audit_events BEGIN SELECT raise(ABORT, 'no'); END",
        "a trigger that ignores": "CREATE TRIGGER sly BEFORE DELETE ON audit_events BEGIN SELECT raise(IGNORE); END",
        "a foreign key": "CREATE TABLE child (id INTEGER REFERENCES audit_events (id) ON DELETE CASCADE);"
        "INSERT INTO child SELECT id FROM audit_events",
        "the holds' terms dropped": "DROP TABLE holdfast_hold_term",
        "the holds emptied": "DELETE FROM holdfast_hold_term; DELETE FROM holdfast_hold",
        "the slices dropped": "DROP TABLE holdfast_run_slice",
        "the ledger renamed": "ALTER TABLE holdfast_run RENAME TO elsewhere",
        "another journal mode": "PRAGMA journal_mode = DELETE",
    }
    # Who takes the holds out of the register takes the rows out of them; the next run notices by the witness file.
    RELEASES = ("the holds emptied",)
    LOSES_SLICES = ("the slices dropped", "the ledger renamed")

    def test_a_change_under_the_run_takes_no_protected_row(self):
        for what, sql in self.CHANGES.items():
            with self.subTest(change=what):
                self.change(what, sql)

    def change(self, what, sql):
        made = self.make()
        with contextlib.closing(sqlite3.connect(made.database, timeout=30, isolation_level=None)) as neighbour:
            count = "SELECT count(*), group_concat(id) FROM (SELECT id FROM {} WHERE code = 'ACCOUNT_PROFILE_UPDATE')"
            run = self.started(made)
            if what == "every index dropped":
                names = neighbour.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL AND tbl_name = 'audit_events'")
                sql = ";".join(f'DROP INDEX "{name}"' for (name,) in names.fetchall())
            with contextlib.suppress(sqlite3.OperationalError):  # a journal mode may find no moment
                neighbour.executescript(sql)
            status = run.finish()
            self.assertIn(status, (0, 1, 4), run)
            self.assertNotIn("terminate called", run.log)
            tables = [name for (name,) in neighbour.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            table = next(name for name in ("audit_log", "t", "audit_events") if name in tables)
            left = {int(id) for id in neighbour.execute(count.format(table)).fetchone()[1].split(",")}
        self.assertLessEqual(self.protected if what not in self.RELEASES else set(), left, f"{what}: {run}")
        if what not in self.LOSES_SLICES:
            with contextlib.closing(sqlite3.connect(made.database)) as look:
                attested = {key for piece in read_slices(look) for key in piece.keys}
            self.assertEqual(left & attested, set())
        second = made.call("run", "--json")
        self.assertGreaterEqual(second.exit_status, 0, second)
        self.assertLess(second.exit_status, 12, second)


class Erasures(unittest.TestCase):
    """`erasure complete` and a change of the hold register in one second, in both orders and at once."""

    def race(self, made, request, words, ahead_s):
        answers = {}

        def call(name, wait_s, *said):
            time.sleep(wait_s)
            answers[name] = made.call(*said, "--json")

        done = ("erasure", "complete", request, "--as", "bob")
        calls = [("erasure", max(ahead_s, 0), *done), ("hold", max(-ahead_s, 0), *words, "--as", "alice")]
        threads = [threading.Thread(target=call, args=each) for each in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers["erasure"], answers["hold"]

    def test_a_hold_that_is_released_at_that_moment_still_counts(self):
        for ahead_s in (-0.02, 0, 0, 0.02, 0.2):
            with self.subTest(ahead_s=ahead_s), erasure_world() as made:
                made.fill()
                hold = made.freeze(f"--person={PERSON}").json["hold"]
                request = made.waiting()
                named = made.named(PERSON)
                erasure, release = self.race(made, request, ("hold", "release", hold, "--reason", "closed"), ahead_s)
                self.assertEqual((erasure.exit_status, release.exit_status), (4, 0), (erasure, release))
                self.assertEqual(erasure.json["outcome"], "blocked", erasure)
                self.assertLessEqual(named, made.named(PERSON))  # and the row that says so
                made.clock.advance(days=31)  # the grace is over
                made.complete(request)
                self.assertEqual(made.named(PERSON), set())
                made.call("verify", expect=0)

    def test_a_hold_that_is_placed_at_that_moment_blocks_or_keeps_the_tokens(self):
        seen = set()
        words = ("hold", "place", "--matter", "M-1", "--reason", "r", f"--person={PERSON}", "--future")
        for ahead_s in (-0.05, -0.01, 0, 0, 0.01, 0.05):
            with self.subTest(ahead_s=ahead_s), erasure_world(erasure_config()) as made:
                made.fill()
                made.run(expect=0)
                request = made.waiting()
                named = made.named(PERSON)
                erasure, place = self.race(made, request, words, ahead_s)
                self.assertEqual(place.exit_status, 0, place)
                seen.add(erasure.exit_status)
                if erasure.exit_status == 4:
                    self.assertLessEqual(named, made.named(PERSON), erasure)
                    continue
                self.assertEqual(erasure.exit_status, 0, erasure)
                token = made.token(TENANT)
                tokens = made.named(token)
                self.assertEqual(made.named(PERSON), set())
                made.clock.advance(days=400)
                made.call("approve", "--clock", "--as", "alice", expect=0)
                made.run(expect=0)
                self.assertEqual(made.named(token), tokens, "the hold keeps what stands for the person")
        self.assertLessEqual(seen, {0, 4})


if __name__ == "__main__":
    unittest.main()

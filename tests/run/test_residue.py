# SPDX-License-Identifier: Apache-2.0
"""What deleted rows leave in the files of the database, and that the record says so.

The table of jobs/README.md, "What is left on disk": the application writes beside the run with a connection of its own.
"""

import contextlib
import sqlite3
import unittest

from audit_world import at, config_with, days, to_ms, world

NOW = at("2030-01-01T02:00:00")
MARK = "marked-personal-text-{:05d}"
ROWS = 3000


class ResidueTest(unittest.TestCase):
    def make(self, journal="WAL"):
        made = self.enterContext(world(config_with()))
        application = self.enterContext(contextlib.closing(sqlite3.connect(made.database, timeout=20)))
        application.execute(f"PRAGMA journal_mode = {journal}")
        application.execute("PRAGMA secure_delete = ON")
        rows = [(to_ms(NOW - days(200 if n % 2 else 2)), MARK.format(n)) for n in range(ROWS)]
        sql = "INSERT INTO audit_events (occurred_at, code, metadata) VALUES (?, 'ACCOUNT_PROFILE_UPDATE', ?)"
        application.executemany(sql, rows)
        application.commit()
        return made, application

    def left(self, made, name=""):
        """How many of the deleted rows' texts stand in the file."""
        path = made.database.parent / (made.database.name + name)
        data = path.read_bytes() if path.exists() else b""
        return sum(MARK.format(n).encode() in data for n in range(1, ROWS, 2))

    def test_nothing_is_left_in_write_ahead_mode(self):
        made, application = self.make()
        self.assertEqual(self.left(made) + self.left(made, "-wal"), ROWS // 2)
        record = made.run(expect=0).json
        self.assertEqual(record["deleted"], ROWS // 2)
        self.assertEqual({name: self.left(made, name) for name in ("", "-wal", "-journal")}, {"": 0, "-wal": 0, "-journal": 0})
        self.assertTrue(record["method"]["wal_emptied"])
        self.assertIn("overwrite of freed cells and pages", record["method"]["statement"])
        self.assertEqual(application.execute("SELECT count(*) FROM audit_events").fetchone()[0], ROWS // 2 + 1)

    def test_a_reader_that_keeps_the_log_is_said(self):
        made, application = self.make()
        application.execute("BEGIN")
        application.execute("SELECT count(*) FROM audit_events").fetchone()
        record = made.run(expect=0).json
        self.assertFalse(record["method"]["wal_emptied"])
        self.assertTrue(any("kept the write-ahead log from being emptied" in fact for fact in record["method"]["facts"]))
        self.assertGreater(self.left(made) + self.left(made, "-wal"), 0)
        application.rollback()
        made.clock.advance(days=1)
        made.run(expect=0)
        self.assertEqual(self.left(made) + self.left(made, "-wal"), 0)

    def test_nothing_is_left_with_a_rollback_journal(self):
        made, _ = self.make("DELETE")
        record = made.run(expect=0).json
        self.assertEqual(record["method"]["journal_mode"], "rollback")
        self.assertEqual([self.left(made), self.left(made, "-journal")], [0, 0])

    def test_a_journal_that_is_kept_is_said(self):
        """journal_mode PERSIST is a setting of each connection: Holdfast's own goes on to take the journal away."""
        made, application = self.make("PERSIST")
        record = made.run(expect=0).json
        self.assertEqual(self.left(made), 0)
        self.assertTrue(any("journal_mode PERSIST" in fact for fact in record["method"]["facts"]))
        del application

    def test_what_the_application_leaves_goes_with_vacuum(self):
        """A writer without secure_delete leaves copies when it splits pages."""
        made, application = self.make()
        application.execute("PRAGMA secure_delete = OFF")
        application.execute("UPDATE audit_events SET metadata = metadata || hex(randomblob(900)) WHERE id % 7 = 0")
        application.commit()
        made.run(expect=0)
        application.close()
        made.call("vacuum", expect=0)
        self.assertEqual(self.left(made) + self.left(made, "-wal"), 0)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""`config new`: a configuration for a database that nobody has told Holdfast of, with which nothing is deleted."""

import contextlib
import datetime
import hashlib
import os
import sqlite3
import stat
import unittest

from audit_world import days, one_sentence, to_ms, world
from holdfast_cli import NOBODY
from ready_mappings import NOW, TABLES, build

FORMATS = {
    "unix_s": lambda time: int(time.timestamp()),
    "unix_ms": to_ms,
    "unix_us": lambda time: to_ms(time) * 1000 + 7,
    "unix_real": lambda time: time.timestamp() + 0.25,
    "iso8601": lambda time: time.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30))).isoformat(),
    "utc_text": lambda time: time.strftime("%Y-%m-%d %H:%M:%S"),
}


def files_of(folder):
    """Every file by its bytes; the memory that connections share says who reads, and only has to be there or not."""
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.is_file()}
    return files | {name: "shared" for name in files if name.endswith("-shm")}


class ConfigNew(unittest.TestCase):
    def make(self, sql="", rows=(), insert="", journal="DELETE", now="2030-01-01T02:00:00"):
        made = self.enterContext(world(init=False, now=now))
        made.config_file.unlink()
        with contextlib.closing(sqlite3.connect(made.database)) as database:
            database.execute(f"PRAGMA journal_mode = {journal}")
            database.executescript(sql)
            database.executemany(insert, rows) if rows else None
            database.commit()
        return made

    def new(self, made, *options, expect=0):
        """`config new` leaves the database and its folder as they were, but for what it writes elsewhere."""
        (made.folder / "new").mkdir(exist_ok=True)
        before = files_of(made.folder)
        answer = made.call("config", "new", "--database", made.database, "--out", "new/holdfast.toml", "--json", *options, expect=expect)
        self.assertEqual(files_of(made.folder), before)
        return answer.json

    def use(self, made):
        """Takes what was written for the configuration: it is sound, and nothing would go."""
        made.config_file = made.folder / "new" / "holdfast.toml"
        before = files_of(made.folder)
        made.call("check", expect=0)
        plan = made.plan(expect=0).json
        self.assertEqual(plan["deleted"], 0)
        self.assertEqual(files_of(made.folder), before)
        return plan

    def test_the_known_applications_get_their_mapping(self):
        for name, (table, _) in TABLES.items():
            for journal in ("DELETE", "WAL"):
                with self.subTest(name, journal=journal):
                    made = self.enterContext(world(init=False, now=NOW.isoformat()[:19]))
                    made.config_file.unlink()
                    rows = build(name, made.database, journal)
                    said = self.new(made)
                    self.assertEqual((said["application"], said["table"], said["not_ready"]), (name, table, []))
                    self.assertEqual(said["rows"], len(rows.facts))
                    self.assertEqual(said["bad_times"], sum(time is None for time, _ in rows.facts.values()))
                    good = [time for time, _ in rows.facts.values() if time is not None]
                    self.assertEqual(said["earliest"][:16], min(good).isoformat()[:16])
                    self.assertEqual(said["latest"][:16], max(good).isoformat()[:16])
                    plan = self.use(made)
                    unlisted = {code["code"] for code in plan["unknown_codes"]}
                    self.assertLessEqual(unlisted, {""}, "every code that was found is listed")

    SCHEMA = """
CREATE TABLE settings (id INTEGER PRIMARY KEY, name TEXT, updated_at INTEGER);
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, created_at INTEGER);
CREATE TABLE "audit trail" (
  entry TEXT PRIMARY KEY NOT NULL, "created at" {declared}, operation TEXT, org_uuid TEXT, actor TEXT, subject_id TEXT,
  severity TEXT, details TEXT);
"""
    INSERT = 'INSERT INTO "audit trail" VALUES (?, ?, ?, ?, ?, ?, ?, ?)'

    def trail(self, time_format, count=300, odd=0):
        rows = []
        for number in range(count):
            time = NOW - days(number) + datetime.timedelta(minutes=number)
            stored = time_format(time) if number >= odd else to_ms(time)
            what = ("LOGIN", "LOGOUT", "ACCOUNT_PROFILE_UPDATE", None, " padded")[number % 5]
            rows.append((f"e{number}", stored, what, "o", "ann", "bob", "Info", "{}"))
        return rows

    def test_an_unknown_table_in_each_time_format(self):
        for name, to_stored in FORMATS.items():
            for declared in ("", "INTEGER", "DATETIME", "TEXT"):
                if declared == "TEXT" and name.startswith("unix"):
                    continue  # SQLite makes text of numbers there, which no format reads
                with self.subTest(name, declared=declared):
                    made = self.make(self.SCHEMA.format(declared=declared), self.trail(to_stored), self.INSERT)
                    said = self.new(made)
                    self.assertEqual((said["application"], said["table"], said["time_format"]), (None, "audit trail", name))
                    self.assertEqual((said["rows"], said["bad_times"], said["without_code"]), (300, 0, 60))
                    self.assertEqual(said["latest"][:16], "2030-01-01T02:00")
                    text = (made.folder / "new" / "holdfast.toml").read_text()
                    for line in ('id = "entry"', 'time = "created at"', 'code = "operation"', 'tenant = "org_uuid"', 'actor = "actor"',
                                 'subject = "subject_id"', 'severity = "severity"', 'metadata = "details"'):
                        self.assertIn(f"\n{line}", text)
                    self.assertNotIn("\n[retention", text)
                    plan = self.use(made)
                    self.assertEqual({code["code"] for code in plan["unknown_codes"]}, {"", " padded"})
                    codes = (made.folder / "new" / "codes.tsv").read_text()
                    self.assertIn("# 60 rows\nto-decide\tLOGIN\tInfo\t\n", codes)
                    self.assertNotIn("ACCOUNT_PROFILE_UPDATE", codes)

    def test_contradictory_times_are_left_open_with_the_reason(self):
        made = self.make(self.SCHEMA.format(declared=""), self.trail(FORMATS["unix_s"], odd=30), self.INSERT)
        said = self.new(made, expect=4)
        self.assertIn("contradict each other", said["not_ready"][0])
        text = (made.folder / "new" / "holdfast.toml").read_text()
        self.assertIn('\n# time = "created at"', text)
        self.assertIn("270 of 300 sampled values are unix_s, 30 of 300 sampled values are unix_ms", text)
        self.assertIn("# NOT READY", text)

    def test_more_bad_times_than_a_run_bears_are_not_ready(self):
        for bad, expect in ((31, 4), (29, 0)):
            with self.subTest(bad=bad):
                rows = self.trail(FORMATS["unix_s"])[:1] * 3000
                rows = [(f"e{n}", "soon" if 1200 <= n < 1200 + bad else row[1], *row[2:]) for n, row in enumerate(rows)]
                made = self.make(self.SCHEMA.format(declared=""), rows, self.INSERT)
                said = self.new(made, expect=expect)
                self.assertEqual(said["bad_times"], bad)
                text = (made.folder / "new" / "holdfast.toml").read_text()
                self.assertEqual("31 of 3000 rows have a time" in text, expect == 4)
                self.assertEqual("# NOT READY" in text, expect == 4)
                self.assertEqual(bool(said["not_ready"]), expect == 4)

    def test_what_goes_wrong_with_the_database_names_the_database(self):
        made = self.make(self.SCHEMA.format(declared=""), self.trail(FORMATS["unix_s"]), self.INSERT)
        size = made.query("PRAGMA page_size")[0][0]
        root = made.query("SELECT rootpage FROM sqlite_schema WHERE type = 'table'")[0][0]
        with open(made.database, "r+b") as file:
            file.seek((root - 1) * size)
            file.write(b"\x7f" * size)
        (made.folder / "new").mkdir()
        answer = made.call("config", "new", "--database", made.database, "--out", "new/holdfast.toml", expect=1)
        one_sentence(self, answer, f"{made.database}: is damaged")
        self.assertNotIn("holdfast.toml", answer.stderr)

    def test_a_table_without_a_key_and_one_without_rows(self):
        schema = self.SCHEMA.format(declared="INTEGER").replace(" PRIMARY KEY NOT NULL", "", 1)
        made = self.make(schema, self.trail(FORMATS["unix_s"]), self.INSERT)
        self.assertIn("declares no key", self.new(made, expect=4)["not_ready"][0])
        made = self.make(self.SCHEMA.format(declared="INTEGER"))
        self.assertIn("no rows", self.new(made, expect=4)["not_ready"][0])

    def test_a_table_that_others_refer_to_says_what_to_write(self):
        schema = self.SCHEMA.format(declared="INTEGER") + 'CREATE TABLE part (e TEXT REFERENCES "audit trail" (entry));'
        made = self.make(schema, self.trail(FORMATS["unix_s"]), self.INSERT)
        self.assertIn('children = [{ table = "part", column = "e" }]', self.new(made, expect=4)["not_ready"][0])

    def test_of_several_tables_one_is_named(self):
        schema = "CREATE TABLE a_log (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, created_at INTEGER, action TEXT);"
        made = self.make(schema + schema.replace("a_log", "b_log"))
        with made.connection() as database:
            for table in ("a_log", "b_log"):
                rows = [(to_ms(NOW - days(n)), ("x", "y")[n % 2]) for n in range(50)]
                database.executemany(f"INSERT INTO {table} (created_at, action) VALUES (?, ?)", rows)
        (made.folder / "new").mkdir()
        words = ("config", "new", "--database", made.database, "--out", "new/holdfast.toml")
        one_sentence(self, made.call(*words, expect=2), "a_log", "b_log", "--table")
        one_sentence(self, made.call(*words, "--table", "b_lag", expect=2), 'did you mean "b_log"')
        said = self.new(made, "--table", "b_log")
        self.assertEqual(said["table"], "b_log")
        self.assertEqual({line["table"] for line in said["candidates"]}, {"a_log", "b_log"})
        self.use(made)

    def test_nothing_that_is_there_is_written_over(self):
        for name in ("holdfast.toml", "codes.tsv"):
            for link in (False, True):
                with self.subTest(name, link=link):
                    made = self.make(self.SCHEMA.format(declared="INTEGER"), self.trail(FORMATS["unix_s"]), self.INSERT)
                    folder = made.folder / "new"
                    folder.mkdir()
                    if link:
                        os.symlink("nowhere", folder / name)
                    else:
                        (folder / name).write_text("mine")
                    answer = made.call("config", "new", "--database", made.database, "--out", "new/holdfast.toml", expect=2)
                    one_sentence(self, answer, name, "left alone")
                    self.assertEqual([file.name for file in folder.iterdir()], [name])
                    if not link:
                        self.assertEqual((folder / name).read_text(), "mine")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_the_group_of_the_folder_may_read_what_is_new(self):
        made = self.make(self.SCHEMA.format(declared=""), self.trail(FORMATS["unix_s"]), self.INSERT)
        folder = made.folder / "new"
        folder.mkdir()
        os.chown(folder, -1, NOBODY)
        self.new(made)
        for name in ("holdfast.toml", "codes.tsv"):
            facts = (folder / name).stat()
            self.assertEqual((facts.st_gid, stat.S_IMODE(facts.st_mode)), (NOBODY, 0o640), name)

    def test_what_cannot_be_looked_at(self):
        made = self.make("CREATE TABLE settings (id INTEGER PRIMARY KEY, value TEXT);")
        words = ("config", "new", "--out", "holdfast.toml", "--database")
        one_sentence(self, made.call(*words, made.database, expect=2), "no table looks like an audit log")
        one_sentence(self, made.call(*words, "none.db", expect=1), "no such database")
        (made.folder / "text.db").write_text("this is no database, whatever its name says\n" * 40)
        one_sentence(self, made.call(*words, "text.db", expect=1), "text.db")
        one_sentence(self, made.call("config", "new", expect=2), "--database")
        self.assertFalse(made.config_file.exists())

    def test_awkward_names_come_out_as_toml(self):
        schema = 'CREATE TABLE "log""s\\" ("i d" INTEGER PRIMARY KEY, "time [UTC]" INTEGER, "the ""code""" TEXT);'
        rows = [(n, to_ms(NOW - days(n)), "a#b") for n in range(1, 60)]
        made = self.make(schema, rows, 'INSERT INTO "log""s\\" VALUES (?, ?, ?)')
        self.assertEqual(self.new(made)["table"], 'log"s\\')
        self.use(made)

    def test_a_write_ahead_log_that_is_in_use_is_read_and_left(self):
        made = self.make(self.SCHEMA.format(declared="INTEGER"), self.trail(FORMATS["unix_s"]), self.INSERT, journal="WAL")
        with contextlib.closing(sqlite3.connect(made.database, isolation_level=None)) as application:
            application.execute('DELETE FROM "audit trail" WHERE entry = \'e7\'')
            self.assertEqual(self.new(made)["rows"], 299)
            self.use(made)
            application.execute('DELETE FROM "audit trail" WHERE entry = \'e8\'')
        self.assertEqual(made.query('SELECT count(*) FROM "audit trail"'), [(298,)])

    def test_the_text_for_people(self):
        made = self.make(self.SCHEMA.format(declared="INTEGER"), self.trail(FORMATS["unix_s"]), self.INSERT)
        (made.folder / "new").mkdir()
        answer = made.call("config", "new", "--database", made.database, "--out", "new/holdfast.toml", expect=0)
        for word in ("audit trail", "holds times", "300 rows", "unix_s", "wrote", "nothing would be deleted"):
            self.assertIn(word, answer.stdout)


class Mistyped(unittest.TestCase):
    def test_the_nearest_verb_or_option_is_named(self):
        cases = {
            ("runn",): '"run"',
            ("config", "nwe"): '"new"',
            ("plan", "--sav"): '"--save"',
            ("plan", "--as-off=2030-01-01"): '"--as-of"',
            ("hold", "place", "--mater", "x"): '"--matter"',
            ("check", "--jsn"): '"--json"',
        }
        with world(init=False) as made:
            for words, meant in cases.items():
                with self.subTest(words):
                    one_sentence(self, made.call(*words, expect=2), f"did you mean {meant}?")
            self.assertNotIn("did you mean", made.call("plan", "--zzzzzzzz", expect=2).stderr)


if __name__ == "__main__":
    unittest.main()

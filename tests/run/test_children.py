# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Child tables: their rows go with the row of the log that they name, in its transaction, and with no other."""

import contextlib
import json
import sqlite3
import time
import unittest

from audit_world import FAILED, Untouched, at, config_with, days, deletable_from, one_sentence, to_ms, world
from figures_check import check_plan_equals_run, check_sums
from run_watch import StartedRun, wait_for_slices
from slice_keys import read_slices

NOW = at("2030-01-01T02:00:00")
CHILDREN = [{"table": "detail", "column": "event_id"}]
SCHEMA = """
CREATE TABLE audit_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, occurred_at INTEGER NOT NULL, tenant TEXT, code TEXT NOT NULL, actor TEXT);
CREATE TABLE detail (detail_id INTEGER PRIMARY KEY, event_id INTEGER REFERENCES audit_events (id), body TEXT);
CREATE INDEX by_event ON detail (event_id);
CREATE TABLE kept (id INTEGER PRIMARY KEY, body TEXT);
"""


def child_config(*changes, children=CHILDREN):
    """`children` as one inline array, which the helper that writes TOML gives."""
    return config_with({"events": {"children": children}}, *changes)


@contextlib.contextmanager
def child_world(config=None, schema=SCHEMA, journal="WAL"):
    with world(child_config() if config is None else config, init=False) as made:
        with contextlib.closing(sqlite3.connect(made.database)) as database:
            database.execute(f"PRAGMA journal_mode = {journal}")
            database.executescript(schema)
        yield made


def fill(made, count=300, details=3):
    """Events of every age, every third of a code that nothing is known of; each has 0 to `details` - 1 details."""
    with made.connection() as database:
        for number in range(1, count + 1):
            code = "UNKNOWN" if number % 3 == 0 else "ACCOUNT_PROFILE_UPDATE"
            row = (number, to_ms(NOW - days(number)), "acme", code, f"u{number % 7}")
            database.execute("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?)", row)
            for part in range(number % details):
                database.execute("INSERT INTO detail (event_id, body) VALUES (?, ?)", (number, f"{number}.{part}"))
        # Neither a row that names nobody nor one that names nobody who is there ever goes.
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("INSERT INTO detail (event_id, body) VALUES (NULL, 'no event'), (1000000, 'no such event')")


def due(count=300):
    return {n for n in range(1, count + 1) if n % 3 and deletable_from(NOW - days(n), "90 days") <= NOW}


def details_left(made):
    return made.query("SELECT event_id, body FROM detail ORDER BY detail_id")


class Pruned(unittest.TestCase):
    def test_details_go_with_their_events_and_with_no_other(self):
        for journal in ("WAL", "DELETE"):
            with self.subTest(journal), child_world(journal=journal) as made:
                fill(made)
                before = details_left(made)
                made.call("check", expect=0)
                made.init()
                plan = made.plan().json
                report = made.run(expect=0).json
                check_sums(self, report)
                check_plan_equals_run(self, plan, report)
                gone = [line for line in before if line[0] in due()]
                self.assertEqual(details_left(made), [line for line in before if line[0] not in due()])
                counted = [{"table": "detail", "rows": len(gone)}]
                self.assertEqual((plan["children_deleted"], report["children_deleted"]), (counted, counted))
                self.assertEqual(report["deleted"], len(due()))
                self.assertEqual(made.query("PRAGMA foreign_key_check"), [("detail", len(before), "audit_events", 0)])
                self.assertIn(f"detail {len(gone)}", made.call("report", expect=0).stdout)
                made.call("verify", expect=0)

    def test_with_guards_the_details_go_too(self):
        with child_world() as made:
            fill(made)
            before = details_left(made)
            made.call("init", "--guard", expect=0)
            self.assertEqual(made.run(expect=0).json["deleted"], len(due()))
            self.assertEqual(details_left(made), [line for line in before if line[0] not in due()])

    def test_without_an_index_each_row_is_a_look_at_the_clock_and_the_check_names_it(self):
        with child_world(schema=SCHEMA.replace("CREATE INDEX by_event ON detail (event_id);", "")) as made:
            fill(made)
            self.assertIn('CREATE INDEX "detail_event_id" ON "detail" ("event_id")', made.call("check", expect=0).stdout)
            made.init()
            self.assertEqual(made.plan().json["children_deleted"], [{"table": "detail", "rows": None}])
            self.assertIn("detail (not counted)", made.call("plan", expect=0).stdout)
            before = details_left(made)
            made.run(expect=0)
            self.assertEqual(details_left(made), [line for line in before if line[0] not in due()])

    def test_the_check_says_what_an_erasure_leaves_in_them(self):
        module = {"name": "crm", "tables": [{"table": "kept", "subject": "body", "action": "delete"}], "holds_sql": "SELECT 1 AS id WHERE 0"}
        says = 'an erasure leaves the rows of "detail" ([events].children) as they are'
        for modules in ([], [module]):
            with self.subTest(modules=len(modules)), child_world(child_config({"erasure": {"module": modules}} if modules else {})) as made:
                fill(made)
                self.assertEqual(says in made.call("check", expect=(0, 4)).stdout, bool(modules))

    def test_a_hold_keeps_the_details_with_their_event(self):
        with child_world() as made:
            fill(made)
            made.init()
            made.freeze("--person=u5")
            before = details_left(made)
            made.run(expect=0)
            gone = {n for n in due() if n % 7 != 5}
            self.assertEqual(details_left(made), [line for line in before if line[0] not in gone])

    def test_a_hold_that_comes_under_the_run_keeps_both(self):
        slow = {"run": {"max_lock": "20ms", "max_lock_idle": "20ms"}}
        with child_world(child_config(slow)) as made:
            with made.connection() as database:
                rows = [(n, to_ms(NOW - days(400)), "acme", "ACCOUNT_PROFILE_UPDATE", "u1") for n in range(1, 20_001)]
                rows[-1] = (*rows[-1][:4], "late")
                database.executemany("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?)", rows)
                database.executemany("INSERT INTO detail (event_id, body) VALUES (?, 'x')", [(n,) for n in range(1, 20_001)])
            made.init()
            with StartedRun(made) as run:
                self.assertTrue(wait_for_slices(made.database, 1, 1, run), run)
                made.freeze("--person=late")
                self.assertEqual(run.finish(), 0, run)
            left = made.query("SELECT id FROM audit_events")
            self.assertEqual(made.query("SELECT event_id FROM detail"), left)
            self.assertEqual(left, [(20_000,)])

    def test_an_erasure_takes_details_with_the_events_it_deletes(self):
        with child_world() as made:
            fill(made)
            made.init()
            made.run(expect=0)
            before = details_left(made)
            with made.connection() as database:
                row = (5000, to_ms(NOW - days(400)), "acme", "ACCOUNT_PROFILE_UPDATE", "u5")
                database.execute("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?)", row)
                database.execute("INSERT INTO detail (event_id, body) VALUES (5000, 'late')")
            words = ("erasure", "request", "--tenant", "acme", "--subject", "u5", "--as", "alice", "--json")
            request = made.call(*words, expect=0).json["request"]["id"]
            made.call("erasure", "approve", request, "--as", "bob", expect=0)
            made.clock.advance(days=20)
            made.call("approve", "--clock", "--as", "alice", expect=0)
            answer = made.call("erasure", "complete", request, "--as", "alice", "--json", expect=0).json
            self.assertNotIn((5000, "late"), details_left(made))
            self.assertIn('"children_deleted"', json.dumps(answer) + made.call("erasure", "show", request, "--json", expect=0).stdout)
            kept = {line[0] for line in before} - {5000}
            self.assertLessEqual({line[0] for line in details_left(made)}, kept)

    def test_a_restored_event_comes_without_its_details_and_the_check_says_so(self):
        archive = {"archive": {"directory": "archive", "keep": "13 months"}}
        with child_world(child_config(archive)) as made:
            (made.folder / "archive").mkdir()
            fill(made)
            made.init()
            checked = made.call("check", "--json", expect=0).json
            sentences = [f["message"] for f in checked["findings"] if "archive" in f["message"] and "detail" in f["message"]]
            self.assertEqual(len(sentences), 1, checked)
            made.run(expect=0)
            left = details_left(made)
            record = made.call("report", "--json", expect=0).json
            self.assertTrue(any("detail" in fact for fact in record["method"]["facts"]), record["method"])
            restored = made.call("archive", "restore", "1", "--as", "alice", "--json", expect=0).json
            self.assertTrue(any("detail" in advice for advice in restored["advice"]), restored)
            self.assertEqual(len(made.query("SELECT 1 FROM audit_events")), 300)
            self.assertEqual(details_left(made), left)
            made.call("verify", expect=0)


class Refused(unittest.TestCase):
    def refused(self, made, *words):
        before = Untouched(made.database)
        for verb in ("check", "plan", "init"):
            one_sentence(self, made.call(verb, expect=2), *words)
            self.assertEqual(before.differences(), "")

    def test_a_foreign_key_that_is_not_declared(self):
        for action in ("", "ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE RESTRICT"):
            schema = SCHEMA + f"CREATE TABLE note (event INTEGER REFERENCES audit_events (id) {action});"
            with self.subTest(action), child_world(schema=schema) as made:
                fill(made, 10)
                self.refused(made, '"note"', '"event"', 'children = [{ table = "note", column = "event" }]')
                finding = made.call("check", "--json", expect=2).json["findings"][0]
                self.assertEqual(finding["weight"], "wrong")
                self.assertIn('"note"', finding["message"])

    def test_a_child_that_is_the_log_itself(self):
        config = child_config(children=[{"table": "audit_events", "column": "id"}])
        with child_world(config, "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT)") as made:
            self.refused(made, "is the audit log itself")

    def test_rows_that_several_events_share(self):
        schema = """CREATE TABLE event_data (data_id INTEGER PRIMARY KEY, body TEXT);
                    CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT,
                      data_id INTEGER REFERENCES event_data (data_id))"""
        with child_world(child_config(children=[{"table": "event_data", "column": "data_id"}]), schema) as made:
            self.refused(made, "event_data", "share")

    def test_keys_of_the_configuration(self):
        for children, words in (
            ([{"table": "detail"}], ("column",)),
            ([{"column": "event_id"}], ("table",)),
            ([{"table": "detail", "column": []}], ("column",)),
            ([{"table": "detail", "colum": "event_id", "column": "event_id"}], ("colum", "column")),
            ("detail", ("children",)),
        ):
            with self.subTest(str(children)), child_world(child_config(children=children)) as made:
                answer = made.call("check", expect=2)
                for word in words:
                    self.assertIn(word, answer.stderr)

    def test_both_forms_of_toml_are_one(self):
        text = '[database]\npath = "audit.db"\n[[events.children]]\ntable = "detail"\ncolumn = "event_id"\n'
        text += '[retention.category]\naccount = { window = "90 days", basis = "test" }\n'
        text += "[safety]\nfirst_run_needs_approval = false\nmax_category_share = 1.0\n"
        with child_world(text) as made:
            fill(made)
            made.init()
            self.assertEqual(made.run(expect=0).json["deleted"], len(due()))


class Loosened(unittest.TestCase):
    def test_a_child_that_is_declared_later_waits_and_keeps_everything_until_then(self):
        with child_world(config_with(), SCHEMA.replace(" REFERENCES audit_events (id)", "")) as made:
            fill(made, 300)
            made.init()
            made.run(expect=0)
            with made.connection() as database:
                row = (5000, to_ms(NOW - days(400)), "acme", "ACCOUNT_PROFILE_UPDATE", "u5")
                database.execute("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?)", row)
                database.execute("INSERT INTO detail (event_id, body) VALUES (5000, 'late')")
            made.write_config(child_config())
            made.clock.advance(days=1)
            report = made.run(expect=0).json
            self.assertEqual(report["deleted"], 0)
            self.assertGreaterEqual(report["kept_by_reason"]["policy_delay"], 1)
            self.assertIn((5000, "late"), details_left(made))
            made.clock.advance(days=8)
            self.assertGreaterEqual(made.run(expect=0).json["deleted"], 1)
            self.assertEqual(made.query("SELECT count(*) FROM detail WHERE event_id = 5000"), [(0,)])


class UnderTheRun(unittest.TestCase):
    CHANGES = {
        "a cascade onto the log": "CREATE TABLE late (event INTEGER REFERENCES audit_events (id) ON DELETE CASCADE);"
        "INSERT INTO late SELECT id FROM audit_events",
        "a cascade onto the child": "CREATE TABLE late (d INTEGER REFERENCES detail (detail_id) ON DELETE CASCADE);"
        "INSERT INTO late SELECT detail_id FROM detail",
        "a trigger on the child": "CREATE TRIGGER late AFTER DELETE ON detail BEGIN DELETE FROM kept; END",
        "the child renamed": "ALTER TABLE detail RENAME TO late",
    }

    def test_a_change_under_the_run_stops_it_and_takes_nothing_along(self):
        for what, sql in self.CHANGES.items():
            with self.subTest(what):
                self.change(sql)

    def change(self, sql):
        slow = {"run": {"max_lock": "5ms", "max_lock_idle": "5ms"}}
        with child_world(child_config(slow)) as made:
            with made.connection() as database:
                rows = [(n, to_ms(NOW - days(400)), "acme", "ACCOUNT_PROFILE_UPDATE", "u1") for n in range(1, 40_001)]
                database.executemany("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?)", rows)
                database.executemany("INSERT INTO detail (event_id, body) VALUES (?, 'x')", [(n,) for n in range(1, 40_001)])
                database.execute("INSERT INTO kept (body) VALUES ('kept')")
            made.init()
            with StartedRun(made) as run:
                self.assertTrue(wait_for_slices(made.database, 1, 1, run), run)
                with contextlib.closing(sqlite3.connect(made.database, timeout=30)) as neighbour:
                    neighbour.executescript(sql)
                    late = neighbour.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'late'").fetchone()
                    rows = neighbour.execute("SELECT count(*) FROM late").fetchone() if late else None
                self.assertEqual(run.finish(), 1, run)
            if late:
                self.assertEqual(made.query("SELECT count(*) FROM late"), [rows])
            self.assertEqual(made.query("SELECT body FROM kept"), [("kept",)])
            with made.connection() as database:
                attested = {key for piece in read_slices(database) for key in piece.keys}
            left = {id for (id,) in made.query("SELECT id FROM audit_events")}
            self.assertEqual(left, set(range(1, 40_001)) - attested)
            second = made.call("run", "--json", expect=2)
            self.assertEqual(second.json["outcome"], "invalid")
            self.assertEqual(made.query("SELECT count(*) FROM audit_events"), [(len(left),)])

    def test_a_killed_run_is_closed_with_the_details_that_went(self):
        slow = {"run": {"max_lock": "5ms", "max_lock_idle": "5ms"}}
        with child_world(child_config(slow)) as made:
            with made.connection() as database:
                rows = [(n, to_ms(NOW - days(400)), "acme", "ACCOUNT_PROFILE_UPDATE", "u1") for n in range(1, 40_001)]
                database.executemany("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?)", rows)
                database.executemany("INSERT INTO detail (event_id, body) VALUES (?, 'x')", [(n,) for n in range(1, 40_001)])
            made.init()
            with StartedRun(made) as run:
                self.assertTrue(wait_for_slices(made.database, 1, 2, run), run)
                run.kill()
            time.sleep(0.1)
            gone = 40_000 - made.query("SELECT count(*) FROM detail")[0][0]
            self.assertGreater(gone, 0)
            made.clock.advance(hours=1)
            made.run(expect=0)
            record = json.loads(made.query("SELECT record FROM holdfast_run WHERE id = 1")[0][0])
            self.assertEqual(record["children_deleted"], [{"table": "detail", "rows": gone}])
            self.assertEqual(made.query("SELECT count(*) FROM detail"), [(0,)])
            made.call("verify", expect=0)
            self.assertEqual(made.query("SELECT code FROM holdfast_event ORDER BY id LIMIT 1"), [(FAILED,)])


if __name__ == "__main__":
    unittest.main()

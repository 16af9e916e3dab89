# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Holdfast over tables that it did not make: nothing but a config, and an independent count of what has to go."""

import contextlib
import datetime
import hashlib
import shutil
import sqlite3
import unittest

from audit_world import Untouched, at, config_with, days, deletable_from, logical_dump, shared_data, to_ms, world
from figures_check import check_plan, check_plan_equals_run, check_sums
from holdfast_cli import UTC

NOW = at("2030-01-01T02:00:00")
WINDOWS = {
    "ACCOUNT_PROFILE_UPDATE": "90 days",
    "ACCOUNT_MFA_DEVICE_VERIFIED": "1 month",
    "ACCOUNT_SESSION_REVOKED": "1 year",
}
CODES = (*WINDOWS, "NOT_OF_THE_CATALOGUE")
CATEGORIES = {"account": "90 days", "mfa": "1 month", "sessions": "1 year"}
INDIA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))


def text_time(time):
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")


HEAD = "category\tcode\tseverity\tdescription\n"
OLD = at("2020-01-01")
FORMATS = {
    "unix_s": lambda time: to_ms(time) // 1000,
    "unix_ms": to_ms,
    "unix_us": lambda time: to_ms(time) * 1000,
    "unix_real": lambda time: to_ms(time) / 1000,
    "iso8601": lambda time: time.astimezone(INDIA).isoformat(),
    "utc_text": text_time,
}
# The columns of the key, how it is declared, and what stands in it for row number n of `count`.
KEYS = {
    "integer": ("id INTEGER PRIMARY KEY, ", "", ["id"], lambda n: (n,)),
    "autoincrement": ("id INTEGER PRIMARY KEY AUTOINCREMENT, ", "", ["id"], lambda n: (n,)),
    "descending integer": ("id INTEGER PRIMARY KEY DESC, ", "", ["id"], lambda n: (n * 7 - 100,)),
    "int that is no rowid": ("id INT PRIMARY KEY NOT NULL, ", "", ["id"], lambda n: (-n,)),
    "text": ("id TEXT PRIMARY KEY NOT NULL, ", "", ["id"], lambda n: (f"key-é-{n % 7}-{n}",)),
    "blob": ("id BLOB PRIMARY KEY NOT NULL, ", "", ["id"], lambda n: (hashlib.md5(str(n).encode()).digest(),)),
    "unique column": ("id TEXT NOT NULL UNIQUE, ", "", ["id"], lambda n: (f"{n:04}",)),
    "composite": (
        "org TEXT NOT NULL, seq INTEGER NOT NULL, ",
        ", PRIMARY KEY (org, seq)",
        ["org", "seq"],
        lambda n: (f"o{n % 3}", n),
    ),
    "composite descending": (
        "org TEXT NOT NULL, seq INTEGER NOT NULL, ",
        ", PRIMARY KEY (org, seq DESC)",
        ["org", "seq"],
        lambda n: (f"o{n % 3}", n),
    ),
    "text without rowid": ("id TEXT PRIMARY KEY NOT NULL, ", ") WITHOUT ROWID -- ", ["id"], lambda n: (f"{n}",)),
    "composite without rowid": (
        "org TEXT NOT NULL, seq BLOB NOT NULL, ", ", PRIMARY KEY (org, seq)) WITHOUT ROWID -- ", ["org", "seq"],
        lambda n: (f"o{n % 3}", n.to_bytes(2, "big")),
    ),
}


def sample():
    """Times of every age with the edge of each window among them, and a code for each."""
    rows = []
    for number in range(400):
        rows.append((NOW - days(number) - datetime.timedelta(hours=number % 24), CODES[number % len(CODES)]))
    for code, window in WINDOWS.items():
        edge = max(day for day in (NOW - days(n) for n in range(500)) if deletable_from(day, window) <= NOW)
        start_of_day = datetime.datetime(edge.year, edge.month, edge.day, 10, tzinfo=UTC)
        for seconds in (-1, 0, 1):
            rows += [(start_of_day + datetime.timedelta(days=day, seconds=seconds), code) for day in (-1, 0, 1)]
    return rows


def may_go(time, code):
    return code in WINDOWS and deletable_from(time, WINDOWS[code]) <= NOW


class Foreign(unittest.TestCase):
    """A table `log entries` with awkward names, in a database without anything of Holdfast's."""

    def build(self, made, key, time_format, journal="delete", extra=""):
        before_columns, after_columns, columns, key_of = KEYS[key]
        others = '"when" , "order" TEXT, "group" TEXT, who TEXT'
        sql = f'CREATE TABLE "log entries" ({before_columns}{others}{after_columns})'
        if after_columns.endswith("-- "):
            sql = sql.removesuffix(")")
        with contextlib.closing(sqlite3.connect(made.database)) as database:
            database.execute(f"PRAGMA journal_mode = {journal}")
            database.execute(sql)
            names = ", ".join([*columns, '"when"', '"order"', '"group"', "who"])
            insert = f'INSERT INTO "log entries" ({names}) VALUES ({", ".join("?" * (len(columns) + 4))})'
            self.rows = {}
            for number, (time, code) in enumerate(sample(), start=1):
                tenant = ("acme", "globex", None)[number % 3]
                database.execute(insert, (*key_of(number), FORMATS[time_format](time), code, tenant, f"u{number % 5}"))
                self.rows[key_of(number)] = (time, code)
            if extra:
                database.execute(extra)
            database.commit()
        columns = columns if len(columns) > 1 else columns[0]
        mapping = {"table": "log entries", "id": columns, "time": "when", "time_format": time_format, "code": "order"}
        mapping |= {"tenant": "group", "actor": "who"}
        config = config_with(events=mapping)
        config["retention"]["category"] = {name: {"window": window} for name, window in CATEGORIES.items()}
        made.write_config(config)
        self.columns = columns if isinstance(columns, list) else [columns]

    def keys_left(self, made):
        return set(made.query(f'SELECT {", ".join(self.columns)} FROM "log entries"'))

    def prune(self, made, key):
        made.call("check", expect=0)
        made.init()
        plan, reasons = made.plan_rows()
        check_plan(self, plan.json)
        self.assertEqual(len(reasons), len(self.rows))
        report = made.run(expect=0).json
        check_sums(self, report)
        check_plan_equals_run(self, plan.json, report)
        expected = {row_key for row_key, row in self.rows.items() if not may_go(*row)}
        if key == "integer":
            expected.add(max(self.rows))
        left = self.keys_left(made)
        self.assertEqual(left - expected, set(), "still there")
        self.assertEqual(expected - left, set(), "gone too early")
        self.assertEqual(report["rows_after"], len(left))
        unknown = sum(code not in WINDOWS for _, code in self.rows.values())
        self.assertEqual(report["kept_by_reason"]["unknown_code"], unknown)
        self.assertEqual(made.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(len(made.query("SELECT 1 FROM holdfast_event")), 1)
        made.clock.advance(hours=1)
        self.assertEqual(made.run(expect=0).json["deleted"], 0)

    def test_every_kind_of_key(self):
        for key in KEYS:
            for journal in ("delete", "wal"):
                with self.subTest(key=key, journal=journal), world(init=False) as made:
                    self.build(made, key, "unix_ms", journal)
                    self.prune(made, key)
                    self.assertEqual(made.query("PRAGMA journal_mode"), [(journal,)])

    def test_every_time_format(self):
        for time_format in FORMATS:
            for extra in ("", 'CREATE INDEX by_code ON "log entries" ("order", "when", "group")'):
                with self.subTest(time_format, index=bool(extra)), world(init=False) as made:
                    self.build(made, "autoincrement", time_format, extra=extra)
                    self.prune(made, "autoincrement")

    def test_explain_and_hold_by_key_for_every_kind_of_key(self):
        for key in KEYS:
            with self.subTest(key=key), world(init=False) as made:
                self.build(made, key, "unix_ms")
                made.init()
                reasons = made.plan_rows()[1]
                for name in [next(k for k, r in reasons.items() if r == wanted) for wanted in ("expired", "window")]:
                    self.assertEqual(made.explain(name)["reason"], reasons[name], name)
                held = next(k for k, r in reasons.items() if r == "expired")
                self.assertEqual(made.freeze(f"--event-id={held}").json["rows"], 1)
                self.assertEqual(made.explain(held)["reason"], "hold")
                gone = [k for k, r in reasons.items() if r == "expired"][1]
                made.run(expect=0)
                self.assertIn(held, made.plan_rows()[1])
                self.assertEqual(made.explain(gone)["gone"]["run"], 1, gone)

    def test_the_highest_key_stays_where_it_would_be_given_out_again(self):
        for key, stays in (("integer", True), ("autoincrement", False), ("text", False), ("descending integer", False)):
            with self.subTest(key), world(init=False) as made:
                self.build(made, key, "unix_ms")
                with made.connection() as database:
                    database.execute('UPDATE "log entries" SET "when" = ?, "order" = ?', (to_ms(OLD), CODES[0]))
                made.init()
                report = made.run(expect=0).json
                self.assertEqual(report["kept_by_reason"]["newest_id"], int(stays))
                self.assertEqual(self.keys_left(made), {max(self.rows)} if stays else set())

    def test_bookmarks_want_keys_that_go_upwards(self):
        for key, allowed in (("integer", True), ("text", False), ("composite", False), ("descending integer", False)):
            with self.subTest(key), world(init=False) as made:
                self.build(made, key, "unix_ms")
                made.init()
                made.call("bookmark", "set", "webhooks", "7", "--as", "alice", expect=0 if allowed else 2)

    def test_init_and_remove_leave_the_log_as_it_was(self):
        for journal in ("delete", "wal"):
            with self.subTest(journal), world(init=False) as made:
                self.build(made, "composite without rowid", "unix_ms", journal)
                before = logical_dump(made.database)
                made.init()
                made.init()
                self.assertEqual(logical_dump(made.database)[1]["log entries"], before[1]["log entries"])
                made.call("init", "--remove", expect=0)
                self.assertEqual(logical_dump(made.database), before)

    def test_own_events_in_a_table_that_cannot_take_them_is_refused(self):
        with world(init=False) as made:
            self.build(made, "integer", "unix_ms")
            config = made.config_file.read_text().replace("[events]\n", '[events]\nown_events = "log"\n')
            made.write_config(config)
            before = Untouched(made.database)
            for verb in ("plan", "init"):
                answer = made.call(verb, expect=2)
                self.assertIn("own_events", answer.stderr)
            self.assertEqual(before.differences(), "")


class KnownApplications(unittest.TestCase):
    def counted(self, made, expected_left, table):
        report = made.run(expect=0).json
        check_sums(self, report)
        left = {key for (key,) in made.query(f"SELECT {expected_left[0]} FROM {table}")}
        self.assertEqual(left, expected_left[1])
        return report

    def test_vaultwarden_integer_codes_and_text_keys(self):
        with world(init=False) as made:
            rows = {}
            with contextlib.closing(sqlite3.connect(made.database)) as database:
                database.execute(
                    "CREATE TABLE event (uuid CHAR(36) NOT NULL PRIMARY KEY, event_type INTEGER NOT NULL, "
                    "user_uuid CHAR(36), org_uuid CHAR(36), act_user_uuid CHAR(36), ip_address TEXT, event_date DATETIME NOT NULL)"
                )
                for number in range(300):
                    key, kind, time = f"uuid-{number:03}", (1000, 1007, 1500)[number % 3], NOW - days(number)
                    rows[key] = (kind, time)
                    sql = "INSERT INTO event (uuid, event_type, org_uuid, event_date) VALUES (?, ?, ?, ?)"
                    database.execute(sql, (key, kind, f"org-{number % 2}", time.strftime("%Y-%m-%d %H:%M:%S.%f")))
                database.commit()
            codes = HEAD + "vault-user\t1000\tInfo\tA user.\nvault-user\t1007\tInfo\tA user too.\n"
            (made.folder / "codes.tsv").write_text(codes)
            mapping = {"table": "event", "id": "uuid", "time": "event_date", "time_format": "utc_text"}
            mapping |= {"code": "event_type"}
            config = config_with(
                events=mapping | {"tenant": "org_uuid", "actor": "act_user_uuid", "subject": "user_uuid"},
                catalogue={"built_in": False, "extend": "codes.tsv"},
            )
            config["retention"] = {
                "category": {"vault-user": {"window": "100 days"}},
                "code": {"1007": {"at_least": "200 days"}},
            }
            made.write_config(config)
            made.init()
            periods = {1000: "100 days", 1007: "200 days"}
            left = {k for k, (kind, time) in rows.items() if kind == 1500 or deletable_from(time, periods[kind]) > NOW}
            report = self.counted(made, ("uuid", left), "event")
            self.assertEqual(report["kept_by_reason"]["unknown_code"], 100)
            self.assertGreater(report["kept_by_reason"]["code_floor"], 0)

    def test_home_assistant_floats_nulls_and_a_lookup_table(self):
        with world(init=False) as made:
            rows = {}
            with contextlib.closing(sqlite3.connect(made.database)) as database:
                database.execute("CREATE TABLE event_types (event_type_id INTEGER PRIMARY KEY, event_type VARCHAR(64))")
                columns = "event_id INTEGER PRIMARY KEY, event_type_id INTEGER, time_fired_ts FLOAT"
                database.execute(f"CREATE TABLE events ({columns})")
                database.execute("CREATE INDEX ix ON events (event_type_id, time_fired_ts)")
                types = [(1, "state_changed"), (2, "call_service"), (3, None)]
                database.executemany("INSERT INTO event_types VALUES (?, ?)", types)
                for number in range(1, 301):
                    kind, time = (1, 2, 3, 9, None)[number % 5], NOW - days(number / 2)
                    stored = None if number % 100 == 0 else time.timestamp()
                    rows[number] = (kind, time, stored)
                    database.execute("INSERT INTO events VALUES (?, ?, ?)", (number, kind, stored))
                database.commit()
            text = HEAD + "home\tstate_changed\tInfo\tA state.\nhome\tcall_service\tInfo\tA call.\n"
            (made.folder / "codes.tsv").write_text(text)
            mapping = {"table": "events", "id": "event_id", "time": "time_fired_ts", "time_format": "unix_real"}
            mapping |= {"code": "event_type_id"}
            mapping["code_lookup"] = {"table": "event_types", "key": "event_type_id", "text": "event_type"}
            config = config_with({"safety": {"max_bad_time_share": 0.05}}, events=mapping)
            config |= {"catalogue": {"built_in": False, "extend": "codes.tsv"}}
            config["retention"] = {"category": {"home": {"window": "60 days"}}}
            made.write_config(config)
            made.init()
            known = {key: time for key, (kind, time, stored) in rows.items() if kind in (1, 2) and stored}
            goes = {key for key, time in known.items() if deletable_from(time, "60 days") <= NOW}
            report = self.counted(made, ("event_id", set(rows) - goes), "events")
            self.assertEqual(report["deleted"], len(goes))
            self.assertEqual(report["kept_by_reason"]["bad_time"], 3)

    def test_codes_that_look_alike_are_told_apart(self):
        """A text "1" and an integer 1 are one code, and neither is "01" or 1.0 written as text."""
        with world(init=False) as made:
            with contextlib.closing(sqlite3.connect(made.database)) as database:
                database.execute("CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, code)")
                values = (1, "1", "01", "1.0", " 1", b"1", None, "")
                database.executemany("INSERT INTO log (at, code) VALUES (?, ?)", [(to_ms(OLD), v) for v in values])
                database.commit()
            (made.folder / "codes.tsv").write_text(HEAD + "own\t1\tInfo\tOne.\n")
            config = config_with(
                events={"table": "log", "time": "at"}, catalogue={"built_in": False, "extend": "codes.tsv"}
            )
            config["retention"] = {"category": {"own": {"window": "60 days"}}}
            made.write_config(config)
            made.init()
            made.run(expect=0)
            left = [code for (code,) in made.query("SELECT code FROM log ORDER BY id")]
            self.assertEqual(left[-6:], ["01", "1.0", " 1", b"1", None, ""])
            self.assertNotIn(1, left)


class Superset(unittest.TestCase):
    """The `logs` table of a real Superset, pruned with nothing but a config file and a list of its actions."""

    NOW = at("2023-04-19T12:00:00")
    CUT_OFF = "2023-01-17 10:00:00"  # 90 days, by hand: 19 April - 2 days - 90 days, the day after, less 14 hours

    def test_the_logs_table_is_pruned(self):
        with world(init=False, now="2023-04-19T12:00:00") as made:
            shutil.copyfile(shared_data("databases/superset.db"), made.database)
            made.database.chmod(0o644)
            before = logical_dump(made.database)
            ((due,),) = made.query("SELECT count(*) FROM logs WHERE dttm < ? AND action IS NOT NULL", self.CUT_OFF)
            ((unknown,),) = made.query("SELECT count(*) FROM logs WHERE action IS NULL")
            self.assertTrue(0 < due < 1078, due)
            self.configure(made)
            made.call("check", expect=0)
            self.assertEqual(made.plan().json["deleted"], due)
            made.init()
            made.run(expect=4)
            made.approve(made.save_plan())
            plan = made.plan().json
            report = made.run(expect=0).json
            check_sums(self, report)
            check_plan_equals_run(self, plan, report)
            self.assertEqual((report["rows_before"], report["deleted"]), (1078, due))
            self.assertEqual(report["kept_by_reason"]["unknown_code"], unknown)
            left = made.query("SELECT count(*), min(dttm) >= ? FROM logs WHERE action IS NOT NULL", self.CUT_OFF)
            self.assertEqual(left, [(1078 - due - unknown, 1)])
            self.compare_the_rest(before, logical_dump(made.database))
            self.assertEqual(made.query("PRAGMA integrity_check"), [("ok",)])

    def compare_the_rest(self, before, after):
        for table, rows in before[1].items():
            if table != "logs":
                self.assertEqual(after[1][table], rows, table)
        self.assertLess(set(after[1]["logs"]), set(before[1]["logs"]))
        self.assertLessEqual(set(before[0]), set(after[0]))
        added = {row[1] for row in set(after[0]) - set(before[0])}
        self.assertTrue(all("holdfast_" in name for name in added), added)

    def configure(self, made):
        actions = made.query("SELECT DISTINCT action FROM logs WHERE action IS NOT NULL ORDER BY 1")
        lines = "".join(f"superset\t{action}\tInfo\tAn action of Superset.\n" for (action,) in actions)
        (made.folder / "codes.tsv").write_text(HEAD + lines)
        mapping = {"table": "logs", "time": "dttm", "time_format": "utc_text", "code": "action", "actor": "user_id"}
        made.write_config(
            {
                "database": {"path": "audit.db"},
                "events": mapping,
                "catalogue": {"built_in": False, "extend": "codes.tsv"},
                "retention": {"category": {"superset": {"window": "90 days", "basis": "ours"}}},
                "admins": {"principals": ["alice"]},
                "identity": {"trust_flag": True},
            }
        )


if __name__ == "__main__":
    unittest.main()

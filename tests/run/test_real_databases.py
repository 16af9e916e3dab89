# SPDX-License-Identifier: Apache-2.0
"""Each real database of the shared data: pruned as an independent count says, or refused in one sentence; never changed by
what only looks, and without a file left beside it."""

import hashlib
import shutil
import sqlite3
import unittest
from datetime import timedelta

from audit_world import EPOCH, at, deletable_from, one_sentence, shared_data, world
from figures_check import check_sums
from holdfast_cli import UTC
from ready_mappings import decided

WINDOW = "30 days"


def unix(seconds):
    return EPOCH + timedelta(seconds=seconds)


# Of those that can be pruned: the table, the columns of its key, of its time and its code, how a time is read, and a day on
# which a part of the rows is due.
PRUNED = {
    "superset.db": ("logs", ("id",), "dttm", "action", lambda text: at(text).astimezone(UTC), "2023-02-20"),
    "windows_ActivitiesCache.db": ("Activity", ("Id",), "LastModifiedTime", "ActivityType", unix, None),
    "macos_TCC-test.db": (
        "access", ("service", "client", "client_type", "indirect_object_identifier"), "last_modified", "service", unix, None
    ),
    "android_turbo.db": ("battery_event", ("timestamp_millis",), "timestamp_millis", "charge_type", lambda ms: unix(ms / 1000), None),
}
REFUSED = {
    "sqlite_quarantine.db": ("LSQuarantineEvent", ("LSQuarantineTimeStamp", "2001-01-01")),
    "sqlite_zeitgeist_activity.sqlite": ("event", ("declares no key", "PRIMARY KEY")),
}


def files_of(folder):
    """Every file by its bytes, but for the lock that runs and `init` take."""
    files = [file for file in folder.iterdir() if not file.name.endswith(".holdfast-lock")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class RealDatabases(unittest.TestCase):
    def made(self, file, now="2030-01-01T02:00:00"):
        made = self.enterContext(world(init=False, now=now))
        made.config_file.unlink()
        self.home = made.folder / "home"
        self.home.mkdir()
        (made.folder / "new").mkdir()
        made.database = self.home / "app.db"
        shutil.copyfile(shared_data(f"databases/{file}"), made.database)
        made.database.chmod(0o644)
        return made

    def new(self, made, table, expect):
        """Only looks, and leaves neither a changed byte nor a file beside it."""
        before = files_of(self.home)
        answer = made.call("config", "new", "--database", made.database, "--table", table, "--out", "new/holdfast.toml", "--json",
                           expect=expect)
        self.assertEqual(files_of(self.home), before)
        made.config_file = made.folder / "new" / "holdfast.toml"
        return answer.json

    def test_those_that_can_be_pruned(self):
        for file, (table, key, time, code, read, now) in PRUNED.items():
            with self.subTest(file):
                made = self.made(file)
                columns = ", ".join(f'"{column}"' for column in (*key, time, code))
                with sqlite3.connect(f"file:{made.database}?immutable=1", uri=True) as database:
                    rows = database.execute(f'SELECT {columns} FROM "{table}"').fetchall()
                database.close()
                times = sorted(read(row[-2]) for row in rows)
                made.clock.set(at(now) if now else times[len(times) // 2].replace(microsecond=0) + timedelta(days=33))
                said = self.new(made, table, 0)
                self.assertEqual((said["table"], said["rows"]), (table, len(rows)))
                self.prune(made, table, key, rows, read)

    def prune(self, made, table, key, rows, read):
        before = files_of(self.home)
        made.call("check", expect=0)
        self.assertEqual(made.plan(expect=0).json["deleted"], 0)
        self.assertEqual(files_of(self.home), before, "check and plan only look")
        self.decide(made)
        # Times after the clock of this test are bad times, and a share of them that is honest here is none elsewhere.
        newest = made.query(f'SELECT max("{key[0]}") FROM "{table}"')[0][0] if table == "logs" else None
        limit = made.clock.now + timedelta(minutes=5)
        goes = {
            row[: len(key)]
            for row in rows
            if row[-1] is not None and read(row[-2]) <= limit and deletable_from(read(row[-2]), WINDOW) <= made.clock.now
            and row[0] != newest
        }
        self.assertTrue(0 < len(goes) < len(rows), len(goes))
        made.init()
        made.approve(made.save_plan())
        report = made.run(expect=0).json
        check_sums(self, report)
        columns = ", ".join(f'"{column}"' for column in key)
        left = set(made.query(f'SELECT {columns} FROM "{table}"'))
        self.assertEqual({row[: len(key)] for row in rows} - left, goes)
        self.assertEqual(report["deleted"], len(goes))
        made.call("verify", expect=0)

    def decide(self, made):
        text = made.config_file.read_text()
        found = [line[2:].split(" =")[0] for line in text.splitlines() if line.startswith("# ") and " = { window" in line]
        config = decided(text, {category: WINDOW for category in found})
        made.write_config(config.replace("[safety]", "[safety]\nmax_bad_time_share = 1.0"))

    def test_those_that_are_refused(self):
        for file, (table, words) in REFUSED.items():
            with self.subTest(file):
                made = self.made(file)
                said = self.new(made, table, 4)
                self.assertEqual(len(said["not_ready"]), 1, said)
                for word in words:
                    self.assertIn(word, said["not_ready"][0])
                before = files_of(self.home)
                for verb in ("check", "plan", "init"):
                    one_sentence(self, made.call(verb, expect=(1, 2)), table)
                    self.assertEqual(files_of(self.home), before, verb)

    def test_the_seconds_of_macos_stop_a_run_where_somebody_maps_them_all_the_same(self):
        made = self.made("sqlite_quarantine.db")
        made.config_file = made.folder / "new" / "holdfast.toml"
        (made.folder / "new" / "codes.tsv").write_text("category\tcode\tseverity\tdescription\nfile\t0\tInfo\tA file.\n")
        made.write_config(
            f'[database]\npath = "{made.database}"\n[events]\ntable = "LSQuarantineEvent"\nid = "LSQuarantineEventIdentifier"\n'
            'time = "LSQuarantineTimeStamp"\ntime_format = "unix_real"\ncode = "LSQuarantineTypeNumber"\n'
            '[catalogue]\nbuilt_in = false\nextend = "codes.tsv"\n[retention.category]\nfile = { window = "30 days", basis = "b" }\n'
            "[safety]\nfirst_run_needs_approval = false\n"
        )
        self.assertIn("max_bad_time_share", made.call("check", expect=4).stdout)
        made.init()
        report = made.run(expect=4).json
        self.assertEqual((report["deleted"], report["error"]["reason"]), (0, "bad_time_share"))
        self.assertEqual(len(made.query("SELECT 1 FROM LSQuarantineEvent")), 14)


if __name__ == "__main__":
    unittest.main()

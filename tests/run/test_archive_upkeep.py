# SPDX-License-Identifier: Apache-2.0
"""Archives beside erasures, foreign tables, salts, full disks and folders that are away for a night."""

import contextlib
import os
import sqlite3
import stat
import unittest

from archive_world import COLUMNS, KEEP, NIGHT, ArchiveWorld, all_archived, archive_config, archive_world, name_begin, stored_rows
from audit_world import at, deletable_from, is_root, laid_over
from erasure_world import TABLES, ErasureWorld, erasure_config
from holdfast_cli import program_path, require, work_folder
from run_watch import StartedRun, wait_for_slices

ARCHIVE = {"archive": {"directory": "archive", "keep": KEEP}}


class MovedAwayTest(unittest.TestCase):
    def test_an_archive_that_is_not_there_is_not_called_destroyed(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            away = world.archive_file(run).rename(world.folder / "moved.zst")
            answer = world.archives("destroy", run, "--reason", "away", expect=1)
            self.assertIn("put it back", answer.stderr)
            world.clock.advance(days=400)
            warnings = world.run(expect=0).json["warnings"]
            self.assertTrue(any("archive_unreadable" in line and "is gone" in line for line in warnings), warnings)
            self.assertNotIn("destroyed_at", {key for key, value in world.manifest(run).items() if value})
            self.assertEqual(world.query("SELECT count(*) FROM holdfast_journal WHERE what = 'archive_destroyed'"), [(0,)])
            away.rename(world.archive_file(run))
            world.run(expect=0)
            self.assertFalse(world.archive_file(run).exists())
            self.assertTrue(world.manifest(run)["destroyed_at"])


class ErasureArchiveTest(unittest.TestCase):
    def test_a_receipt_names_the_archives_and_all_salts_are_destroyed(self):
        with work_folder() as folder:
            (folder / "archive").mkdir()
            world = ErasureWorld(folder, erasure_config(ARCHIVE), NIGHT)
            world.init()
            with world.connection() as database:
                database.executescript(TABLES)
            world.fill()
            run = world.run(expect=0).json["run_id"]
            made = world.clock.now
            with world.connection() as database:
                database.execute("UPDATE holdfast_run SET salt = randomblob(32)")
                database.execute("DELETE FROM profiles")
            world.fill()
            receipt = world.complete(world.waiting()).json["receipt"]
            self.assertEqual([line["file"] for line in receipt["archives"]], [f"{name_begin(world.database)}{run}.ndjson.zst"])
            when = at(receipt["archives"][0]["destroyed_from"].removesuffix("Z"))
            self.assertEqual(when, deletable_from(made, KEEP))
            self.assertEqual(world.query("SELECT count(*) FROM holdfast_run WHERE salt IS NOT NULL"), [(0,)])
            # What the erasure deleted went without an archive.
            self.assertEqual(list(all_archived(folder / "archive")), [run])

    def test_a_manifest_loses_the_salt_that_the_ledger_has_destroyed(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            self.assertIsNotNone(world.manifest(run)["salt"])
            with world.connection() as database:
                database.execute("UPDATE holdfast_run SET salt = NULL WHERE id = ?", (run,))
            world.run(expect=0)
            self.assertIsNone(world.manifest(run)["salt"])

    def test_a_shorter_keep_waits_like_any_loosening(self):
        with archive_world(archive_config(keep="10 years")) as world:
            run = world.run(expect=0).json["run_id"]
            world.clock.advance(days=30)
            world.write_config(archive_config(keep="1 day"))
            for _ in range(2):
                world.run(expect=0)
                self.assertIsNone(world.manifest(run).get("destroyed_at"))
                world.clock.advance(days=5)
            world.run(expect=0)
            self.assertIsNotNone(world.manifest(run)["destroyed_at"])

    def test_salts_go_after_keep_salts(self):
        with archive_world(archive_config({"evidence": {"keep_salts": "60 days"}}, keep="10 years")) as world:
            run = world.run(expect=0).json["run_id"]
            with world.connection() as database:
                database.execute("UPDATE holdfast_run SET salt = randomblob(32)")
            for advance, left in ((61, 1), (1, 0)):
                world.clock.advance(days=advance)
                world.run(expect=0)
                self.assertEqual(world.query("SELECT count(*) FROM holdfast_run WHERE id = ? AND salt IS NOT NULL", run), [(left,)])
            self.assertTrue(world.archives("verify").json["ok"])


class CrashTest(unittest.TestCase):
    def test_an_archive_that_was_away_when_its_run_was_closed_is_settled_later(self):
        with archive_world(fill=3000) as world:
            before = stored_rows(world.database)
            with StartedRun(world) as run:
                self.assertTrue(wait_for_slices(world.database, 1, 2, run), run)
                run.kill()
            away = world.folder / "away"
            world.archive.rename(away)
            closed = world.run(expect=0).json
            self.assertEqual(closed["closed_dead_runs"], [1])
            self.assertTrue(any(line.startswith("archive_not_settled") for line in closed["warnings"]), closed["warnings"])
            away.rename(world.archive)
            with world.archive_file(1).open("ab") as file:
                file.write(b"more than was committed")
            world.archives("verify", "1", expect=1)
            world.run(expect=0)
            self.assertTrue(world.archives("verify").json["ok"])
            archived = {}
            for rows in all_archived(world.archive).values():
                archived |= rows
            gone = set(before) - set(stored_rows(world.database))
            self.assertEqual(archived, {key: before[key] for key in gone})

    def test_an_archive_of_a_dead_run_says_what_its_rows_were_read_as(self):
        with archive_world(fill=3000) as world:
            with StartedRun(world) as run:
                self.assertTrue(wait_for_slices(world.database, 1, 2, run), run)
                run.kill()
            with world.connection() as database:
                database.execute("ALTER TABLE audit_events ADD COLUMN request_id TEXT")
            self.assertEqual(world.run(expect=0).json["closed_dead_runs"], [1])
            manifest = world.manifest(1)
            self.assertEqual(tuple(manifest["columns"]), COLUMNS)
            self.assertEqual(manifest["mapping"], {**manifest["mapping"], "table": "audit_events", "time": "occurred_at"})
            self.assertIsNotNone(manifest["oldest"])
            self.assertTrue(world.archives("verify").json["ok"])
            world.archives("restore", "1", expect=4)
            with world.connection() as database:
                database.execute("ALTER TABLE audit_events DROP COLUMN request_id")
            self.assertEqual(world.archives("restore", "1").json["restored"], manifest["rows"])
            world.clock.advance(days=40)
            world.freeze("--actor=nobody-here")
            warnings = world.run(expect=0).json["warnings"]
            self.assertEqual([line for line in warnings if "archive" in line], [])
            self.assertIsNotNone(world.manifest(1)["destroyed_at"])

    def test_a_destruction_that_was_cut_short_is_finished(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            content = world.archive_file(run).read_bytes()
            world.archives("destroy", run, "--reason", "away")
            world.archive_file(run).write_bytes(content)
            world.archives("verify", expect=1)
            world.run(expect=0)
            self.assertFalse(world.archive_file(run).exists())
            self.assertTrue(world.archives("verify").json["ok"])


class FullDiskTest(unittest.TestCase):
    def test_a_full_disk_fails_the_run_and_takes_its_slice_back(self):
        require(is_root(), "only root may mount a small disk")
        with archive_world(fill=3000) as world:
            before = stored_rows(world.database)
            wrapper = world.folder / "holdfast-on-a-small-disk"
            wrapper.write_text(
                "#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs -o size=16k none \"$0\" || exit 99; exec \"$@\"'"
                f' "{world.archive}" "{program_path()}" "$@"\n',
                encoding="utf-8",
            )
            wrapper.chmod(stat.S_IRWXU)
            real = os.environ["HOLDFAST_BIN"]
            os.environ["HOLDFAST_BIN"] = str(wrapper)
            try:
                answer = world.run()
            finally:
                os.environ["HOLDFAST_BIN"] = real
            require(answer.exit_status != 99, "no private mount here")
            self.assertEqual(answer.exit_status, 1, answer)
            self.assertEqual(answer.json["error"]["reason"], "archive", answer)
            gone = set(before) - set(stored_rows(world.database))
            attested = world.query("SELECT coalesce(sum(deleted), 0) FROM holdfast_run_slice")[0][0]
            self.assertEqual(len(gone), attested)
            self.assertEqual(len(gone), answer.json["deleted"])
            self.assertLess(len(gone), 3000)


class ForeignArchiveTest(unittest.TestCase):
    """A table of somebody else's: keys of two columns, times as text, codes in a table of their own."""

    TABLES = """
    CREATE TABLE kinds (number INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
    INSERT INTO kinds VALUES (1, 'ACCOUNT_PROFILE_UPDATE'), (2, 'ACCOUNT_SESSION_REVOKED');
    CREATE TABLE log (org TEXT NOT NULL, seq BLOB NOT NULL, at TEXT, kind INTEGER, who TEXT, PRIMARY KEY (org, seq)) WITHOUT ROWID;
    """
    EVENTS = {
        "table": "log", "id": ["org", "seq"], "time": "at", "time_format": "iso8601", "code": "kind", "actor": "who",
        "code_lookup": {"table": "kinds", "key": "number", "text": "word"},
    }  # fmt: skip

    @contextlib.contextmanager
    def foreign(self):
        with work_folder() as folder:
            (folder / "archive").mkdir()
            config = laid_over(archive_config(), {"events": self.EVENTS})
            world = ArchiveWorld(folder, config)
            with contextlib.closing(sqlite3.connect(world.database)) as database:
                database.executescript(self.TABLES)
                rows = [(f"o{n % 3}", n.to_bytes(2, "big"), f"2020-01-{n % 28 + 1:02}T00:00:00+05:30", 1, f"u{n}") for n in range(200)]
                database.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", rows)
                database.commit()
            world.init()
            yield world, sorted(rows)

    def test_its_rows_are_archived_and_come_back(self):
        with self.foreign() as (world, rows):
            run = world.run(expect=0).json
            self.assertEqual(run["deleted"], 200, run)
            manifest = world.manifest(run["run_id"])
            self.assertEqual(manifest["columns"], ["org", "seq", "at", "kind", "who"])
            self.assertEqual((manifest["oldest"], manifest["newest"]), ("2019-12-31T18:30:00Z", "2020-01-27T18:30:00Z"))
            self.assertTrue(world.archives("verify").json["ok"])
            restored = world.archives("restore", run["run_id"]).json
            self.assertEqual(restored["restored"], 200)
            self.assertEqual(sorted(world.query("SELECT * FROM log")), rows)

    def test_a_hold_on_a_code_that_its_rows_do_not_say_keeps_the_archive(self):
        with self.foreign() as (world, _):
            run = world.run(expect=0).json["run_id"]
            hold = world.place_hold({"code": "ACCOUNT_SESSION_REVOKED"}, "--future")["hold"]
            answer = world.archives("destroy", run, "--reason", "away", expect=4)
            self.assertIn(f"hold {hold}", answer.stderr)

    def test_a_hold_on_somebody_else_does_not(self):
        with self.foreign() as (world, _):
            run = world.run(expect=0).json["run_id"]
            world.place_hold({"actor": "nobody-there"})
            world.archives("destroy", run, "--reason", "away")
            self.assertFalse(world.archive_file(run).exists())


if __name__ == "__main__":
    unittest.main()

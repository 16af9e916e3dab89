# SPDX-License-Identifier: Apache-2.0
"""A run killed while it archives: no row is gone that its archive does not hold up to the last committed slice.

A few kills only; test_slow_archive_kills.py has more.
"""

import contextlib
import random
import shutil
import sqlite3
import subprocess
import time
import unittest
from pathlib import Path

from archive_world import ArchiveWorld, all_archived, archive_config, archived_rows, stored_rows
from holdfast_cli import work_folder
from kill_count import KillCount
from kill_world import Evidence
from run_watch import StartedRun

SLICES = "SELECT run_id, max(archive_end), sum(deleted) FROM holdfast_run_slice GROUP BY run_id ORDER BY run_id"


def application_rows(database):
    """The rows that are not Holdfast's own."""
    own = (b"holdfast", b"unknown")
    return {key: row for key, row in stored_rows(database).items() if row[5][1] not in own}


def committed_archives(world):
    """The rows of every archive up to the end that the ledger has committed, by key."""
    with contextlib.closing(sqlite3.connect(f"{world.database}.look")) as look:
        ends = look.execute(SLICES).fetchall()
    found = {}
    for run, end, deleted in ends:
        if not end:
            continue
        part = world.folder / "part.zst"
        part.write_bytes(world.archive_file(run).read_bytes()[:end])
        rows = archived_rows(part)
        assert len(rows) == deleted, (run, len(rows), deleted)
        assert not set(rows) & set(found), f"run {run} archived a row again"
        found |= rows
    return found


class ArchiveKillTest(unittest.TestCase):
    rows = 3000
    kills = 4
    kills_in_a_row = 3

    def setUp(self):
        self.rng = random.Random(self.id())
        self.count = KillCount(self.kills)
        self.while_deleting = 0

    def copy_of(self, world, folder):
        (folder / "archive").mkdir()
        for suffix in ("", "-wal", ".witness"):
            source = Path(f"{world.database}{suffix}")
            if source.exists():
                shutil.copy(source, folder / f"audit.db{suffix}")
        return ArchiveWorld(folder, archive_config(), world.clock.now)

    def kill_one(self, world):
        with StartedRun(world) as run:
            if self.rng.random() < 0.8 and run.wait_for_phase("deleting"):
                time.sleep(self.rng.uniform(0, self.longest_s))
                self.while_deleting += 1
            else:
                time.sleep(self.rng.uniform(0, 0.05))
            status = run.kill()
        if status == -9:
            self.count.killed()

    def attested(self, world, before):
        """What is gone is in an archive as it was, and each run that is over has its audit event."""
        problems = Evidence(world, world.folder).ledger_problems()
        self.count.found(problems)
        self.assertEqual(problems, [])
        now = application_rows(world.database)
        gone = set(before) - set(now)
        archived = committed_archives(world)
        self.assertEqual(set(archived), gone)
        self.assertEqual(archived, {key: before[key] for key in gone})

    def series(self, world, expected, before):
        with work_folder() as folder:
            copy = self.copy_of(world, folder)
            for _ in range(self.kills_in_a_row):
                self.kill_one(copy)
                self.attested(copy, before)
            copy.run(expect=0)
            self.attested(copy, before)
            self.assertEqual(application_rows(copy.database), expected)
            merged = {}
            for rows in all_archived(copy.archive).values():
                merged |= rows
            self.assertEqual(set(merged), set(before) - set(expected))
            self.assertTrue(copy.archives("verify").json["ok"])
            listed = copy.archives("list").json["archives"]
            self.assertEqual({line["state"] for line in listed}, {"whole"}, listed)
            for path in copy.archive.glob("*.zst"):
                subprocess.run(["zstd", "-tq", str(path)], check=True)

    def test_killed_anywhere_every_deleted_row_is_archived(self):
        with work_folder() as folder, work_folder() as other:
            (folder / "archive").mkdir()
            world = ArchiveWorld(folder)
            world.init()
            world.fill(self.rows)
            before = application_rows(world.database)
            undisturbed = self.copy_of(world, other)
            begun = time.monotonic()
            undisturbed.run(expect=0)
            self.longest_s = time.monotonic() - begun
            expected = application_rows(undisturbed.database)
            self.assertEqual(len(before) - len(expected), self.rows)
            try:
                while not self.count.enough:
                    self.series(world, expected, before)
            finally:
                self.count.tell("runs that archive")
        print(f"\n{self.while_deleting} of the kills after the first slice could begin", flush=True)
        self.assertGreater(self.while_deleting, 0)


if __name__ == "__main__":
    unittest.main()

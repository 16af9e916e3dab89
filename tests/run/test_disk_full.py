# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""A disk that really is full: a file system of a few MiB, filled until so much is left, under the real program.

Whatever is left, every verb that writes says in one clear message that there is no space, no row is lost that no
committed slice attests, no half file stays behind, and with space again the same verb succeeds.
"""

import contextlib
import os
import sqlite3
import subprocess
import unittest

from archive_world import ArchiveWorld, archive_config, copied
from audit_world import COMPLETED, FAILED, at
from holdfast_cli import require, work_folder

DISK_KIB = 16 * 1024
LEFT_KIB = (0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
NIGHT = at("2030-01-01T02:00:00")


@contextlib.contextmanager
def small_disk():
    """A folder with a file system of its own. It goes with whatever is in it."""
    require(os.geteuid() == 0, "only root can mount a small file system")
    with work_folder() as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k,mode=0700", "holdfast-test", str(folder)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        require(mounted.returncode == 0, f"no small file system can be mounted: {mounted.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


class FullDisk(ArchiveWorld):
    """A world with archives and reports, on a disk that can be filled and emptied."""

    def __init__(self, folder):
        (folder / "archive").mkdir(mode=0o700)
        (folder / "reports").mkdir()
        super().__init__(folder, archive_config({"reports": {"directory": "reports"}}), NIGHT)
        self.ballast = folder / "ballast"

    def fill_up(self, left_kib):
        """Leaves so many KiB of the disk."""
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize - left_kib * 1024
        with self.ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free))

    def make_room(self):
        self.ballast.unlink()

    def attested(self):
        """Rows of the log, and how many committed slices say that they are gone."""
        with contextlib.closing(sqlite3.connect(copied(self.database))) as look:
            there = look.execute("SELECT count(*) FROM audit_events WHERE code = 'ACCOUNT_PROFILE_UPDATE'").fetchone()[0]
            gone = look.execute("SELECT coalesce(sum(deleted), 0) FROM holdfast_run_slice").fetchone()[0]
            sound = look.execute("PRAGMA integrity_check").fetchone()[0]
        return there, gone, sound

    def names(self):
        """Files that are there when nothing is open."""
        passing = ("-wal", "-shm", ".look")
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                if path.is_file() and not path.name.endswith(passing)}  # fmt: skip


class DiskFull(unittest.TestCase):
    def made(self, fill=1500):
        made = FullDisk(self.enterContext(small_disk()))
        made.init()
        made.fill(fill)
        made.rows_of_log = 2 * fill
        return made

    def says_so(self, answer):
        told = answer.stdout + answer.stderr
        self.assertRegex(told.lower(), r"full|no space", str(answer))
        self.assertNotIn("terminate called", told)
        self.assertNotIn("std::", told)

    def check_log(self, made):
        there, gone, sound = made.attested()
        self.assertEqual(sound, "ok")
        self.assertEqual(there + gone, made.rows_of_log)

    def test_run_and_its_archive(self):
        full = 0
        for left in LEFT_KIB:
            with self.subTest(left_kib=left):
                made = self.made()
                made.fill_up(left)
                answer = made.run(expect=(0, 1))
                made.make_room()
                self.check_log(made)
                if answer.exit_status == 1:
                    full += 1
                    self.says_so(answer)
                    made.clock.advance(hours=1)
                    made.run(expect=0)
                    self.assertEqual(len(made.events(FAILED)), 1, "the run that met the full disk has its event")
                self.check_log(made)
                self.assertEqual(made.attested()[0], made.rows_of_log // 2)
                self.assertEqual(len(made.events(COMPLETED)), 1)
                made.call("verify", expect=0)
                made.call("archive", "verify", expect=0)
        self.assertGreater(full, 3, "too few runs met the full disk")

    def test_two_nights_of_which_the_first_died(self):
        made = self.made(fill=40)
        made.run(expect=0)
        made.clock.advance(hours=24)
        now = made.clock.now_ms
        sql = "INSERT INTO holdfast_run (opened_at_ms, as_of_ms, started_by, host, process, phase) SELECT ?, ?, 'x', 'x', 1, 'opening'"
        made.query(sql, now, now)
        made.clock.advance(hours=24)
        made.fill_up(0)
        made.run(expect=1)
        made.make_room()
        made.clock.advance(hours=24)
        answer = made.run(expect=0).json
        self.assertEqual(answer["closed_dead_runs"], [2, 3])
        self.assertEqual(len(made.events(FAILED)), 2)
        made.call("verify", expect=0)

    def report_or_pack(self, words, out):
        made = self.made(fill=40)
        made.run(expect=0)
        full = 0
        for left in (0, 4, 8, 16, 32, 64):
            with self.subTest(left_kib=left):
                before = made.names()
                made.fill_up(left)
                answer = made.call(*words, expect=(0, 1))
                made.make_room()
                if answer.exit_status == 1:
                    full += 1
                    self.says_so(answer)
                    self.assertEqual(made.names() - before, set(), "nothing half done stays")
                    made.call(*words, expect=0)
                target = made.folder / out
                self.assertTrue(target.exists())
                subprocess.run(["rm", "-r", str(target)], check=True)
        self.assertGreater(full, 0, "no call met the full disk")

    def test_report(self):
        self.report_or_pack(("report", "--format", "html", "--out", "page.html"), "page.html")

    def test_evidence(self):
        self.report_or_pack(("evidence", "--from", "2029-01-01", "--to", "2030-01-31", "--out", "pack"), "pack")

    def test_vacuum(self):
        made = self.made()
        made.run(expect=0)
        size = made.database.stat().st_size
        for left in (0, 64, 256):
            with self.subTest(left_kib=left):
                made.fill_up(left)
                answer = made.call("vacuum", expect=(0, 1))
                made.make_room()
                self.check_log(made)
                if answer.exit_status == 1:
                    self.says_so(answer)
        made.call("vacuum", expect=0)
        self.check_log(made)
        self.assertLess(made.database.stat().st_size, size)

    def test_reports_that_cannot_be_written_leave_the_run_as_it_is(self):
        made = self.made(fill=40)
        made.run(expect=0)
        made.clock.advance(hours=24)
        (made.folder / "reports").rename(made.folder / "elsewhere")
        (made.folder / "reports").write_text("no folder", encoding="utf-8")
        answer = made.run(expect=0)
        self.assertIn("reports", answer.stderr)
        (made.folder / "reports").unlink()
        (made.folder / "elsewhere").rename(made.folder / "reports")
        made.clock.advance(hours=24)
        made.run(expect=0)
        for run in (1, 2, 3):
            self.assertTrue((made.folder / "reports" / f"run-{run}.html").exists(), f"run {run} is caught up on")

    def test_what_a_hold_and_a_config_need(self):
        made = self.made(fill=40)
        made.fill_up(0)
        answer = made.freeze("--tenant=acme", expect=(0, 1))
        made.make_room()
        if answer.exit_status == 1:
            self.says_so(answer)
            self.assertEqual(made.query("SELECT count(*) FROM holdfast_hold")[0][0], 0, "no half hold")
        made.clock.advance(hours=1)
        made.freeze("--tenant=acme", matter="M-2")
        made.run(expect=0)
        self.assertEqual(made.query("SELECT count(*) FROM audit_events WHERE tenant = 'acme' AND code = 'ACCOUNT_PROFILE_UPDATE'")[0][0], 40)


if __name__ == "__main__":
    unittest.main()

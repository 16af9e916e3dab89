# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Copies that are killed while they are made, fetched or destroyed: never half a file, and the next run goes on."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest
import zipfile
from pathlib import Path

from erasure_world import PERSON
from export_world import FETCHED, READY, Copy, export_world
from holdfast_cli import program_path

ROWS = 4000
KILLS = 12


class Kills(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(export_world())
        self.made.fill(rows=ROWS)
        self.rng = random.Random(20300101)

    def kill(self, *words, longest_s=0, after=None):
        """Starts a verb of `export` and kills it at a random moment, or after something."""
        command = [program_path(), "export", *words, "--as", "alice", "--config", self.made.config_file]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, **self.made.clock.environment()}
        with subprocess.Popen([str(word) for word in command], cwd=self.made.folder, env=environment, **quiet) as process:
            after() if after else time.sleep(self.rng.uniform(0, 1.1 * longest_s))
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()
        for name in (f"faketime_shm_{process.pid}", f"sem.faketime_sem_{process.pid}"):
            Path("/dev/shm", name).unlink(missing_ok=True)

    def count(self, code):
        return sum(row[0] == code for row in self.made.export_rows())

    def whole_files(self):
        """What stands under a name of its own in the folder is a whole zip."""
        names = [name for name in self.made.files() if not name.startswith(".")]
        for name in names:
            with zipfile.ZipFile(self.made.copies / name) as opened:
                self.assertIsNone(opened.testzip())
        return names

    def timed(self, *words):
        begun_s = time.monotonic()
        self.made.export(*words, who="alice")
        return time.monotonic() - begun_s

    def test_killed_while_it_is_made(self):
        export = self.made.ask_copy()
        length_s = self.timed("make", export)
        seen = set()
        for number in range(KILLS):
            self.made.export("destroy", export, who="alice")
            export = self.made.ask_copy()
            before = self.count(READY)
            self.kill("make", export, longest_s=length_s)
            files = self.whole_files()
            state = self.made.state(export)[0]
            seen.add(state)
            self.assertEqual(self.count(READY) - before, 1 if state == "ready" else 0)
            self.assertLessEqual(len(files), 1)
            if state == "ready":
                self.assertEqual(len(files), 1)
            else:
                self.assertIn("not_ready", self.made.fetch(export, expect=4).stderr)
            # Half of the times the next run makes it, half of the times whoever asks again.
            if number % 2 == 0:
                self.made.run(expect=0)
            elif state == "requested":
                self.made.make(export)
                self.made.run(expect=0)
            self.assertEqual(self.made.state(export)[0], "ready")
            self.assertEqual(self.count(READY) - before, 1)
            self.assertEqual(len(self.made.files()), 1, self.made.files())
            Copy(self.made.fetch(export, name=f"made-{number}.zip"))
            self.made.run(expect=0)
        self.assertIn("requested", seen)

    def test_killed_while_it_is_fetched(self):
        export = self.made.ready()
        target = self.made.folder / "killed.zip"
        length_s = self.timed("download", export, "--to", self.made.folder / "first.zip")
        for number in range(KILLS):
            before = self.count(FETCHED)
            self.kill("download", export, "--to", target, longest_s=length_s)
            logged = self.count(FETCHED) - before
            if target.exists():
                Copy(target)
                self.assertEqual(logged, 1, "a copy that nobody logged")
                shutil.move(target, self.made.folder / f"killed-{number}.zip")
        Copy(self.made.fetch(export, name="last.zip"))

    def test_nothing_is_handed_out_before_it_is_logged(self):
        """While another program keeps it from being logged, there is nothing to fetch; and it is killed like that."""
        export = self.made.ready()
        target = self.made.folder / "locked.zip"
        with contextlib.closing(sqlite3.connect(self.made.database, isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            self.kill("download", export, "--to", target, after=lambda: self.wait_for(target.exists, longest_s=3))
        left = [path.name for path in self.made.folder.iterdir() if target.name in path.name]
        self.assertEqual((left, self.count(FETCHED)), ([], 0))

    @staticmethod
    def wait_for(seen, longest_s):
        end_s = time.monotonic() + longest_s
        while not seen() and time.monotonic() < end_s:
            time.sleep(0.01)

    def test_killed_while_it_is_destroyed(self):
        export = self.made.ready()
        length_s = 0.1
        for _ in range(KILLS):
            self.kill("destroy", export, longest_s=length_s)
            if self.made.state(export)[0] == "ready":
                self.assertEqual(len(self.whole_files()), 1)
                continue
            self.made.fetch(export, expect=4)
            self.made.run(expect=0)
            self.assertEqual(self.made.files(), [])
            export = self.made.ready()

    def test_a_file_that_was_written_and_not_recorded(self):
        export = self.made.ready()
        [name] = self.made.files()
        with self.made.connection() as database:
            sql = "UPDATE holdfast_export SET state = 'requested', file = '', sha256 = '' WHERE id = ?"
            database.execute(sql, (export,))
            database.execute("DELETE FROM audit_events WHERE code = ?", (READY,))
        old = (self.made.copies / name).read_bytes()
        self.made.insert(self.made.clock.now, tenant="acme", actor=PERSON, subject=PERSON)
        self.made.run(expect=0)
        self.assertEqual((self.made.state(export)[0], self.made.files()), ("ready", [name]))
        self.assertNotEqual((self.made.copies / name).read_bytes(), old)
        Copy(self.made.fetch(export))


if __name__ == "__main__":
    unittest.main()

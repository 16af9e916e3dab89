# SPDX-License-Identifier: Apache-2.0
"""A reader who may not write the database: in nobody's way, and never misled by those who write meanwhile."""

import array
import contextlib
import fcntl
import os
import shutil
import sqlite3
import subprocess
import tempfile
import termios
import time
import unittest

from audit_world import at, is_root, to_ms, world
from holdfast_cli import program_path

PIPE = 4096  # what a pipe holds before whoever writes into it has to wait


def waiting_in(pipe):
    """How many bytes somebody has written into a pipe that nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@unittest.skipIf(is_root() and shutil.which("setpriv") is None, "root may write to everything")
class StillFiles(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world())
        with self.made.connection() as database:
            rows = [(to_ms(at("2025-06-01")), f"NO_CODE_OF_THE_CATALOGUE_{n:05}") for n in range(200)]
            database.executemany("INSERT INTO audit_events (occurred_at, code) VALUES (?, ?)", rows)
        # Whoever closes it last takes its side files away.
        with contextlib.closing(sqlite3.connect(self.made.database)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.made.database.chmod(0o644)
        self.made.folder.chmod(0o777)

    def start(self, *words):
        """As a user who owns nothing here, in a folder where everybody may make files."""
        folder = self.enterContext(tempfile.TemporaryDirectory(dir="/tmp"))
        os.chmod(folder, 0o755)
        program = shutil.copy(program_path(), folder)
        rank = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if is_root() else []
        # A configuration in a folder where everybody may make files would be refused.
        config = os.path.join(folder, "holdfast.toml")
        text = self.made.config_file.read_text()
        self.assertIn('path = "audit.db"', text)
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.replace('path = "audit.db"', f'path = "{self.made.database}"'))
        command = [*rank, program, *words, "--config", config]
        if not is_root():
            self.made.database.chmod(0o444)
        started = subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pipesize=PIPE)
        self.addCleanup(lambda: (started.kill(), started.communicate()))
        return started

    def beside(self):
        return sorted(path.name for path in self.made.folder.glob("audit.db-*"))

    def write(self):
        self.made.database.chmod(0o644)
        with contextlib.closing(sqlite3.connect(self.made.database)) as database:
            database.execute("INSERT INTO audit_events (occurred_at, code) VALUES (1, 'ONE_MORE')")
            database.commit()

    def test_a_reader_leaves_nothing_in_the_way(self):
        for verb in (("plan",), ("check",), ("status",), ("hold", "list")):
            with self.subTest(verb):
                started = self.start(*verb)
                started.communicate(timeout=60)
                self.assertIn(started.returncode, (0, 4))
                self.assertEqual(self.beside(), [])
                self.write()

    def test_what_is_written_meanwhile_is_said_and_is_no_damage(self):
        started = self.start("plan", "--json")
        while waiting_in(started.stdout.fileno()) < PIPE and started.poll() is None:
            time.sleep(0.01)
        self.assertIsNone(started.poll())
        self.write()
        _, said = started.communicate(timeout=60)
        self.assertEqual(started.returncode, 1, said)
        self.assertIn("audit.db: somebody wrote to it", said)
        self.assertIn("try again", said)
        self.assertNotIn("damaged", said)


if __name__ == "__main__":
    unittest.main()

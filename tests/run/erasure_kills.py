# SPDX-License-Identifier: Apache-2.0
"""Completions that are killed on their way, and what must be true afterwards: all of it, or nothing."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

from erasure_world import DONE, OVERRIDDEN, PERSON, contents
from export_world import ExportWorld, export_config
from holdfast_cli import program_path

THERE, ERASED = "wholly there", "wholly erased"
LONGEST_AFTER_S = 0.05  # from a thing that is seen to the kill
REASON = "a reason that is long enough"


class DoomedWorld(ExportWorld):
    """An approved request about a person with many rows and a copy that is fetched already, a person hold that has to be
    overridden, nothing erased yet."""

    def __init__(self, folder, now):
        super().__init__(folder, export_config(), now)
        self.copies.mkdir(mode=0o700, exist_ok=True)

    def prepare(self, rows):
        self.fill(rows=rows)
        self.fetch(self.ready())
        self.freeze(f"--person={PERSON}")
        self.dispute(person="u-4712")
        self.request = self.waiting()
        self.shown = self.digest(self.request)

    def words(self):
        return ("complete", self.request, "--override", self.shown, "--reason", REASON)

    def complete_again(self, expect=0):
        return self.erasure(*self.words(), who="bob", expect=expect)

    def copy_to(self, folder):
        """The same installation once more, in a folder of its own."""
        for suffix in ("", "-wal", "-journal", ".witness"):
            source = Path(f"{self.database}{suffix}")
            if source.exists():
                shutil.copy(source, folder / f"audit.db{suffix}")
        copied = DoomedWorld(folder, self.clock.now)
        for name in self.files():
            shutil.copy(self.copies / name, copied.copies)
        copied.request, copied.shown = self.request, self.shown
        return copied


class Evidence:
    """What is right before and right after a completion that nobody disturbs."""

    def __init__(self, world, folder):
        self.before = contents(world.database)
        undisturbed = world.copy_to(folder)
        begun_s = time.monotonic()
        undisturbed.complete_again()
        self.length_s = time.monotonic() - begun_s
        self.after = contents(undisturbed.database)

    def state(self, program):
        """THERE or ERASED; a failure for everything between."""
        now = contents(program.database)
        assert now in (self.before, self.after), self.difference(now)
        return THERE if now == self.before else ERASED

    def difference(self, now):
        """Which tables are neither as before nor as afterwards, and which are which."""
        each = {}
        for table, rows in now[1].items():
            as_before, as_after = rows == self.before[1].get(table), rows == self.after[1].get(table)
            each[table] = "same in both" if as_before and as_after else "before" if as_before else "after" if as_after else "neither"
        return f"half an erasure: {each}"


class EraseKiller:
    """Kills completions at random moments, and as soon as something is to be seen of them in the folder."""

    def __init__(self, seed, length_s):
        self.rng = random.Random(seed)
        self.length_s = length_s
        self.hits = Counter()

    def kill_one(self, program):
        """Starts a completion and kills it; gives its exit status."""
        command = [program_path(), "erasure", *program.words(), "--as", "bob", "--config", program.config_file]
        environment = {**os.environ, **program.clock.environment()}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        way = self.rng.choice((self._at_any_time, self._after_the_key, self._while_it_writes, self._after_the_commit))
        with subprocess.Popen([str(word) for word in command], cwd=program.folder, env=environment, **quiet) as process:
            way(program, process)
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            status = process.wait()
        for name in (f"faketime_shm_{process.pid}", f"sem.faketime_sem_{process.pid}"):
            Path("/dev/shm", name).unlink(missing_ok=True)
        return status

    def _at_any_time(self, _program, _process):
        time.sleep(self.rng.uniform(0, 1.1 * self.length_s))

    def _after_the_key(self, program, process):
        self._wait_for(process, program.key_files)
        time.sleep(self.rng.uniform(0, LONGEST_AFTER_S))

    def _while_it_writes(self, program, process):
        files = [program.folder / name for name in ("audit.db-wal", "audit.db-journal")]
        sizes = [file.stat().st_size if file.exists() else 0 for file in files]
        self._wait_for(process, lambda: any(file.exists() and file.stat().st_size > size for file, size in zip(files, sizes)))
        time.sleep(self.rng.uniform(0, LONGEST_AFTER_S / 5))

    def _after_the_commit(self, program, process):
        """What is left to do then is to empty the write-ahead log and to answer."""
        with contextlib.closing(sqlite3.connect(program.database, timeout=0)) as neighbour:
            sql = "SELECT 1 FROM holdfast_erasure WHERE state = 'completed'"
            self._wait_for(process, lambda: neighbour.execute(sql).fetchone())

    @staticmethod
    def _wait_for(process, seen):
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError, sqlite3.OperationalError):
                if seen():
                    return
            time.sleep(0.0005)


def check_audit_rows(test, program, state):
    """The audit rows and the register say what the data says."""
    deeds = program.deeds(OVERRIDDEN, DONE)
    test.assertEqual(deeds, [OVERRIDDEN, DONE] if state == ERASED else [])
    register = program.query("SELECT state FROM holdfast_erasure WHERE id = ?", program.request)[0][0]
    test.assertEqual(register, "completed" if state == ERASED else "approved")
    test.assertEqual(bool(program.named(PERSON)), state == THERE)


def check_copy(test, program, state, tidied):
    """The copy is there, whole, or nobody is handed it; `tidied`: something has been through the folder since."""
    [copy] = program.export("list", "--all", who=None).json["exports"]
    test.assertEqual((copy["state"], copy["problem"]), ("ready" if state == THERE else "destroyed", None))
    if state == ERASED:
        program.fetch(copy["id"], who="alice", expect=4)
        test.assertEqual(copy["end_reason"], "erased")
    if state == THERE or tidied:
        test.assertEqual(len(program.files()), 1 if state == THERE else 0)

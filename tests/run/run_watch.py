# SPDX-License-Identifier: Apache-2.0
"""A `run` in a process of its own, watched from outside while it goes: its phases, its slices, its memory."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from holdfast_cli import program_path

PHASE = " phase="
TOLD = ("run_id", "outcome", "error", "reconciliation", "rows_before", "deleted", "kept_by_reason", "rows_after", "appended", "vanished")
SHARED_MEMORY = Path("/dev/shm")


class StartedRun:
    """Starts `run --json`. What it logs is read at once, so that its phases have the times at which they began."""

    def __init__(self, program, *options):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "FAKETIME"))}
        if program.clock is not None:
            environment.update(program.clock.environment())
        command = [program_path(), "run", "--json", "--verbose", *options, "--config", program.config_file]
        self.begun_s = time.monotonic()
        self.ended_s = None
        self.peak_kib = None
        self.exit_status = None
        self._process = subprocess.Popen(
            [str(word) for word in command],
            cwd=program.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self.phases = []  # (name, monotonic seconds)
        self._changed = threading.Condition()
        self._log = []
        self._answer = []
        self._readers = [threading.Thread(target=self._read_log), threading.Thread(target=self._read_answer)]
        for reader in self._readers:
            reader.start()

    def _read_log(self):
        for line in self._process.stderr:
            with self._changed:
                self._log.append(line)
                if PHASE in line:
                    self.phases.append((line.rsplit(PHASE, 1)[1].strip(), time.monotonic()))
                self._changed.notify_all()
        with self._changed:
            self.ended_s = time.monotonic()
            self._changed.notify_all()

    def _read_answer(self):
        self._answer.append(self._process.stdout.read())

    def wait_for_phase(self, name, timeout_s=120):
        """Whether the run entered this phase; false where it ended without it."""
        with self._changed:
            self._changed.wait_for(lambda: self.entered(name) or self.ended_s is not None, timeout_s)
            return self.entered(name)

    def entered(self, name):
        return any(phase == name for phase, _ in self.phases)

    def send(self, number):
        """Sends a signal; nothing happens where the run is over."""
        if self.exit_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def kill(self):
        self.send(signal.SIGKILL)
        return self.finish()

    def finish(self):
        """Waits for the end and gives the exit status; minus the signal's number where a signal ended it."""
        if self.exit_status is None:
            for reader in self._readers:
                reader.join()
            _, status, usage = os.wait4(self._process.pid, 0)
            self.exit_status = os.waitstatus_to_exitcode(status)
            self._process.returncode = self.exit_status
            self._process.stdout.close()
            self._process.stderr.close()
            self.peak_kib = usage.ru_maxrss
            # What libfaketime leaves behind of a process that was killed.
            for name in (f"faketime_shm_{self._process.pid}", f"sem.faketime_sem_{self._process.pid}"):
                (SHARED_MEMORY / name).unlink(missing_ok=True)
        return self.exit_status

    @property
    def running(self):
        return self.ended_s is None

    @property
    def json(self):
        return json.loads(self._answer[0])

    @property
    def log(self):
        return "".join(self._log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.exit_status is None:
            self.kill()

    def __str__(self):
        try:
            said = {name: self.json.get(name) for name in TOLD}
        except (IndexError, ValueError):
            said = "".join(self._answer)
        return f"run: exit {self.exit_status}\nsaid: {said}\nstderr: {self.log[-2000:]}"


def wait_for_slices(database, run_id, count, run, timeout_s=120):
    """Whether the run came to this many slices before it ended. `database`: a path."""
    end = time.monotonic() + timeout_s
    with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection:
        while time.monotonic() < end:
            found = connection.execute("SELECT count(*) FROM holdfast_run_slice WHERE run_id = ?", (run_id,)).fetchone()[0]
            if found >= count:
                return True
            if not run.running:
                return False
            time.sleep(0.001)
    raise AssertionError(f"no {count} slices within {timeout_s} s: {run}")

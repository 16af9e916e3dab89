# SPDX-License-Identifier: Apache-2.0
"""One contender on one copy of a log: how long, how many rows, which memory, how many bytes, who waited."""

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from sample_log import config

HERE = Path(__file__).resolve().parent
WRITER_HEAD_START_S = 0.5
QUIET_S = 60
# The shell's own defaults but for what all have alike.
SHELL = """
PRAGMA secure_delete = ON; PRAGMA synchronous = NORMAL;
DELETE FROM audit_events AS e WHERE occurred_at < {cutoff}
AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.subject)
AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.actor);
SELECT changes();
"""
PHASE = " phase="
PEAK_EVERY_S = 0.02


@dataclasses.dataclass
class Tools:
    """The programs under test."""

    holdfast: Path
    contender: Path


@dataclasses.dataclass
class Trial:
    """What came out; times in seconds, of the whole process."""

    name: str
    seconds: float
    deleted: int
    longest_lock_ms: float
    peak_mib: float
    written_mib: float
    writer: dict | None = None
    counting_ms: int = 0
    phases: dict = dataclasses.field(default_factory=dict)

    @property
    def rows_per_second(self):
        return self.deleted / self.seconds


@dataclasses.dataclass
class _Ended:
    seconds: float
    out: str
    marks: list
    peak_mib: float
    written_mib: float


def _run(command, cwd):
    """Runs it to its end and looks at what the kernel has counted before it is forgotten."""
    begun = time.monotonic()
    marks = []
    said = []
    # Into a file: nobody reads a pipe while the other one is being read, and a record may be larger than a pipe.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        process = subprocess.Popen([str(word) for word in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=answer,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        with _PeakMemory(process.pid) as peak:
            for line in process.stderr:
                said.append(line)
                if PHASE in line:
                    marks.append((line.rsplit(PHASE, 1)[1].strip(), time.monotonic()))
            ended, counted = _last_words(process)
        answer.seek(0)
        out = answer.read()
    if process.returncode != 0:
        raise SystemExit(f"bench: {command[0]} ended with {process.returncode}:\n{out[-2000:]}{''.join(said)}")
    marks.append(("end", ended))
    return _Ended(ended - begun, out, [("start", begun), *marks], peak.mib, int(counted["wchar"]) / 2**20)


class _PeakMemory:
    """The most memory that a process had, asked for again and again until it ends: what the kernel tells afterwards
    (ru_maxrss) begins with the memory of this program, from which it was forked."""

    def __init__(self, pid):
        self.mib = 0.0
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self._asker = threading.Thread(target=self._ask)

    def __enter__(self):
        self._asker.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._asker.join()

    def _ask(self):
        while not self._ended.wait(PEAK_EVERY_S):
            with contextlib.suppress(OSError):  # it has ended, and was waited for
                told = dict(line.split(":", 1) for line in self._status.read_text(encoding="utf-8").splitlines())
                self.mib = int(told["VmHWM"].split()[0]) / 1024 if "VmHWM" in told else self.mib


def _last_words(process):
    """When it ended, and what the kernel has counted of it, which it forgets as soon as somebody has waited."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    ended = time.monotonic()
    counted = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text(encoding="ascii").splitlines())
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return ended, counted


def _command(name, tools, folder, cutoff):
    database = folder / "audit.db"
    if name == "shell":
        return ["sqlite3", database, SHELL.format(cutoff=cutoff)]
    if name in ("tuned", "limit_loop"):
        return [tools.contender, name, database, cutoff]
    if name == "home_assistant":
        return [sys.executable, HERE / "home_assistant.py", database, cutoff]
    return [tools.holdfast, "run", "--json", "--verbose", "--config", folder / "holdfast.toml"]


def _warm(name, tools):
    """What is measured is a run and not the reading of its program: a copied log has put that out of the memory."""
    if name == "shell":
        words = ["sqlite3", "--version"]
    elif name == "home_assistant":
        words = [sys.executable, "-c", "import sqlite3"]
    else:
        words = [tools.holdfast if name == "holdfast" else tools.contender, "--version"]
    subprocess.run(words, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def copy_log(source, folder):
    """A fresh copy, on the disk before anything is timed, and in the memory where there is room for one of the two."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["cp", "--reflink=auto", source / "audit.db", folder / "audit.db"], check=True)
    if (source / "audit.db.witness").exists():  # made with the first hold
        shutil.copy(source / "audit.db.witness", folder / "audit.db.witness")
    subprocess.run(["sync", "-f", folder / "audit.db"], check=True)
    with (source / "audit.db").open("rb") as copied:
        os.posix_fadvise(copied.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    # As in the night: nobody has written for a while.
    os.utime(folder / "audit.db", times=(time.time() - QUIET_S, time.time() - QUIET_S))


def _holdfast_trial(name, ended):
    answer = json.loads(ended.out)
    lengths = {}
    for (phase, at), (_, after) in zip(ended.marks, ended.marks[1:]):
        lengths[phase] = round(lengths.get(phase, 0) + after - at, 3)
    return Trial(name, ended.seconds, answer["deleted"], answer["storage"]["longest_lock_ms"], ended.peak_mib,
                 ended.written_mib, counting_ms=answer["storage"]["counting_ms"] + answer["storage"]["reconciling_ms"], phases=lengths)


def measure(name, tools, source, folder, cutoff, spec, run=None, beside_writer=False, archive=False, digest=True):
    """Copies the log and lets the contender work on the copy."""
    copy_log(source, folder)
    settings = config(folder / "audit.db", spec, run or {}, folder / "archive" if archive else None, digest)
    (folder / "holdfast.toml").write_text(settings, encoding="utf-8")
    if archive:
        (folder / "archive").mkdir(mode=0o700)
    _warm(name, tools)
    writer = None
    if beside_writer:
        writer = subprocess.Popen([sys.executable, HERE / "writer.py", folder / "audit.db"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        time.sleep(WRITER_HEAD_START_S)
    try:
        ended = _run(_command(name, tools, folder, cutoff), folder)
    finally:
        waits = json.loads(writer.communicate()[0]) if writer else None
    if name == "holdfast":
        trial = _holdfast_trial(name, ended)
    elif name == "shell":
        trial = Trial(name, ended.seconds, int(ended.out.split()[-1]), 1000 * ended.seconds, ended.peak_mib, ended.written_mib)
    else:
        answer = json.loads(ended.out)
        trial = Trial(name, ended.seconds, answer["deleted"], answer["longest_lock_ms"], ended.peak_mib, ended.written_mib)
    trial.writer = waits
    shutil.rmtree(folder)
    return trial

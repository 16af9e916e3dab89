# SPDX-License-Identifier: Apache-2.0
"""Drives the finished `holdfast` program from Python tests.

The program is the file that $HOLDFAST_BIN names. Its system clock is set with libfaketime; the monotonic clock stays
real, so that time budgets and sleeps work as ever.
"""

import contextlib
import datetime
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

# A configuration that others may write is refused, whatever umask these tests are started with.
os.umask(0o022)

FAKETIME_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
ADMINISTRATOR = "alice"
NOBODY = 65534
UTC = datetime.timezone.utc


def require(condition, why):
    """Skips the running test where `condition` does not hold; on a CI machine that is a failure instead."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        raise AssertionError(f"required on CI: {why}")
    raise unittest.SkipTest(why)


def program_path():
    """The program under test; skips (fails on CI) where $HOLDFAST_BIN names none."""
    named = os.environ.get("HOLDFAST_BIN", "")
    require(named != "", "HOLDFAST_BIN does not name the holdfast program")
    require(os.access(named, os.X_OK), f"HOLDFAST_BIN: {named} is not an executable file")
    return Path(named).resolve()


@contextlib.contextmanager
def work_folder(prefix="holdfast-test-"):
    """A folder of its own, removed at the end; kept, and its path printed, where $HOLDFAST_KEEP is set."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        if os.environ.get("HOLDFAST_KEEP"):
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


class Clock:
    """The system clock that the program sees. It stands still at a whole second, unless `running`."""

    def __init__(self, start, running=False):
        self.now = start
        self.running = running

    @property
    def now_ms(self):
        return round(self.now.timestamp() * 1000)

    def set(self, instant):
        self.now = instant

    def advance(self, **duration):
        self.now += datetime.timedelta(**duration)

    def environment(self):
        """The variables that make a child process see this clock."""
        require(FAKETIME_LIBRARY.exists(), f"libfaketime is not installed: {FAKETIME_LIBRARY}")
        text = self.now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return {
            "LD_PRELOAD": str(FAKETIME_LIBRARY),
            "FAKETIME": f"@{text}" if self.running else text,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }


@dataclass(frozen=True)
class Answer:
    """What one call of the program gave back."""

    words: tuple
    exit_status: int
    stdout: str
    stderr: str

    @property
    def json(self):
        try:
            return json.loads(self.stdout)
        except ValueError as problem:
            raise AssertionError(f"stdout is not JSON ({problem}): {self}") from problem

    def __str__(self):
        return (
            f"holdfast {' '.join(self.words)}: exit {self.exit_status}\n"
            f"stdout: {self.stdout[:2000]}\nstderr: {self.stderr[:2000]}"
        )


def toml_key(key):
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else toml_value(key)


def toml_value(value):
    """One value as inline TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (str, Path)):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
    raise TypeError(f"no TOML for {value!r}")


def toml_text(config, path=()):
    """A dict of dicts as TOML: tables down to the last but one level, inline tables where a dict holds only scalars
    two or more levels down."""
    plain, tables = [], []
    for key, value in config.items():
        inline = isinstance(value, dict) and len(path) >= 1 and not any(isinstance(v, dict) for v in value.values())
        if isinstance(value, dict) and not inline:
            tables.append(toml_text(value, (*path, key)))
        else:
            plain.append(f"{toml_key(key)} = {toml_value(value)}\n")
    head = f"[{'.'.join(toml_key(part) for part in path)}]\n" if path else ""
    return head + "".join(plain) + "\n" + "".join(tables)


class Holdfast:
    """One installation in a folder: a config, a database, a clock, and the verbs."""

    def __init__(self, folder, config, clock=None, administrator=ADMINISTRATOR):
        self.folder = Path(folder)
        self.clock = clock
        self.administrator = administrator
        self.user = None
        self.program = None
        self.config_file = self.folder / "holdfast.toml"
        self.write_config(config)

    def write_config(self, config):
        """Replaces the config file; `config` is TOML text or a dict."""
        text = config if isinstance(config, str) else toml_text(config)
        self.config_file.write_text(text, encoding="utf-8")

    def leave_root(self):
        """From now on the program is called by a user who is not root, and to whom the folder and all in it belongs."""
        if os.geteuid() != 0:
            return
        self.program = shutil.copy(program_path(), self.folder)
        for path in (self.folder, *self.folder.rglob("*")):
            os.lchown(path, NOBODY, NOBODY)
        self.user = NOBODY

    def call(self, *words, expect=None, timeout_s=300):
        """Runs one verb. `expect`: the exit status, or several, that it must end with."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "FAKETIME"))}
        if self.clock is not None:
            environment.update(self.clock.environment())
        words = tuple(str(word) for word in words)
        options_end = words.index("--") if "--" in words else len(words)
        config = ("--config", str(self.config_file))
        done = subprocess.run(
            [str(self.program or program_path()), *words[:options_end], *config, *words[options_end:]],
            cwd=self.folder,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else (),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=timeout_s,
            check=False,
        )
        answer = Answer(words, done.returncode, done.stdout, done.stderr)
        allowed = (expect,) if isinstance(expect, int) else expect
        if allowed is not None and answer.exit_status not in allowed:
            raise AssertionError(f"expected exit {allowed}: {answer}")
        return answer

    def init(self):
        return self.call("init", expect=0)

    def plan(self, *options, expect=(0, 4)):
        return self.call("plan", "--json", *options, expect=expect)

    def plan_rows(self, *options):
        """The plan, and the reason of every row of the log by the text of its key."""
        rows_file = self.folder / "plan_rows.ndjson"
        rows_file.unlink(missing_ok=True)
        answer = self.plan("--rows", rows_file, *options)
        reasons = {}
        with rows_file.open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                row = json.loads(line)
                if row["id"] in reasons:
                    raise AssertionError(f"plan --rows names row {row['id']} twice")
                reasons[row["id"]] = row["reason"]
        return answer, reasons

    def save_plan(self):
        """Saves a plan and gives its digest."""
        return self.plan("--save").json["digest"]

    def approve(self, digest):
        return self.call("approve", digest, "--as", self.administrator, expect=0)

    def run(self, *options, expect=None):
        """The nightly job. Whatever the test is about, the sums of a run that did not fail close."""
        answer = self.call("run", "--json", *options, expect=expect)
        report = json.loads(answer.stdout) if answer.stdout.startswith("{") else {}
        if report.get("outcome", "failed") not in ("failed", "invalid"):
            open_sums = {what: rows for what, rows in report["reconciliation"].items() if rows != 0}
            counted = report["deleted"] + report["kept"]
            if open_sums or counted != report["rows_before"]:
                raise AssertionError(f"the run's sums do not close: {open_sums}, {counted} rows: {answer}")
        return answer

    def explain(self, key):
        return self.call("explain", "--json", "--", key, expect=0).json

    def place_hold(self, terms, *options):
        """Places a hold and gives what the program says of it; `hold` is its id.

        `terms`: option name to value, list of values, or True for a bare flag.
        """
        words = []
        for name, values in terms.items():
            for value in values if isinstance(values, (list, tuple)) else [values]:
                words.append(f"--{name}" if value is True else f"--{name}={value}")
        matter = ("--matter", "M-1", "--reason", "test")
        return self.call("hold", "place", "--json", *matter, *words, *options, expect=0).json

    def release_hold(self, hold_id):
        return self.call("hold", "release", hold_id, "--reason", "closed", "--as", self.administrator, expect=0)

    def set_bookmark(self, name, key):
        return self.call("bookmark", "set", "--", name, key, expect=0)

    def drop_bookmark(self, name):
        return self.call("bookmark", "drop", name, expect=0)

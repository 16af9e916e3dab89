# SPDX-License-Identifier: Apache-2.0
"""A small audit log with a config, a clock and the program: what the tests of this folder build upon.

The calendar rule is written here a third time, from the text of the rules, so that a test can say when a row may go
without asking the program.
"""

import calendar
import contextlib
import copy
import datetime
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from holdfast_cli import UTC, Clock, Holdfast, require, work_folder

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
# Hundreds of runs that all wait for a disk to say that it has written are most of a test's time, and what a power cut
# leaves is not asked here. $TMPDIR goes before.
MEMORY_FOLDER = "/dev/shm"
if "TMPDIR" not in os.environ and os.access(MEMORY_FOLDER, os.W_OK | os.X_OK):
    tempfile.tempdir = MEMORY_FOLDER

OVERRIDDEN = "ACCOUNT_DELETION_HOLDS_OVERRIDDEN"
COMPLETED = "AUDIT_PRUNE_RUN_COMPLETED"
FAILED = "AUDIT_PRUNE_RUN_FAILED"
POLICY_UPDATED = "TENANT_AUDIT_RETENTION_POLICY_UPDATED"


def shared_data(name):
    """A file or folder of the shared data; skips (fails on CI) where it is not there."""
    require((DATA / name).exists(), f"no shared data: {name}")
    return DATA / name


def at(text):
    """`2030-01-01` or `2030-01-01T02:00:00` as an instant of UTC."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def to_ms(instant):
    return (instant - EPOCH) // datetime.timedelta(milliseconds=1)


def rfc3339_ms(text):
    return to_ms(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))


def days(count):
    return datetime.timedelta(days=count)


def deletable_from(event, window):
    """The first instant at which a row of this time may go: the rule of the section "Time", word by word."""
    count, unit = window.split()
    event_day = (event + datetime.timedelta(hours=14)).date()
    if unit.startswith("day"):
        last_day = event_day + datetime.timedelta(days=int(count))
    else:
        months = int(count) * (12 if unit.startswith("year") else 1)
        year, month0 = divmod(event_day.year * 12 + event_day.month - 1 + months, 12)
        length = calendar.monthrange(year, month0 + 1)[1]
        last_day = datetime.date(year, month0 + 1, min(event_day.day, length))
    over = last_day + datetime.timedelta(days=2)
    return datetime.datetime(over.year, over.month, over.day, tzinfo=UTC)


def config_with(*changes, **sections):
    """The config of these tests, with sections replaced; `changes` are dicts laid over it, key by key."""
    config = {
        "database": {"path": "audit.db"},
        "retention": {
            "category": {
                "account": {"window": "90 days", "basis": "test"},
                "audit-retention": {"window": "7 years", "basis": "test"},
            }
        },
        "admins": {"principals": ["alice", "bob"]},
        "identity": {"trust_flag": True},
        "safety": {"first_run_needs_approval": False, "max_category_share": 1.0},
    }
    config |= sections
    for change in changes:
        config = laid_over(config, change)
    return config


def laid_over(base, change):
    """`base` with the leaves of `change` in it; a leaf that is None takes its key out."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = laid_over(result[key], value)
        else:
            result[key] = value
    return result


class World(Holdfast):
    """An installation over the table that `init` makes, with helpers to write and read its log."""

    def __init__(self, folder, config, now, administrator="alice"):
        super().__init__(folder, config, Clock(now), administrator)
        self.database = self.folder / "audit.db"

    @contextlib.contextmanager
    def connection(self):
        """A connection that commits at the end."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as database:
            database.execute("PRAGMA synchronous = OFF")
            yield database
            database.commit()

    def query(self, sql, *values):
        with self.connection() as database:
            return database.execute(sql, values).fetchall()

    def insert(self, time, code="ACCOUNT_PROFILE_UPDATE", count=1, **columns):
        """Adds rows and gives their ids. `time`: an instant, or whatever is to stand in the column."""
        stored = to_ms(time) if isinstance(time, datetime.datetime) else time
        names = ["occurred_at", "code", *columns]
        values = [stored, code, *columns.values()]
        sql = f"INSERT INTO audit_events ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with self.connection() as database:
            return [database.execute(sql, values).lastrowid for _ in range(count)]

    def rows(self):
        """The application's rows by id; what Holdfast logged itself is left out."""
        names = ("id", "occurred_at", "tenant", "code", "severity", "actor", "subject", "retain_until", "metadata")
        found = self.query(f"SELECT {', '.join(names)} FROM audit_events ORDER BY id")
        own = (COMPLETED, FAILED, POLICY_UPDATED)
        rows = [dict(zip(names, row)) for row in found]
        return {row["id"]: row for row in rows if row["code"] not in own}

    def ids(self):
        return set(self.rows())

    def events(self, *codes):
        """Holdfast's own audit rows of these codes, oldest first, with their metadata read."""
        marks = ", ".join("?" * len(codes))
        names = ("id", "code", "severity", "actor", "occurred_at", "metadata")
        sql = f"SELECT {', '.join(names)} FROM audit_events WHERE code IN ({marks}) ORDER BY id"
        events = [dict(zip(names, row)) for row in self.query(sql, *codes)]
        return [event | {"metadata": json.loads(event["metadata"])} for event in events]

    def freeze(self, *terms, matter="M-1", reason="test", who="alice", expect=0):
        """Places a hold as `who` and gives the answer: `--tenant=acme`, `--everything` and so on are the terms."""
        words = ("--matter", matter, "--reason", reason, "--as", who, "--json")
        return self.call("hold", "place", *words, *terms, expect=expect)

    def release(self, hold, who="alice", expect=0):
        """Releases the hold of an answer of `freeze`."""
        words = ("--reason", "closed", "--as", who, "--json")
        return self.call("hold", "release", hold.json["hold"], *words, expect=expect)

    def clocks(self):
        """Every clock that was stored: (system now, run clock), in UTC milliseconds."""
        return self.query("SELECT system_now_ms, as_of_ms FROM holdfast_clock ORDER BY id")

    def approved_run(self, **options):
        """Saves a plan, has it approved, and runs."""
        self.approve(self.save_plan())
        return self.run(**options)


@contextlib.contextmanager
def world(config=None, now="2030-01-01T02:00:00", init=True):
    """A world in a folder of its own, with an initialised database."""
    with work_folder() as folder:
        made = World(folder, config_with() if config is None else config, at(now))
        if init:
            made.init()
        yield made


def table_contents(database):
    """Every table of an open database with its rows, and every object of its schema; what SQLite keeps for itself is
    left out, because nobody can take it out again."""
    sql = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    schema = sorted(database.execute(sql).fetchall(), key=repr)
    contents = {}
    for kind, name, _, _ in schema:
        if kind == "table":
            quoted = name.replace('"', '""')
            contents[name] = sorted(database.execute(f'SELECT * FROM "{quoted}"').fetchall(), key=repr)
    assert contents or not any(kind == "table" for kind, *_ in schema), schema
    return schema, contents


def logical_dump(path):
    """What a database says, WAL included, read from a copy so that reading changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "copy.db"
        for suffix in ("", "-wal", "-journal"):
            source = Path(f"{path}{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{copied}{suffix}")
        with contextlib.closing(sqlite3.connect(copied)) as database:
            database.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
            return table_contents(database)


class Untouched:
    """Checks that a database file says the same as when this was made."""

    def __init__(self, path):
        self.path = Path(path)
        self.digest = self._digest()
        self.dump = self._dump()

    def _digest(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest() if self.path.exists() else None

    def _dump(self):
        if not self.path.exists():
            return None
        try:
            return logical_dump(self.path)
        except sqlite3.DatabaseError as problem:
            return f"unreadable: {type(problem).__name__}"

    def _wal_bytes(self):
        wal = Path(f"{self.path}-wal")
        return wal.stat().st_size if wal.exists() else 0

    def differences(self):
        """What is different now; empty where nothing is."""
        if self._digest() == self.digest and self._wal_bytes() == 0:
            return ""
        now = self._dump()
        if now == self.dump and now is not None:
            return ""
        return f"{self.path.name} has changed"


def one_sentence(test, answer, *words):
    """The program complained with one line that names every one of `words`, and did not leak how it is built."""
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    complaints = [line for line in lines if line.startswith("holdfast: ")]
    test.assertEqual(len(complaints), 1, answer)
    test.assertEqual(len(lines), 1, f"more than one line: {answer}")
    for word in words:
        test.assertIn(word, complaints[0], answer)
    for leak in ("terminate called", "std::", "basic_string", "exception"):
        test.assertNotIn(leak, answer.stderr, answer)


def is_root():
    return os.geteuid() == 0

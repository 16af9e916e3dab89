# SPDX-License-Identifier: Apache-2.0
"""Archives of deleted rows read without the program: with the zstd command and the format as the README describes it."""

import contextlib
import json
import re
import shutil
import sqlite3
import struct
import subprocess
from pathlib import Path

from audit_world import World, at, config_with, days
from holdfast_cli import require, work_folder

NIGHT = at("2030-01-01T02:00:00")
KEEP = "30 days"
PAST_KEEP = days(33)  # a window of 30 days is over in every zone on the second day after it
COLUMNS = ("id", "occurred_at", "tenant", "code", "severity", "actor", "subject", "retain_until", "metadata")
ARCHIVE_NAME = re.compile(r"run-[0-9a-f]{8}-(\d+)\.ndjson\.zst")
LONG = "x" * 10_000
# SQL that no other value is like: what an archive has to bring back byte by byte.
ODD_METADATA = (
    "'{\"a\": \"\"\"}'", "CAST(x'61006200' AS TEXT)", "CAST(x'ff80fe' AS TEXT)", "x'00ff00'", "''", f"'{LONG}'",
    "char(10) || char(13) || char(1) || '\\ \"'", "'Grüße 日本'", "NULL", "7", "-0.5",
)  # fmt: skip


def archive_config(*changes, directory="archive", keep=KEEP):
    base = {
        "archive": {"directory": str(directory), "keep": keep},
        "safety": {"max_clock_step": "4000 days"},
        "run": {"max_lock": "2ms", "max_lock_idle": "2ms"},
    }
    return config_with(base, *changes)


class ArchiveWorld(World):
    """A world with a folder of archives, and rows of every kind that are due."""

    def __init__(self, folder, config=None, now=NIGHT):
        super().__init__(folder, archive_config() if config is None else config, now)
        self.archive = self.folder / "archive"
        self.begin = None

    def fill(self, count=300):
        """Rows that are due, the odd ones among them, and as many that are not."""
        old, fresh = self.clock.now_ms - 200 * 86_400_000, self.clock.now_ms - 86_400_000
        with self.connection() as database:
            for number in range(count):
                metadata = ODD_METADATA[number % len(ODD_METADATA)]
                for time in (old + number, fresh):
                    database.execute(
                        "INSERT INTO audit_events (occurred_at, tenant, code, actor, subject, metadata)"
                        f" VALUES (?, ?, 'ACCOUNT_PROFILE_UPDATE', ?, ?, {metadata})",
                        (time, ("acme", None)[number % 2], f"actor-{number % 7}", f"person-{number}"),
                    )
        return self

    def archive_file(self, run):
        return self.archive / f"{self.name_of(run)}.ndjson.zst"

    def manifest_file(self, run):
        return self.archive / f"{self.name_of(run)}.manifest.json"

    def name_of(self, run):
        self.begin = self.begin or name_begin(self.database)
        return f"{self.begin}{run}"

    def manifest(self, run):
        return json.loads(self.manifest_file(run).read_text(encoding="utf-8"))

    def archives(self, verb, *words, expect=0, who="alice"):
        identity = () if who is None else ("--as", who)
        return self.call("archive", verb, *words, *identity, "--json", expect=expect)


@contextlib.contextmanager
def archive_world(config=None, fill=300):
    """A world with an empty folder of archives and an initialised database."""
    with work_folder() as folder:
        (folder / "archive").mkdir()
        made = ArchiveWorld(folder, config)
        made.init()
        made.fill(fill)
        yield made


def copied(database, suffix="look"):
    """A copy of the files of a database: to look into them touches nothing."""
    copy = Path(f"{database}.{suffix}")
    for part in ("", "-wal", "-journal"):
        source = Path(f"{database}{part}")
        Path(f"{copy}{part}").unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, f"{copy}{part}")
    return copy


def name_begin(database):
    """What the names of a database's archives begin with."""
    with contextlib.closing(sqlite3.connect(copied(database, "name"))) as look:
        identity = look.execute("SELECT value FROM holdfast_meta WHERE key = 'database_id'").fetchone()[0]
    return f"run-{identity[:8]}-"


def stored_rows(database):
    """Every row of the log by its id, with the type and the bytes of each value; read from a copy of the files."""
    copy = copied(database)
    wanted = ", ".join(f"typeof({name}), CASE typeof({name}) WHEN 'real' THEN {name} ELSE CAST({name} AS BLOB) END" for name in COLUMNS)
    with contextlib.closing(sqlite3.connect(copy)) as look:
        rows = {}
        for row in look.execute(f"SELECT id, {wanted} FROM audit_events"):
            rows[row[0]] = tuple(zip(row[1::2], row[2::2]))
        return rows


def unpack(path):
    """The lines of an archive as the zstd command unpacks them."""
    require(shutil.which("zstd") is not None, "the zstd command is not installed")
    done = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]


def value_of(kind, text):
    """(type, bytes) of one archived value, as stored_rows() has it."""
    if kind == "n":
        return ("null", None)
    if kind == "r":
        return ("real", float(text))
    if kind == "rh":
        return ("real", struct.unpack(">d", bytes.fromhex(text))[0])
    if kind == "b":
        return ("blob", bytes.fromhex(text))
    if kind == "th":
        return ("text", bytes.fromhex(text))
    return ({"i": "integer", "t": "text"}[kind], text.encode("utf-8"))


def archived_rows(path):
    """The rows of an archive by their key; heads and feet of the frames have to fit them."""
    rows, open_head, counted = {}, None, 0
    for line in unpack(path):
        if "slice" in line:
            assert open_head is None, line
            open_head, counted = line, 0
        elif "k" in line:
            assert int(line["k"]) not in rows, line
            rows[int(line["k"])] = tuple(value_of(*value) for value in line["v"])
            counted += 1
        else:
            assert line == {"rows": counted}, line
            open_head = None
    assert open_head is None, open_head
    return rows


def all_archived(folder):
    """The rows of every archive of a folder, by run."""
    found = {}
    for path in sorted(Path(folder).iterdir()):
        name = ARCHIVE_NAME.fullmatch(path.name)
        if name:
            found[int(name.group(1))] = archived_rows(path)
    return found

# SPDX-License-Identifier: Apache-2.0
"""Feeds the broken, encrypted and hostile files of the shared data to the program, one verb after the other."""

import contextlib
import csv
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

from audit_world import config_with, shared_data
from holdfast_cli import Holdfast, work_folder

VERBS = ("check", "plan", "init", "run")
LONGEST_S = 20
ALLOWED_STATUS = (0, 1, 2, 3, 4)
# The last: Python cannot read the column names of some of these files.
UNREADABLE = (sqlite3.Error, OverflowError, UnicodeError)


def manifest():
    """File name to class, for every database of the folder."""
    with shared_data("malformed/MANIFEST.csv").open(encoding="utf-8") as lines:
        listed = {line["file"]: line["class"] for line in csv.DictReader(lines)}
    there = {path.name for path in shared_data("malformed").glob("*.db")}
    assert set(listed) == there, f"MANIFEST.csv and the folder differ: {set(listed) ^ there}"
    return listed


def copy_with_companions(name, target):
    for suffix in ("", "-wal", "-journal"):
        source = shared_data("malformed") / f"{name}{suffix}"
        if source.exists():
            shutil.copyfile(source, f"{target}{suffix}")
            Path(f"{target}{suffix}").chmod(0o644)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def read_until_error(database, table):
    """The rows of a table as far as they can be read, and whether that was all of them."""
    rows = []
    try:
        for row in database.execute(f"SELECT * FROM {quoted(table)} NOT INDEXED"):
            rows.append(repr(row))
    except UNREADABLE:
        return sorted(rows), False
    return sorted(rows), True


def application_rows(path):
    """The rows of every table that is not Holdfast's, read from a copy."""
    with work_folder() as folder:
        copied = folder / "copy.db"
        for suffix in ("", "-wal", "-journal"):
            if Path(f"{path}{suffix}").exists():
                shutil.copyfile(f"{path}{suffix}", f"{copied}{suffix}")
        with contextlib.closing(sqlite3.connect(copied)) as database:
            database.text_factory = bytes
            try:
                names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            except UNREADABLE:
                return copied.read_bytes()
            names = [name.decode("utf-8", "surrogateescape") for (name,) in names]
            ours = ("holdfast_", "sqlite_")
            return {name: read_until_error(database, name) for name in names if not name.startswith(ours)}


def mapping_onto(path):
    """An [events] section that names a table which is really in the file, with its first columns; None for none."""
    copied = Path(f"{path}.probe")
    shutil.copyfile(path, copied)
    try:
        with contextlib.closing(sqlite3.connect(copied)) as database:
            return readable_mapping(database)
    except UNREADABLE:
        return mapping_by_text(path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{copied}{suffix}").unlink(missing_ok=True)


def readable_mapping(database):
    best = None
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"):
        columns = database.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
        key = [column[1] for column in sorted(columns, key=lambda c: c[5]) if column[5]]
        if not columns or (best and not key):
            continue
        others = [column[1] for column in columns if column[1] not in key] or [columns[0][1]]
        mapping = {"table": name, "id": key or columns[0][1], "time": others[0], "code": others[-1]}
        if best is None or key:
            best = mapping
        if key:
            break
    return best


def mapping_by_text(path):
    """For a schema that SQLite does not take: the first table that the bytes of the file declare."""
    found = re.search(rb"CREATE TABLE\s+[\"'\[]?(\w+)[\"'\]]?\s*\(\s*(\w+)", path.read_bytes())
    if not found:
        return None
    table, column = (part.decode() for part in found.groups())
    return {"table": table, "id": column, "time": column, "code": column}


def config_for(mapping):
    """As loose as a config may be: whatever can be read as an old row with a known code would go."""
    config = config_with()
    config["safety"] |= {"max_bad_time_share": 1.0}
    config["database"] = {"path": "broken.db"}
    if mapping:
        config["events"] = {key: value for key, value in mapping.items()} | {"time_format": "unix_s"}
        config["events"]["own_events"] = "holdfast"
    return config


def try_verbs(name, mapped):
    """Runs every verb on one file; gives what went wrong, as sentences."""
    problems = []
    with work_folder() as folder:
        path = folder / "broken.db"
        copy_with_companions(name, path)
        mapping = mapping_onto(path) if mapped else None
        program = Holdfast(folder, config_for(mapping))
        for verb in VERBS:
            bytes_before, rows_before = path.read_bytes(), application_rows(path)
            what = f"{name}, {'mapped onto ' + mapping['table'] if mapping else 'default mapping'}, {verb}"
            try:
                answer = program.call(verb, timeout_s=LONGEST_S)
            except subprocess.TimeoutExpired:
                problems.append(f"{what}: still going after {LONGEST_S} s")
                break
            if answer.exit_status not in ALLOWED_STATUS:
                problems.append(f"{what}: {answer}")
            if answer.exit_status in (1, 2) and not says_why(verb, answer):
                problems.append(f"{what}: not one sentence: {answer}")
            if verb in ("check", "plan") and path.read_bytes() != bytes_before:
                problems.append(f"{what}: the file has changed")
            elif verb in ("init", "run") and not survived(rows_before, application_rows(path)):
                problems.append(f"{what}: rows have changed; {answer}")
    return problems


def says_why(verb, answer):
    """One sentence; a run that had begun also tells its log, and its last line on stdout says how it ended."""
    lines = answer.stderr.strip().splitlines()
    if "holdfast.toml: is damaged" in answer.stderr:  # it is the database that is
        return False
    if verb == "run" and answer.stdout:
        return len(answer.stdout.strip().splitlines()) == 1 and len(lines) >= 1
    return len(lines) == 1 and lines[0].startswith("holdfast: ") and len(lines[0]) > len("holdfast: broken.db")


def survived(before, after):
    """Whether every row that could be read before is still there; a table that `init` added does not count."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return before == after
    return all(after.get(name) == rows for name, rows in before.items())

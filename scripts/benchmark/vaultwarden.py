# SPDX-License-Identifier: Apache-2.0
"""A table like Vaultwarden's `event`: text keys, text times, no index on the time, and a writer beside the prune.

    python3 vaultwarden.py writer DATABASE
    python3 vaultwarden.py delete DATABASE CUTOFF
"""

import contextlib
import datetime as dt
import json
import re
import select
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

MAPPING = Path(__file__).resolve().parents[1] / "package" / "mappings" / "vaultwarden"
WINDOW_DAYS = 90
CUTOFF_DAYS = 94  # between this age and the window there are no rows: a window ends with its day, in every time zone
CODES = (1000, 1005, 1007, 1100, 1101, 1107, 1111, 1114, 1115, 1500, 1502)
REST_S = 0.002
TEXT_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE event (
  uuid TEXT NOT NULL PRIMARY KEY, event_type INTEGER NOT NULL, user_uuid TEXT, org_uuid TEXT, cipher_uuid TEXT,
  collection_uuid TEXT, group_uuid TEXT, org_user_uuid TEXT, act_user_uuid TEXT, device_type INTEGER, ip_address TEXT,
  event_date DATETIME NOT NULL, policy_uuid TEXT, provider_uuid TEXT, provider_user_uuid TEXT, provider_org_uuid TEXT,
  UNIQUE (uuid));
"""
# Keys as random as real ones, the same in every round: the hash of a number that is multiplied.
INSERT = """
WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < :rows)
INSERT INTO event (uuid, event_type, user_uuid, org_uuid, cipher_uuid, act_user_uuid, device_type, ip_address, event_date)
SELECT printf('%08x-%04x-4%03x-8%03x-%012x', (i * 2654435761 + 97) & 4294967295, i >> 4 & 65535, i & 4095,
              i * 7919 & 4095, i * 104729),
       (SELECT value FROM json_each(:codes) WHERE key = i % :kinds), printf('user-%05d', i % 500), printf('org-%d', i % 3),
       printf('cipher-%07d', i % 20000), printf('user-%05d', i * 7 % 500), 9, '10.0.0.7',
       strftime('%Y-%m-%d %H:%M:%f', CASE WHEN i < :due THEN :cutoff - (:due - i) * 31536000.0 / :due
                                          ELSE :now - 7776000.0 + (i - :due) * 7775000.0 / :rows END, 'unixepoch') || '000'
FROM number
"""
WRITE = "INSERT INTO event (uuid, event_type, org_uuid, event_date) VALUES (?, 1000, 'org-1', ?)"
# Its own clean-up, word for word as its source has it but for the names of Diesel.
DELETE = "DELETE FROM event WHERE event_date < ?"


def make(folder, rows, now):
    """Makes the database with half of its rows past their window; gives the cut-off as the table's text."""
    folder.mkdir(parents=True)
    cutoff = now - dt.timedelta(days=CUTOFF_DAYS)
    with contextlib.closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        database.executescript(SCHEMA)
        values = {"rows": rows, "due": rows // 2, "codes": json.dumps(CODES), "kinds": len(CODES), "cutoff": cutoff.timestamp(),
                  "now": now.timestamp()}
        database.execute(INSERT, values)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return cutoff.strftime(TEXT_FORMAT)


def configure(folder, max_lock):
    """The ready mapping with a window in force for every category."""
    (folder / "codes.tsv").write_bytes((MAPPING / "codes.tsv").read_bytes())
    text = (MAPPING / "holdfast.toml").read_text(encoding="utf-8")
    text = text.replace("# [retention.category]", "[retention.category]")
    text = re.sub(r"(?m)^# (vaultwarden-\w+ = \{ window = )\"[^\"]*\"", rf'\1"{WINDOW_DAYS} days"', text)
    text = text.replace("first_run_needs_approval = true", "first_run_needs_approval = false\nmax_category_share = 1.0")
    (folder / "holdfast.toml").write_text(f'{text}\n[run]\nmax_lock = "{max_lock}"\n', encoding="utf-8")


def write_until_told(database):
    """A row every 2 ms, each in a transaction of its own; how long each took from asking for the lock."""
    took_ms = []
    with contextlib.closing(sqlite3.connect(database, timeout=600, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        while not select.select([sys.stdin], [], [], REST_S)[0]:
            now = dt.datetime.now(dt.timezone.utc).strftime(TEXT_FORMAT)
            begun = time.monotonic()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(WRITE, (f"writer-{len(took_ms):08d}", now))
            connection.execute("COMMIT")
            took_ms.append(1000 * (time.monotonic() - begun))
    return took_ms


def delete_at_once(database, cutoff):
    with contextlib.closing(sqlite3.connect(database, timeout=600, isolation_level=None)) as connection:
        begun = time.monotonic()
        deleted = connection.execute(DELETE, (cutoff,)).rowcount
        return {"deleted": deleted, "longest_lock_ms": 1000 * (time.monotonic() - begun)}


def beside_writer(command, folder):
    """Runs the command beside a writer: seconds, its answer, and how long the writer waited."""
    writer = subprocess.Popen([sys.executable, __file__, "writer", folder / "db.sqlite3"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    try:
        begun = time.monotonic()
        done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begun
    finally:
        waits = sorted(json.loads(writer.communicate()[0])) or [0.0]
    if done.returncode != 0:
        raise SystemExit(f"bench: {command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds, json.loads(done.stdout), {"writes": len(waits), "p99_ms": waits[int(0.99 * len(waits))], "max_ms": waits[-1]}


if __name__ == "__main__":
    if sys.argv[1] == "writer":
        print(json.dumps(write_until_told(sys.argv[2])))
    else:
        print(json.dumps(delete_at_once(*sys.argv[2:])))

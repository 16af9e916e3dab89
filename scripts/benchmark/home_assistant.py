# SPDX-License-Identifier: Apache-2.0
"""What Home Assistant's recorder does, on this table: up to 4,000 ids of a code, deleted by their numbers, committed.

    python3 home_assistant.py DATABASE CUTOFF_MS

Prints one line of JSON: rows deleted and the longest time under the write lock in milliseconds.
"""

import contextlib
import json
import sqlite3
import sys
import time

BATCH = 4000
CACHE_KIB = 16_384
CODES = "SELECT min(code) FROM audit_events WHERE code > ?"
CHOOSE = """
SELECT id FROM audit_events AS e WHERE code = ? AND occurred_at < ?
AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.subject)
AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.actor) LIMIT ?
"""


def codes_of(connection):
    code = ""
    while (code := connection.execute(CODES, (code,)).fetchone()[0]) is not None:
        yield code


def purge(database, cutoff_ms):
    deleted = 0
    longest = 0.0
    with contextlib.closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        for code in list(codes_of(connection)):
            while ids := [row[0] for row in connection.execute(CHOOSE, (code, cutoff_ms, BATCH))]:
                connection.execute("BEGIN IMMEDIATE")
                begun = time.monotonic()
                marks = ",".join("?" * len(ids))
                deleted += connection.execute(f"DELETE FROM audit_events WHERE id IN ({marks})", ids).rowcount
                connection.execute("COMMIT")
                longest = max(longest, time.monotonic() - begun)
    return {"deleted": deleted, "longest_lock_ms": round(1000 * longest, 1)}


if __name__ == "__main__":
    print(json.dumps(purge(sys.argv[1], int(sys.argv[2]))))

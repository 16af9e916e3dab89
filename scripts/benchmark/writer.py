# SPDX-License-Identifier: Apache-2.0
"""An application beside the prune: a row every 2 ms, each in a transaction of its own, until it is told to stop.

    python3 writer.py DATABASE

Stops at the end of its standard input. Prints one line of JSON: how long its transactions took, from asking for the
lock to the end of the commit, in milliseconds.
"""

import contextlib
import json
import select
import sqlite3
import sys
import time

REST_S = 0.002
INSERT = """
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, metadata)
VALUES (?, 'tenant-1', 'ACCOUNT_PROFILE_UPDATE', 'Info', ?, ?, '{}')
"""


def write_until_told(database):
    took_ms = []
    gave_up = 0
    with contextlib.closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        while not select.select([sys.stdin], [], [], REST_S)[0]:
            number = len(took_ms)
            row = (int(time.time() * 1000), f"person-{number * 7919 % 20_000:05d}", f"subject-{number * 104_729 % 50_000:05d}")
            begun = time.monotonic()
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(INSERT, row)
                connection.execute("COMMIT")
                took_ms.append(1000 * (time.monotonic() - begun))
            except sqlite3.OperationalError:
                gave_up += 1
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    return took_ms, gave_up


def summary(took_ms, gave_up):
    ordered = sorted(took_ms) or [0.0]

    def share(part):
        return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 2)

    return {"writes": len(took_ms), "gave_up": gave_up, "p50_ms": share(0.5), "p99_ms": share(0.99), "max_ms": share(1.0)}


if __name__ == "__main__":
    print(json.dumps(summary(*write_until_told(sys.argv[1]))))

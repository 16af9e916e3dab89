# SPDX-License-Identifier: Apache-2.0
"""A large audit log in the table that `init` makes, half of it past its window, with three indexes of the application."""

import contextlib
import random
import sqlite3
import time

CODES = ("ACCOUNT_PROFILE_UPDATE", "ACCOUNT_SESSION_REVOKED", "ACCOUNT_STEPUP_VERIFIED", "ACCOUNT_MFA_ENROLLED")
WINDOW = "90 days"
DAY_MS = 86_400_000
SPAN_DAYS = 186
PEOPLE = 20_000
SUBJECTS = 50_000
PIECE = 20_000

INDEXES = """
CREATE INDEX audit_events_tenant_time ON audit_events (tenant, occurred_at);
CREATE INDEX audit_events_subject ON audit_events (subject);
"""
INSERT = """
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, retain_until, metadata)
VALUES (?, ?, ?, 'Info', ?, ?, ?, ?)
"""


def person(number):
    return f"person-{number:05d}"


def subject(number):
    return f"subject-{number:05d}"


def fill(database, rows, seed=1):
    """Adds the rows in the order of their times and then makes the indexes; metadata has about 200 bytes."""
    rng = random.Random(seed)
    now_ms = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        for first in range(0, rows, PIECE):
            piece = range(first, min(first + PIECE, rows))
            connection.execute("BEGIN")
            connection.executemany(INSERT, (_row(rng, now_ms, number / rows) for number in piece))
            connection.execute("COMMIT")
        connection.executescript(INDEXES)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(rng, now_ms, share):
    age_ms = int((1 - share) * SPAN_DAYS * DAY_MS) + rng.randrange(60_000)
    return (
        now_ms - age_ms,
        rng.choice(("acme", "globex", "initech")),
        rng.choice(CODES),
        person(rng.randrange(PEOPLE)),
        subject(rng.randrange(SUBJECTS)),
        now_ms + 400 * DAY_MS if rng.random() < 0.01 else None,
        '{"ip":"10.%d.%d.%d","agent":"Firefox/128.0","note":"%s"}'
        % (rng.randrange(256), rng.randrange(256), rng.randrange(256), "x" * rng.randrange(110, 180)),
    )


def config(database, **run):
    categories = ("account", "sessions", "mfa", "step-up", "webauthn")
    return {
        "database": {"path": str(database)},
        "retention": {
            "category": {name: {"window": WINDOW, "basis": "test"} for name in categories}
            | {"audit-retention": {"window": "7 years", "basis": "test"}}
        },
        "admins": {"principals": ["alice"]},
        "identity": {"trust_flag": True},
        "safety": {"first_run_needs_approval": False, "max_category_share": 1.0},
        "run": run,
    }

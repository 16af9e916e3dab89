# SPDX-License-Identifier: Apache-2.0
"""Seeded audit logs for the benchmark, made by SQLite itself so that 30 million rows take minutes."""

import contextlib
import dataclasses
import json
import multiprocessing
import sqlite3
import subprocess
import time
from pathlib import Path

DAY_MS = 86_400_000
WINDOW_DAYS = 90
# Between this age and the window there are no rows: a window of days ends with its day, in every time zone.
CUTOFF_DAYS = 94
PEOPLE = 20_000
SUBJECTS = 50_000
PIECE = 1_000_000
CATALOGUE = Path(__file__).resolve().parents[2] / "policy" / "audit_codes.tsv"
OWN_CATEGORY = "Audit-log retention"
SLUGS = {"Account": "account", "Attestation policy": "attestation-policy", "Data erasure": "data-erasure",
         "Event webhooks": "webhooks", "Multi-factor authentication": "mfa", "Network policy": "network-policy",
         "SAML single sign-on": "saml", "SCIM provisioning": "scim", "Sessions": "sessions",
         "Step-up authentication": "step-up", "WebAuthn / Passkeys": "webauthn"}

# Two rounds of a multiplicative hash: the same rows for the same seed, on every machine. The low bits are not used.
ONE_ROUND = "((i + {salt}) * 2654435761 & 4294967295)"
HASH = f"(((({ONE_ROUND} >> 15) + {ONE_ROUND}) * 2246822519) & 4294967295)"
SALT_STEP = 1_000_003

INSERT = """
WITH RECURSIVE number(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM number WHERE i + 1 < :last)
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, retain_until, metadata)
SELECT CASE WHEN i < :due THEN :cutoff - (:due - i) * :before / max(1, :due)
            ELSE :now - :after + (i - :due) * (:after - 60000) / max(1, :rows - :due) END,
       {tenant},
       (SELECT code FROM bench_code WHERE id = {code}),
       'Info',
       {actor},
       {subject},
       NULL,
       '{{"ip":"10.' || ({hash5} >> 8 & 255) || '.' || ({hash5} >> 16 & 255) || '.7","agent":"Firefox/128.0","note":"' ||
         substr(:padding, 1, 110 + ({hash6} >> 12) % 70) || '"}}'
FROM number
"""


@dataclasses.dataclass(frozen=True)
class LogSpec:
    """What the log is like. `held_rows` of the due rows belong to a tenant of their own."""

    rows: int
    due: int
    people_held: int = 1000
    holds: int = 4
    tenants: int = 3
    held_rows: int = 0
    held_together: bool = True
    indexed: bool = True
    seed: int = 5
    windows_of_tenants: bool = False


def person(number):
    return f"person-{number:05d}"


def subject(number):
    return f"subject-{number:05d}"


def read_codes():
    """(code, slug of its category) of the catalogue, without the category of Holdfast's own rows."""
    lines = [line.split("\t") for line in CATALOGUE.read_text(encoding="utf-8").splitlines()
             if line and not line.startswith(("#", "category\t"))]
    return [(line[1], SLUGS[line[0]]) for line in lines if line[0] != OWN_CATEGORY]


def config(database, spec, run, archive=None, digest=True):
    """The configuration as TOML: one window for every category, no gate that asks for an approval."""
    lines = ["[database]", f'path = "{database}"', "[admins]", 'principals = ["bench"]', "[identity]", "trust_flag = true",
             "[safety]", "first_run_needs_approval = false", "max_category_share = 1.0", "[evidence]",
             f"row_digest = {str(digest).lower()}", "[run]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in run.items()]
    categories = sorted({category for _, category in read_codes()})
    for category in categories:
        lines += [f"[retention.category.{category}]", f'window = "{WINDOW_DAYS} days"', 'basis = "benchmark"']
    if spec.windows_of_tenants:
        for number in range(spec.tenants):
            # One day more or less: the rows nearest to the cut-off are further away than that.
            lines += [f'[retention.tenant."tenant-{number}".category.{categories[number % len(categories)]}]',
                      f'window = "{WINDOW_DAYS} days"', 'basis = "benchmark"']
    if archive is not None:
        lines += ["[archive]", f'directory = "{archive}"', 'keep = "13 months"']
    return "\n".join(lines) + "\n"


def _fill_sql(spec):
    def mixed(salt):
        return HASH.format(salt=spec.seed * 7919 + salt * SALT_STEP)

    def pick(salt, count):
        return f"({mixed(salt)} >> 9) % {count}"

    tenant = f"'tenant-' || ({pick(1, spec.tenants)})"
    if spec.held_rows and spec.held_together:
        tenant = f"CASE WHEN i < {spec.held_rows} THEN 'held' ELSE {tenant} END"
    elif spec.held_rows:
        every = spec.due // (spec.due - spec.held_rows)
        tenant = f"CASE WHEN i < {spec.due} AND i % {every} <> 0 THEN 'held' ELSE {tenant} END"
    # Codes are as uneven as in real logs: the first is the most frequent.
    codes = len(read_codes())
    even = pick(2, 10_000)
    return INSERT.format(
        tenant=tenant,
        code=f"(({even}) * ({even}) / 10000 * {codes} / 10000)",
        actor=f"'person-' || substr('0000' || ({pick(3, PEOPLE)}), -5)",
        subject=f"'subject-' || substr('0000' || ({pick(4, SUBJECTS)}), -5)",
        hash5=mixed(5),
        hash6=mixed(6),
    )


def fill(database, spec, now_ms):
    """Fills the table that `init` has made and makes the other indexes."""
    values = {"due": spec.due, "rows": spec.rows, "now": now_ms, "cutoff": now_ms - CUTOFF_DAYS * DAY_MS,
              "padding": "x" * 200, "before": WINDOW_DAYS * DAY_MS, "after": (WINDOW_DAYS - 1) * DAY_MS}
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA wal_autocheckpoint = 20000")
        index = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_events_code_time'").fetchone()[0]
        connection.execute("DROP INDEX audit_events_code_time")
        connection.execute("CREATE TABLE bench_code (id INTEGER PRIMARY KEY, code TEXT)")
        connection.executemany("INSERT INTO bench_code VALUES (?, ?)", enumerate(code for code, _ in read_codes()))
        connection.execute("CREATE TABLE bench_held (name TEXT PRIMARY KEY) WITHOUT ROWID")
        sql = _fill_sql(spec)
        for first in range(0, spec.rows, PIECE):
            connection.execute(sql, values | {"first": first, "last": min(first + PIECE, spec.rows)})
        if spec.indexed:
            connection.execute(index)
            connection.execute("CREATE INDEX audit_events_tenant_time ON audit_events (tenant, occurred_at)")
            connection.execute("CREATE INDEX audit_events_subject ON audit_events (subject)")
        held = [name(number) for number in range(spec.people_held) for name in (person, subject)]
        connection.executemany("INSERT INTO bench_held VALUES (?)", ((name,) for name in held))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _do(program, settings, *words):
    subprocess.run([str(program), *words, "--config", str(settings)], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)


def place_holds(program, settings, spec):
    """Holds on the first people under both of their names, and one on the held tenant."""
    def place(matter, *terms):
        _do(program, settings, "hold", "place", "--matter", matter, "--reason", "benchmark", "--as", "bench", *terms)

    for number in range(spec.holds if spec.people_held else 0):
        names = [name(i) for i in range(number, spec.people_held, spec.holds) for name in (person, subject)]
        place(f"matter-{number}", *(word for name in names for word in ("--person", name)))
    if spec.held_rows:
        place("matter-tenant", "--tenant", "held")


def make(program, folder, spec):
    """Makes audit.db in the folder. Returns the cut-off in milliseconds and the seconds it took."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "audit.db"
    settings = folder / "holdfast.toml"
    settings.write_text(config(database, spec, {}), encoding="utf-8")
    _do(program, settings, "init")
    # In a process of its own: the peak memory of a child begins with the one that its parent has had.
    now_ms = int(time.time() * 1000)
    filling = multiprocessing.get_context("fork").Process(target=fill, args=(database, spec, now_ms))
    filling.start()
    filling.join()
    if filling.exitcode != 0:
        raise SystemExit("bench: the log could not be filled")
    place_holds(program, settings, spec)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return now_ms - CUTOFF_DAYS * DAY_MS + 1, time.monotonic() - begun

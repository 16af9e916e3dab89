#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills an audit log with made-up events: every built-in audit code, several tenants, years of rows.

The same options give the same rows. They go into the table audit_events that `holdfast init` makes;
where the database or the table is missing, it is made here just as `init` would. Beside the good
rows there are a few dirty ones of every kind that real logs have: times in the wrong unit, in the
future or not a time at all, unknown and misspelt codes, unreadable stamps, a tenant nobody knows.
"""

import argparse
import bisect
import datetime as dt
import itertools
import random
import sqlite3
import sys
from pathlib import Path

CODES = Path(__file__).resolve().parent.parent / "policy" / "audit_codes.tsv"
UTC = dt.timezone.utc
DAY_MS = 86_400_000
HOUR_MS = 3_600_000

TABLE = """
CREATE TABLE audit_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  occurred_at INTEGER NOT NULL,        -- UTC milliseconds
  tenant TEXT, code TEXT NOT NULL, severity TEXT, actor TEXT, subject TEXT,
  retain_until INTEGER,                -- UTC milliseconds, the row's own stamp
  metadata TEXT);                      -- JSON
CREATE INDEX audit_events_code_time ON audit_events (code, occurred_at, tenant);
"""
INSERT = """
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, retain_until, metadata)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

TENANTS = ["acme", "globex", "initech", "hooli", "umbra", "vandelay"]
TENANT_WEIGHTS = [50, 30, 17, 9, 6, 4]
FIRST_NAMES = ("maria james amina chen olga pedro fatima john ingrid kofi yuki laura omar nina ravi "
               "sofia liam zeynep mateo grace").split()
LAST_NAMES = ("garcia smith okafor wei ivanova santos haddad miller larsen mensah tanaka rossi "
              "hassan novak patel").split()
BROWSERS = ["Firefox/128.0", "Chrome/126.0", "Safari/17.5", "Edge/126.0", "api-client/2.3"]
# How often things happen, against 10 for an Info, 3 for a Notice, 1.5 for a Warning, 0.3 for a Critical.
OFTEN = {
    "ACCOUNT_WEBAUTHN_SIGNIN_SUCCESS": 90, "ACCOUNT_SAML_SIGNIN_SUCCESS": 70, "ACCOUNT_STEPUP_VERIFIED": 40,
    "ACCOUNT_STEPUP_CHALLENGE_REQUESTED": 45, "ACCOUNT_NOTIF_INBOX_READ": 30, "ACCOUNT_SESSION_REVOKED": 15,
    "ACCOUNT_WEBAUTHN_SIGNIN_FAILED": 9, "ACCOUNT_SAML_SIGNIN_FAILED": 6, "AUDIT_PRUNE_RUN_COMPLETED": 4,
    "ACCOUNT_DELETION_HOLDS_OVERRIDDEN": 1,
}
SEVERITY_WEIGHTS = {"Info": 10, "Notice": 3, "Warning": 1.5, "Critical": 0.3}
BUSY_HOURS = [1, 1, 1, 1, 1, 2, 4, 9, 14, 16, 15, 13, 11, 13, 15, 15, 13, 10, 6, 4, 3, 2, 2, 1]
OVERRIDE = "ACCOUNT_DELETION_HOLDS_OVERRIDDEN"


def read_codes():
    """(code, severity) of every built-in audit code, in the order of the catalogue."""
    lines = [line.split("\t") for line in CODES.read_text(encoding="utf-8").splitlines()
             if line and not line.startswith(("#", "category\t"))]
    return [(line[1], line[2]) for line in lines]


def years_later(moment_ms, years):
    """The same calendar date `years` on, 28 February where that year has no 29th; in milliseconds."""
    moment = dt.datetime.fromtimestamp(moment_ms // 1000, UTC)
    if (moment.month, moment.day) == (2, 29):
        moment = moment.replace(day=28)
    return int(moment.replace(year=moment.year + years).timestamp()) * 1000 + moment_ms % 1000


class Sample:
    """Makes rows as tuples in the order of INSERT. Everything random comes from one seeded source."""

    def __init__(self, options, codes):
        self.random = random.Random(f"holdfast sample {options.seed}")
        self.codes = codes
        self.now_ms = int(options.now.timestamp() * 1000)
        self.days = (options.now - options.now.replace(year=options.now.year - options.years, day=1)).days
        self.tenants = TENANTS[:options.tenants]
        self.people = {tenant: [f"{first}.{last}@{tenant}.example"
                                for first, last in itertools.product(FIRST_NAMES, LAST_NAMES)]
                       for tenant in self.tenants}
        for people in self.people.values():
            self.random.shuffle(people)
        weights = [OFTEN.get(code, SEVERITY_WEIGHTS[severity]) for code, severity in codes]
        self.code_steps = list(itertools.accumulate(weights))
        self.hour_steps = list(itertools.accumulate(BUSY_HOURS))
        self.tenant_steps = list(itertools.accumulate(TENANT_WEIGHTS[:options.tenants]))

    def pick(self, things, steps):
        """One of `things`, as often as its step up from the one before says."""
        return things[bisect.bisect_right(steps, self.random.random() * steps[-1])]

    def time_ms(self):
        """A plausible instant: more in later years, in working hours, and on working days."""
        age = self.days * (1 - self.random.random() ** 0.6)
        day = self.now_ms // DAY_MS - int(age)
        if (day + 3) % 7 >= 5 and self.random.random() < 0.7:
            day -= 2
        hour = self.pick(range(24), self.hour_steps)
        moment = day * DAY_MS + hour * HOUR_MS + int(self.random.random() * HOUR_MS)
        return moment if moment < self.now_ms else moment - DAY_MS

    def tenant_for(self, code):
        """Who the event belongs to; None where it is the platform itself."""
        platform = 0.5 if code.startswith("AUDIT_") else 0.02
        return None if self.random.random() < platform else self.pick(self.tenants, self.tenant_steps)

    def person(self, tenant):
        """Somebody of the tenant, the first ones far more often than the last."""
        people = self.people[tenant or self.tenants[0]]
        return people[int(len(people) * self.random.random() ** 2)]

    def row(self, moment, number):
        """A good row: the code of this number, or any."""
        code, severity = self.codes[number] if number is not None else self.pick(self.codes, self.code_steps)
        tenant = self.tenant_for(code)
        actor = subject = self.person(tenant)
        if code.startswith("AUDIT_"):
            actor, subject = "nightly-prune", "audit-log"
        elif code.startswith("TENANT_"):
            subject = code.split("_")[1].lower()
        elif severity in ("Warning", "Critical") and self.random.random() < 0.4:
            subject = self.person(tenant)
        elif self.random.random() < 0.02:
            actor = None
        stamp = years_later(moment, 10) if code == OVERRIDE else None
        if stamp is None and self.random.random() < 0.003:
            stamp = moment + self.random.randrange(30, 4000) * DAY_MS
        return (moment, tenant, code, severity, actor, subject, stamp, self.metadata())

    def metadata(self):
        bits = self.random.getrandbits(64)
        return (f'{{"ip":"203.0.113.{bits & 255}","user_agent":"{BROWSERS[(bits >> 8) % len(BROWSERS)]}",'
                f'"request_id":"{bits:016x}"}}')

    def dirty_times(self):
        """Name to a function from a good instant to what a broken writer stores instead."""
        chance = self.random
        return {
            "epoch 0": lambda good: 0,
            "negative time": lambda good: -good,
            "time before 2000": lambda good: chance.randrange(1, 946_684_800_000),
            "time in seconds": lambda good: good // 1000,
            "time in microseconds": lambda good: good * 1000,
            "time in the future": lambda good: years_later(self.now_ms, 5) + chance.randrange(1500 * DAY_MS),
            "time of garbage": lambda good: "yesterday",
            "time of empty text": lambda good: "",
            "time as ISO text": lambda good: dt.datetime.fromtimestamp(good // 1000, UTC).isoformat(),
            "time as bytes": lambda good: good.to_bytes(8, "big"),
            "time as a real number": lambda good: good + 0.5,
        }

    def dirty_fields(self):
        """Name to (place in the row, value or function from the good value)."""
        chance = self.random
        return {
            "unknown code": (2, lambda code: chance.choice(["ACCOUNT_TELEPORTED", "BILLING_PLAN_CHANGED"])),
            "code in lower case": (2, str.lower),
            "code with a space behind": (2, lambda code: code + " "),
            "empty code": (2, lambda code: ""),
            "unknown tenant": (1, lambda tenant: "soylent"),
            "empty tenant": (1, lambda tenant: ""),
            "stamp of garbage": (6, lambda stamp: "until further notice"),
            "stamp of empty text": (6, lambda stamp: ""),
            "stamp as ISO text": (6, lambda stamp: "2031-01-01T00:00:00Z"),
            "stamp in the far future": (6, lambda stamp: years_later(self.now_ms, 40)),
            "nobody and nothing": (slice(4, 6), lambda _: (None, None)),
            "metadata cut off": (7, lambda text: text[:20]),
        }

    def rows(self, count):
        """`count` rows in the order of their good times, and {kind of dirt: rows}."""
        each = min(24, count // (2 * len(self.codes)))
        numbers = [number for number in range(len(self.codes)) for _ in range(each)]
        numbers += [None] * (count - len(numbers))
        self.random.shuffle(numbers)
        rows = [self.row(moment, number)
                for moment, number in zip(sorted(self.time_ms() for _ in numbers), numbers)]

        # Only rows beyond the guaranteed ones get dirty, so that every code has its clean rows.
        free = [place for place, number in enumerate(numbers) if number is None]
        kinds = {**{name: (0, broken) for name, broken in self.dirty_times().items()}, **self.dirty_fields()}
        share = max(1, count // 5000)
        places = iter(self.random.sample(free, min(len(free), share * len(kinds))))
        dirt = {}
        for name, (field, broken) in kinds.items():
            for place in itertools.islice(places, share):
                fields = list(rows[place])
                fields[field] = broken(fields[field])
                rows[place] = tuple(fields)
                dirt[name] = dirt.get(name, 0) + 1
        return rows, dirt


def fill(path, rows):
    """Appends the rows in one transaction; makes the table first where there is none."""
    with sqlite3.connect(path, timeout=10, isolation_level=None) as database:
        found = database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'audit_events'").fetchone()
        if not found:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(TABLE)
        database.execute("BEGIN IMMEDIATE")
        database.executemany(INSERT, rows)
        database.execute("COMMIT")
    database.close()


def moment(text):
    """An RFC 3339 instant with a zone."""
    value = dt.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text}: a time needs a zone, such as Z")
    return value.astimezone(UTC)


def parse(arguments):
    today = dt.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", metavar="OUT.db")
    parser.add_argument("--rows", type=int, default=200_000, help="how many (%(default)s)")
    parser.add_argument("--years", type=int, default=12, help="how far back they go (%(default)s)")
    parser.add_argument("--tenants", type=int, default=3, choices=range(1, len(TENANTS) + 1),
                        help="how many of them, in this order: " + ", ".join(TENANTS) + " (%(default)s)")
    parser.add_argument("--now", type=moment, default=today, help="RFC 3339; rows end here (today 00:00 UTC)")
    parser.add_argument("--seed", type=int, default=1, help="another number gives other rows (%(default)s)")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    codes = read_codes()
    rows, dirt = Sample(options, codes).rows(options.rows)
    fill(options.database, rows)
    known = {code for code, _ in codes} & {row[2] for row in rows}
    start = options.now.year - options.years
    print(f"{options.database}: {len(rows)} rows with {len(known)} of {len(codes)} audit codes, tenants "
          f"{', '.join(TENANTS[:options.tenants])} and the platform itself, {start} to "
          f"{options.now:%Y-%m-%d}; {sum(dirt.values())} of them dirty: "
          + ", ".join(f"{name} {count}" for name, count in dirt.items()) + ".")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""A world whose rows other software recorded: their own codes, tenants and actors, under seeded policies and holds."""

import gzip
import json
import random
from collections import Counter
from pathlib import Path

from audit_catalogue import SLUG_BY_NAME
from calendar_rule import DAY_MS
from random_policy import edited, random_retention, random_safety
from random_world import Cast, Night, Table
from run.holdfast_cli import require
from stored_time import read_report_time

EVENTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "events"
WINDOWS_SECURITY = "windows_security.ndjson.gz"
SAAS_AUDIT = "saas_audit.ndjson.gz"


def suggested_categories():
    """Code to category slug; the first suggestion counts, and lines that a line break tore apart are left out."""
    source = EVENTS / "suggested_categories.tsv"
    require(source.exists(), f"no real events: {source}")
    categories = {}
    for line in source.read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split("\t")
        if len(fields) == 4 and fields[3] in SLUG_BY_NAME:
            categories.setdefault(fields[1], SLUG_BY_NAME[fields[3]])
    return categories


def events(name, every):
    """One in `every` events of a file, in its order."""
    source = EVENTS / name
    require(source.exists(), f"no real events: {source}")
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % every == 0:
                yield json.loads(line)


class RealWorld:
    """Has what `WorldDriver` asks of a world. `every`: one in so many events is loaded."""

    def __init__(self, seed, name, first_night, every=1):
        self.seed = seed
        self.kind = f"real {name}"
        self.rng = random.Random(f"{name} {seed}")
        self.table = Table(own=True, key_kind="own", time_format="unix_ms")
        self.rows = [self.row(number + 1, event) for number, event in enumerate(events(name, every))]
        start_ms = read_report_time(first_night)
        self.nights = [Night(start_ms), Night(start_ms + 3 * DAY_MS), Night(start_ms + 10 * DAY_MS)]
        self.cast = self.make_cast()
        self.config = self.make_config()
        self.fill_nights()

    def row(self, key, event):
        time_ms = read_report_time(event["time"])
        stamp_ms = time_ms + self.rng.randint(1, 2000) * DAY_MS if self.rng.random() < 0.05 else None
        return {
            "key": key,
            "time": time_ms,
            "code": event["code"],
            "tenant": event["tenant"],
            "actor": event["actor"],
            "subject": event["subject"],
            "retain_until": stamp_ms,
            "note": json.dumps({"source": event["source"], "id": event["id"]}),
        }

    def most_seen(self, field, count):
        seen = Counter(row[field] for row in self.rows if row[field])
        return [value for value, _ in seen.most_common(count)]

    def make_cast(self):
        extension = suggested_categories()
        frequent = [code for code in self.most_seen("code", 60) if code in extension]
        # A few frequent codes are left unknown, or known by another name only.
        unknown = self.rng.sample(frequent, 4)
        for code in unknown:
            del extension[code]
        known = [code for code in frequent if code in extension]
        return Cast(
            categories=sorted(SLUG_BY_NAME.values()),
            codes=known,
            tenants=tuple(self.most_seen("tenant", 12)),
            people=tuple(self.most_seen("actor", 30) + self.most_seen("subject", 30)),
            extension=extension,
            aliases={unknown[3]: self.rng.choice(known)},
            unknown_codes=unknown[:3],
            stored_categories=[],
        )

    def make_config(self):
        safety = random_safety(self.rng, lagging=False, limited=False) | {"first_run_needs_approval": True}
        return {
            "events": self.table.mapping,
            "catalogue": {"built_in": True, "aliases": dict(self.cast.aliases), "extend": "codes.tsv"},
            "retention": random_retention(self.rng, self.cast),
            "admins": {"principals": ["alice", "bob"]},
            "identity": {"trust_flag": True},
            "safety": safety,
        }

    def random_terms(self):
        rng, cast = self.rng, self.cast
        people = [person for person in cast.people if not person.startswith("-")]
        return rng.choice(
            (
                {"person": rng.sample(people, 2)},
                {"actor": rng.choice(people)},
                {"code": rng.choice(cast.codes), "tenant": rng.choice(cast.tenants)},
                {"category": rng.choice(cast.categories), "person": rng.choice(people)},
                {"from": "2020-06-01", "to": "2020-10-01", "tenant": rng.choice(cast.tenants)},
            )
        )

    def fill_nights(self):
        first, second, third = self.nights
        first.approval = "fresh"
        first.actions = [("place_hold", f"hold {n}", {"future": True} | self.random_terms()) for n in range(4)]
        second.actions = [("release_hold", "hold 0"), ("release_hold", "hold 1")]
        config, cast = edited(self.rng, self.config, self.cast)
        third.actions = [("edit_config", config, cast.extension)]
        third.max_rows = 25

# SPDX-License-Identifier: Apache-2.0
"""A world: one config, one log, and a history of nights on which things happen to it. Made from a seed alone."""

import random
from dataclasses import dataclass, field

from audit_catalogue import Catalogue
from calendar_rule import DAY_MS, HOUR_MS
from random_policy import NAME_BY_SLUG, NEW_CATEGORY, edited, random_extension, random_retention, random_safety
from random_rows import TEXT_FORMATS, RowSource, civil, newest_row_is_old
from stored_time import day_start_ms

KEY_DECLARATIONS = {
    "rowid": '"key" INTEGER PRIMARY KEY',
    "descending": '"key" INTEGER PRIMARY KEY DESC',
    "uuid": '"key" TEXT PRIMARY KEY',
    "text": '"key" TEXT NOT NULL PRIMARY KEY',
}
TIME_TYPES = {
    "unix_s": ("INTEGER", "", "BLOB"),
    "unix_ms": ("INTEGER", "BIGINT", ""),
    "unix_us": ("INTEGER", ""),
    "unix_real": ("REAL", "", "BLOB"),
    "iso8601": ("TEXT", "", "DATETIME"),
    "utc_text": ("TEXT", "", "DATETIME"),
}
COLUMNS = {
    "time": "happened",
    "code": "kind",
    "tenant": "org",
    "actor": "who",
    "subject": "whom",
    "category": "class",
    "retain_until": "keep until",
}
PEOPLE = (None, "ann", "bob", "cem", "dot", "eve", "Ann", "o'neil \u00fc", "SYSTEM", "user 10", "user 1")
TENANTS = (None, "acme", "globex", "initech", "ACME", "a.b c")


@dataclass
class Table:
    """Where the log lives: Holdfast's own table, or somebody else's with a mapping."""

    own: bool
    key_kind: str
    time_format: str
    name: str = "audit_events"
    time_type: str = "INTEGER"
    indexed: bool = True
    without_rowid: bool = False
    unmapped: tuple = ()
    first_key: int = 0
    earliest_plausible: str = "2000-01-01"

    @property
    def keeps_newest(self):
        """Whether SQLite would hand out the highest key again."""
        return self.key_kind == "rowid"

    @property
    def mapping(self):
        """The [events] table of the config."""
        plausible = {"earliest_plausible": self.earliest_plausible} if self.earliest_plausible != "2000-01-01" else {}
        if self.own:
            return {"table": "audit_events", "own_events": "log"} | plausible
        columns = {name: column for name, column in COLUMNS.items() if name not in self.unmapped}
        fixed = {"table": self.name, "id": "key", "time_format": self.time_format, "own_events": "holdfast"}
        return fixed | plausible | columns

    def create_statements(self):
        """How the application made the table; none for Holdfast's own."""
        if self.own:
            return []
        options = " WITHOUT ROWID" if self.without_rowid else ""
        statements = [
            f'CREATE TABLE "{self.name}" ({KEY_DECLARATIONS[self.key_kind]}, "happened" {self.time_type}, "kind", '
            f'"org" TEXT, "who" TEXT, "whom" TEXT, "whom_else" TEXT, "class" TEXT, "keep until" {self.time_type}, '
            f'"note" TEXT){options}'
        ]
        if self.indexed:
            statements.append(f'CREATE INDEX "by code" ON "{self.name}" ("kind", "happened", "org")')
        return statements

    def column_of(self, logical_name):
        """The column that holds a field of a made row; None where this table has none for it."""
        if self.own:
            names = {"key": "id", "time": "occurred_at", "note": "metadata", "category": None, "other_subject": None}
            return names.get(logical_name, logical_name)
        return {"other_subject": "whom_else", **COLUMNS}.get(logical_name, logical_name)

    def columns_read(self, mapping):
        """The columns that the decision reads, in the order of the oracle's `Row`; None for those not mapped."""
        names = ("key", "time", "code", "tenant", "actor", "subject", "category", "retain_until")
        if self.own:
            return [self.column_of(name) for name in names]
        return [mapping.get({"key": "id"}.get(name, name)) for name in names]


@dataclass
class Cast:
    """What the rows of a world speak of."""

    categories: list
    codes: list
    tenants: tuple
    people: tuple
    extension: dict
    aliases: dict
    unknown_codes: list
    stored_categories: list


@dataclass
class Night:
    """One evening: what people did before it, and how the run was called."""

    at_ms: int
    actions: list = field(default_factory=list)
    approval: str = "none"  # none, fresh (just before the run), early (a night before, and then more happened)
    max_rows: int = 0


class World:
    """Everything that `WorldDriver` plays; `kind` is one of KINDS."""

    def __init__(self, seed, kind):
        self.seed = seed
        self.kind = kind
        self.rng = random.Random(f"{kind} {seed}")
        self.table = self.random_table()
        self.cast = self.random_cast()
        self.dirt = 0.5 if kind == "dirty" else self.rng.choice((0.02, 0.1))
        self.stamped = self.rng.choice((0.1, 0.4))
        self.nights = self.random_nights()
        self.config = self.random_config()
        hold_days = [self.random_hold_day() for _ in range(3)]
        source = RowSource(self.rng, self, hold_days)
        self.rows = source.rows(self.row_count())
        if kind == "tiny" or self.rng.random() < 0.3:
            newest_row_is_old(self.rows, self.rng, self)
        self.fill_nights(source, hold_days)

    def row_count(self):
        return {"tiny": 40, "large": 3000}.get(self.kind) or self.rng.randint(200, 700)

    def random_table(self):
        rng = self.rng
        if self.kind != "tiny" and rng.random() < 0.35:
            return Table(own=True, key_kind="own", time_format="unix_ms", earliest_plausible=self.random_earliest())
        key_kind = "rowid" if self.kind == "tiny" else rng.choice(sorted(KEY_DECLARATIONS))
        time_format = rng.choice(sorted(TIME_TYPES))
        name = rng.choice(("log", "event log", "Events", "order"))
        without_rowid = key_kind in ("uuid", "text") and rng.random() < 0.3
        time_type = rng.choice(TIME_TYPES[time_format])
        optional = ("tenant", "actor", "subject", "category", "retain_until")
        unmapped = tuple(name for name in optional if rng.random() < (0.3 if name == "category" else 0.05))
        return Table(
            own=False,
            key_kind=key_kind,
            time_format=time_format,
            name=name,
            time_type=time_type,
            indexed=rng.random() < 0.6,
            without_rowid=without_rowid,
            unmapped=unmapped,
            first_key=rng.choice((0, 0, 0, -150, 2**40, 2**62)),
            earliest_plausible=self.random_earliest(),
        )

    def random_earliest(self):
        return "2020-03-01" if self.rng.random() < 0.2 else "2000-01-01"

    def random_cast(self):
        rng = self.rng
        integer_codes = not self.table.own and rng.random() < 0.2
        extension = random_extension(rng, integer_codes)
        by_code = Catalogue(extension=extension).category_by_code
        categories = sorted(set(rng.sample(sorted(NAME_BY_SLUG), 4)) | set(extension.values()))
        if self.table.own:
            categories = sorted({*categories, "audit-retention"})
        known = sorted(extension) if integer_codes else sorted(c for c, slug in by_code.items() if slug in categories)
        codes = sorted({*rng.sample(known, min(11, len(known))), *sorted(extension)[:2]})
        aliases = {} if rng.random() < 0.3 else {"OLD_NAME": rng.choice(codes), "4711": rng.choice(codes)}
        slugs_and_names = [*categories, *(NAME_BY_SLUG[c] for c in categories if c != NEW_CATEGORY)]
        return Cast(
            categories=categories,
            codes=codes,
            tenants=TENANTS if rng.random() < 0.7 else TENANTS[:2],
            people=PEOPLE,
            extension=extension,
            aliases=aliases,
            unknown_codes=["LATER_ALIASED", "LATER_ADDED", "NOBODY_KNOWS", codes[0].lower() + "_", codes[0] + " "],
            stored_categories=[*slugs_and_names, rng.choice(("no-such-category", "account "))],
        )

    def random_nights(self):
        rng = self.rng
        if self.kind == "lagging":
            gaps = [rng.choice((HOUR_MS, 6 * HOUR_MS, DAY_MS, 9 * DAY_MS, 30 * DAY_MS)) for _ in range(5)]
        elif self.kind == "dirty":
            gaps = [rng.choice((DAY_MS, 4 * DAY_MS, 8 * DAY_MS)) for _ in range(7)]
        else:
            gaps = [rng.choice((HOUR_MS, DAY_MS, 2 * DAY_MS, 3 * DAY_MS, 5 * DAY_MS, 7 * DAY_MS)) for _ in range(5)]
        start_ms = day_start_ms("2023-01-01") + rng.randint(0, 3000) * DAY_MS
        if rng.random() < 0.3:
            year = civil(start_ms).year
            start_ms = day_start_ms(rng.choice((f"{year}-03-01", f"{year}-02-28", f"{year}-12-31"))) + DAY_MS
        start_ms += rng.choice((0, 1000, rng.randint(0, 86399) * 1000, DAY_MS - 1000))
        nights = [Night(start_ms)]
        for gap_ms in gaps:
            nights.append(Night(nights[-1].at_ms + gap_ms))
        return nights

    def random_config(self):
        limited = self.kind == "limited" or (self.kind == "edited" and self.rng.random() < 0.3)
        config = {
            "events": self.table.mapping,
            "catalogue": {"aliases": dict(self.cast.aliases), "extend": "codes.tsv"},
            "retention": random_retention(self.rng, self.cast),
            "admins": {"principals": ["alice", "bob"]},
            "identity": {"trust_flag": True},
            "safety": random_safety(self.rng, self.kind == "lagging", limited),
        }
        if self.kind == "archived":
            folder = "archive" if self.seed // 10 % 2 else "no such folder"
            config["archive"] = {"directory": folder, "keep": "13 months"}
        if self.kind in ("limited", "tiny", "partial"):
            config["safety"]["first_run_needs_approval"] = False
        if self.kind == "dirty":
            for entry in config["retention"]["category"].values():
                entry["window"] = self.rng.choice(("1 day", "7 days", "20 days"))
        if self.kind in ("dirty", "tiny"):
            config["retention"] = {"category": config["retention"]["category"]}
            config["retention"].update(presets=[], code={}, tenant={})
        return config

    def random_hold_day(self):
        day_ms = self.nights[0].at_ms - self.rng.randint(200, 1000) * DAY_MS
        return civil(day_ms).date().isoformat()

    def random_terms(self, hold_days):
        """What a hold names: one kind of term, or two or three that must all match."""
        rng, cast = self.rng, self.cast
        tenants = [tenant for tenant in cast.tenants if tenant]
        people = [person for person in cast.people if person]
        simple = {
            "tenant": lambda: rng.choice(tenants),
            "person": lambda: rng.sample(people, rng.randint(1, 2)),
            "actor": lambda: rng.choice(people),
            "subject": lambda: rng.choice(people),
            "category": lambda: rng.choice(cast.categories),
            "code": lambda: rng.sample([*cast.codes, *cast.aliases, *cast.unknown_codes], 2),
            "from": lambda: sorted(hold_days)[1],
            "to": lambda: sorted(hold_days)[2],
            "event-id": lambda: [str(row["key"]) for row in rng.sample(self.rows, 5)],
        }
        draw = rng.random()
        if draw < 0.03:
            return {"everything": True}
        if self.kind == "edited" and draw < 0.4:
            # A category whose codes a later edit may move elsewhere.
            return {"category": rng.choice(sorted(set(cast.extension.values()))), "person": rng.sample(people, 6)}
        narrow = ("person", "actor", "subject", "event-id", "code")
        kinds = [rng.choice(narrow)] if draw < 0.5 else rng.sample(sorted(simple), rng.choice((2, 2, 3)))
        return {"future": True} | {kind: simple[kind]() for kind in kinds}

    def fill_nights(self, source, hold_days):
        """Decides what happens on each night."""
        held, next_key = [], 10_000
        config, cast = self.config, self.cast
        for number, night in enumerate(self.nights):
            if self.rng.random() < (0.3 if self.kind in ("tiny", "dirty") else 0.7):
                held.append(f"hold {number}")
                night.actions.append(("place_hold", held[-1], self.random_terms(hold_days)))
            if held and number and self.rng.random() < 0.5:
                night.actions.append(("release_hold", held.pop(self.rng.randrange(len(held)))))
            self.add_bookmark_actions(night, number)
            if number and self.rng.random() < 0.6:
                night.actions.append(("insert", self.later_rows(source, next_key)))
                next_key += 10_000
            if number and self.rng.random() < 0.5:
                night.actions.append(("touch", [self.random_touch(source) for _ in range(8)]))
                night.actions.append(("break_text", [row["key"] for row in self.rng.sample(self.rows, 2)]))
            if number and self.kind in ("edited", "large") and self.rng.random() < 0.5:
                config, cast = edited(self.rng, config, cast)
                night.actions.append(("edit_config", config, cast.extension))
            if self.kind == "partial":
                night.max_rows = self.rng.choice((1, 7, 20, 0))
            if number and self.kind in ("limited", "approved") and self.rng.random() < 0.4:
                night.approval = self.rng.choice(("fresh", "early"))
        if self.config["safety"]["first_run_needs_approval"]:
            self.nights[0].approval = "fresh"

    def later_rows(self, source, next_key):
        rows = source.rows(self.rng.randint(1, 60 if self.kind != "tiny" else 5), after=next_key)
        if self.kind == "tiny" and self.rng.random() < 0.8:
            newest_row_is_old(rows, self.rng, self)
        return rows

    def random_touch(self, source):
        """An application rewrites one field of a row: (key, field, new value)."""
        key = self.rng.choice(self.rows)["key"]
        name = self.rng.choice(("time", "time", "code"))
        return (key, name, source.time() if name == "time" else source.code())

    def add_bookmark_actions(self, night, number):
        if self.table.key_kind not in ("own", "rowid") or self.kind in ("dirty", "tiny"):
            return
        draw = self.rng.random()
        if draw < 0.25:
            position = int(len(self.rows) * self.rng.uniform(0.4, 1.0))
            name = self.rng.choice(("webhooks", "export"))
            key = self.rows[min(position, len(self.rows) - 1)]["key"]
            night.actions.append(("set_bookmark", name, key))
        elif draw < 0.4 and number:
            night.actions.append(("drop_bookmarks",))


KINDS = ("plain", "edited", "limited", "dirty", "lagging", "archived", "partial", "approved", "tiny", "large")
# The kinds in the order in which a suite takes them; the large one comes seldom.
ROTATION = ("edited", "plain", "dirty", "limited", "lagging", "archived", "partial", "approved", "edited", "tiny")
assert set(TEXT_FORMATS) < set(TIME_TYPES)

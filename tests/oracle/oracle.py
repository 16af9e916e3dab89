# SPDX-License-Identifier: Apache-2.0
"""The oracle: which rows may be deleted, decided a second time from the text of the rules alone.

It shares no line with the program. It keeps its own account of what a run must remember (`oracle_state.py`) and reads
only the log's own table. Slow and plain on purpose: every row is asked every question.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from audit_catalogue import PRESETS, Catalogue
from calendar_rule import DAY_MS, HOUR_MS, deletable_from, is_due, parse_window
from stored_time import day_start_ms, read_stored_time

EVENT_DEFAULTS = {
    "table": "audit_events",
    "id": "id",
    "time": "occurred_at",
    "time_format": "unix_ms",
    "code": "code",
    "earliest_plausible": "2000-01-01",
}
SAFETY_DEFAULTS = {
    "first_run_needs_approval": True,
    "max_category_share": 0.20,
    "limit_min_rows": 1000,
    "hold_release_grace": "30 days",
    "policy_shorten_delay": "7 days",
    "max_clock_step": "8 days",
}
FUTURE_TOLERANCE_MS = 5 * 60_000


class Row(NamedTuple):
    """What the decision may ask about one row of the log; `None` also where the column is not mapped."""

    key: object
    time: object
    code: object
    tenant: object
    actor: object
    subject: object
    category: object
    retain_until: object


def days_ms(text):
    window = parse_window(text)
    assert window.unit == "day", f"the oracle knows this span in days only: {text}"
    return window.count * DAY_MS


class Policy:
    """One version of everything that the config says about retention."""

    def __init__(self, config, extension):
        catalogue = config.get("catalogue", {})
        retention = config.get("retention", {})
        self.catalogue = Catalogue(catalogue.get("built_in", True), extension, catalogue.get("aliases"))
        self.mapping = EVENT_DEFAULTS | config.get("events", {})
        self.safety = SAFETY_DEFAULTS | config.get("safety", {})
        # Whether the archive's folder takes files only whoever runs the program knows.
        self.archive_missing = "archive" in config
        self.by_category = retention.get("category", {})
        self.by_code = retention.get("code", {})
        self.by_tenant = retention.get("tenant", {})
        self.presets = retention.get("presets", [])
        self.fingerprint = json.dumps([retention, catalogue, extension, self.mapping, self.safety], sort_keys=True)

    def window(self, tenant, code, category):
        """The first window that exists: tenant and code, tenant and category, code, category."""
        of_tenant = self.by_tenant.get(tenant, {}) if isinstance(tenant, str) else {}
        for entry in (
            of_tenant.get("code", {}).get(code, {}),
            of_tenant.get("category", {}).get(category, {}),
            self.by_code.get(code, {}),
            self.by_category.get(category, {}),
        ):
            if "window" in entry:
                return parse_window(entry["window"])
        return None

    def category_floors(self, category):
        floors = []
        for preset in self.presets:
            least = preset.get("min") or PRESETS[preset["name"]][0]
            if category in preset["categories"] and least:
                floors.append(least)
        floors.append(self.by_category.get(category, {}).get("at_least"))
        return [parse_window(text) for text in floors if text]

    def code_floors(self, code):
        text = self.by_code.get(code, {}).get("at_least")
        return [parse_window(text)] if text else []

    def categories_of(self, row):
        """The catalogue's category, and the row's own where that differs; None among them for an unknown one."""
        categories = [self.catalogue.category(row.code)]
        if row.category not in (None, ""):
            own = self.catalogue.stored_category_slug(row.category)
            if own not in categories:
                categories.append(own)
        return categories

    def window_obstacle(self, row, time_ms, clock_ms):
        """Tests 2 to 4: the reason that keeps the row, or None."""
        code = self.catalogue.catalogue_code(row.code)
        if code is None:
            return "unknown_code"
        categories = self.categories_of(row)
        windows = [None if c is None else self.window(row.tenant, code, c) for c in categories]
        if None in windows:
            return "no_policy"
        return None if all(is_due(time_ms, w, clock_ms) for w in windows) else "window"

    def floor_obstacle(self, row, time_ms, clock_ms):
        """Tests 8 and 9."""
        floors = [floor for c in self.categories_of(row) for floor in self.category_floors(c)]
        if not all(is_due(time_ms, floor, clock_ms) for floor in floors):
            return "floor"
        floors = self.code_floors(self.catalogue.catalogue_code(row.code))
        return None if all(is_due(time_ms, floor, clock_ms) for floor in floors) else "code_floor"

    def deletable_from(self, row, time_ms):
        """The first instant at which every window and floor of a known row is over; None for never."""
        code = self.catalogue.catalogue_code(row.code)
        spans = self.code_floors(code)
        for category in self.categories_of(row):
            spans += [self.window(row.tenant, code, category), *self.category_floors(category)]
        firsts = [deletable_from(time_ms, span) for span in spans]
        return None if None in firsts else max(firsts)

    def keeps(self, row, time_ms, clock_ms):
        """Whether this version alone would keep the row: what an older version in its delay is asked."""
        return bool(self.window_obstacle(row, time_ms, clock_ms) or self.floor_obstacle(row, time_ms, clock_ms))


@dataclass
class Hold:
    """A hold as it was placed. `category_codes`: the codes that its categories held on that day, by all their names."""

    hold_id: object
    terms: dict
    category_codes: frozenset
    released_at_ms: int | None = None

    def values(self, kind):
        values = self.terms.get(kind, [])
        return values if isinstance(values, list) else [values]

    def matches(self, row, policy, time_ms):
        """`time_ms` is None for a bad time, which every range covers."""
        return all(self.kind_matches(kind, row, policy, time_ms) for kind in self.terms if kind != "future")

    def kind_matches(self, kind, row, policy, time_ms):
        values = self.values(kind)
        if kind == "everything":
            return True
        if kind == "person":
            return row.actor in values or row.subject in values
        if kind in ("tenant", "actor", "subject"):
            return getattr(row, kind) in values
        if kind == "event-id":
            return str(row.key) in values
        if kind == "code":
            return str(row.code) in values or policy.catalogue.catalogue_code(row.code) in values
        if kind == "category":
            in_category = any(c is not None and c in values for c in policy.categories_of(row))
            known = policy.catalogue.catalogue_code(row.code)
            return in_category or known in self.category_codes or str(row.code) in self.category_codes
        if kind == "from":
            return time_ms is None or time_ms >= day_start_ms(values[0]) - 14 * HOUR_MS
        if kind == "to":
            return time_ms is None or time_ms < day_start_ms(values[0]) + DAY_MS + 12 * HOUR_MS
        raise ValueError(f"unknown kind of term: {kind}")


@dataclass
class Night:
    """Everything that is fixed for the length of one run or plan."""

    policy: Policy
    system_ms: int
    run_clock_ms: int
    cutoff_clock_ms: int
    older_policies: list = field(default_factory=list)
    holds: list = field(default_factory=list)
    lowest_bookmark: int | None = None
    first_seen_ms: object = lambda row: None
    keeps_newest: bool = False
    approved_keys: frozenset | None = None
    newest_key: object = None

    @property
    def guard_ms(self):
        return min(self.run_clock_ms, self.system_ms)

    @property
    def versions(self):
        """Every policy version in force: the current one, and the older ones in their delay."""
        return [self.policy, *self.older_policies]

    def sane_time(self, row):
        """The row's own time where it can be believed, else None."""
        time_ms = read_stored_time(row.time, self.policy.mapping["time_format"])
        if time_ms is None or time_ms < day_start_ms(self.policy.mapping["earliest_plausible"]):
            return None
        if time_ms > max(self.run_clock_ms, self.system_ms) + FUTURE_TOLERANCE_MS:
            return None
        return time_ms

    def timing_reason(self, row, sane_ms, time_ms):
        """Tests 1 to 4."""
        if time_ms is None:
            return "bad_time"
        obstacle = self.policy.window_obstacle(row, time_ms, self.cutoff_clock_ms)
        return "bad_time" if obstacle and sane_ms is None else obstacle

    def hold_reason(self, row, sane_ms):
        """Tests 5 and 6."""
        keeping = [hold for hold in self.keeping_holds() if hold.matches(row, self.policy, sane_ms)]
        if any(hold.released_at_ms is None for hold in keeping):
            return "hold"
        return "hold_grace" if keeping else None

    def keeping_holds(self):
        """The holds that are active, or whose grace is not over."""
        grace_ms = max(days_ms(version.safety["hold_release_grace"]) for version in self.versions)
        for hold in self.holds:
            if hold.released_at_ms is None or not hold.released_at_ms + grace_ms < self.guard_ms:
                yield hold

    def holds_on(self, row):
        sane_ms = self.sane_time(row)
        return [hold for hold in self.keeping_holds() if hold.matches(row, self.policy, sane_ms)]

    def only_waits_for_time(self, row):
        """Whether a date can be told on which the row may go: nothing but windows, floors and a stamp keeps it."""
        if self.sane_time(row) is None or self.older_policies or self.gate_reason(row) or self.holds_on(row):
            return False
        stamp = row.retain_until
        return stamp is None or read_stored_time(stamp, self.policy.mapping["time_format"]) is not None

    def earliest_ms(self, row):
        """The first instant at which window, floors and stamp of a sane row are all over; None for never."""
        time_ms = self.sane_time(row)
        first = self.policy.deletable_from(row, time_ms)
        if first is None or row.retain_until is None:
            return first
        return max(first, read_stored_time(row.retain_until, self.policy.mapping["time_format"]) + 1)

    def stamp_reason(self, row):
        """Test 7."""
        if row.retain_until is None:
            return None
        stamp_ms = read_stored_time(row.retain_until, self.policy.mapping["time_format"])
        if stamp_ms is None or stamp_ms < day_start_ms(self.policy.mapping["earliest_plausible"]):
            return "row_stamp"
        return None if stamp_ms < self.guard_ms else "row_stamp"

    def delay_reason(self, row, time_ms):
        """Test 10."""
        for older in self.older_policies:
            if older.mapping != self.policy.mapping or older.keeps(row, time_ms, self.cutoff_clock_ms):
                return "policy_delay"
        return None

    def gate_reason(self, row):
        """Tests 11 to 13."""
        if self.lowest_bookmark is not None and isinstance(row.key, int) and row.key > self.lowest_bookmark:
            return "not_consumed"
        if self.policy.archive_missing:
            return "not_archived"
        return "newest_id" if self.keeps_newest and row.key == self.newest_key else None

    def reason(self, row):
        """Tests 1 to 13: why the row stays, or `expired`."""
        sane_ms = self.sane_time(row)
        time_ms = self.first_seen_ms(row) if sane_ms is None else sane_ms
        return (
            self.timing_reason(row, sane_ms, time_ms)
            or self.hold_reason(row, sane_ms)
            or self.stamp_reason(row)
            or self.policy.floor_obstacle(row, time_ms, self.cutoff_clock_ms)
            or self.delay_reason(row, time_ms)
            or self.gate_reason(row)
            or "expired"
        )

    def group(self, row):
        """What the safety limit counts together."""
        return (row.tenant, self.policy.catalogue.category(row.code))

    def decide(self, rows):
        """The reason of every row, by key, and the groups that the safety limit leaves whole."""
        self.newest_key = max((row.key for row in rows), default=None) if self.keeps_newest else None
        reasons = {row.key: self.reason(row) for row in rows}
        if self.approved_keys is not None:
            for key, reason in reasons.items():
                if reason == "expired" and key not in self.approved_keys:
                    reasons[key] = "limit"
            return reasons, set()
        limited = self.limited_groups(rows, reasons)
        for row in rows:
            if reasons[row.key] == "expired" and self.group(row) in limited:
                reasons[row.key] = "limit"
        return reasons, limited

    def limited_groups(self, rows, reasons):
        """Test 14 without an approved plan: a group that any version in force would leave whole."""
        size = Counter(self.group(row) for row in rows)
        due = Counter(self.group(row) for row in rows if reasons[row.key] == "expired")
        limited = set()
        for version in self.versions:
            share = Fraction(str(version.safety["max_category_share"]))
            least = version.safety["limit_min_rows"]
            limited |= {group for group, count in due.items() if size[group] >= least and count > share * size[group]}
        return limited

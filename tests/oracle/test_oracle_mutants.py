# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""A deliberately wrong oracle must disagree: shows that the random worlds reach the edge of every rule.

No program takes part. Each mutant breaks one rule, and is re-decided on the nights of the worlds until one row differs.
"""

import contextlib
import unittest
from unittest import mock

import calendar_rule
import oracle
from calendar_rule import DAY_MS, EPOCH, HOUR_MS
from oracle import Hold, Night, Policy, days_ms
from random_world import KINDS, World
from run.holdfast_cli import work_folder
from world_driver import WorldDriver

MOST_WORLDS = 250


def patched(owner, name, make):
    """Replaces `owner.name` by what `make` builds around the original."""
    return lambda: mock.patch.object(owner, name, make(getattr(owner, name)))


def shifted_is_due(shift_ms):
    return patched(oracle, "is_due", lambda is_due: lambda time_ms, w, c: is_due(time_ms + shift_ms, w, c))


def rolled_last_day(_original):
    """29 February + 1 year as 1 March, the way a date library rolls it."""

    def last_day(event_day, window):
        if window.unit in ("day", "forever"):
            return None if window.unit == "forever" else event_day + window.count
        start = EPOCH.fromordinal(EPOCH.toordinal() + event_day)
        months = start.month - 1 + window.count * (12 if window.unit == "year" else 1)
        first = start.replace(year=start.year + months // 12, month=months % 12 + 1, day=1)
        return first.toordinal() + start.day - 1 - EPOCH.toordinal()

    return last_day


def without_obstacle(reason):
    return lambda original: lambda self, row, *rest: None if original(self, row, *rest) == reason else original(
        self, row, *rest
    )


def kind_replaced(kind, matches):
    return patched(
        Hold,
        "kind_matches",
        lambda original: lambda self, k, row, policy, time_ms: matches(self, row, time_ms)
        if k == kind
        else original(self, k, row, policy, time_ms),
    )


def year_as_365_days(window):
    return window._replace(count=365 * window.count, unit="day") if window.unit == "year" else window


def window_in_order(*scopes):
    """The precedence of windows, in a wrong order."""

    def window(self, tenant, code, category):
        of_tenant = self.by_tenant.get(tenant, {})
        entries = {
            "tenant code": of_tenant.get("code", {}).get(code, {}),
            "tenant category": of_tenant.get("category", {}).get(category, {}),
            "code": self.by_code.get(code, {}),
            "category": self.by_category.get(category, {}),
        }
        found = [entries[scope]["window"] for scope in scopes if "window" in entries[scope]]
        return calendar_rule.parse_window(found[0]) if found else None

    return patched(Policy, "window", lambda _: window)


def lenient_stamp(original):
    def stamp_reason(self, row):
        readable = oracle.read_stored_time(row.retain_until, self.policy.mapping["time_format"]) is not None
        return original(self, row) if readable else None

    return stamp_reason


def stamp_ends_at_once(original):
    def stamp_reason(self, row):
        stamp_ms = oracle.read_stored_time(row.retain_until, self.policy.mapping["time_format"])
        return None if stamp_ms == self.guard_ms else original(self, row)

    return stamp_reason


def grace_ends_at_once(original):
    def hold_reason(self, row, sane_ms):
        reason = original(self, row, sane_ms)
        return None if reason == "hold_grace" else reason

    return hold_reason


def grace_off_by_one(_original):
    def hold_reason(self, row, sane_ms):
        matching = [hold for hold in self.holds if hold.matches(row, self.policy, sane_ms)]
        if any(hold.released_at_ms is None for hold in matching):
            return "hold"
        grace_ms = max(days_ms(version.safety["hold_release_grace"]) for version in self.versions)
        fresh = any(hold.released_at_ms + grace_ms > self.guard_ms for hold in matching)
        return "hold_grace" if fresh else None

    return hold_reason


def ignoring_own_category(_original):
    return lambda self, row: [self.catalogue.category(row.code)]


def believing_own_category(original):
    return lambda self, row: original(self, row)[-1:]


def oldest_version_only(original):
    def delay_reason(self, row, time_ms):
        with mock.patch.object(self, "older_policies", self.older_policies[-1:]):
            return original(self, row, time_ms)

    return delay_reason


def ignoring_changed_mapping(_original):
    def delay_reason(self, row, time_ms):
        kept = any(older.keeps(row, time_ms, self.cutoff_clock_ms) for older in self.older_policies)
        return "policy_delay" if kept else None

    return delay_reason


def exclusive_bookmark(original):
    def gate_reason(self, row):
        reached = self.lowest_bookmark is not None and row.key == self.lowest_bookmark
        return "not_consumed" if reached else original(self, row)

    return gate_reason


def limit_over_all_tenants(original):
    return lambda self, row: (None, original(self, row)[1])


def limit_at_the_share(_original):
    def limited_groups(self, rows, reasons):
        groups = {self.group(row) for row in rows}
        share, least = self.policy.safety["max_category_share"], self.policy.safety["limit_min_rows"]
        limited = set()
        for group in groups:
            keys = [row.key for row in rows if self.group(row) == group]
            due = sum(reasons[key] == "expired" for key in keys)
            if due and len(keys) >= least and due >= share * len(keys):
                limited.add(group)
        return limited

    return limited_groups


MUTANTS = {
    "one millisecond early": shifted_is_due(-1),
    "one millisecond late": shifted_is_due(1),
    "ten hours late": shifted_is_due(10 * HOUR_MS),
    "no clamp to the month's last day": patched(calendar_rule, "last_day", rolled_last_day),
    "years as 365 days": patched(
        oracle,
        "is_due",
        lambda is_due: lambda time_ms, window, clock_ms: is_due(time_ms, year_as_365_days(window), clock_ms),
    ),
    "future times are sane": lambda: mock.patch.object(oracle, "FUTURE_TOLERANCE_MS", 1000 * DAY_MS),
    "no tolerance for the future": lambda: mock.patch.object(oracle, "FUTURE_TOLERANCE_MS", 0),
    "no earliest plausible time": patched(oracle, "day_start_ms", lambda _: lambda day: -(10**12)),
    "no first-seen clock": patched(
        Night, "timing_reason", lambda f: lambda s, row, sane, t: "bad_time" if sane is None else f(s, row, sane, t)
    ),
    "unknown codes pass": patched(Policy, "window_obstacle", without_obstacle("unknown_code")),
    "no policy passes": patched(Policy, "window_obstacle", without_obstacle("no_policy")),
    "windows pass": patched(Policy, "window_obstacle", without_obstacle("window")),
    "tenant's category before tenant's code": window_in_order("tenant category", "tenant code", "code", "category"),
    "code before tenant": window_in_order("tenant code", "code", "tenant category", "category"),
    "category before code": window_in_order("tenant code", "tenant category", "category", "code"),
    "no tenants": window_in_order("code", "category"),
    "the row's own category ignored": patched(Policy, "categories_of", ignoring_own_category),
    "the row's own category believed": patched(Policy, "categories_of", believing_own_category),
    "no floors": patched(Policy, "floor_obstacle", without_obstacle("floor")),
    "no code floors": patched(Policy, "floor_obstacle", without_obstacle("code_floor")),
    "no presets": patched(oracle, "PRESETS", lambda presets: dict.fromkeys(presets, (None, None))),
    "holds pass": patched(Hold, "matches", lambda _: lambda *_: False),
    "kinds of term ORed": patched(
        Hold, "matches", lambda _: lambda s, row, p, t: any(s.kind_matches(kind, row, p, t) for kind in s.terms)
    ),
    "a person is an actor only": kind_replaced("person", lambda s, row, t: row.actor in s.values("person")),
    "actors by any case": kind_replaced(
        "person",
        lambda s, row, t: {str(v).lower() for v in s.values("person")}
        & {str(row.actor).lower(), str(row.subject).lower()},
    ),
    "bad times outside a range": kind_replaced("from", lambda s, row, t: t is not None),
    "ranges begin at midnight": kind_replaced(
        "from", lambda s, row, t: t is None or t >= oracle.day_start_ms(s.values("from")[0])
    ),
    "ranges end at midnight": kind_replaced(
        "to", lambda s, row, t: t is None or t < oracle.day_start_ms(s.values("to")[0]) + DAY_MS
    ),
    "a range's end is inclusive": kind_replaced(
        "to", lambda s, row, t: t is None or t <= oracle.day_start_ms(s.values("to")[0]) + DAY_MS + 12 * HOUR_MS
    ),
    "a category hold forgets the codes of its day": patched(
        Hold,
        "matches",
        lambda f: lambda self, row, policy, t: f(Hold(self.hold_id, self.terms, frozenset()), row, policy, t),
    ),
    "no grace": patched(Night, "hold_reason", grace_ends_at_once),
    "grace ends a millisecond early": patched(Night, "hold_reason", grace_off_by_one),
    "unreadable stamps pass": patched(Night, "stamp_reason", lenient_stamp),
    "a stamp frees on its own instant": patched(Night, "stamp_reason", stamp_ends_at_once),
    "stamps pass": patched(Night, "stamp_reason", lambda _: lambda *_: None),
    "no policy delay": patched(Night, "delay_reason", lambda _: lambda *_: None),
    "only one older version asked": patched(Night, "delay_reason", oldest_version_only),
    "a changed mapping passes": patched(Night, "delay_reason", ignoring_changed_mapping),
    "the bookmark's own row stays": patched(Night, "gate_reason", exclusive_bookmark),
    "gates pass": patched(Night, "gate_reason", lambda _: lambda *_: None),
    "limits over all tenants": patched(Night, "group", limit_over_all_tenants),
    "limits at the share itself": patched(Night, "limited_groups", limit_at_the_share),
    "loosened limits and graces act at once": patched(
        Night, "versions", lambda _: property(lambda self: [self.policy])
    ),
    "no limits": patched(Night, "limited_groups", lambda _: lambda *_: set()),
}


class MutantsTest(unittest.TestCase):
    def test_every_mutant_is_met_by_a_row_that_it_decides_otherwise(self):
        alive = dict(MUTANTS)

        def hunt(_driver, night, rows, reasons):
            for name in list(alive):
                with contextlib.ExitStack() as stack:
                    stack.enter_context(alive[name]())
                    if night.decide(rows)[0] != reasons:
                        del alive[name]

        for number in range(MOST_WORLDS):
            if not alive:
                break
            with work_folder() as folder:
                world = World(number // len(KINDS), KINDS[number % len(KINDS)])
                WorldDriver(world, folder, with_program=False, observe=hunt).play()
        self.assertEqual(sorted(alive), [])

    def test_the_oracle_alone_meets_every_reason(self):
        met = set()
        for number, kind in enumerate(KINDS * 3):
            with work_folder() as folder:
                reasons = WorldDriver(World(number, kind), folder, with_program=False).play()
                met |= {reason for reason, count in reasons.items() if count}
        self.assertEqual(len(met), 16, sorted(met))


if __name__ == "__main__":
    unittest.main()

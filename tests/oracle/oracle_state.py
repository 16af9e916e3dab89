# SPDX-License-Identifier: Apache-2.0
"""What the oracle remembers between runs: clocks, first-seen records, policy versions, holds, bookmarks, approvals.

It never looks into the program's own tables: it takes part in the same history and must come to the same account.
"""

from typing import NamedTuple

from calendar_rule import HOUR_MS
from oracle import Hold, Night, days_ms


class FirstSeen(NamedTuple):
    """A row with a bad time, as a run met it first."""

    stored_time: tuple
    code: tuple
    seen_ms: int


class OlderPolicy(NamedTuple):
    policy: object
    in_force_until_ms: int


class ApprovedPlan(NamedTuple):
    keys: frozenset
    cutoff_clock_ms: int


def typed(value):
    """A stored value together with its storage class, so that 1, 1.0 and '1' differ."""
    return (type(value).__name__, repr(value))


class OracleState:
    """The history of one audit log, told run by run."""

    def __init__(self, keeps_newest):
        self.keeps_newest = keeps_newest
        self.last_clocks_ms = None
        self.first_seen = {}
        self.policy = None
        self.older = []
        self.holds = []
        self.bookmarks = {}
        self.approved = None

    def run_clock(self, system_ms, policy):
        """Where the run clock stands at `system_ms`."""
        if self.last_clocks_ms is None:
            return system_ms
        last_run_ms, last_system_ms = self.last_clocks_ms
        clock_ms = max(last_run_ms, min(system_ms, last_run_ms + days_ms(policy.safety["max_clock_step"])))
        moved_ms = max(0, system_ms - last_system_ms)
        if moved_ms < 20 * HOUR_MS:
            clock_ms = min(clock_ms, last_run_ms + moved_ms)
        return clock_ms

    def seen_ms(self, row):
        """The first-seen instant of a row whose record still fits it, else None."""
        record = self.first_seen.get(row.key)
        fits = record and record.stored_time == typed(row.time) and record.code == typed(row.code)
        return record.seen_ms if fits else None

    def older_versions(self, policy, met_ms):
        """The older versions of `policy` as they stand once a run at `met_ms` has met it."""
        if self.policy is None or policy.fingerprint == self.policy.fingerprint:
            return list(self.older)
        versions = [old for old in self.older if not old.in_force_until_ms < met_ms]
        in_force = [old.policy for old in versions] + [self.policy, policy]
        delay_ms = max(days_ms(version.safety["policy_shorten_delay"]) for version in in_force)
        return [*self.older, OlderPolicy(self.policy, met_ms + delay_ms)]

    def night(self, policy, system_ms):
        """The conditions under which a run or a plan at `system_ms` decides."""
        run_clock_ms = self.run_clock(system_ms, policy)
        guard_ms = min(run_clock_ms, system_ms)
        older = self.older_versions(policy, guard_ms)
        return Night(
            policy=policy,
            system_ms=system_ms,
            run_clock_ms=run_clock_ms,
            cutoff_clock_ms=self.approved.cutoff_clock_ms if self.approved else run_clock_ms,
            older_policies=[old.policy for old in older if not old.in_force_until_ms < guard_ms],
            holds=self.holds,
            lowest_bookmark=min(self.bookmarks.values(), default=None),
            first_seen_ms=self.seen_ms,
            keeps_newest=self.keeps_newest,
            approved_keys=self.approved.keys if self.approved else None,
        )

    def record_clock(self, night):
        """What every run that got past its clock stores, whatever came of it."""
        self.last_clocks_ms = (night.run_clock_ms, night.system_ms)

    def record_run(self, night, rows, partial):
        """What a run that was not refused leaves for the next one. `rows`: the log as the run found it."""
        self.record_clock(night)
        self.older = self.older_versions(night.policy, night.guard_ms)
        self.policy = night.policy
        met_ms = max(night.run_clock_ms, night.system_ms)
        for row in rows:
            if night.sane_time(row) is None:
                seen_ms = self.seen_ms(row)
                seen_ms = met_ms if seen_ms is None else min(seen_ms, met_ms)
                self.first_seen[row.key] = FirstSeen(typed(row.time), typed(row.code), seen_ms)
        if not partial:
            self.approved = None

    def approve(self, night, reasons):
        """An administrator lets the plan that `night` decided past the safety limits, as a whole."""
        keys = frozenset(key for key, reason in reasons.items() if reason in ("expired", "limit"))
        self.approved = ApprovedPlan(keys, night.cutoff_clock_ms)

    def place_hold(self, hold_id, terms, policy):
        def listed(kind):
            values = terms.get(kind, [])
            return values if isinstance(values, list) else [values]

        catalogue = policy.catalogue
        in_category = [code for code, slug in catalogue.category_by_code.items() if slug in listed("category")]
        codes = frozenset(name for code in in_category for name in catalogue.names_of(code))
        if "code" in terms:
            names = {name for code in listed("code") for name in catalogue.names_of(code)}
            terms = terms | {"code": sorted(names)}
        self.holds.append(Hold(hold_id, terms, codes))
        return self.holds[-1]

    def release_hold(self, hold_id, system_ms):
        for hold in self.holds:
            if hold.hold_id == hold_id:
                hold.released_at_ms = system_ms

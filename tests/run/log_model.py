# SPDX-License-Identifier: Apache-2.0
"""What a run may delete, kept beside the program: rows, holds, policy versions, clocks, approvals, bookmarks. Written from
the rules; nothing of it is asked of the program."""

import datetime
import functools
from collections import Counter
from dataclasses import dataclass, field, replace

from audit_world import EPOCH, at, deletable_from, to_ms

DAY_MS = 86_400_000
TOLERANCE_MS = 5 * 60_000
RUN_SPACING_MS = 20 * 3_600_000
APPROVAL_MS = 7 * DAY_MS
EARLIEST_MS = to_ms(at("2000-01-01"))
NEVER_MS = 1 << 62
CATEGORY = {
    "ACCOUNT_PROFILE_UPDATE": "account",
    "ACCOUNT_PREFERENCES_UPDATE": "account",
    "ACCOUNT_SESSION_REVOKED": "sessions",
    "ACCOUNT_MFA_DEVICE_VERIFIED": "mfa",
}


@functools.lru_cache(maxsize=1 << 17)
def deletable_ms(time_ms, window):
    """The first instant at which a row of this time may go."""
    return to_ms(deletable_from(EPOCH + datetime.timedelta(milliseconds=time_ms), window))


@dataclass(frozen=True)
class Row:
    time: object
    code: str
    tenant: str = None
    actor: str = None
    subject: str = None
    stamp: int = None

    @property
    def category(self):
        return CATEGORY.get(self.code)


@dataclass
class Hold:
    terms: dict  # option of `hold place` to its value
    released_ms: int = None
    tokens: set = field(default_factory=set)  # what stands for its person since an erasure

    def names(self, kind):
        wanted = self.terms.get(kind)
        return None if wanted is None else {wanted} | self.tokens

    def covers(self, id, row, sane):
        people = {"person": {row.actor, row.subject}, "actor": {row.actor}, "subject": {row.subject}}
        return (
            all(not (self.names(kind) and self.names(kind).isdisjoint(found)) for kind, found in people.items())
            and self.terms.get("tenant") in (None, row.tenant)
            and self.terms.get("category") in (None, row.category)
            and self.terms.get("code") in (None, row.code)
            and self.terms.get("event-id") in (None, str(id))
            and (not sane or self.terms.get("from_ms", -NEVER_MS) <= row.time < self.terms.get("until_ms", NEVER_MS))
        )


@dataclass
class Policy:
    """Windows and floors by category, windows by (tenant, category), floors by code."""

    window: dict
    floor: dict = field(default_factory=dict)
    tenant: dict = field(default_factory=dict)
    code_floor: dict = field(default_factory=dict)

    def bounds(self, row):
        """Every window that has to be over; none where there is no policy for the row."""
        window = self.tenant.get((row.tenant, row.category), self.window.get(row.category))
        if window is None:
            return None
        floors = (self.floor.get(row.category), self.code_floor.get(row.code))
        return [window, *(bound for bound in floors if bound)]

    def lets_go(self, row, time_ms, as_of_ms):
        bounds = self.bounds(row)
        return bounds is not None and all(
            bound != "forever" and deletable_ms(time_ms, bound) <= as_of_ms for bound in bounds
        )


@dataclass(frozen=True)
class Clock:
    system: int
    as_of: int

    @property
    def guard(self):
        return min(self.system, self.as_of)

    @property
    def latest(self):
        return max(self.system, self.as_of)


@dataclass
class Approval:
    keys: frozenset
    as_of: int
    policy: Policy
    last_ms: int
    spent: bool = False


@dataclass
class PersonCopy:
    """A copy of a person's data, as the register has it."""

    tenant: str
    person: str  # after their erasure: the token
    state: str = "requested"
    expires_ms: int = None
    downloads: int = 0
    end_reason: str = ""

    def made(self, now_ms, keep):
        self.state, self.expires_ms = "ready", deletable_ms(now_ms, keep)

    def ended(self, reason):
        self.state, self.end_reason = "destroyed", reason

    def expired(self, guard_ms):
        return self.state == "ready" and self.expires_ms <= guard_ms

    def open(self, guard_ms):
        """Whether somebody is still to get it."""
        return self.state == "requested" or (self.state == "ready" and not self.downloads and not self.expired(guard_ms))


class LogModel:
    def __init__(self, policy, delay_ms, grace_ms, step_ms, share, least_rows):
        self.policy = policy  # of the configuration
        self.delay_ms, self.grace_ms, self.step_ms = delay_ms, grace_ms, step_ms
        self.share, self.least_rows = share, least_rows
        self.rows = {}  # id: Row
        self.seen = {}  # id: when a run first met its bad time
        self.holds = {}  # number: Hold
        self.versions = []  # (in force from, Policy)
        self.clock = None
        self.approval = None
        self.bookmarks = {}
        self.copies = {}  # number: PersonCopy

    # Clock

    def refused(self, now_ms):
        return self.clock is not None and now_ms + TOLERANCE_MS < self.clock.latest

    def facts_refused(self, now_ms):
        return self.clock is not None and now_ms + TOLERANCE_MS < self.clock.system

    def next_clock(self, now_ms):
        """The clock of a run that is not refused."""
        if self.clock is None:
            return Clock(now_ms, now_ms)
        moved = max(now_ms - self.clock.system, 0)
        allowed = min(moved, self.step_ms) if moved < RUN_SPACING_MS else self.step_ms
        return Clock(now_ms, max(self.clock.as_of, min(now_ms, self.clock.as_of + allowed)))

    def set_clock(self, now_ms):
        """What an administrator does: instants of the time ahead are lowered."""
        self.clock = Clock(now_ms, now_ms)
        self.versions = [(min(since, now_ms), policy) for since, policy in self.versions]
        self.seen = {id: min(seen, now_ms) for id, seen in self.seen.items()}
        for hold in self.holds.values():
            if hold.released_ms is not None:
                hold.released_ms = min(hold.released_ms, now_ms)
        if self.approval:
            self.approval.last_ms = min(self.approval.last_ms, now_ms)

    # Policy

    def recorded(self):
        return bool(self.versions) and self.versions[-1][1] == self.policy

    def with_current(self, now_ms):
        if self.recorded():
            return self.versions
        since = max(now_ms, self.versions[-1][0]) if self.versions else now_ms
        return [*self.versions, (since, self.policy)]

    def in_force(self, versions, guard_ms):
        """The last one, and each older one whose delay is not over."""
        older = [policy for (_, policy), (replaced, _) in zip(versions, versions[1:]) if guard_ms <= replaced + self.delay_ms]
        return [*older, versions[-1][1]]

    # Copies

    def open_copy(self, tenant, person, now_ms):
        """The number of the copy that somebody is still to get, if there is one."""
        guard_ms = self.next_clock(now_ms).guard
        of = (number for number, copy in self.copies.items() if (copy.tenant, copy.person) == (tenant, person) and copy.open(guard_ms))
        return next(of, None)

    # Rows

    def sane(self, row, clock):
        return isinstance(row.time, int) and EARLIEST_MS <= row.time <= clock.latest + TOLERANCE_MS

    def held(self, id, row, clock):
        """By an active hold, or one whose grace is not over."""
        for hold in self.holds.values():
            over = hold.released_ms is not None and hold.released_ms + self.grace_ms < clock.guard
            if not over and hold.covers(id, row, self.sane(row, clock)):
                return True
        return False

    def may_go(self, id, row, clock, policies, as_of_ms):
        time_ms = row.time if self.sane(row, clock) else self.seen.get(id)
        if time_ms is None or row.category is None:
            return False
        return (
            all(policy.lets_go(row, time_ms, as_of_ms) for policy in policies)
            and not self.held(id, row, clock)
            and (row.stamp is None or EARLIEST_MS <= row.stamp < clock.guard)
            and not any(id > mark for mark in self.bookmarks.values())
        )

    def due(self, clock, as_of_ms=None, highest=NEVER_MS):
        """What may go under this clock, without regard to limits and approvals."""
        policies = self.in_force(self.with_current(clock.system), clock.guard)
        as_of_ms = clock.as_of if as_of_ms is None else as_of_ms
        return {id for id, row in self.rows.items() if id <= highest and self.may_go(id, row, clock, policies, as_of_ms)}

    def open_approval(self, now_ms):
        approval = self.approval
        if approval is None or approval.spent or approval.policy != self.policy or approval.last_ms + APPROVAL_MS < now_ms:
            return None
        return approval

    def over_limit(self, due, highest):
        """The places of which too large a share is due."""
        places = Counter((row.tenant, row.category) for id, row in self.rows.items() if id <= highest)
        going = Counter((self.rows[id].tenant, self.rows[id].category) for id in due)
        return {where for where, rows in places.items() if rows >= self.least_rows and going[where] > self.share * rows}

    def run_takes(self, clock, highest=NEVER_MS):
        """(what a run takes under this clock, whether it leaves anything to the limit). `highest`: of the ids that it looks at."""
        approval = self.open_approval(clock.system)
        if approval:
            return self.due(clock, min(clock.as_of, approval.as_of), highest) & approval.keys, False
        due = self.due(clock, highest=highest)
        limited = self.over_limit(due, highest)
        return {id for id in due if (self.rows[id].tenant, self.rows[id].category) not in limited}, bool(limited)

    def plan_keys(self, clock):
        """What a plan that is saved now has in it: the limit is what it asks an approval for."""
        return frozenset(self.due(clock))

    def ran(self, clock, gone, highest, finished):
        """A run that got as far as deleting took these rows."""
        self.versions = self.with_current(clock.system)
        approval = self.open_approval(clock.system)
        if approval:
            approval.last_ms = clock.system
            approval.spent = finished
        met = {id for id, row in self.rows.items() if id <= highest and not self.sane(row, clock)}
        self.seen = {id: min(self.seen.get(id, NEVER_MS), clock.latest) for id in met - gone}
        self.clock = clock
        self.forget(gone)

    def forget(self, gone):
        for id in gone:
            self.rows.pop(id, None)
            self.seen.pop(id, None)

    def rename(self, id, **columns):
        self.rows[id] = replace(self.rows[id], **columns)

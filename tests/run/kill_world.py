# SPDX-License-Identifier: Apache-2.0
"""A log in which every kind of row waits for a run, runs that are killed on the way, and what must be true afterwards."""

import contextlib
import random
import shutil
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from audit_world import COMPLETED, FAILED, OVERRIDDEN, POLICY_UPDATED, World, at, days, deletable_from, to_ms
from run_watch import StartedRun
from slice_keys import read_slices

FIRST_NIGHT = at("2030-01-01T02:00:00")
NIGHT = FIRST_NIGHT + days(100)
OWN_CODES = (COMPLETED, FAILED, POLICY_UPDATED)
WINDOWS = {  # the longer of window and floor
    "ACCOUNT_PROFILE_UPDATE": "90 days",
    "ACCOUNT_SESSION_REVOKED": "60 days",
    OVERRIDDEN: "10 years",
}
# What the ledger calls the steps of a run; its first one has no name there yet.
PHASES = ("", "policy", "planning", "recording", "deleting", "reconciling")
NOT_OPENED = "before its ledger line"
OVER = "already over"
LONGEST_SQUAT_S = 0.02
HELD = ("mallory", "trudy")
BAD_TIMES = (0, -5, 1_700_000_000, 95_000_000_000_000, "not a time")

CONFIG = {
    "database": {"path": "audit.db"},
    "retention": {
        "category": {
            "account": {"window": "90 days", "basis": "test"},
            "sessions": {"window": "30 days", "at_least": "60 days", "basis": "test"},
            "audit-retention": {"window": "7 years", "basis": "test"},
        },
        "code": {OVERRIDDEN: {"at_least": "10 years", "basis": "test"}},
    },
    "admins": {"principals": ["alice"]},
    "identity": {"trust_flag": True},
    "safety": {"max_bad_time_share": 0.5, "max_clock_step": "200 days"},
    "run": {"max_lock": "2ms", "max_lock_idle": "2ms"},
}
INSERT = """
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, retain_until, metadata)
VALUES (?, ?, ?, 'Info', ?, ?, ?, '{}')
"""


def title(phase):
    return phase or "opening"


def due_by(code, stored_ms, now):
    """Whether window and floors of a row with a good time are over."""
    return deletable_from(at("1970-01-01") + days(stored_ms / 86_400_000), WINDOWS[code]) <= now


class KillWorld(World):
    """The log as it is before the run that gets killed: approved, nothing of the plan deleted yet."""

    def __init__(self, folder, rows, journal_mode="WAL", seed=1):
        super().__init__(folder, CONFIG, FIRST_NIGHT)
        self.rng = random.Random(seed)
        self.init()
        with self.connection() as database:
            database.execute(f"PRAGMA journal_mode = {journal_mode}")
        self.fill(rows // 10, bad_times=rows // 20)
        self.place_hold({"person": HELD[0]})
        self.place_hold({"subject": HELD[1], "tenant": "acme"})
        released = self.place_hold({"actor": "walter"})["hold"]
        self.approve(self.save_plan())
        self.run(expect=0)
        self.clock.set(NIGHT)
        self.fill(rows, bad_times=rows // 12)
        self.release_hold(released)
        self.set_bookmark("webhooks", self.query("SELECT max(id) - 50 FROM audit_events")[0][0])
        self.approve(self.save_plan())
        self.before = self.rows()
        self.must_stay = {id for id, row in self.before.items() if self.protected(row)}

    def fill(self, rows, bad_times):
        with self.connection() as database:
            database.executemany(INSERT, [self.random_row(number < bad_times) for number in range(rows)])

    def random_row(self, bad_time):
        rng = self.rng
        now_ms = self.clock.now_ms
        age_ms = rng.randrange(400 * 86_400_000)
        time_ms = rng.choice(BAD_TIMES) if bad_time else now_ms - age_ms
        code = rng.choices(list(WINDOWS), (50, 40, 2))[0]
        actor = rng.choice(("alice", "bob", "carol", "walter", HELD[0]))
        subject = rng.choice(("dora", "emil", "frank", HELD[0], HELD[1]))
        stamp = now_ms + rng.randrange(1, 400) * 86_400_000 if rng.random() < 0.1 else None
        return (time_ms, rng.choice(("acme", "globex", None)), code, actor, subject, stamp)

    def protected(self, row):
        """Whether this row must stay whatever happens: held, stamped, or with a good time and not due."""
        held = HELD[0] in (row["actor"], row["subject"]) or (row["subject"] == HELD[1] and row["tenant"] == "acme")
        stamped = row["retain_until"] is not None and row["retain_until"] > to_ms(NIGHT)
        good_time = isinstance(row["occurred_at"], int) and to_ms(at("2000-01-01")) <= row["occurred_at"] <= to_ms(NIGHT)
        return held or stamped or (good_time and not due_by(row["code"], row["occurred_at"], NIGHT))

    def copy_to(self, folder):
        """The same installation once more, in a folder of its own."""
        for suffix in ("", "-wal", "-journal", ".witness"):
            source = Path(f"{self.database}{suffix}")
            if source.exists():
                shutil.copy(source, folder / f"audit.db{suffix}")
        copied = World(folder, CONFIG, self.clock.now)
        return copied


@dataclass(frozen=True)
class LedgerLine:
    id: int
    phase: str
    outcome: str
    reason: str
    deleted: int


class Evidence:
    """What a database says about its rows and runs; read from a copy of its files, so that nothing is repaired by the look."""

    def __init__(self, program, folder):
        copy = folder / "look.db"
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
            source = Path(f"{program.database}{suffix}")
            if suffix != "-shm" and source.exists():
                shutil.copyfile(source, f"{copy}{suffix}")
        with contextlib.closing(sqlite3.connect(copy)) as database:
            database.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
            self.integrity = database.execute("PRAGMA integrity_check").fetchone()[0]
            marks = ", ".join("?" * len(OWN_CODES))
            found = database.execute(f"SELECT * FROM audit_events WHERE code NOT IN ({marks})", OWN_CODES)
            self.rows = {row[0]: row for row in found}
            lines = database.execute("SELECT id, phase, outcome, error_reason, deleted FROM holdfast_run ORDER BY id")
            self.lines = [LedgerLine(*line) for line in lines]
            self.slices = read_slices(database)
            events = database.execute(
                "SELECT json_extract(metadata, '$.run_id'), code, json_extract(metadata, '$.deleted') FROM audit_events"
                " WHERE code IN (?, ?)",
                (COMPLETED, FAILED),
            )
            self.events = events.fetchall()

    def problems(self, before, must_stay, ran_before):
        """What is wrong with it, as sentences. `ran_before`: the runs that were over when `before` was read."""
        found = [] if self.integrity == "ok" else [f"integrity_check: {self.integrity}"]
        gone = set(before) - set(self.rows)
        lost = gone & must_stay
        if lost:
            found.append(f"{len(lost)} protected rows are gone: {sorted(lost)[:5]}")
        slices = [piece for piece in self.slices if piece.run > ran_before]
        attested = [key for piece in slices for key in piece.keys]
        if len(attested) != len(set(attested)):
            found.append("a row was deleted by two slices")
        if gone != set(attested):
            found.append(
                f"gone without a slice: {sorted(gone - set(attested))[:5]}; in a slice and still there:"
                f" {sorted(set(attested) - gone)[:5]}"
            )
        for piece in slices:
            if not piece.deleted == len(piece.keys) == piece.expired:
                found.append(f"{piece.run}/{piece.number}: deleted {piece.deleted}, keys {len(piece.keys)}, {piece.expired} expired")
        return found + self.ledger_problems()

    def ledger_problems(self):
        found = []
        deleted = Counter()
        for piece in self.slices:
            deleted[piece.run] += piece.deleted
        still_open = [line.id for line in self.lines if line.outcome is None]
        if len(still_open) > 1:
            found.append(f"more than one run is open: {still_open}")
        for line in self.lines:
            events = [event for event in self.events if event[0] == line.id]
            code = FAILED if line.outcome == "failed" else COMPLETED
            expected = [] if line.outcome is None else [(line.id, code, deleted[line.id])]
            if events != expected:
                found.append(f"run {line.id} ({line.outcome}) has the events {events} and not {expected}")
            if line.outcome is not None and line.deleted != deleted[line.id]:
                found.append(f"run {line.id}: ledger {line.deleted} deleted, slices {deleted[line.id]}")
        return found


class Killer:
    """Kills runs at random moments, oftener in the steps that were met less, and counts the steps by the ledger."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.hits = Counter()
        self.lengths_s = {phase: 0.02 for phase in PHASES}

    def fewest(self):
        return min(self.hits[phase] for phase in PHASES)

    def kill_one(self, program, folder):
        """Starts a run, kills it, and gives the evidence right after and the phase in which it died."""
        last = Evidence(program, folder).lines[-1].id
        target = min(PHASES, key=lambda phase: (self.hits[phase], self.rng.random()))
        way = self.rng.choice((self._at_any_time, self._some_time_into, self._between_two_writes))
        with StartedRun(program) as run:
            way(target, program.database, last, run)
            exit_status = run.kill()
        self._learn_lengths(run)
        evidence = Evidence(program, folder)
        line = evidence.lines[-1]
        phase = NOT_OPENED if line.id == last else OVER if line.outcome is not None else line.phase
        self.hits[phase] += 1
        return evidence, phase, exit_status

    def _at_any_time(self, _target, _database, _last, _run):
        time.sleep(self.rng.uniform(0, sum(self.lengths_s.values())))

    def _some_time_into(self, target, _database, _last, run):
        if target == "" or run.wait_for_phase(target):
            time.sleep(self.rng.uniform(0, self.lengths_s[target]))

    def _between_two_writes(self, target, database, last, run):
        """Snatches the write lock as soon as the ledger says that the run is so far: steps that are over in no time are
        met like that, because the run then waits before its next write. The lock is let go of after the kill."""
        with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=0)) as neighbour:
            while run.running:
                with contextlib.suppress(sqlite3.OperationalError):
                    neighbour.execute("BEGIN IMMEDIATE")
                    id, phase = neighbour.execute("SELECT id, phase FROM holdfast_run ORDER BY id DESC LIMIT 1").fetchone()
                    if id > last and PHASES.index(phase) >= PHASES.index(target):
                        time.sleep(self.rng.uniform(0, LONGEST_SQUAT_S))
                        run.kill()
                    neighbour.execute("ROLLBACK")

    def _learn_lengths(self, run):
        for (name, begun), (_, ended) in zip(run.phases, run.phases[1:]):  # the last one was cut short
            self.lengths_s[name] = 0.5 * self.lengths_s[name] + 0.5 * (ended - begun)

    def __str__(self):
        return "  ".join(f"{title(phase)}: {self.hits[phase]}" for phase in (*PHASES, NOT_OPENED, OVER))


def undisturbed(world, folder):
    """The rows that remain after a run that nobody disturbs, and their reasons."""
    program = world.copy_to(folder)
    program.run(expect=0)
    return remains(program, world.before)


def remains(program, before):
    """The application's rows that are left of `before`, and the reason that the next plan has for each."""
    _, reasons = program.plan_rows()
    rows = {id: tuple(row.values()) for id, row in program.rows().items() if id in before}
    return rows, {id: reasons[str(id)] for id in rows}

# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmark, each with the comparison that it is there for."""

import contextlib
import dataclasses
import datetime as dt
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

import sample_log
import vaultwarden
from sample_log import LogSpec
from trial import measure

CONTENDERS = ("holdfast", "tuned", "limit_loop", "shell", "home_assistant")
BESIDE_WRITER = ("holdfast", "home_assistant")
MAX_LOCK = "50ms"
DUE_IN_A_NIGHT = 25_000
HOLD_COUNTS = (100, 10_000, 100_000)
MANY_TENANTS = 10_000
STOPPED_AT_A_BUDGET = 3
# The machine is still busy with a log that was just made, and a virtual one has not been given all of its memory yet: without
# a rest, and a turn that does not count, the first contender alone would pay for both. Copies of large logs need all memory.
LONGEST_REST_S = 20
MOST_ROWS_TO_WARM = 5_000_000
NAMES = {"holdfast": "holdfast", "tuned": "one tuned transaction", "limit_loop": "LIMIT loop", "shell": "sqlite3 shell",
         "home_assistant": "Home Assistant's way"}
# What is counted for the reconciliation, as one statement over the covering index.
COVERING_COUNT = "SELECT count(*) FROM (SELECT code, tenant, count(*) FROM audit_events GROUP BY code, tenant)"
MORE_HOLDS = """
WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :count)
INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms)
SELECT 'bench-' || i, 'benchmark', '', 'legal', 0, 0, 'bench', :now FROM number
"""
THEIR_TERMS = """
INSERT INTO holdfast_hold_term (hold_id, kind, value)
SELECT id, 'person', 'nobody-' || id FROM holdfast_hold WHERE matter LIKE 'bench-%'
"""


class Bench:
    """Makes logs and remembers every trial."""

    def __init__(self, tools, folder, sizes):
        self.tools = tools
        self.folder = folder
        self.sizes = sizes
        self.results = {}

    @contextlib.contextmanager
    def log(self, spec):
        source = self.folder / "source"
        cutoff, seconds = sample_log.make(self.tools.holdfast, source, spec)
        mib = (source / "audit.db").stat().st_size >> 20
        print(f"({spec.rows:,} rows, {spec.due:,} past their window, {mib} MiB, made in {seconds:.0f} s)", flush=True)
        os.sync()
        time.sleep(min(LONGEST_REST_S, seconds / 2))
        if spec.rows <= MOST_ROWS_TO_WARM:
            measure("tuned", self.tools, source, self.folder / "work", cutoff, spec)
        try:
            yield source, cutoff
        finally:
            shutil.rmtree(source)

    def run(self, part, label, log, spec, name="holdfast", **options):
        source, cutoff = log
        run = {"max_lock": MAX_LOCK} | options.pop("run", {})
        trial = measure(name, self.tools, source, self.folder / "work", cutoff, spec, run=run, **options)
        told = dataclasses.asdict(trial) | {"rows_per_second": trial.rows_per_second}
        self.results.setdefault(part, {}).setdefault(label, []).append(told)
        return trial


    def note_holds(self, log, spec):
        """Holds that came by plain SQL are noted in the witness file by the first run that meets them, and by no other:
        a run that may delete one row."""
        source, _ = log
        config = source / "holdfast.toml"
        config.write_text(sample_log.config(source / "audit.db", spec, {"max_rows": 1}), encoding="utf-8")
        done = subprocess.run([self.tools.holdfast, "run", "--config", config], check=False, capture_output=True, text=True)
        if done.returncode != STOPPED_AT_A_BUDGET:
            raise SystemExit(f"bench: noting holds ended with {done.returncode}:\n{done.stderr}")


def _table(lines, heads):
    widths = [max(len(str(line[i])) for line in [heads, *lines]) for i in range(len(heads))]
    for line in [heads, *lines]:
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip(), flush=True)


def contenders(bench):
    """Side by side: rows per second against what a user would use instead"""
    spec = LogSpec(rows=bench.sizes["rows"], due=bench.sizes["rows"] // 2)
    trials = {}
    with bench.log(spec) as log:
        for _ in range(bench.sizes["rounds"]):
            for name in CONTENDERS:
                trials.setdefault(NAMES[name], []).append(bench.run("contenders", NAMES[name], log, spec, name))
            for name in BESIDE_WRITER:
                label = f"{NAMES[name]}, beside a writer"
                trials.setdefault(label, []).append(bench.run("contenders", label, log, spec, name, beside_writer=True))
    if len({trial.deleted for turns in trials.values() for trial in turns}) != 1:
        raise SystemExit("bench: the contenders did not delete the same number of rows")
    lines = []
    for label, turns in trials.items():
        middle = sorted(turns, key=lambda trial: trial.seconds)[len(turns) // 2]
        rival = trials["holdfast, beside a writer" if "writer" in label else "holdfast"]
        ratio = statistics.median(trial.seconds for trial in turns) / statistics.median(trial.seconds for trial in rival)
        waits = [f"{middle.writer[key]:.0f}" for key in ("p50_ms", "p99_ms", "max_ms")] if middle.writer else ["", "", ""]
        lines.append([label, f"{middle.seconds:.1f}", f"{middle.rows_per_second:,.0f}", f"{ratio:.2f}",
                      f"{middle.longest_lock_ms:,.0f}", *waits, f"{middle.peak_mib:.0f}", f"{middle.written_mib:,.0f}"])
    _table(lines, ["", "s", "rows/s", "x holdfast's time", "longest lock ms", "writer p50", "p99", "max ms", "peak MiB",
                   "written MiB"])


def nights(bench):
    """A normal night: what is kept must not cost anything but its count"""
    lines = []
    for kept in bench.sizes["nights"]:
        spec = LogSpec(rows=kept + DUE_IN_A_NIGHT, due=DUE_IN_A_NIGHT)
        with bench.log(spec) as log:
            with contextlib.closing(sqlite3.connect(log[0] / "audit.db")) as connection:
                begun = time.monotonic()
                connection.execute(COVERING_COUNT).fetchone()
                covering = time.monotonic() - begun
            turns = {"holdfast": [], "tuned": []}
            for turn in range(bench.sizes["turns"]):
                # Neither is always the first one after the other, nor after the log was made.
                for name in sorted(turns, reverse=turn % 2 == 1):
                    turns[name].append(bench.run("nights", f"{name}, {kept:,} kept", log, spec, name))
        counting = statistics.median(ours.counting_ms for ours in turns["holdfast"]) / 1000
        rests = [ours.seconds - ours.counting_ms / 1000 for ours in turns["holdfast"]]
        tuned = [theirs.seconds for theirs in turns["tuned"]]
        rest, theirs = statistics.median(rests), statistics.median(tuned)
        lines.append([f"{kept:,}", f"{rest:.2f}", f"{max(rests):.2f}", f"{theirs:.2f}", f"{max(tuned):.2f}", f"{rest / theirs:.2f}",
                      f"{counting:.2f}", f"{covering:.2f}", f"{max(ours.peak_mib for ours in turns['holdfast']):.0f}"])
    _table(lines, ["rows kept", "decide, delete s", "max", "tuned s", "max", "ratio", "counting s", "covering count s",
                   "peak MiB"])


def held(bench):
    """Held rows past their window, against rows that go"""
    count = bench.sizes["held"]
    rows = DUE_IN_A_NIGHT + count

    def turns(label, spec):
        with bench.log(spec) as log:
            return [bench.run("held", label, log, spec) for _ in range(bench.sizes["turns"])]

    def median(trials, phase=None):
        return statistics.median(trial.phases[phase] if phase else trial.seconds for trial in trials)

    # Of each kind of row what the whole run takes longer for it: a row that goes also has to be planned, and its log copied.
    nothing = turns("nothing due", LogSpec(rows=rows, due=0, people_held=0))
    alone = turns("none held", LogSpec(rows=rows, due=DUE_IN_A_NIGHT, people_held=0))
    per_row = (median(alone) - median(nothing)) / DUE_IN_A_NIGHT
    lines = [["none, nothing due", f"{median(nothing):.2f}", "", "", "", ""],
             ["none", f"{median(alone):.2f}", "", f"{1e6 * per_row:.1f}",
              f"{1e6 * median(alone, 'deleting') / DUE_IN_A_NIGHT:.1f}", ""]]
    for together in (True, False):
        spec = LogSpec(rows=rows, due=rows, people_held=0, held_rows=count, held_together=together)
        label = "together" if together else "scattered"
        trials = turns(label, spec)
        deleting = median(trials, "deleting")
        per_held = max(0.0, median(trials) - deleting - (median(alone) - median(alone, "deleting"))) / count
        per_row_here = per_row + (deleting - median(alone, "deleting")) / DUE_IN_A_NIGHT
        lines.append([f"{count:,} {label}", f"{median(trials):.2f}", f"{1e6 * per_held:.2f}", f"{1e6 * per_row_here:.1f}",
                      f"{1e6 * deleting / DUE_IN_A_NIGHT:.1f}", f"{per_held / per_row_here:.3f}"])
    _table(lines, ["held rows", "s", "us a held row", "us a deleted row", "of it while deleting", "ratio"])


def holds(bench):
    """Many holds must cost what few cost"""
    rows = bench.sizes["rows"]
    spec = LogSpec(rows=rows, due=rows // 2, people_held=0)
    lines = []
    with bench.log(spec) as log:
        for count in HOLD_COUNTS:
            with contextlib.closing(sqlite3.connect(log[0] / "audit.db")) as connection:
                there = connection.execute("SELECT count(*) FROM holdfast_hold").fetchone()[0]
                connection.execute("DELETE FROM holdfast_hold_term")
                connection.execute(MORE_HOLDS, {"count": count - there, "now": int(time.time() * 1000)})
                connection.execute(THEIR_TERMS)
                connection.commit()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            bench.note_holds(log, spec)
            trial = bench.run("holds", f"{count:,} holds", log, spec)
            lines.append([f"{count:,}", f"{trial.seconds:.2f}", f"{trial.rows_per_second:,.0f}", f"{trial.peak_mib:.0f}"])
    _table(lines, ["holds", "s", "rows/s", "peak MiB"])


def tenants(bench):
    """10,000 tenants with windows of their own, against one"""
    rows = bench.sizes["side"]
    lines = []
    for count in (1, MANY_TENANTS):
        spec = LogSpec(rows=rows, due=rows // 2, tenants=count, windows_of_tenants=True)
        with bench.log(spec) as log:
            trial = bench.run("tenants", f"{count:,} tenants", log, spec)
        lines.append([f"{count:,}", f"{trial.seconds:.2f}", f"{trial.rows_per_second:,.0f}", f"{trial.peak_mib:.0f}"])
    _table(lines, ["tenants", "s", "rows/s", "peak MiB"])


def evidence(bench):
    """What digests and archive cost"""
    rows = bench.sizes["side"]
    spec = LogSpec(rows=rows, due=rows // 2)
    lines = []
    with bench.log(spec) as log:
        for label, options in (("digests", {}), ("no digests", {"digest": False}), ("digests and archive", {"archive": True})):
            trial = bench.run("evidence", label, log, spec, **options)
            lines.append([label, f"{trial.seconds:.2f}", f"{trial.rows_per_second:,.0f}", f"{trial.peak_mib:.0f}"])
    _table(lines, ["evidence", "s", "rows/s", "peak MiB"])


def no_index(bench):
    """A table without any index: one pass"""
    rows = bench.sizes["side"]
    lines = []
    for indexed in (True, False):
        spec = LogSpec(rows=rows, due=rows // 2, indexed=indexed)
        with bench.log(spec) as log:
            trial = bench.run("no_index", "indexes" if indexed else "none", log, spec)
        lines.append(["as above" if indexed else "none", f"{trial.seconds:.2f}", f"{trial.phases['planning']:.2f}",
                      f"{trial.rows_per_second:,.0f}"])
    _table(lines, ["indexes", "s", "of that planning", "rows/s"])


def vaultwarden_events(bench):
    """A table like Vaultwarden's, beside a writer: Holdfast, and the application's own single DELETE"""
    rows = bench.sizes["side"]
    source = bench.folder / "source"
    cutoff = vaultwarden.make(source, rows, dt.datetime.now(dt.timezone.utc))
    lines = []
    for label in ("holdfast", "its own DELETE"):
        folder = bench.folder / "work"
        shutil.copytree(source, folder)
        if label == "holdfast":
            vaultwarden.configure(folder, MAX_LOCK)
            config = folder / "holdfast.toml"
            subprocess.run([bench.tools.holdfast, "init", "--config", config], check=True, capture_output=True)
            command = [bench.tools.holdfast, "run", "--json", "--config", config]
        else:
            command = [sys.executable, vaultwarden.__file__, "delete", folder / "db.sqlite3", cutoff]
        seconds, told, waits = vaultwarden.beside_writer(command, folder)
        lock = told["storage"]["longest_lock_ms"] if "storage" in told else told["longest_lock_ms"]
        trial = {"seconds": seconds, "deleted": told["deleted"], "longest_lock_ms": lock, "writer": waits}
        bench.results.setdefault("vaultwarden", {}).setdefault(label, []).append(trial)
        lines.append([label, f"{seconds:.1f}", f"{told['deleted']:,}", f"{told['deleted'] / seconds:,.0f}", f"{lock:,.0f}",
                      f"{waits['writes']:,}", f"{waits['p99_ms']:.0f}", f"{waits['max_ms']:,.0f}"])
        shutil.rmtree(folder)
    shutil.rmtree(source)
    _table(lines, [f"{rows:,} rows", "s", "deleted", "rows/s", "longest lock ms", "writes", "writer p99", "max ms"])


PARTS = {"contenders": contenders, "nights": nights, "held": held, "holds": holds, "tenants": tenants,
         "evidence": evidence, "no_index": no_index, "vaultwarden": vaultwarden_events}

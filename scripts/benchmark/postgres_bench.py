# SPDX-License-Identifier: Apache-2.0
"""scripts/bench --postgres: Holdfast on a PostgreSQL server of its own, side by side with what a user would use instead.

Every contender has a fresh copy of the same database, in turn, in one go, with somebody beside it who inserts a row
every 2 ms. Times differ from machine to machine and from hour to hour, so read the ratios.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import postgres_log
import sample_log
from main import machine, version_of
from parts import _table as print_table
from postgres_server import SAID, Server

PEOPLE_HELD = 1000
HOLDS = 4
HEAD_START_S = 0.5
ONE_DELETE, LIMIT_LOOP = "one DELETE", "LIMIT loop"
HOLDFAST = "holdfast"
HOLDFAST_PARTITIONS, PARTMAN, READ = "holdfast, drop_partitions", "pg_partman's retention", "one read with hashing"


@dataclasses.dataclass
class Trial:
    """Of the whole process; `wal_mib` with what the writer beside it wrote."""

    name: str
    seconds: float
    rows: int
    longest_ms: float
    wal_mib: float
    writer: dict

    @property
    def rows_per_second(self):
        return self.rows / self.seconds


class Bench:
    """A server with a log, and the contenders."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        (folder / "server").mkdir()
        self.server = Server(folder / "server")
        self.trials = []

    def settings(self, run=None):
        text = sample_log.config(self.folder / "unused", sample_log.LogSpec(rows=0, due=0), run or {})
        state = self.folder / "state"
        own = f'url = "{self.server.url("bench")}"\nstate_directory = "{state}"'
        own += '\n[events]\nid = ["id", "occurred_at"]\nown_events = "holdfast"' if self.options.partitioned else ""
        path = self.folder / "holdfast.toml"
        path.write_text(text.replace(f'path = "{self.folder / "unused"}"', own), encoding="utf-8")
        state.mkdir(mode=0o700, exist_ok=True)
        return path

    def holdfast(self, *words):
        done = subprocess.run([self.options.holdfast, *words, "--config", self.folder / "holdfast.toml"], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
        if done.returncode != 0:
            raise SystemExit(f"bench: holdfast {words[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr}")
        return done.stdout

    def make(self):
        """The log and its holds in the database source; what is worked on is a copy by the name of bench."""
        self.server.psql("CREATE DATABASE bench", "postgres")
        self.settings()
        if self.options.partitioned:
            self.server.psql("CREATE TABLE audit_events (id bigint)")
        else:
            self.holdfast("init")
        made = postgres_log.fill(self.server, self.options.rows, PEOPLE_HELD, self.options.partitioned)
        if self.options.partitioned:
            self.holdfast("init")
        else:
            sample_log.place_holds(self.options.holdfast, self.folder / "holdfast.toml",
                                   sample_log.LogSpec(rows=0, due=0, people_held=PEOPLE_HELD, holds=HOLDS))
        size = int(self.server.psql("SELECT pg_database_size('bench')")) >> 20
        self.server.psql("ALTER DATABASE bench RENAME TO source", "postgres")
        print(f"({made.rows:,} rows, {made.due:,} past their window, {size} MiB, made in {made.seconds:.0f} s)", flush=True)
        subprocess.run(["cp", "-a", self.folder / "state", self.folder / "state_source"], check=True)
        return made

    def fresh(self):
        self.server.copy("source", "bench")
        subprocess.run(["rm", "-rf", self.folder / "state"], check=True)
        subprocess.run(["cp", "-a", self.folder / "state_source", self.folder / "state"], check=True)

    def measure(self, name, deed):
        """Lets one contender work on a fresh copy; `deed` gives rows and its longest transaction in milliseconds."""
        self.fresh()
        writer = subprocess.Popen([self.options.contender, "writer", self.server.url("bench")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        time.sleep(HEAD_START_S)
        try:
            wal, begun = self.server.wal(), time.monotonic()
            rows, longest_ms = deed()
            seconds = time.monotonic() - begun
            written = (self.server.wal() - wal) / 2**20
        finally:
            waits = json.loads(writer.communicate()[0])
        self.trials.append(Trial(name, seconds, rows, longest_ms, written, waits))
        print(f"  {name}: {seconds:.1f} s", flush=True)

    def contender(self, verb, cutoff):
        done = subprocess.run([self.options.contender, verb, self.server.url("bench"), str(cutoff)], check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: {verb}: {done.stderr}")
        told = json.loads(done.stdout)
        return told["rows"], told["longest_ms"]

    def run_holdfast(self, run):
        self.settings({"max_lock": self.options.max_lock} | run)
        told = json.loads(self.holdfast("run", "--json"))
        return told["deleted"], told["storage"]["longest_lock_ms"]

    def run_partman(self):
        before = self.count()
        begun = time.monotonic()
        self.server.psql(postgres_log.RETENTION.format(days=sample_log.WINDOW_DAYS))
        took_ms = 1000 * (time.monotonic() - begun)
        return before - self.count(), took_ms

    def count(self):
        """Rows by the statistics that were made with the log: counting them takes longer than what is measured."""
        return int(self.server.psql("SELECT sum(c.reltuples)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                                    "WHERE i.inhparent = 'audit_events'::regclass AND c.reltuples > 0"))


def side_by_side(bench, made):
    """Row by row: Holdfast, one DELETE, a LIMIT loop"""
    bench.measure(ONE_DELETE, lambda: bench.contender("one_delete", made.cutoff))
    bench.measure(LIMIT_LOOP, lambda: bench.contender("limit_loop", made.cutoff))
    bench.measure(HOLDFAST, lambda: bench.run_holdfast({}))
    if len({trial.rows for trial in bench.trials}) != 1:
        raise SystemExit(f"bench: the contenders deleted different rows: {[trial.rows for trial in bench.trials]}")


def partitions(bench, made):
    """By whole partitions: Holdfast, pg_partman's retention, and one read of what is due"""
    bench.measure(PARTMAN, bench.run_partman)
    bench.measure(READ, lambda: bench.contender("read", made.cutoff))
    bench.measure(HOLDFAST, lambda: bench.run_holdfast({}))
    if bench.options.drop_partitions:
        bench.measure(HOLDFAST_PARTITIONS, lambda: bench.run_holdfast({"drop_partitions": True}))


def show(trials):
    rival = next(trial for trial in reversed(trials) if trial.name.startswith(HOLDFAST))
    lines = [[t.name, f"{t.seconds:.1f}", f"{t.rows:,}", f"{t.rows_per_second:,.0f}", f"{t.seconds / rival.seconds:.2f}",
              f"{t.longest_ms:,.0f}", *(f"{t.writer[key]:.1f}" for key in ("p50_ms", "p99_ms", "max_ms")), f"{t.wal_mib:,.0f}"]
             for t in trials]
    print_table(lines, ["", "s", "rows", "rows/s", "x holdfast's time", "longest transaction ms", "writer p50", "p99", "max ms",
                        "WAL MiB"])


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench --postgres", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the log, half of them due (10,000,000)")
    parser.add_argument("--max-lock", default="50ms", help="Holdfast's [run].max_lock (50ms)")
    parser.add_argument("--only", choices=("rows", "partitions"), help="only this part")
    parser.add_argument("--drop-partitions", action="store_true", help="also with Holdfast's own dropping of partitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    parser.add_argument("--folder", type=Path, help="where the server is made and taken away again (a temporary folder)")
    parser.add_argument("--holdfast", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--contender", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def run_part(options, part):
    options.partitioned = part is partitions
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=options.folder or os.environ.get("TMPDIR", "/var/tmp")))
    folder.chmod(0o755)  # the server is another user's
    bench = Bench(options, folder)
    try:
        print(f"\n## {part.__doc__}", flush=True)
        bench.server.start()
        part(bench, bench.make())
        version = bench.server.version()
    finally:
        bench.server.stop()
        subprocess.run(["rm", "-rf", folder], check=True)
    show(bench.trials)
    told = [dataclasses.asdict(trial) | {"rows_per_second": trial.rows_per_second} for trial in bench.trials]
    return version, told


def main():
    options = parse_arguments()
    about = machine() | {"holdfast": version_of(options.holdfast), "rows": options.rows, "settings": SAID}
    print(f"{about['date']}, {about['cores']} x {about['processor']}, {about['memory_gib']} GiB, Linux {about['kernel']}, "
          f"{about['holdfast']}\n{SAID}", flush=True)
    results = {}
    for name, part in (("rows", side_by_side), ("partitions", partitions)):
        if options.only in (None, name):
            about["postgresql"], results[name] = run_part(options, part)
    if options.json:
        options.json.write_text(json.dumps({"about": about, "parts": results}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The benchmark: makes logs, lets Holdfast and what a user would use instead work on copies of them, in turn, in one go.

Every figure is of the whole process. Times differ from machine to machine and from hour to hour, so read the ratios.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import chart
import parts
from trial import Tools

FULL = {"rows": 3_000_000, "nights": (1_000_000, 10_000_000, 30_000_000), "held": 1_000_000, "side": 1_000_000, "rounds": 1, "turns": 3}
QUICK = {"rows": 300_000, "nights": (300_000,), "held": 100_000, "side": 200_000, "rounds": 1, "turns": 1}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small logs: under 3 minutes")
    parser.add_argument("--rows", type=int, help="rows of the log that the contenders work on (3,000,000)")
    parser.add_argument("--rounds", type=int, help="how often each contender has its turn; the medians are shown (1)")
    parser.add_argument("--only", action="append", choices=sorted(parts.PARTS), help="only this part; repeat for more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the rows per second of the contenders there")
    parser.add_argument("--folder", type=Path, help="where the logs are made and taken away again (a temporary folder)")
    parser.add_argument("--holdfast", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--contender", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def machine():
    """What the figures are of."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
                  if line.startswith("MemTotal"))
    return {"date": dt.date.today().isoformat(), "processor": model, "cores": os.cpu_count(),
            "memory_gib": round(memory / 2**20), "kernel": platform.release(), "sqlite": sqlite3.sqlite_version,
            "python": platform.python_version()}


def version_of(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def main():
    options = parse_arguments()
    sizes = dict(QUICK if options.quick else FULL)
    sizes.update({name: value for name, value in (("rows", options.rows), ("rounds", options.rounds)) if value})
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=options.folder or os.environ.get("TMPDIR", "/var/tmp")))
    about = machine() | {"holdfast": version_of(options.holdfast), "sizes": sizes, "seed": 5}
    print(f"{about['date']}, {about['cores']} x {about['processor']}, {about['memory_gib']} GiB, Linux {about['kernel']}, "
          f"SQLite {about['sqlite']}, {about['holdfast']}", flush=True)
    bench = parts.Bench(Tools(options.holdfast, options.contender), folder, sizes)
    try:
        for name in options.only or parts.PARTS:
            print(f"\n## {parts.PARTS[name].__doc__.splitlines()[0]}", flush=True)
            parts.PARTS[name](bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps({"about": about, "parts": bench.results}, indent=1) + "\n", encoding="utf-8")
    if options.svg and "contenders" in bench.results:
        rows = {label: statistics.median(trial["rows_per_second"] for trial in trials)
                for label, trials in bench.results["contenders"].items()}
        options.svg.write_text(chart.bars("rows deleted per second", rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

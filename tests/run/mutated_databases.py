# SPDX-License-Identifier: Apache-2.0
"""A whole installation with damage in its database, by chance: bytes flipped in any page, sectors of zeros, pages that are
old or in each other's place, a file cut short. Every verb looks at it, and then what a run deleted is judged by what stood
in the rows before."""

import contextlib
import random
import shutil
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path

from audit_world import World
from kill_world import CONFIG, OWN_CODES, KillWorld
from malformed_files import UNREADABLE
from slice_keys import decode_keys

LONGEST_S = 30
ALLOWED_STATUS = (0, 1, 2, 3, 4)
READ = "SELECT id, occurred_at, tenant, code, severity, actor, subject, retain_until, metadata FROM audit_events NOT INDEXED"
NAMES = ("id", "occurred_at", "tenant", "code", "severity", "actor", "subject", "retain_until", "metadata")
HOLDS = "SELECT hold.*, kind_of.* FROM holdfast_hold AS hold LEFT JOIN holdfast_hold_term AS kind_of ON kind_of.hold_id = hold.id"
BEFORE_THE_RUN = (
    ("check",), ("plan",), ("plan", "--save"), ("status",), ("explain", "7"), ("hold", "list", "--all"), ("hold", "show", "1"),
    ("policy", "show"), ("bookmark", "list"), ("catalogue",), ("report",), ("report", "list"), ("erasure", "list"), ("verify",),
    ("hold", "place", "--matter", "M", "--reason", "r", "--person", "nobody", "--future", "--as", "alice"),
    ("erasure", "request", "--subject", "dora", "--as", "alice"),
)  # fmt: skip
AFTER_THE_RUN = (
    ("report", "--format", "html"), ("verify",), ("evidence", "--from", "2029-01-01", "--to", "2031-01-01", "--out", "pack"),
    ("vacuum",), ("recover", "--as", "alice"), ("run",),
)  # fmt: skip


class Look:
    """What a database says to a reader who takes what he can get; read from a copy."""

    def __init__(self, program):
        copy = program.folder / "look.db"
        for suffix in ("", "-wal", "-journal"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
            if Path(f"{program.database}{suffix}").exists():
                shutil.copyfile(f"{program.database}{suffix}", f"{copy}{suffix}")
        self.rows, self.deleted = {}, set()
        with contextlib.closing(sqlite3.connect(copy)) as database:
            database.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
            self.whole = self._all(database, "PRAGMA integrity_check") == [("ok",)]
            self.holds = sorted(self._all(database, HOLDS), key=repr)
            for row in self._all(database, READ):
                self.rows.setdefault(row[0], []).append(dict(zip(NAMES, row)))
            for (keys,) in self._all(database, "SELECT keys FROM holdfast_run_slice"):
                with contextlib.suppress(Exception):  # a damaged list says nothing
                    self.deleted |= set(decode_keys(keys))

    @staticmethod
    def _all(database, sql):
        rows = []
        with contextlib.suppress(*UNREADABLE, MemoryError):
            for row in database.execute(sql):
                rows.append(row)
        return rows


class Damage:
    """Damages a file in one of several ways and says how."""

    def __init__(self, rng, page_bytes=4096):
        self.rng, self.page_bytes = rng, page_bytes

    def to(self, file):
        way = self.rng.choice((self._flip, self._flip, self._flip, self._head, self._zeros, self._swap, self._cut, self._numbers))
        data = bytearray(file.read_bytes())
        what = way(data)
        file.write_bytes(data)
        return what

    def _flip(self, data):
        places = [self.rng.randrange(len(data)) for _ in range(self.rng.choice((1, 1, 2, 5, 40)))]
        for place in places:
            data[place] ^= 1 << self.rng.randrange(8)
        return f"bits flipped at {places[:5]}"

    def _numbers(self, data):
        place = self.rng.randrange(len(data) - 8)
        data[place : place + 8] = self.rng.choice((b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x80" + b"\0" * 7, b"\0" * 8))
        return f"eight bytes at {place}"

    def _head(self, data):
        page = self.rng.randrange(len(data) // self.page_bytes) * self.page_bytes
        place = page + (100 if page == 0 else 0) + self.rng.randrange(60)
        data[place] = self.rng.randrange(256)
        return f"head of page {page // self.page_bytes + 1} at {place}"

    def _zeros(self, data):
        sector = self.rng.randrange(len(data) // 512) * 512
        data[sector : sector + 512] = bytes(512)
        return f"sector of zeros at {sector}"

    def _swap(self, data):
        size, pages = self.page_bytes, len(data) // self.page_bytes
        one, other = (self.rng.randrange(1, pages) * size for _ in range(2))
        data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
        return f"pages {one // size + 1} and {other // size + 1} swapped"

    def _cut(self, data):
        left = self.rng.randrange(len(data))
        del data[left:]
        return f"cut to {left} bytes"


class MutatedDatabases:
    """One installation, damaged again and again."""

    def __init__(self, folder, seed, journal_mode):
        self.rng = random.Random(f"{seed} {journal_mode}")
        (folder / "whole").mkdir()
        self.world = KillWorld(folder / "whole", rows=400, journal_mode=journal_mode, seed=seed)
        with self.world.connection() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.sound = Look(self.world)
        self.folder = folder
        self.tally = Counter()

    def damage_once(self, number):
        """Gives what went wrong, as sentences."""
        folder = self.folder / f"damaged-{number}"
        folder.mkdir()
        try:
            program = self.world.copy_to(folder)
            what = Damage(self.rng).to(program.database)
            return [f"{what}: {problem}" for problem in self.look_at(program)]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def look_at(self, program):
        self.tally["damages"] += 1
        problems = []
        for words in BEFORE_THE_RUN:
            self.call(program, words, problems)
        before = Look(program)
        answer = self.call(program, ("run", "--json"), problems)
        after = Look(program)
        problems += self.judge(before, after, answer)
        for words in AFTER_THE_RUN:
            self.call(program, words, problems)
        return problems

    def call(self, program, words, problems):
        self.tally["calls"] += 1
        try:
            answer = program.call(*words, timeout_s=LONGEST_S)
        except subprocess.TimeoutExpired:
            problems.append(f"{words}: still going after {LONGEST_S} s")
            return None
        if answer.exit_status not in ALLOWED_STATUS:
            problems.append(f"{words}: {answer}")
        for leak in ("terminate called", "std::", "basic_string", "nlohmann", "json.exception"):
            if leak in answer.stderr:
                problems.append(f"{words}: says {leak}: {answer.stderr[:500]}")
        return answer

    def judge(self, before, after, answer):
        deleted = after.deleted - before.deleted
        self.tally["rows deleted"] += len(deleted)
        self.tally["runs that deleted" if deleted else "runs that did not"] += 1
        problems = []
        for key in deleted:
            contents = before.rows.get(key, [])
            if contents and all(self.protected(row, before) for row in contents):
                problems.append(f"row {key} was deleted and had to stay: {contents}")
        gone = {key for key in self.world.must_stay & set(before.rows) - deleted if key not in after.rows}
        if gone and before.whole:
            problems.append(f"rows are gone from a file that SQLite calls whole, and no slice says so: {sorted(gone)[:9]}")
        elif gone:
            self.tally["protected rows that became unreadable in a damaged file"] += len(gone)
        return problems

    def protected(self, row, before):
        """By what stands in the row. Where the register says something else now, who is held is not asked."""
        if row["code"] in OWN_CODES:
            return True
        try:
            if before.holds != self.holds_then(before) and {row["actor"], row["subject"]} & {"mallory", "trudy"}:
                return False
            return self.world.protected(row)
        except (KeyError, TypeError, ValueError, OverflowError):
            return False  # no code or time that anybody can read

    def holds_then(self, before):
        """The sound register, with what this test placed itself."""
        placed = [hold for hold in before.holds if "nobody" in hold]
        return sorted([*self.sound.holds, *placed], key=repr)

    def __str__(self):
        return ", ".join(f"{count} {what}" for what, count in sorted(self.tally.items()))

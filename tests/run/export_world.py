# SPDX-License-Identifier: Apache-2.0
"""Persons who ask for a copy of their data: what the tests of `export` build upon."""

import contextlib
import csv
import hashlib
import io
import json
import random
import sqlite3
import stat
import zipfile

from audit_world import days
from erasure_world import ASKED, TABLES, ErasureWorld, erasure_config
from holdfast_cli import work_folder

ASKED_FOR = "ACCOUNT_DATA_EXPORT_REQUEST"
READY = "ACCOUNT_DATA_EXPORT_READY"
FETCHED = "ACCOUNT_DATA_EXPORT_DOWNLOADED"
EXPORT_CODES = (ASKED_FOR, READY, FETCHED)
KEEP = "30 days"


def export_config(*changes, **sections):
    return erasure_config(*changes, **({"export": {"directory": "copies", "keep": KEEP}} | sections))


class ExportWorld(ErasureWorld):
    @property
    def copies(self):
        return self.folder / "copies"

    def export(self, verb, *words, who, expect=0):
        identity = () if who is None else ("--as", who)
        return self.call("export", verb, *words, *identity, "--json", expect=expect)

    def ask_copy(self, person="u-4711", tenant="acme", who=None, expect=0):
        where = () if tenant is None else ("--tenant", tenant)
        answer = self.export("request", *where, "--subject", person, who=who or person, expect=expect)
        return answer.json["export"]["id"] if expect == 0 else answer

    def make(self, export, who="alice", expect=0):
        return self.export("make", export, who=who, expect=expect)

    def fetch(self, export, who="alice", name=None, expect=0):
        target = self.folder / (name or f"fetched-{export}.zip")
        answer = self.export("download", export, "--to", target, who=who, expect=expect)
        return target if expect == 0 else answer

    def ready(self, person="u-4711", tenant="acme"):
        export = self.ask_copy(person, tenant)
        self.make(export)
        return export

    def copy_of(self, person="u-4711", tenant="acme"):
        """A copy that was asked for, made and fetched, opened and checked."""
        return Copy(self.fetch(self.ready(person, tenant)))

    def state(self, export):
        sql = "SELECT state, end_reason FROM holdfast_export WHERE id = ?"
        return self.query(sql, export)[0]

    def files(self):
        """Every file in the folder of the copies, with what a crash left."""
        return sorted(path.name for path in self.copies.iterdir())

    def export_rows(self):
        """(code, severity, actor, subject, tenant) of the audit rows of exports, oldest first."""
        marks = ", ".join("?" * len(EXPORT_CODES))
        sql = f"SELECT code, severity, actor, subject, tenant FROM audit_events WHERE code IN ({marks}) ORDER BY id"
        return self.query(sql, *EXPORT_CODES)


@contextlib.contextmanager
def export_world(config=None, now=ASKED, journal_mode=None):
    with work_folder() as folder:
        made = ExportWorld(folder, export_config() if config is None else config, now)
        made.init()
        made.copies.mkdir(mode=0o700)
        with contextlib.closing(sqlite3.connect(made.database)) as database:
            if journal_mode is not None:
                database.execute(f"PRAGMA journal_mode = {journal_mode}")
            database.executescript(TABLES)
        yield made


class Copy:
    """A copy as anybody reads it; every entry is checked against the manifest."""

    def __init__(self, path):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == 0o600, oct(mode)
        with zipfile.ZipFile(path) as opened:
            assert opened.testzip() is None
            names = opened.namelist()
            assert len(names) == len(set(names)), names
            self.entries = {name: opened.read(name) for name in names}
        self.manifest = json.loads(self.entries["manifest.json"])
        listed = {file["name"]: file for file in self.manifest["files"]}
        assert set(listed) == set(self.entries) - {"manifest.json"}, listed.keys()
        for name, file in listed.items():
            content = self.entries[name]
            assert hashlib.sha256(content).hexdigest() == file["sha256"], name
            assert len(content) == file["bytes"], name
        self.listed = listed
        for name, file in listed.items():
            if name.endswith(".ndjson"):
                assert len(self.entries[name].splitlines()) == file["rows"], name
            elif name.endswith(".csv"):
                assert len(self.csv(name)) == file["rows"] + 1, name

    def name_of(self, table, end=".ndjson"):
        found = [name for name, file in self.listed.items() if file.get("table") == table and name.endswith(end)]
        assert len(found) == 1, (table, found)
        return found[0]

    def rows(self, table):
        return [json.loads(line) for line in self.entries[self.name_of(table)].splitlines()]

    def csv(self, name):
        return list(csv.reader(io.StringIO(self.entries[name].decode(), newline="")))

    def ids(self, table="audit_events"):
        return {row["id"] for row in self.rows(table)}

    def where(self, *words):
        """Which of these words stand in which entry."""
        return [(name, word) for name, content in self.entries.items() for word in words if word.encode() in content]


class Crowd:
    """A random database of several persons in two tenants, with tables of modules and an audit log."""

    TENANTS = ("acme", "globex", None)

    def __init__(self, world, seed):
        self.world = world
        self.rng = random.Random(seed)
        letters = "abcdefghijklmnop"
        self.people = ["".join(self.rng.choices(letters, k=9)) + f"-{n}x" for n in range(5)]

    def fill(self):
        rng, world = self.rng, self.world
        with world.connection() as database:
            for person in self.people:
                for tenant in self.TENANTS:
                    if rng.random() < 0.8:
                        row = (person, tenant, f"Name {person}", f"{person}@mail.example")
                        database.execute("INSERT INTO profiles VALUES (?, ?, ?, ?)", row)
                    for _ in range(rng.randrange(4)):
                        order = (tenant, person, f"{person}@mail.example", rng.randrange(99))
                        database.execute("INSERT INTO orders (tenant, customer, email, amount) VALUES (?, ?, ?, ?)", order)
        codes = ("ACCOUNT_PROFILE_UPDATE", "ACCOUNT_MFA_ENROLLED", "ACCOUNT_SESSION_REVOKED", "NO_SUCH_CODE")
        for _ in range(rng.randrange(30, 80)):
            actor, subject, third = (rng.choice([*self.people, None]) for _ in range(3))
            metadata = rng.choice((None, "{}", "free text about " + str(third), json.dumps(self.metadata(third))))
            time = world.clock.now - days(rng.randrange(1, 2000))
            columns = {"tenant": rng.choice(self.TENANTS), "actor": actor, "subject": subject, "metadata": metadata}
            world.insert(time, code=rng.choice(codes), **columns)

    def metadata(self, third):
        said = self.rng.choice((third, f"told {third}", [third], {"who": third}, "ok", 17))
        return {"result": said, "ip_country": "IT", "note": f"{third} called"}

    def other_names(self, person):
        return [other for other in self.people if other != person]

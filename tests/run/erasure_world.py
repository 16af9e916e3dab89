# SPDX-License-Identifier: Apache-2.0
"""An application with two tables, an audit log and people who want to be forgotten: what the tests of the
right-to-erasure workflow build upon."""

import contextlib
import itertools
import re
import sqlite3
import stat

from audit_world import World, at, config_with, days, logical_dump, one_sentence
from holdfast_cli import work_folder

ASKED = at("2030-01-01T02:00:00")
AFTER_COOL_OFF = ASKED + days(15)
PERSON, NAME, EMAIL = "u-4711", "Maria Rossi", "maria@rossi.example"
OTHER = "u-4712"
TENANT = "acme"
REASON = "dispute D-17 settled in full, counsel agrees"
TOKEN = re.compile(r"erased:[0-9a-f]{16}")

REQUEST = "ACCOUNT_DELETION_REQUEST"
DONE = "ACCOUNT_DELETION_COMPLETED"
OVERRIDDEN = "ACCOUNT_DELETION_HOLDS_OVERRIDDEN"
BLOCKED = "ACCOUNT_DELETION_BLOCKED_BY_HOLDS"
DUAL_CONTROL = "ACCOUNT_DELETION_DUAL_CONTROL_BLOCKED"
COOL_OFF = "ACCOUNT_DELETION_COOLOFF_BLOCKED"
ERASURE_CODES = (
    REQUEST, DONE, OVERRIDDEN, BLOCKED, DUAL_CONTROL, COOL_OFF,
    "ACCOUNT_DELETION_APPROVED", "ACCOUNT_DELETION_REJECTED", "ACCOUNT_DELETION_CANCELLED",
)  # fmt: skip

PROFILES = {"table": "profiles", "subject": "user_id", "tenant": "tenant", "action": "delete"}
ORDERS = {
    "table": "orders", "subject": "customer", "tenant": "tenant", "action": "redact",
    "columns": {"customer": "token", "email": "null"},
}  # fmt: skip
DISPUTES = "SELECT reference AS id, basis, locked FROM disputes WHERE customer = :subject AND tenant = :tenant"
SHOP = {"name": "shop", "tables": [PROFILES, ORDERS], "holds_sql": DISPUTES}
TABLES = """
CREATE TABLE profiles (user_id TEXT, tenant TEXT, name TEXT, email TEXT, PRIMARY KEY (user_id, tenant));
CREATE INDEX profiles_by_email ON profiles (email);
CREATE TABLE orders (id INTEGER PRIMARY KEY, tenant TEXT, customer TEXT, email TEXT, amount INTEGER);
CREATE INDEX orders_by_customer ON orders (customer);
CREATE TABLE disputes (reference TEXT PRIMARY KEY, tenant TEXT, customer TEXT, basis TEXT, locked INTEGER);
"""


def erasure_config(*changes, modules=(SHOP,), **sections):
    """The config of these tests, with one module; `modules` takes its place."""
    erasure = {"cool_off": "14 days", "keep_metadata": {"*": ["ip_country", "result"]}, "module": list(modules)}
    categories = {"data-erasure": {"window": "7 years", "locked": True, "basis": "test"}}
    base = {
        "erasure": erasure,
        "retention": {
            "category": categories,
            "code": {OVERRIDDEN: {"at_least": "10 years", "basis": "test"}},
        },
        "safety": {"max_clock_step": "4000 days"},
    }
    return config_with(base, *changes, **sections)


class ErasureWorld(World):
    """A World whose people ask, approve and complete."""

    def erasure(self, verb, *words, who, expect=0):
        identity = () if who is None else ("--as", who)
        return self.call("erasure", verb, *words, *identity, "--json", expect=expect)

    def ask(self, person=PERSON, tenant=TENANT, who=None, expect=0):
        """A request by the person, or by `who`; gives its number."""
        where = () if tenant is None else ("--tenant", tenant)
        answer = self.erasure("request", *where, "--subject", person, who=who or person, expect=expect)
        return answer.json["request"]["id"]

    def agree(self, request, who="alice", expect=0):
        return self.erasure("approve", request, who=who, expect=expect)

    def complete(self, request, *words, who="bob", expect=0):
        return self.erasure("complete", request, *words, who=who, expect=expect)

    def show(self, request, who="bob"):
        return self.erasure("show", request, who=who).json

    def digest(self, request, who="bob"):
        return self.show(request, who)["hold_digest"]

    def override(self, request, reason=REASON, who="bob", expect=0):
        """Completes past the holds that are shown now."""
        return self.complete(
            request, "--override", self.digest(request, who), "--reason", reason, who=who, expect=expect
        )

    def waiting(self, person=PERSON, tenant=TENANT):
        """A request that was asked for and approved, at a time when its cooling-off is over; gives its number."""
        request = self.ask(person, tenant)
        self.agree(request)
        self.clock.advance(days=15)
        return request

    def erased(self, person=PERSON, tenant=TENANT):
        """Erases a person from the first word on; gives the token."""
        self.complete(self.waiting(person, tenant))
        return self.token(tenant)

    def token(self, tenant=TENANT):
        """The token of the newest completed request of a tenant."""
        sql = "SELECT subject FROM holdfast_erasure WHERE state = 'completed' AND tenant IS ? ORDER BY id DESC LIMIT 1"
        token = self.query(sql, tenant)[0][0]
        assert TOKEN.fullmatch(token), token
        return token

    def token_of(self, request):
        """The token of one completed request."""
        token = self.query("SELECT subject FROM holdfast_erasure WHERE state = 'completed' AND id = ?", request)[0][0]
        assert TOKEN.fullmatch(token), token
        return token

    def fill(self, person=PERSON, tenant=TENANT, name=NAME, email=EMAIL, rows=3):
        """A profile, orders, and rows of the log: young ones, and as many that are due by now."""
        metadata = '{"ip_country":"IT","email":"%s","note":"%s called"}' % (email, name)
        with self.connection() as database:
            database.execute("INSERT INTO profiles VALUES (?, ?, ?, ?)", (person, tenant, name, email))
            order = "INSERT INTO orders (tenant, customer, email, amount) VALUES (?, ?, ?, 42)"
            database.executemany(order, [(tenant, person, email)] * rows)
        for age in (20, 1000):
            time = self.clock.now - days(age)
            self.insert(time, count=rows, tenant=tenant, actor=person, subject=person, metadata=metadata)
            self.insert(time, count=rows, tenant=tenant, actor=OTHER, subject=person, metadata=metadata)
            self.insert(time, count=rows, tenant=tenant, actor=OTHER, subject="u-4713", metadata="{}")

    def dispute(self, reference="D-17", person=PERSON, tenant=TENANT, locked=0):
        with self.connection() as database:
            row = (reference, tenant, person, "warranty", locked)
            database.execute("INSERT INTO disputes VALUES (?, ?, ?, ?, ?)", row)

    def deeds(self, *codes):
        """The codes of the erasures' audit rows, oldest first."""
        return [event["code"] for event in self.events(*(codes or ERASURE_CODES))]

    def named(self, person):
        """The ids of the log's rows that name this person."""
        sql = "SELECT id FROM audit_events WHERE actor = ? OR subject = ?"
        return {id for (id,) in self.query(sql, person, person)}

    def key_files(self):
        folder = self.folder / "audit.db.keys"
        return sorted(folder.iterdir()) if folder.exists() else []

    def traces(self, *words):
        """Which of these words stand in which file of the database, as (file, word)."""
        found = []
        for suffix in ("", "-wal", "-journal"):
            file = self.folder / f"audit.db{suffix}"
            content = file.read_bytes().lower() if file.exists() else b""
            found += [(file.name, word) for word in words if word.lower().encode() in content]
        return found

    def script(self, name, text):
        """A program of a module, in the folder of this world; gives its path."""
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        file.chmod(stat.S_IRWXU)
        return str(file)


@contextlib.contextmanager
def erasure_world(config=None, now=ASKED, journal_mode=None, init=True):
    """An ErasureWorld in a folder of its own, with the application's tables."""
    with work_folder() as folder:
        made = ErasureWorld(folder, erasure_config() if config is None else config, now)
        if init:
            made.init()
        with contextlib.closing(sqlite3.connect(made.database)) as database:
            if journal_mode is not None:
                database.execute(f"PRAGMA journal_mode = {journal_mode}")
            database.executescript(TABLES)
        yield made


def contents(path):
    """What a database says, with tokens and keys, which are chance, left out."""
    schema, tables = logical_dump(path)
    masked = {}
    for name, rows in tables.items():
        texts = (TOKEN.sub("TOKEN", repr(row)) for row in rows)
        masked[name] = sorted(re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text) for text in texts)
    return schema, masked


def refused(test, made, answer, *words, exit_status=4):
    """The program said no in one sentence that has these words."""
    test.assertEqual(answer.exit_status, exit_status, answer)
    one_sentence(test, answer, *words)


def blocked(test, answer, why):
    """The attempt was stopped by a guard: exit status 4, and the answer says why."""
    test.assertEqual(answer.exit_status, 4, answer)
    test.assertEqual((answer.json["outcome"], answer.json["why"]), ("blocked", why), answer)
    test.assertTrue(answer.json["message"], answer)


def reports_of(answer):
    """The hold reports by module."""
    return {report["module"]: report for report in answer.json["holds"]}


def names_in(value):
    """Every text in a JSON document, keys included."""
    if isinstance(value, dict):
        return list(value) + list(itertools.chain.from_iterable(names_in(item) for item in value.values()))
    if isinstance(value, list):
        return list(itertools.chain.from_iterable(names_in(item) for item in value))
    return [str(value)]

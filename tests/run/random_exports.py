# SPDX-License-Identifier: Apache-2.0
"""The third part of the random operations: copies of persons' data are asked for, made, fetched and destroyed, by verbs and by
nightly runs, also by runs that are killed; what is in them, and what becomes of them when the person is erased."""

import hashlib
import json
import stat
import zipfile

from export_world import ASKED_FOR, EXPORT_CODES, FETCHED, READY, Copy, ExportWorld
from log_model import PersonCopy
from random_operations import PEOPLE, TENANTS
from random_upkeep import RandomUpkeep

NOBODY = "u-99"
SEVERITY = {ASKED_FOR: "Notice", READY: "Info", FETCHED: "Info"}


class RandomExports(RandomUpkeep):
    World = ExportWorld

    def __init__(self, folder, seed, tally):
        self.events_seen, self.events_due = set(), []
        self.killed = {}  # number of a copy: its person's rows before a run that was killed
        self.writing = False  # whether rows come while a run goes
        self.files_left = False  # what a lost night left in the folder is there until the next run
        super().__init__(folder, seed, tally)

    # What is there

    def agree(self, what):
        super().agree(what)
        self.agree_on_copies(what)
        self.agree_on_events(what)

    def agree_on_copies(self, what):
        """The register says what the model says, and in the folder is each copy that is ready, whole, and nothing else."""
        names = ("tenant", "person", "state", "expires_ms", "downloads", "end_reason")
        sql = "SELECT id, tenant, subject, state, expires_at_ms, downloads, coalesce(end_reason, '') FROM holdfast_export"
        found = {number: dict(zip(names, columns)) for number, *columns in self.made.query(sql)}
        wanted = {number: vars(copy) for number, copy in self.model.copies.items()}
        self.require(found == wanted, f"after {what} the copies are other ones", (found, wanted))
        ready = {self.file_of(number).name for number, copy in self.model.copies.items() if copy.state == "ready"}
        files = set(self.made.files())
        self.require(self.files_left or ready <= files, f"after {what} a copy is gone", (ready, files))
        self.require(self.files_left or files == ready, f"after {what} a copy is left", (ready, files))
        for name in files:
            mode = stat.S_IMODE((self.made.copies / name).stat().st_mode)
            self.require(mode == 0o600, f"after {what} others may read a copy", (name, oct(mode)))

    def agree_on_events(self, what):
        """Each deed has left its audit row, and nothing else did."""
        marks = ", ".join("?" * len(EXPORT_CODES))
        sql = f"SELECT id, code, severity, tenant, actor, subject, metadata FROM audit_events WHERE code IN ({marks})"
        rows = self.made.query(sql, *EXPORT_CODES)
        found = {id: (*columns, json.loads(metadata)["export_id"]) for id, *columns, metadata in rows}
        new, due = (sorted(events, key=repr) for events in ([found[id] for id in set(found) - self.events_seen], self.events_due))
        self.require(new == due, f"after {what} the audit rows are other ones", (new, due))
        self.events_seen |= set(found)
        self.events_due = []

    def will_log(self, code, number, who):
        copy = self.model.copies[number]
        self.events_due.append((code, SEVERITY[code], copy.tenant, who, copy.person, number))

    def file_of(self, number):
        return self.made.copies / self.made.query("SELECT file FROM holdfast_export WHERE id = ?", number)[0][0]

    def rows_of(self, copy):
        """The ids of the log's rows that name the person, Holdfast's own too."""
        sql = "SELECT id FROM audit_events WHERE tenant IS ? AND (actor = ? OR subject = ?)"
        return {id for (id,) in self.made.query(sql, copy.tenant, copy.person, copy.person)}

    def check_contents(self, number, least, most):
        """Everything that is about the person is in the copy, and nothing that names another."""
        self.require(self.made.state(number)[0] == "ready", f"copy {number} is made", self.made.state(number))
        copy, opened = self.model.copies[number], Copy(self.file_of(number))
        ids = opened.ids()
        self.require(least <= ids <= most, f"copy {number} has its person's rows", (sorted(least - ids), sorted(ids - most)))
        for table, column in (("profiles", "user_id"), ("orders", "customer")):
            sql = f"SELECT count(*) FROM {table} WHERE {column} = ? AND tenant IS ?"
            rows = self.made.query(sql, copy.person, copy.tenant)[0][0]
            self.require(len(opened.rows(table)) == rows, f"copy {number} has its person's {table}", rows)
        others = [person for person in (*PEOPLE, "alice", "bob") if person != copy.person]
        named = opened.where(*others)
        self.require(not named, f"copy {number} names nobody else", named)
        self.tally["copies read"] += 1

    # The application

    def trade(self):
        """Somebody buys something, and may have a profile from then on."""
        tenant, person = self.rng.choice(TENANTS), self.rng.choice(PEOPLE)
        with self.made.connection() as database:
            order = "INSERT INTO orders (tenant, customer, email, amount) VALUES (?, ?, ?, 7)"
            database.execute(order, (tenant, person, f"mail of {person}"))
            if not database.execute("SELECT 1 FROM profiles WHERE user_id = ? AND tenant IS ?", (person, tenant)).fetchone():
                database.execute("INSERT INTO profiles VALUES (?, ?, 'name', ?)", (person, tenant, f"mail of {person}"))
        self.story.append(f"{person} at {tenant} buys something")

    # Verbs

    def refused_by_the_clock(self):
        return self.model.facts_refused(self.now_ms)

    def export(self, *words, who, expect=0):
        answer = self.made.export(*words, who=who, expect=expect)
        said = " ".join(map(str, words))
        self.story.append(f"{self.made.clock.now:%F %T} export {said} as {who} -> {answer.exit_status}")
        return answer

    def some_copy(self, *states):
        numbers = [number for number, copy in self.model.copies.items() if copy.state in states]
        return self.rng.choice(numbers) if numbers else None

    def ask_for_a_copy(self):
        tenant, person = self.rng.choice(TENANTS), self.rng.choice(PEOPLE)
        self.ask(tenant, person, who=self.rng.choice((person, "alice", NOBODY)))

    def ask(self, tenant, person, who):
        words = ("request", *(() if tenant is None else ("--tenant", tenant)), "--subject", person)
        if who == NOBODY or self.refused_by_the_clock():
            self.export(*words, who=who, expect=4)
            return
        open_one = self.model.open_copy(tenant, person, self.now_ms)
        number = self.export(*words, who=who).json["export"]["id"]
        if open_one is not None:
            self.require(number == open_one, "the copy that is open is named", (number, open_one))
            return
        self.model.copies[number] = PersonCopy(tenant, person)
        self.will_log(ASKED_FOR, number, who)

    def make_a_copy(self):
        number = self.some_copy("requested", "ready", "destroyed")
        if number is not None:
            self.make(number, who=self.rng.choice(("alice", "alice", "bob", NOBODY)))

    def make(self, number, who):
        copy = self.model.copies[number]
        least = self.rows_of(copy)
        refused = who == NOBODY or copy.state == "destroyed" or self.refused_by_the_clock()
        self.export("make", number, who=who, expect=4 if refused else 0)
        if not refused and copy.state == "requested":
            copy.made(self.now_ms, self.keep_copies)
            self.will_log(READY, number, who)
            self.check_contents(number, least, least)

    def fetch_a_copy(self):
        number = self.some_copy("requested", "ready", "ready", "destroyed")
        if number is not None:
            self.fetch(number, who=self.rng.choice((self.model.copies[number].person, "alice", NOBODY)))

    def fetch(self, number, who):
        copy, target = self.model.copies[number], self.made.folder / "fetched.zip"
        late = copy.state == "ready" and copy.expired(self.model.next_clock(self.now_ms).guard)
        refused = who == NOBODY or copy.state != "ready" or late or self.refused_by_the_clock()
        self.export("download", number, "--to", target, who=who, expect=4 if refused else 0)
        self.require(target.exists() != refused, "who may have the copy has it, and nobody else", number)
        if refused:
            return
        copy.downloads += 1
        self.will_log(FETCHED, number, who)
        Copy(target)
        self.require(target.read_bytes() == self.file_of(number).read_bytes(), "it is the copy that was made", number)
        target.unlink()

    def destroy_a_copy(self):
        number = self.some_copy("requested", "ready", "destroyed")
        if number is None:
            return
        copy = self.model.copies[number]
        who = self.rng.choice((copy.person, "alice", NOBODY))
        refused = who == NOBODY or self.refused_by_the_clock()
        self.export("destroy", number, who=who, expect=4 if refused else 0)
        if not refused and copy.state != "destroyed":
            copy.ended("command")

    # Runs

    def finish_run(self, start, **options):
        """Whatever the run did to rows, it destroys what is past its keep and makes what was asked for."""
        model = self.model
        clock = model.next_clock(self.now_ms)
        before = {number: self.rows_of(copy) for number, copy in model.copies.items() if copy.state == "requested"}
        report = super().finish_run(start, **options)
        if report is None:
            return None
        for copy in model.copies.values():
            if copy.expired(clock.guard):
                copy.ended("expired")
        for number, copy in model.copies.items():
            if copy.state == "requested" and not self.kept_from_making(number, report):
                copy.made(self.now_ms, self.keep_copies)
                self.will_log(READY, number, "holdfast")
                after = self.rows_of(copy)
                first = self.killed.get(number, before.get(number, set()))
                self.check_contents(number, first & after, after | self.killed.get(number, set()))
        self.files_left = False
        return report

    def kept_from_making(self, number, report):
        """Where readers block writers a copy waits until others rest, and the run says so."""
        others = [warning for warning in report["warnings"] if f"export {number}: other programs wrote" in warning]
        return self.writing and others and self.made.query("PRAGMA journal_mode") == [("delete",)]

    def run_beside_writers(self):
        self.writing = True
        super().run_beside_writers()
        self.writing = False

    def kill_a_run(self):
        self.killed = {number: self.rows_of(copy) for number, copy in self.model.copies.items() if copy.state == "requested"}
        super().kill_a_run()
        self.killed = {}

    def after_a_kill(self):
        """Nobody is handed half a copy: what has a name is whole, and what is ready is there."""
        for name in self.made.files():
            if not name.startswith("."):
                with zipfile.ZipFile(self.made.copies / name) as opened:
                    self.require(opened.testzip() is None, "a copy is whole", name)
        for number, state, digest in self.made.query("SELECT id, state, sha256 FROM holdfast_export"):
            if state == "ready":
                found = hashlib.sha256(self.file_of(number).read_bytes()).hexdigest()
                self.require(found == digest, "a copy that is ready is the one that was made", number)

    # Erasures and backups

    def complete_an_erasure(self):
        """One is refused while the person is still to get a copy; some have theirs by then."""
        if self.pending and not self.refused_by_the_clock() and self.rng.random() < 0.6:
            _, tenant, person = self.rng.choice(self.pending)
            self.ask(tenant, person, who="alice")
            number = self.model.open_copy(tenant, person, self.now_ms)
            self.make(number, who="alice")
            self.fetch(number, who=person)
            self.agree("a copy before an erasure")
        waits = [tuple(who) for _, *who in self.pending if self.model.open_copy(*who, self.now_ms) is not None]
        before = set(self.erased)
        super().complete_an_erasure()
        self.require(not (set(self.erased) - before) & set(waits), "nobody is erased who is still to get a copy", waits)

    def was_erased(self, tenant, person, token):
        super().was_erased(tenant, person, token)
        for copy in self.model.copies.values():
            if (copy.tenant, copy.person) == (tenant, person):
                if copy.state != "destroyed":
                    copy.ended("erased")
                    self.tally["copies erased"] += 1
                copy.person = token
        for table, column in (("profiles", "user_id"), ("orders", "customer")):
            left = self.made.query(f"SELECT count(*) FROM {table} WHERE {column} = ? AND tenant IS ?", person, tenant)[0][0]
            self.require(left == 0, f"{table} do not name who was erased", (tenant, person, left))

    def backup_is_back(self):
        """The register is as it was, and the folder is as the lost nights left it."""
        marks = ", ".join("?" * len(EXPORT_CODES))
        sql = f"SELECT id FROM audit_events WHERE code IN ({marks})"
        self.events_seen = {id for (id,) in self.made.query(sql, *EXPORT_CODES)}
        self.files_left = True

    def put_a_backup_back(self):
        saved = self.saved
        super().put_a_backup_back()
        if saved is None or self.saved is not None:
            return
        self.destroy_what_is_gone()

    def destroy_what_is_gone(self):
        """What was destroyed in the nights that are lost cannot be fetched any more."""
        for number, copy in self.model.copies.items():
            if copy.state == "ready" and not self.file_of(number).exists():
                late = copy.expired(self.model.next_clock(self.now_ms).guard)
                target = self.made.folder / "fetched.zip"
                self.export("download", number, "--to", target, who="alice", expect=4 if late else 1)
                self.require(not target.exists(), "nothing is handed out for a copy that is gone", number)
                self.export("destroy", number, who="alice")
                copy.ended("command")

    OPERATIONS = RandomUpkeep.OPERATIONS | {
        "ask_for_an_erasure": 5, "complete_an_erasure": 7, "trade": 4, "ask_for_a_copy": 8, "make_a_copy": 3, "fetch_a_copy": 5,
        "destroy_a_copy": 2,
    }  # fmt: skip

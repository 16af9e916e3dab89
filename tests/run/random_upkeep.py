# SPDX-License-Identifier: Apache-2.0
"""The other half of the random operations: erasures, archives, backups, and what must be true at the end of a round."""

import copy
from collections import Counter

import witness_world
from archive_world import archived_rows
from audit_world import COMPLETED, FAILED, days
from log_model import TOLERANCE_MS, Clock
from random_operations import PEOPLE, TENANTS, RandomOperations

READERS = (
    ("report", "--json"), ("report", "list"), ("status",), ("policy", "show"), ("hold", "list", "--all"), ("archive", "list"),
    ("catalogue",), ("report", "--format", "html"), ("erasure", "list"), ("bookmark", "list"), ("export", "list", "--all"),
)  # fmt: skip


class RandomUpkeep(RandomOperations):
    # Erasures

    def ask_for_an_erasure(self):
        tenant, person = self.rng.choice(TENANTS[:2]), self.rng.choice(PEOPLE)
        waiting = (tenant, person) in [request[1:] for request in self.pending]
        if self.model.facts_refused(self.now_ms) or waiting or (tenant, person) in self.erased:
            return
        request = self.made.ask(person, tenant)
        self.made.agree(request)
        self.pending.append((request, tenant, person))
        self.story.append(f"{self.made.clock.now:%F %T} erasure {request} of {person} at {tenant}")

    def complete_an_erasure(self):
        if not self.pending or self.model.facts_refused(self.now_ms) or self.model.refused(self.now_ms):
            return
        request, tenant, person = self.rng.choice(self.pending)
        answer = self.made.complete(request, expect=(0, 4))
        self.story.append(f"{self.made.clock.now:%F %T} erasure complete {request} -> {answer.exit_status}")
        if answer.exit_status == 4:
            return
        self.require(not self.named_by_a_hold(tenant, person), "no hold on the person was passed over", answer)
        self.pending.remove((request, tenant, person))
        self.was_erased(tenant, person, self.made.token_of(request))

    def named_by_a_hold(self, tenant, person):
        names = ("person", "actor", "subject")
        return any(
            hold.released_ms is None and person in (hold.terms.get(kind) for kind in names) and set(hold.terms) <= {*names}
            for hold in self.model.holds.values()
        )

    def was_erased(self, tenant, person, token):
        """Rows that may go are gone, all others of the person have the token."""
        model = self.model
        gone = set(model.rows) - set(self.there())
        about = {id for id, row in model.rows.items() if row.tenant == tenant and person in (row.actor, row.subject)}
        may_go = model.due(model.next_clock(self.now_ms))
        self.require(gone <= about & may_go, "an erasure deletes only what may go", sorted(gone - about & may_go)[:9])
        for id in about - gone:
            row = model.rows[id]
            renamed = {side: token for side in ("actor", "subject") if getattr(row, side) == person}
            model.rename(id, **renamed)
        model.forget(gone)
        self.erased[(tenant, person)] = token
        for hold in model.holds.values():
            named = person in (hold.terms.get(kind) for kind in ("person", "actor", "subject"))
            if named and hold.terms.get("tenant") in (None, tenant):
                hold.tokens.add(token)

    # Archives

    def archive_file(self, run):
        return next(iter(self.made.folder.glob(f"archive/run-*-{run}.ndjson.zst")), None)

    def in_archive(self, run):
        file = self.archive_file(run)
        return set() if file is None else set(archived_rows(file))

    def restore_an_archive(self):
        runs = [run for run in self.deleted if self.archive_file(run)]
        if not runs or self.model.refused(self.now_ms):
            return
        run = self.rng.choice(runs)
        model, before = self.model, dict(self.model.rows)
        self.call("archive", "restore", run)
        found, wanted = self.there(), self.deleted[run]
        gained = {id: row for id, row in found.items() if id not in before}
        self.require(set(gained) <= set(wanted), "only rows of the run come back", sorted(set(gained) - set(wanted))[:9])
        changed = [id for id, row in gained.items() if row != wanted[id]]
        self.require(not changed, "rows come back as they were", changed[:9])
        for id in set(wanted) - set(gained) - set(before):
            row = wanted[id]
            erased = any((row.tenant, person) in (*self.erased, *self.owed) for person in (row.actor, row.subject))
            self.require(erased, "every row of nobody who was erased comes back", (id, row))
        model.rows |= gained

    def destroy_an_archive(self):
        runs = [run for run in self.deleted if self.archive_file(run)]
        if not runs or self.model.facts_refused(self.now_ms) or self.model.refused(self.now_ms):
            return
        run = self.rng.choice(runs)
        clock = self.model.next_clock(self.now_ms)
        held = [id for id, row in self.deleted[run].items() if self.model.held(id, row, clock)]
        answer = self.call("archive", "destroy", run, "--reason", "r", expect=(0, 4))
        self.require(answer.exit_status == 4 or not held, "no archive with a held row is destroyed", held[:9])
        self.require((self.archive_file(run) is None) == (answer.exit_status == 0), "what is destroyed is gone", answer)

    # Backups

    def back_up(self):
        witness_world.backup(self.made)
        newest = self.made.query("SELECT max(id) FROM holdfast_run")[0][0]
        self.saved = copy.deepcopy((self.model, self.deleted, self.erased, self.pending, newest, self.made.clock.now))
        self.story.append(f"{self.made.clock.now:%F %T} backup after run {newest}")

    def put_a_backup_back(self):
        if self.saved is None or self.model.refused(self.now_ms) or self.model.facts_refused(self.now_ms):
            return
        lost, lost_erased, policy = self.model, self.erased, self.model.policy
        newest = self.made.query("SELECT max(id) FROM holdfast_run")[0][0]
        model, deleted, erased, pending, newest_saved, _ = copy.deepcopy(self.saved)
        if newest == newest_saved:
            return
        witness_world.restore(self.made, self.made.folder / "backup.db")
        self.model, self.deleted, self.erased, self.pending = model, deleted, erased, pending
        model.policy = policy
        self.story.append(f"{self.made.clock.now:%F %T} backup put back, runs {newest_saved + 1} to {newest} lost")
        self.backup_is_back()
        refused = self.made.run(expect=4)
        self.require(refused.json["error"]["reason"] == "restored_backup", "a restored backup is refused", refused)
        self.agree("the refused run")
        behind = model.facts_refused(self.now_ms)
        if behind:  # the clock of the backup was set back since
            self.set_the_clock()
        told = witness_world.recover(self.made, expect=(0, 4))
        held = {(line["tenant"], line["token"]) for line in told.json["erasures_held"]}
        again = {(line["tenant"], line["token"]) for line in told.json["erased_again"]}
        self.require((told.exit_status == 4) == bool(held), "recover says what it could not do again", told)
        self.story.append(f"recover -> {told.exit_status}")
        self.tally["erasures that recover left to a hold"] += len(held)
        self.put_holds_back(lost, told.json)
        for (tenant, person), token in lost_erased.items():
            if (tenant, token) in held:
                self.owed.add((tenant, person))
            elif (tenant, person) not in self.erased or (tenant, token) in again:  # who has new rows since is back too
                self.was_erased(tenant, person, token)
            # Its request is completed either way.
            self.pending = [request for request in self.pending if request[1:] != (tenant, person)]
        model.clock = Clock(*self.made.clocks()[-1])
        # Of the lost runs' clocks the latest counts; a run may have gone by one up to the tolerance before it.
        later_ms = model.clock.system - lost.clock.system
        goes_on = model.clock.as_of == lost.clock.as_of and 0 <= later_ms <= TOLERANCE_MS
        self.require(behind or goes_on, "the run clock goes on from where it was", (model.clock, lost.clock))
        model.approval = None
        self.saved = None

    def backup_is_back(self):
        """The database is what it was, and nothing else is."""

    def put_holds_back(self, lost, told):
        """Every hold is in force again, those that were released since too."""
        numbers = {hold["had_number"]: hold["hold"] for hold in told["holds_put_back"]}
        for id, hold in lost.holds.items():
            # One whose dates were lowered since the backup, when the clock was set back, is taken for another one.
            if id in self.model.holds and id not in numbers:
                continue
            self.require(id in numbers, "every lost hold comes back", (id, hold, told))
            self.model.holds[numbers[id]] = copy.deepcopy(hold)
            self.model.holds[numbers[id]].released_ms = None

    # Reading

    def read_something(self):
        words = self.rng.choice(READERS)
        self.call(*words)

    def check_everything(self):
        self.call("check", "--json", expect=(0, 4))

    def explain_a_row(self):
        if self.model.rows:
            self.made.explain(self.rng.choice(sorted(self.model.rows)))

    def verify(self):
        self.call("verify", "--json")

    def vacuum(self):
        self.call("vacuum")

    def make_evidence(self):
        out = self.made.folder / f"pack-{len(list(self.made.folder.glob('pack-*')))}"
        now = self.made.clock.now
        self.call("evidence", "--from", f"{now - days(30):%F}", "--to", f"{now:%F}", "--out", out)

    # A round

    OPERATIONS = {
        "write": 10, "run": 12, "run_beside_writers": 2, "run_within_a_budget": 2, "kill_a_run": 3, "place_a_hold": 8,
        "release_a_hold": 6, "edit_the_policy": 4, "apply_a_policy": 3, "ask_for_a_plan": 4, "approve_a_plan": 4,
        "move_a_bookmark": 3, "clock_forward": 14, "clock_back": 2, "ask_for_an_erasure": 3, "complete_an_erasure": 4,
        "restore_an_archive": 2, "destroy_an_archive": 1, "back_up": 2, "put_a_backup_back": 2, "read_something": 3,
        "check_everything": 1, "explain_a_row": 1, "verify": 1, "vacuum": 1, "make_evidence": 1,
    }  # fmt: skip

    def play(self, operations):
        names = list(self.OPERATIONS)
        for name in self.rng.choices(names, list(self.OPERATIONS.values()), k=operations):
            getattr(self, name)()
            self.tally[name] += 1
            self.agree(name)
        self.end_of_round()

    def end_of_round(self):
        """The ledger is whole: one event for each run, the chain, the archives, the sums of the slices."""
        self.agree("the round")
        self.require(self.made.query("PRAGMA integrity_check") == [("ok",)], "the file is whole")
        self.call("verify", "--json")
        told = Counter(event["metadata"]["run_id"] for event in self.made.events(COMPLETED, FAILED))
        lines = self.made.query("SELECT id, outcome FROM holdfast_run WHERE coalesce(record, '') != ''")
        without = [id for id, outcome in lines if outcome and told[id] != 1]
        self.require(not without, "each run has one audit event", without)
        self.tally["runs"] += len(lines)
        sums = self.made.query(
            "SELECT id FROM holdfast_run AS run WHERE record != '' AND deleted != (SELECT coalesce(sum(deleted), 0)"
            " FROM holdfast_run_slice WHERE run_id = run.id)"
        )
        self.require(not sums, "slices add up to what the ledger says", sums)
        for run, rows in self.deleted.items():
            archived = self.in_archive(run)
            self.require(not archived or archived == set(rows), "an archive has the rows of its run", run)
            self.tally["rows deleted"] += len(rows)
        self.tally["rounds"] += 1

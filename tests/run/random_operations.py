# SPDX-License-Identifier: Apache-2.0
"""Every verb of the program in random order, beside a model that says what must be there after each."""

import copy
import json
import random
import time

from audit_world import at, config_with, days, to_ms
from erasure_world import SHOP, TABLES, ErasureWorld
from log_model import CATEGORY, DAY_MS, NEVER_MS, Approval, Hold, LogModel, Policy, Row
from run_watch import StartedRun

PEOPLE = ("u-1", "u-2", "u-3", "u-4", "u-5")
TENANTS = ("acme", "globex", None)
CODES = (*CATEGORY, "NOBODY_KNOWS_IT")
WINDOWS = ("10 days", "30 days", "1 month", "60 days", "3 months", "1 year", "forever")
BAD_TIMES = (0, -7, 1_700_000_000, 95_000_000_000_000, "not a time", 2**62)
COLUMNS = ("occurred_at", "code", "tenant", "actor", "subject", "retain_until")
STARTS = ("2030-02-26T02:00:00", "2030-01-01T02:00:00", "2031-10-20T23:59:58", "2032-02-28T12:00:00")
KEEP = "400 days"


def row_of(columns):
    return Row(**dict(zip(("time", "code", "tenant", "actor", "subject", "stamp"), columns)))


class RandomOperations:
    """One round. `tally` counts operations over all rounds; what does not hold raises AssertionError with the story."""

    World = ErasureWorld

    def __init__(self, folder, seed, tally):
        self.rng = random.Random(seed)
        self.tally = tally
        self.story = []
        self.deleted = {}  # run: {id: Row} as it was deleted
        self.erased = {}  # (tenant, person): token
        self.owed = set()  # (tenant, person): erased before a backup was put back, and left to a hold by recover since
        self.pending = []  # requests that are approved: (number, tenant, person)
        self.destroyed = set()
        self.saved = None  # a backup: (model, what was deleted, erased, newest run)
        self.budget = None
        rng = self.rng
        self.delay, self.grace, self.step = rng.choice((1, 7)), rng.choice((1, 30)), rng.choice((8, 40, 400))
        share, self.keep_copies = rng.choice((1.0, 0.5, 0.2)), rng.choice(("2 days", "30 days", "200 days"))
        policy = Policy({category: rng.choice(WINDOWS[:4]) for category in ("account", "sessions", "mfa")}, {"sessions": "20 days"})
        self.model = LogModel(policy, self.delay * DAY_MS, self.grace * DAY_MS, self.step * DAY_MS, share, least_rows=15)
        self.made = self.World(folder, self.config(policy), at(rng.choice(STARTS)))
        for name in ("archive", "copies"):
            (folder / name).mkdir(mode=0o700)
        self.made.init()
        with self.made.connection() as database:
            database.execute(f"PRAGMA journal_mode = {rng.choice(('WAL', 'WAL', 'DELETE'))}")
            database.executescript(TABLES)
        self.write(rng.randrange(40, 200))
        self.run()

    def config(self, policy):
        category = {"audit-retention": {"window": "7 years", "basis": "t"}, "data-erasure": {"window": "7 years", "basis": "t"}}
        for name, window in policy.window.items():
            category[name] = {"window": window, "basis": "t"}
            if name in policy.floor:
                category[name]["at_least"] = policy.floor[name]
        tenants = {}
        for (tenant, name), window in policy.tenant.items():
            tenants.setdefault(tenant, {"category": {}})["category"][name] = {"window": window}
        codes = {code: {"at_least": floor, "basis": "t"} for code, floor in policy.code_floor.items()}
        safety = {
            "first_run_needs_approval": False, "max_category_share": self.model.share if hasattr(self, "model") else 1.0,
            "limit_min_rows": 15, "max_bad_time_share": 1.0, "policy_shorten_delay": f"{self.delay} days",
            "hold_release_grace": f"{self.grace} days", "max_clock_step": f"{self.step} days",
        }  # fmt: skip
        run = {"max_lock": "2ms", "max_lock_idle": "2ms"} | ({"max_rows": self.budget} if self.budget else {})
        return config_with(
            retention={"category": category, "code": codes, "tenant": tenants}, safety=safety, run=run,
            archive={"directory": "archive", "keep": KEEP}, export={"directory": "copies", "keep": self.keep_copies},
            erasure={"cool_off": "14 days", "module": [SHOP], "keep_metadata": {"*": ["result"]}},
        )  # fmt: skip

    # What is there

    @property
    def now_ms(self):
        return self.made.clock.now_ms

    def there(self):
        marks = ", ".join("?" * len(CODES))
        sql = f"SELECT id, {', '.join(COLUMNS)} FROM audit_events WHERE code IN ({marks})"
        return {columns[0]: row_of(columns[1:]) for columns in self.made.query(sql, *CODES)}

    def require(self, holds, sentence, detail=""):
        if not holds:
            raise AssertionError("\n".join([sentence, str(detail)[:1500], "story:", *self.story[-25:]]))

    def agree(self, what):
        """Model and database say the same about every row of the application."""
        found, wanted = self.there(), self.model.rows
        lost, stayed = set(wanted) - set(found), set(found) - set(wanted)
        self.require(not lost, f"after {what} rows are gone that had to stay", sorted(lost)[:9])
        self.require(not stayed, f"after {what} rows are there that had to go", sorted(stayed)[:9])
        changed = [id for id in found if found[id] != wanted[id]]
        self.require(not changed, f"after {what} rows have changed", [(found[id], wanted[id]) for id in changed[:3]])

    def call(self, *words, expect=0):
        words = (*words, "--as", "alice") if "--as" not in words and words[0] in ("hold", "policy", "archive", "bookmark") else words
        answer = self.made.call(*words, expect=expect)
        self.story.append(f"{self.made.clock.now:%F %T} {' '.join(map(str, words))} -> {answer.exit_status}")
        return answer

    # The application

    def write(self, count=None):
        """Rows of any age; also some that no run may believe."""
        rng = self.rng
        rows = []
        for _ in range(rng.randrange(1, 25) if count is None else count):
            age = rng.choice((rng.randrange(3 * DAY_MS), rng.randrange(120 * DAY_MS), rng.randrange(900 * DAY_MS)))
            stored = rng.choice(BAD_TIMES) if rng.random() < 0.06 else self.now_ms - age
            stamp = self.now_ms + rng.randrange(-20, 60) * DAY_MS if rng.random() < 0.1 else None
            people = [rng.choice((*PEOPLE, None)) for _ in range(2)]
            rows.append(Row(stored, rng.choice(CODES), rng.choice(TENANTS), *people, stamp))
        with self.made.connection() as database:
            for row in rows:
                values = (row.time, row.code, row.tenant, row.actor, row.subject, row.stamp, self.metadata())
                sql = f"INSERT INTO audit_events ({', '.join(COLUMNS)}, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)"
                self.model.rows[database.execute(sql, values).lastrowid] = row
        self.story.append(f"{len(rows)} rows written")

    def metadata(self):
        """What a row says besides, of anybody."""
        person = self.rng.choice(PEOPLE)
        said = self.rng.choice((None, {"result": person}, {"result": f"told {person}", "note": person}, {"result": "ok"}))
        return said and json.dumps(said)

    # Runs

    def run(self):
        self.finish_run(self.made.run)

    def finish_run(self, start, highest=lambda _: NEVER_MS):
        """One run from the beginning to its end, and what it has to have taken; gives what it said, if it was not refused.
        `highest`: of the ids that it looked at."""
        model = self.model
        answer = start()
        before, gone = dict(model.rows), set(model.rows) - set(self.there())
        self.story.append(f"{self.made.clock.now:%F %T} run -> {answer.exit_status}, took {len(gone)}")
        if model.refused(self.now_ms):
            self.require(answer.exit_status == 4, "a run before the last one is refused", answer)
            self.require(answer.json["error"]["reason"] == "clock_went_back", "because of the clock", answer)
            return None
        report, clock = answer.json, model.next_clock(self.now_ms)
        takes, limited = model.run_takes(clock, highest(report))
        partial = self.budget is not None and answer.exit_status == 3
        self.require(gone <= takes, "a run takes nothing but what is due", sorted(gone - takes)[:9])
        if partial:
            self.require(len(gone) == self.budget, "a run takes as many rows as it may", answer)
        else:
            self.require(takes == gone, "a run takes what is due", sorted(takes - gone)[:9])
            self.require(answer.exit_status == (4 if limited else 0), "a run ends well", answer)
        self.require(report["deleted"] == len(gone), "a run counts what it took", answer)
        self.keep(report["run_id"], gone, before)
        model.ran(clock, gone, highest(report), finished=not partial)
        return report

    def keep(self, run, gone, before):
        if gone:
            self.deleted[run] = {id: before[id] for id in gone}

    def run_beside_writers(self):
        """Rows come while it goes; it looks at none that came after its start."""
        if self.model.refused(self.now_ms):
            return

        def start():
            with StartedRun(self.made) as run:
                while run.running:
                    self.write(1)
                    time.sleep(0.002)
                run.finish()
            return run

        self.finish_run(start, highest=lambda report: report["population"]["snapshot_highest_key"])

    def run_within_a_budget(self):
        self.budget = self.rng.randrange(1, 12)
        self.made.write_config(self.config(self.model.policy))
        self.run()
        self.budget = None
        self.made.write_config(self.config(self.model.policy))

    def kill_a_run(self):
        model, before = self.model, dict(self.model.rows)
        if model.refused(self.now_ms):
            return
        clock = model.next_clock(self.now_ms)
        takes, _ = model.run_takes(clock)
        (newest_before,) = self.made.query("SELECT max(id) FROM holdfast_run")[0]
        with StartedRun(self.made) as run:
            time.sleep(self.rng.uniform(0, 0.12))
            run.kill()
        self.story.append(f"{self.made.clock.now:%F %T} run killed -> {run.exit_status}")
        gone = set(before) - set(self.there())
        self.require(gone <= takes, "a run that is killed takes nothing but what is due", sorted(gone - takes)[:9])
        (newest,) = self.made.query("SELECT max(id) FROM holdfast_run")[0]
        self.keep(newest, gone, before)
        stored = self.made.clocks()[-1]
        if stored == (clock.system, clock.as_of):
            model.clock = clock
        recorded = self.made.query("SELECT count(*) FROM holdfast_policy")[0][0]
        if recorded > len(model.versions):
            model.versions = model.with_current(clock.system)
        model.forget(gone)
        ended = self.made.query("SELECT outcome FROM holdfast_run WHERE id = ?", newest)[0][0]
        if newest > newest_before and ended is not None and model.open_approval(self.now_ms):
            model.approval.spent = True  # its record was written before it was killed
        self.after_a_kill()
        self.run()

    def after_a_kill(self):
        """What must be true before anything else is done."""

    # Holds

    def place_a_hold(self):
        rng, terms, words = self.rng, {}, []
        choices = {
            "person": PEOPLE, "actor": PEOPLE, "subject": PEOPLE, "tenant": TENANTS[:2], "category": ("account", "sessions", "mfa"),
            "code": tuple(CATEGORY),
        }  # fmt: skip
        for kind in rng.sample(sorted(choices), rng.choice((1, 1, 2, 3))):
            terms[kind] = rng.choice(choices[kind])
            words.append(f"--{kind}={terms[kind]}")
        if rng.random() < 0.3:
            begin = self.made.clock.now - days(rng.randrange(1, 200))
            end = begin + days(rng.randrange(1, 90))
            terms["from_ms"], terms["until_ms"] = to_ms(begin), to_ms(end) + 1
            words += [f"--from={begin:%FT%TZ}", f"--to={end:%FT%TZ}"]
        if rng.random() < 0.05:
            terms, words = {}, ["--everything"]
        told = self.call("hold", "place", "--matter", "M-1", "--reason", "r", "--future", "--json", *(w for w in words if w)).json
        hold = Hold(terms)
        for (tenant, person), token in self.erased.items():
            named = person in (terms.get("person"), terms.get("actor"), terms.get("subject"))
            if named and terms.get("tenant") in (None, tenant):
                hold.tokens.add(token)
        self.model.holds[told["hold"]] = hold

    def release_a_hold(self):
        active = [id for id, hold in self.model.holds.items() if hold.released_ms is None]
        if not active:
            return
        id = self.rng.choice(active)
        refused = self.model.facts_refused(self.now_ms)
        self.call("hold", "release", id, "--reason", "closed", expect=4 if refused else 0)
        if not refused:
            self.model.holds[id].released_ms = self.now_ms

    # Policy, plans, bookmarks

    def changed_policy(self):
        rng, policy = self.rng, copy.deepcopy(self.model.policy)
        way = rng.randrange(4)
        if way == 0:
            policy.window[rng.choice(("account", "sessions", "mfa"))] = rng.choice(WINDOWS)
        elif way == 1:
            policy.floor[rng.choice(("account", "mfa"))] = rng.choice(WINDOWS[:5])
        elif way == 2:
            policy.tenant[(rng.choice(TENANTS[:2]), rng.choice(("account", "mfa")))] = rng.choice(WINDOWS)
        else:
            policy.code_floor["ACCOUNT_PREFERENCES_UPDATE"] = rng.choice(WINDOWS)
        if rng.random() < 0.3:
            policy.tenant.clear()
        return policy

    def edit_the_policy(self):
        self.model.policy = self.changed_policy()
        self.made.write_config(self.config(self.model.policy))
        self.story.append(f"policy {self.model.policy}")
        if self.rng.random() < 0.6:
            self.run()

    def apply_a_policy(self):
        policy, refused = self.changed_policy(), self.model.facts_refused(self.now_ms)
        file = self.made.folder / "changed.toml"
        before = self.made.config_file.read_text(encoding="utf-8")
        self.made.write_config(self.config(policy))
        file.write_text(self.made.config_file.read_text(encoding="utf-8"), encoding="utf-8")
        self.made.write_config(before)
        same = policy == self.model.policy
        self.call("policy", "apply", file, "--reason", "r", expect=4 if refused else 2 if same else 0)
        if not refused and not same:
            self.model.versions = self.model.with_current(self.now_ms)
            self.model.policy = policy
            self.model.versions = [*self.model.versions, (max(self.now_ms, self.model.versions[-1][0]), policy)]
            self.made.write_config(self.config(policy))

    def ask_for_a_plan(self):
        if self.model.refused(self.now_ms):
            return
        clock = self.model.next_clock(self.now_ms)
        wanted = self.model.run_takes(clock)[0]
        _, reasons = self.made.plan_rows()
        found = {int(id) for id, reason in reasons.items() if reason == "expired"}
        self.require(found == wanted, "a plan is what the model says", sorted(found ^ wanted)[:9])

    def approve_a_plan(self):
        if self.model.facts_refused(self.now_ms) or self.model.refused(self.now_ms):
            return
        clock = self.model.next_clock(self.now_ms)
        keys = self.model.plan_keys(clock)
        digest = self.call("plan", "--save", "--json", expect=(0, 4)).json["digest"]
        self.call("approve", digest, "--as", "alice")
        self.model.approval = Approval(keys, clock.as_of, self.model.policy, self.now_ms)

    def move_a_bookmark(self):
        name = self.rng.choice(("webhooks", "export"))
        if name in self.model.bookmarks and self.rng.random() < 0.7:
            self.call("bookmark", "drop", name)
            del self.model.bookmarks[name]
        else:
            self.model.bookmarks[name] = self.rng.randrange(1, max(self.model.rows, default=1) + 20)
            self.call("bookmark", "set", name, self.model.bookmarks[name])

    # Clocks

    def clock_forward(self):
        hours = self.rng.choice((1, 5, 19, 24, 24, 24 * 3, 24 * 9, 24 * 20, 24 * 45, 24 * 400))
        self.made.clock.advance(hours=hours, seconds=self.rng.randrange(60))
        self.story.append(f"clock {self.made.clock.now:%F %T}")

    def clock_back(self):
        self.made.clock.advance(minutes=-self.rng.choice((1, 4, 6, 60, 60 * 24 * 3, 60 * 24 * 300)))
        self.story.append(f"clock {self.made.clock.now:%F %T}")
        if self.rng.random() < 0.5:
            self.run()
        if self.model.refused(self.now_ms):
            self.set_the_clock()

    def set_the_clock(self):
        self.call("approve", "--clock", "--as", "alice")
        self.model.set_clock(self.now_ms)

# SPDX-License-Identifier: Apache-2.0
"""Plays a world twice at once, in the program and in the oracle, and compares them row by row after every step.

Without a program the oracle plays alone and deletes what it decides: that is how the oracle itself is tested.
"""

import contextlib
import random
import sqlite3
from collections import Counter

from calendar_rule import DAY_MS
from figures import Figures
from oracle import Policy, Row
from oracle_state import OracleState
from random_policy import extension_text
from random_rows import as_utc
from run.holdfast_cli import Clock, Holdfast
from stored_time import read_report_time

OWN_TABLE = (
    "CREATE TABLE audit_events (id INTEGER PRIMARY KEY AUTOINCREMENT, occurred_at INTEGER NOT NULL, tenant TEXT, "
    "code TEXT NOT NULL, severity TEXT, actor TEXT, subject TEXT, retain_until INTEGER, metadata TEXT)"
)
SHOWN = 6


class Disagreement(AssertionError):
    """The oracle and the program differ; the text names the world, the night and the first rows."""


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def same(values, others):
    """Whether two rows hold the same bytes: 1 and 1.0 are not the same."""
    return values == others and all(type(a) is type(b) for a, b in zip(values, others))


@contextlib.contextmanager
def opened(path):
    """The database, with text that may not be UTF-8; committed and closed at the end."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


class WorldDriver:
    """One playing of a world in a folder. `with_program`: false where only the oracle plays."""

    def __init__(self, world, folder, with_program=True, observe=None):
        self.world = world
        self.table = world.table
        self.folder = folder
        self.database = folder / "audit.db"
        self.clock = self.new_clock(as_utc(world.nights[0].at_ms - DAY_MS))
        self.state = OracleState(keeps_newest=world.table.keeps_newest)
        self.observe = observe
        self.reasons_met = Counter()
        self.rng = random.Random(world.seed)
        self.hold_ids = {}
        self.where = ""
        self.adopt_config(world.config, world.cast.extension)
        self.program = Holdfast(folder, self.program_config(0), self.clock) if with_program else None

    def new_clock(self, start):
        """The clock that the program sees."""
        return Clock(start)

    def adopt_config(self, config, extension):
        self.config = config
        self.policy = Policy(config, extension)
        self.policy.archive_missing = "archive" in config and not self.archive_folder().is_dir()
        (self.folder / "codes.tsv").write_text(extension_text(extension), encoding="utf-8")

    def archive_folder(self):
        (self.folder / "archive").mkdir(exist_ok=True)
        return self.folder / self.config["archive"]["directory"]

    def program_config(self, max_rows):
        config = self.config | {"database": {"path": str(self.database)}, "run": {"max_rows": max_rows}}
        config["catalogue"] = config["catalogue"] | {"extend": str(self.folder / "codes.tsv")}
        if "archive" in config:
            config["archive"] = config["archive"] | {"directory": str(self.archive_folder())}
        return config

    def play(self):
        """Plays every night; raises Disagreement at the first difference. Gives the reasons met, with their counts."""
        self.where = f"world {self.world.kind} {self.world.seed}, before the first night"
        self.make_log()
        for number, night in enumerate(self.world.nights):
            self.where = f"world {self.world.kind} {self.world.seed}, night {number}"
            if night.approval == "early":
                earlier_ms = max(night.at_ms - 3 * DAY_MS, self.world.nights[number - 1].at_ms)
                self.clock.set(as_utc(earlier_ms))
                self.approve_plan()
            self.clock.set(as_utc(night.at_ms))
            for action, *details in night.actions:
                getattr(self, action)(*details)
            if self.program:
                self.program.write_config(self.program_config(night.max_rows))
            if night.approval != "early":
                self.compare_plan()
            if night.approval == "fresh":
                if number == 0:
                    self.compare_refusal()
                self.approve_plan()
            self.compare_run(night)
        return self.reasons_met

    # The log, by plain SQL, as an application would write it.

    def make_log(self):
        statements = self.table.create_statements()
        if self.table.own and not self.program:
            statements = [OWN_TABLE]
        with opened(self.database) as log:
            for statement in statements:
                log.execute(statement)
        if self.program and self.table.own:
            self.program.init()
        self.write_rows(self.world.rows)
        if self.program and not self.table.own:
            self.compare_plan()
            self.program.init()

    def insert(self, rows):
        self.write_rows([row | {"key": None} for row in rows] if self.table.own else rows)

    def write_rows(self, rows):
        fields = [name for name in rows[0] if self.table.column_of(name)]
        columns = ", ".join(quoted(self.table.column_of(name)) for name in fields)
        marks = ", ".join("?" for _ in fields)
        statement = f"INSERT INTO {quoted(self.table.name)} ({columns}) VALUES ({marks})"
        with opened(self.database) as log:
            log.executemany(statement, [[row[name] for name in fields] for row in rows])

    def touch(self, changes):
        key_column = quoted(self.table.column_of("key"))
        with opened(self.database) as log:
            for key, name, value in changes:
                column = quoted(self.table.column_of(name))
                log.execute(f"UPDATE {quoted(self.table.name)} SET {column} = ? WHERE {key_column} = ?", (value, key))

    def break_text(self, keys):
        """Leaves bytes that are not UTF-8 in a code and an actor."""
        key_column, code, actor = (quoted(self.table.column_of(name)) for name in ("key", "code", "actor"))
        broken = "CAST(x'41ff42' AS TEXT)"
        statement = f"UPDATE {quoted(self.table.name)} SET {code} = {broken}, {actor} = {broken} WHERE {key_column} = ?"
        with opened(self.database) as log:
            log.executemany(statement, [(key,) for key in keys])

    def read_log(self):
        """The oracle's view of the log, and every stored value of every row by key."""
        columns = self.table.columns_read(self.policy.mapping)
        order = quoted(columns[0])
        picked = ", ".join("NULL" if column is None else quoted(column) for column in columns)
        with opened(self.database) as log:
            source = f"FROM {quoted(self.table.name)} ORDER BY {order}"
            rows = [Row(*values) for values in log.execute(f"SELECT {picked} {source}")]
            whole = {values[0]: values[1:] for values in log.execute(f"SELECT {order}, * {source}")}
        return rows, whole

    # What people do.

    def answerable(self, terms):
        """The terms that rows of this log can answer: the program refuses others when they are placed."""
        there = dict(zip(Row._fields, self.table.columns_read(self.policy.mapping)))
        unanswered = {kind for kind in ("tenant", "actor", "subject") if there[kind] is None}
        if {"actor", "subject"} <= unanswered:
            unanswered.add("person")
        kept = {kind: values for kind, values in terms.items() if kind not in unanswered}
        return kept if set(kept) - {"future"} else {"everything": True}

    def place_hold(self, name, terms):
        terms = self.answerable(terms)
        told = self.program.place_hold(terms) if self.program else {"hold": name}
        self.hold_ids[name] = told["hold"]
        terms = {kind: values for kind, values in terms.items() if kind != "future"}
        hold = self.state.place_hold(told["hold"], terms, self.policy)
        if self.program:
            rows = self.read_log()[0]
            night = self.state.night(self.policy, self.clock.now_ms)
            count = sum(hold.matches(row, self.policy, night.sane_time(row)) for row in rows)
            differs = told["rows"] != count
            self.fail_on("hold place", [f"rows: oracle {count}, holdfast {told}"] if differs else [])

    def release_hold(self, name):
        if self.program:
            self.program.release_hold(self.hold_ids[name])
        self.state.release_hold(self.hold_ids[name], self.clock.now_ms)

    def set_bookmark(self, name, key):
        if self.program:
            self.program.set_bookmark(name, key)
        self.state.bookmarks[name] = key

    def drop_bookmarks(self):
        for name in sorted(self.state.bookmarks):
            if self.program:
                self.program.drop_bookmark(name)
        self.state.bookmarks.clear()

    def edit_config(self, config, extension):
        self.adopt_config(config, extension)

    def approve_plan(self):
        """An administrator saves a plan and approves it."""
        night = self.state.night(self.policy, self.clock.now_ms)
        reasons, _ = night.decide(self.read_log()[0])
        if self.program:
            self.program.approve(self.program.save_plan())
        self.state.approve(night, reasons)

    # The comparison.

    def compare_plan(self):
        rows, whole = self.read_log()
        night = self.state.night(self.policy, self.clock.now_ms)
        reasons, limited = night.decide(rows)
        self.reasons_met.update(reasons.values())
        if self.observe:
            self.observe(self, night, rows, reasons)
        if not self.program:
            return
        answer, told = self.program.plan_rows()
        self.compare_rows("plan --rows", rows, reasons, told)
        as_planned = {key: "expired" if reason == "limit" else reason for key, reason in reasons.items()}
        self.fail_on("plan --json", Figures(night, rows, as_planned).differences(answer.json), answer)
        listed = {(entry.get("tenant"), entry.get("category")) for entry in answer.json.get("needs_approval", [])}
        missing = sorted(limited - listed, key=str)
        self.fail_on("needs_approval", [f"not listed: {group}" for group in missing], answer)
        self.compare_explanations(night, rows, reasons)
        if self.read_log()[1] != whole:
            raise Disagreement(f"{self.where}: plan changed the log")

    def compare_rows(self, verb, rows, reasons, told):
        expected = {str(key): reason for key, reason in reasons.items()}
        wrong = [row for row in rows if told.get(str(row.key)) != expected[str(row.key)]]
        strangers = sorted(set(told) - set(expected))
        if not wrong and not strangers:
            return
        kinds = Counter((expected[str(row.key)], told.get(str(row.key))) for row in wrong)
        lines = [f"{self.where}, {verb}: {len(wrong)} of {len(rows)} rows differ; rows that are not there: {strangers}"]
        lines += [f"  oracle {mine}, holdfast {theirs}: {count} rows" for (mine, theirs), count in kinds.most_common()]
        for row in wrong[:SHOWN]:
            lines.append(f"  {row}: oracle {expected[str(row.key)]}, holdfast {told.get(str(row.key))}")
        raise Disagreement("\n".join(lines))

    def compare_explanations(self, night, rows, reasons):
        """One row of each reason, explained: the reason, the holds, the earliest date it can go."""
        sample = self.rng.sample(rows, min(len(rows), 40))
        # The safety limit is a matter of the whole category, which `explain` does not read.
        by_reason = {reasons[row.key]: row for row in sample if reasons[row.key] != "limit"}
        for reason, row in sorted(by_reason.items())[:3]:
            told = self.program.explain(row.key)
            found = [] if told["reason"] == reason else [f"{row}: oracle {reason}, holdfast {told}"]
            holds = {hold.hold_id for hold in night.holds_on(row)}
            if holds != {hold["hold"] for hold in told["holds"]}:
                found.append(f"holds on {row}: oracle {holds}, holdfast {told['holds']}")
            if reason in ("window", "floor", "code_floor", "expired") and night.only_waits_for_time(row):
                earliest_ms = night.earliest_ms(row)
                printed = told["earliest"]
                if (read_report_time(printed) if printed else None) != earliest_ms:
                    found.append(f"earliest for {row}: oracle {earliest_ms}, holdfast {told}")
            self.fail_on("explain", found)

    def fail_on(self, what, differences, answer=None):
        if differences:
            text = "\n  ".join(differences[:20])
            raise Disagreement(f"{self.where}, {what}:\n  {text}\n{str(answer)[:1500] if answer else ''}")

    def compare_run(self, planned):
        rows, before = self.read_log()
        night = self.state.night(self.policy, self.clock.now_ms)
        reasons, _ = night.decide(rows)
        due = [row.key for row in rows if reasons[row.key] == "expired"]
        partial = bool(planned.max_rows) and len(due) > planned.max_rows
        if not self.program:
            self.dispose(due[: planned.max_rows] if partial else due)
            self.state.record_run(night, rows, partial)
            self.reasons_met["not_reached"] += len(due) - planned.max_rows if partial else 0
            return
        answer = self.program.run()
        after = self.read_log()[1]
        gone = {key for key in before if key not in after}
        self.compare_disposal(set(due), gone, before, after, planned.max_rows if partial else None, answer)
        for key in set(due) - gone:
            reasons[key] = "not_reached"
        self.reasons_met["not_reached"] += len(due) - len(gone)
        if self.observe:
            self.observe(self, night, rows, reasons)
        self.fail_on("run --json", Figures(night, rows, reasons).differences(answer.json), answer)
        self.compare_ending(reasons, partial, before, after, answer)
        self.state.record_run(night, rows, partial)

    def compare_refusal(self):
        """The first run, not yet approved: refused, with every row still there."""
        before = self.read_log()[1]
        night = self.state.night(self.policy, self.clock.now_ms)
        self.state.record_clock(night)
        if not self.program or not self.policy.safety["first_run_needs_approval"]:
            return
        answer = self.program.run(expect=4)
        after = self.read_log()[1]
        found = [f"row {key} was changed or deleted" for key in before if not same(before[key], after.get(key))]
        if answer.json["outcome"] != "refused":
            found.append(f"outcome {answer.json['outcome']}")
        self.fail_on("run before any approval", found, answer)

    def compare_disposal(self, due, gone, before, after, budget, answer):
        """The rows that are gone are the ones that may go, and what stays is untouched."""
        found = [f"deleted, though kept by the oracle: row {key}" for key in sorted(gone - due, key=str)]
        if budget is None:
            found += [f"still there, though due: row {key}" for key in sorted(due - gone, key=str)]
        elif len(gone) != budget:
            found.append(f"{len(gone)} rows deleted under a budget of {budget} rows, {len(due)} due")
        found += [f"row {key} was changed" for key in before if key in after and not same(before[key], after[key])]
        strangers = [after[key] for key in after if key not in before]
        found += [f"appeared: {row}" for row in strangers if not self.is_own_event(row)]
        self.fail_on("run", found, answer)

    def is_own_event(self, row):
        """Whether a new row of Holdfast's own table is an audit event of the run."""
        codes = ("AUDIT_PRUNE_RUN_COMPLETED", "AUDIT_PRUNE_RUN_FAILED", "TENANT_AUDIT_RETENTION_POLICY_UPDATED")
        return self.table.own and any(code in row for code in codes)

    def compare_ending(self, reasons, partial, before, after, answer):
        """Outcome, exit status and the row count afterwards."""
        limited = "limit" in reasons.values()
        expected = {("partial", 3)} if partial else set()
        expected |= {("limited", 4)} if limited else set()
        if not expected or (limited and self.state.approved):
            # Due rows that an approved plan does not name wait for the next run; no category is left whole.
            expected |= {("completed", 0)}
        found = []
        if (answer.json["outcome"], answer.exit_status) not in expected:
            found.append(f"ending: oracle {expected}, report {answer.json['outcome']}, exit {answer.exit_status}")
        remaining = len([key for key in after if key in before])
        if answer.json["rows_after"] not in (remaining, len(after)):
            found.append(f"rows_after: {answer.json['rows_after']}, counted {remaining} or {len(after)}")
        self.fail_on("run --json", found, answer)

    def dispose(self, keys):
        with opened(self.database) as log:
            key_column = quoted(self.table.column_of("key"))
            statement = f"DELETE FROM {quoted(self.table.name)} WHERE {key_column} = ?"
            log.executemany(statement, [(key,) for key in keys])

# SPDX-License-Identifier: Apache-2.0
"""Plays a world of tests/oracle over a database of the PostgreSQL server, and beside it over SQLite."""

import os
import subprocess
from collections import Counter

from typed_world import quoted

# pylint: disable=wrong-import-order
from postgres_world import Server, SharedClock, psql_words
from oracle import Row
from run.holdfast_cli import work_folder
from world_driver import Disagreement, WorldDriver

OWN_TYPES = {"id": "bigint", "occurred_at": "bigint", "retain_until": "bigint"}
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def to_copy(value):
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    text = repr(value) if isinstance(value, float) else str(value)
    for escaped, plain in (("\\", "\\"), ("n", "\n"), ("r", "\r"), ("t", "\t")):
        text = text.replace(plain, "\\" + escaped)
    return text


def from_copy(field, kind):
    """A field of COPY's answer as the oracle sees it."""
    if field == "\\N":
        return None
    if kind in ("bigint", "integer", "numeric"):
        return int(field)
    if kind == "double precision":
        return float(field)
    if kind == "timestamptz":
        return field + ":00" if field.endswith("+00") else field
    if "\\" not in field:
        return field
    parts = iter(field)
    return "".join(ESCAPES[next(parts)] if part == "\\" else part for part in parts)


class PostgresDriver(WorldDriver):
    """The same play; only where the log is and how it is written and read is different."""

    def __init__(self, world, folder, observe=None):
        self.server = Server.get()
        self.name = self.server.new_database()
        self.columns = []
        super().__init__(world, folder, observe=observe)

    def new_clock(self, start):
        return SharedClock(start, self)

    def program_config(self, max_rows):
        state = self.folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        config = super().program_config(max_rows)
        return config | {"database": {"url": self.server.url(self.name), "state_directory": str(state)}}

    def psql(self, sql, given=None):
        words = [*psql_words(self.server.url(self.name)), sql]
        environment = os.environ | {"PGTZ": "UTC", "PGDATESTYLE": "ISO", "PGCLIENTENCODING": "UTF8"}
        done = subprocess.run(words, input=given, capture_output=True, encoding="utf-8", env=environment, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{self.where}: psql: {done.stderr}")
        return done.stdout

    def make_log(self):
        if self.table.own:
            self.program.init()
        else:
            self.psql("; ".join(self.table.postgres_statements()))
        self.write_rows(self.world.rows)
        if not self.table.own:
            self.compare_plan()
            self.program.init()

    def kind_of(self, column):
        if self.table.own:
            return OWN_TYPES.get(column, "text")
        names = {self.table.column_of(name): name for name in self.table.logical_columns()}
        return self.table.types[names[column]]

    def write_rows(self, rows):
        unnumbered = rows[0]["key"] is None
        fields = [name for name in rows[0] if self.table.column_of(name) and not (unnumbered and name == "key")]
        columns = ", ".join(quoted(self.table.column_of(name)) for name in fields)
        lines = ["\t".join(to_copy(row[name]) for name in fields) + "\n" for row in rows]
        self.psql(f"COPY {quoted(self.table.name)} ({columns}) FROM STDIN", "".join(lines))
        if self.table.key_kind in ("own", "rowid") and not unnumbered:
            # As an application that moved here with its keys would: SQLite goes on behind the highest key by itself.
            key = quoted(self.table.column_of("key"))
            sequence = f"pg_get_serial_sequence('{quoted(self.table.name)}', '{self.table.column_of('key')}')"
            self.psql(f"SELECT setval({sequence}, greatest(1, max({key}))) FROM {quoted(self.table.name)}")

    def touch(self, changes):
        key_column = quoted(self.table.column_of("key"))
        statements = []
        for key, name, value in changes:
            column = quoted(self.table.column_of(name))
            literals = ["NULL" if v is None else "'" + str(v).replace("'", "''") + "'" for v in (value, key)]
            statements.append(
                f"UPDATE {quoted(self.table.name)} SET {column} = {literals[0]} WHERE {key_column} = {literals[1]}"
            )
        self.psql("; ".join(statements))

    def read_log(self):
        columns = self.table.columns_read(self.policy.mapping)
        table, order = quoted(self.table.name), quoted(columns[0])
        self.columns = self.columns or self.psql(
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
        ).splitlines()
        names = self.columns
        kinds = [self.kind_of(name) for name in names]
        picked = ", ".join(quoted(name) for name in names)
        out = self.psql(f"COPY (SELECT {picked} FROM {table} ORDER BY {order}) TO STDOUT")
        rows, whole = [], {}
        for line in out.split("\n")[:-1]:
            values = dict(zip(names, map(from_copy, line.split("\t"), kinds)))
            rows.append(Row(*(values.get(column) for column in columns)))
            whole[rows[-1].key] = tuple(values.values())
        return rows, whole

    def drop(self):
        self.server.psql("postgres", f"DROP DATABASE {self.name}")


class Record:
    """What one play decided, night by night, up to a run that stopped early: to which rows it comes first is not told."""

    def __init__(self):
        self.decisions = []
        self.partial = False

    def __call__(self, driver, night, rows, reasons):
        if not self.partial:
            decided = {str(key): "expired" if reason == "not_reached" else reason for key, reason in reasons.items()}
            self.decisions.append((driver.where, night.run_clock_ms, len(rows), decided))
        self.partial = self.partial or "not_reached" in reasons.values()


def require_same(mine, theirs):
    for one, other in zip(mine.decisions, theirs.decisions):
        if one != other:
            wrong = {key for key in one[3] | other[3] if one[3].get(key) != other[3].get(key)}
            shown = [(key, one[3].get(key), other[3].get(key)) for key in sorted(wrong)[:6]]
            raise Disagreement(f"{one[0]}: SQLite and PostgreSQL differ: {one[1:3]}, {other[1:3]}, {len(wrong)} rows: {shown}")
    if len(mine.decisions) != len(theirs.decisions):
        raise Disagreement(f"{len(mine.decisions)} decisions in SQLite, {len(theirs.decisions)} in PostgreSQL")


def play_in_both(make_world):
    """Plays a world in SQLite and again in PostgreSQL, each against the oracle. Gives how often PostgreSQL's
    rows met each reason."""
    in_sqlite, in_postgres = Record(), Record()
    with work_folder() as folder:
        WorldDriver(make_world(), folder, observe=in_sqlite).play()
    with work_folder() as folder:
        driver = PostgresDriver(make_world(), folder, observe=in_postgres)
        met = driver.play()
        driver.drop()
    require_same(in_sqlite, in_postgres)
    return Counter(met)

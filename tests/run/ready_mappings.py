# SPDX-License-Identifier: Apache-2.0
"""Databases as the applications of scripts/package/mappings make them, with messy rows, and the ready mappings over them."""

import contextlib
import datetime
import random
import re
import shutil
import sqlite3
import uuid
from pathlib import Path

from audit_world import at, days, shared_data
from holdfast_cli import UTC

MAPPINGS = Path(__file__).resolve().parents[2] / "scripts" / "package" / "mappings"
NOW = at("2030-01-01T02:00:00")
SEED = 20260101
TEXT_FORMAT = "%Y-%m-%d %H:%M:%S.%f"

SCHEMAS = {
    "vaultwarden": """
CREATE TABLE event (
  uuid TEXT NOT NULL PRIMARY KEY, event_type INTEGER NOT NULL, user_uuid TEXT, org_uuid TEXT, cipher_uuid TEXT,
  collection_uuid TEXT, group_uuid TEXT, org_user_uuid TEXT, act_user_uuid TEXT, device_type INTEGER, ip_address TEXT,
  event_date DATETIME NOT NULL, policy_uuid TEXT, provider_uuid TEXT, provider_user_uuid TEXT, provider_org_uuid TEXT,
  UNIQUE (uuid));
CREATE TABLE users (uuid TEXT NOT NULL PRIMARY KEY, email TEXT, created_at DATETIME);""",
    "airflow": """
CREATE TABLE log (
  id INTEGER NOT NULL, dttm TIMESTAMP, dag_id VARCHAR(250), task_id VARCHAR(250), map_index INTEGER, event VARCHAR(60),
  execution_date TIMESTAMP, run_id VARCHAR(250), owner VARCHAR(500), owner_display_name VARCHAR(500), extra TEXT,
  CONSTRAINT log_pkey PRIMARY KEY (id));
CREATE INDEX idx_log_dag ON log (dag_id);
CREATE INDEX idx_log_dttm ON log (dttm);
CREATE INDEX idx_log_event ON log (event);
CREATE TABLE job (id INTEGER NOT NULL PRIMARY KEY, latest_heartbeat TIMESTAMP);""",
    "home-assistant": """
CREATE TABLE event_data (data_id INTEGER NOT NULL PRIMARY KEY, hash BIGINT, shared_data TEXT);
CREATE TABLE event_types (event_type_id INTEGER NOT NULL PRIMARY KEY, event_type VARCHAR(64));
CREATE UNIQUE INDEX ix_event_types_event_type ON event_types (event_type);
CREATE TABLE events (
  event_id INTEGER NOT NULL PRIMARY KEY, event_type CHAR(0), event_data CHAR(0), origin CHAR(0), origin_idx SMALLINT,
  time_fired CHAR(0), time_fired_ts FLOAT, context_id CHAR(0), context_user_id CHAR(0), context_parent_id CHAR(0),
  data_id INTEGER, context_id_bin BLOB, context_user_id_bin BLOB, context_parent_id_bin BLOB, event_type_id INTEGER,
  FOREIGN KEY(data_id) REFERENCES event_data (data_id), FOREIGN KEY(event_type_id) REFERENCES event_types (event_type_id));
CREATE INDEX ix_events_event_type_id_time_fired_ts ON events (event_type_id, time_fired_ts);
CREATE INDEX ix_events_data_id ON events (data_id);
CREATE INDEX ix_events_time_fired_ts ON events (time_fired_ts);
CREATE TABLE states (
  state_id INTEGER NOT NULL PRIMARY KEY, state VARCHAR(255), event_id SMALLINT, last_updated_ts FLOAT, old_state_id INTEGER,
  FOREIGN KEY(old_state_id) REFERENCES states (state_id));""",
    "gitea": """
CREATE TABLE notice (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, type INTEGER NULL, description TEXT NULL, created_unix INTEGER NULL);
CREATE INDEX IDX_notice_created_unix ON notice (created_unix);
CREATE TABLE version (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, version INTEGER NULL);""",
    "spatie-activitylog": """
CREATE TABLE "activity_log" (
  "id" integer primary key autoincrement not null, "log_name" varchar, "description" text not null, "subject_type" varchar,
  "subject_id" integer, "causer_type" varchar, "causer_id" integer, "properties" text, "created_at" datetime,
  "updated_at" datetime, "event" varchar, "batch_uuid" varchar);
CREATE INDEX "subject" on "activity_log" ("subject_type", "subject_id");
CREATE INDEX "causer" on "activity_log" ("causer_type", "causer_id");
CREATE INDEX "activity_log_log_name_index" on "activity_log" ("log_name");
CREATE TABLE "migrations" ("id" integer primary key autoincrement not null, "migration" varchar not null, "batch" integer not null);""",
}
TABLES = {
    "vaultwarden": ("event", "uuid"),
    "airflow": ("log", "id"),
    "home-assistant": ("events", "event_id"),
    "gitea": ("notice", "id"),
    "spatie-activitylog": ("activity_log", "id"),
    "superset": ("logs", "id"),
}
# Text in a column that holds text times, each a bad time: never read as one.
BAD_TEXTS = ("", "soon", "2029-02-30 10:00:00", "2025-01-01", "2025-01-01 10:00:00+00:00", "1970-01-01 00:00:00")


def catalogue(name):
    """Code to category, from the ready list."""
    lines = (MAPPINGS / name / "codes.tsv").read_text().splitlines()
    return {line.split("\t")[1]: line.split("\t")[0] for line in lines if line and not line.startswith(("#", "category\t"))}


def ages(chance, count):
    """Times of the last three years, each with its odd moment of the day."""
    return [NOW - days(chance.uniform(0.1, 1100)) for _ in range(count)]


class Rows:
    """What an independent count needs of every row: its key, its time (none where it is bad) and its category (none where
    the code is unknown)."""

    def __init__(self):
        self.facts = {}

    def add(self, key, time, category):
        self.facts[key] = (time, category)


def some_code(chance, codes, odd):
    return chance.choice(odd) if chance.random() < 0.1 else chance.choice(codes)


def fill_vaultwarden(database, chance, rows):
    codes = catalogue("vaultwarden")
    for time in ages(chance, 900):
        key, code = str(uuid.UUID(int=chance.getrandbits(128))), some_code(chance, list(codes), ["1200", "9999", "0"])
        bad = chance.random() < 0.006
        stored = chance.choice(BAD_TEXTS) if bad else time.strftime(TEXT_FORMAT)
        values = (key, int(code), "u1", chance.choice(["o1", "o2", None]), chance.choice(["u1", "u2", None]), stored)
        sql = "INSERT INTO event (uuid, event_type, user_uuid, org_uuid, act_user_uuid, event_date) VALUES (?, ?, ?, ?, ?, ?)"
        database.execute(sql, values)
        rows.add(key, None if bad else time, codes.get(code))


def fill_airflow(database, chance, rows):
    codes = catalogue("airflow")
    for key, time in enumerate(sorted(ages(chance, 900)), start=1):
        code = some_code(chance, list(codes), [None, "a_plugin_of_ours", "", "Running"])
        bad = chance.random() < 0.006
        stored = chance.choice([*BAD_TEXTS, None]) if bad else time.strftime(TEXT_FORMAT)
        sql = "INSERT INTO log (id, dttm, dag_id, task_id, event, owner, extra) VALUES (?, ?, 'etl', 'load', ?, 'admin', '{}')"
        database.execute(sql, (key, stored, code))
        rows.add(key, None if bad else time, codes.get(code))


def fill_home_assistant(database, chance, rows):
    codes = catalogue("home-assistant")
    names = [*codes, "an_integration_of_ours", None]
    database.executemany("INSERT INTO event_types VALUES (?, ?)", enumerate(names, start=1))
    database.executemany("INSERT INTO event_data VALUES (?, 0, '{}')", [(n,) for n in range(1, 21)])
    for key, time in enumerate(sorted(ages(chance, 900)), start=1):
        kind = chance.choice([*range(1, len(names) + 1), None, 9999])
        bad = chance.random() < 0.006
        stored = chance.choice([None, 0.0, -1.0, time.timestamp() * 1000]) if bad else time.timestamp()
        values = (key, stored, chance.choice([None, *range(1, 21)]), chance.randbytes(16), kind)
        sql = "INSERT INTO events (event_id, time_fired_ts, data_id, context_user_id_bin, event_type_id) VALUES (?, ?, ?, ?, ?)"
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(sql, values)
        name = names[kind - 1] if kind in range(1, len(names) + 1) else None
        rows.add(key, None if bad else time, codes.get(name))


def fill_gitea(database, chance, rows):
    codes = catalogue("gitea")
    for key, time in enumerate(sorted(ages(chance, 900)), start=1):
        code = some_code(chance, list(codes), [None, "3", "0"])
        bad = chance.random() < 0.006
        stored = chance.choice([None, 0, int(time.timestamp()) * 1000]) if bad else int(time.timestamp())
        sql = "INSERT INTO notice VALUES (?, ?, 'something', ?)"
        database.execute(sql, (key, None if code is None else int(code), stored))
        rows.add(key, None if bad else time.replace(microsecond=0), codes.get(code))


def fill_spatie(database, chance, rows):
    codes = catalogue("spatie-activitylog")
    for key, time in enumerate(sorted(ages(chance, 900)), start=1):
        code = some_code(chance, list(codes), ["A user bought something", "Created"])
        log_name = chance.choice(["default", None, None, "default", "billing"])
        bad = chance.random() < 0.006
        stored = chance.choice([*BAD_TEXTS, None]) if bad else time.strftime("%Y-%m-%d %H:%M:%S")
        values = (key, log_name, code, chance.randrange(9), chance.choice([None, 1, 2]), stored, stored)
        sql = "INSERT INTO activity_log (id, log_name, description, subject_id, causer_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        database.execute(sql, values)
        # A log name that no window is for keeps its rows: the longer of the two counts.
        category = codes.get(code) if log_name in ("default", None) else None
        rows.add(key, None if bad else time.replace(microsecond=0), category)


def read_superset(database, _chance, rows):
    codes = catalogue("superset")
    for key, action, stored in database.execute("SELECT id, action, dttm FROM logs").fetchall():
        time = datetime.datetime.fromisoformat(stored).replace(tzinfo=UTC)
        rows.add(key, time, codes.get(action))


FILLS = {
    "vaultwarden": fill_vaultwarden,
    "airflow": fill_airflow,
    "home-assistant": fill_home_assistant,
    "gitea": fill_gitea,
    "spatie-activitylog": fill_spatie,
    "superset": read_superset,
}


def build(name, path, journal="WAL"):
    """Makes the application's database at `path` and gives its Rows."""
    chance, rows = random.Random(SEED), Rows()
    if name == "superset":
        shutil.copyfile(shared_data("databases/superset.db"), path)
        path.chmod(0o644)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        if name in SCHEMAS:
            database.executescript(SCHEMAS[name])
        FILLS[name](database, chance, rows)
        database.commit()
    return rows


def decided(config, windows, administrators=("alice",)):
    """The ready configuration after somebody has decided: windows in force, people named, and nothing else changed."""
    lines = re.sub(r"(?m)^# (?=\[retention\.category\]$)", "", config)
    for category, window in windows.items():
        entry = f'{category} = {{ window = "{window}", basis = "test" }}'
        lines, count = re.subn(rf"(?m)^# {re.escape(category)} = .*$", entry, lines)
        assert count == 1, category
    people = ", ".join(f'"{name}"' for name in administrators)
    lines = re.sub(r"(?m)^principals = .*$", f"principals = [{people}]", lines)
    return lines + "\n[identity]\ntrust_flag = true\n"

# SPDX-License-Identifier: Apache-2.0
"""The ready mappings for PostgreSQL, from `check` to `verify`, over tables as the applications declare them; and a log in
partitions, where a row's place says nothing."""

import re
import shutil
import unittest

from postgres_world import at, config_with, days, postgres_world, to_ms
from ready_mappings import MAPPINGS, catalogue, decided

NOW = at("2030-01-01T02:00:00")
OLD, NEW = NOW - days(500), NOW - days(20)
BAD_TIMES_ONE_IN = 100  # [safety].max_bad_time_share as it is without the configuration

TABLES = {
    "keycloak": (
        "event_entity",
        "CREATE TABLE event_entity (id varchar(36) NOT NULL, client_id varchar(255), details_json varchar(2550), error varchar(255),"
        " ip_address varchar(255), realm_id varchar(255), session_id varchar(255), event_time bigint, type varchar(255),"
        " user_id varchar(255), details_json_long_value text, CONSTRAINT constraint_4 PRIMARY KEY (id));"
        "CREATE INDEX idx_event_time ON event_entity (realm_id, event_time)",
        "INSERT INTO event_entity (id, event_time, type, realm_id, user_id) VALUES ({key}, {ms}, {code}, 'acme', 'ann')",
    ),
    "mattermost": (
        "audits",
        "CREATE TABLE audits (id varchar(26) PRIMARY KEY, createat bigint, userid varchar(26), action varchar(512),"
        " extrainfo varchar(1024), ipaddress varchar(64), sessionid varchar(26));"
        "CREATE INDEX idx_audits_user_id ON audits (userid)",
        "INSERT INTO audits (id, createat, action, userid) VALUES ({key}, {ms}, {code}, 'ann')",
    ),
    "airflow-postgresql": (
        "log",
        "CREATE TABLE log (id serial PRIMARY KEY, dttm timestamptz, dag_id varchar(250), task_id varchar(250), map_index int,"
        " event varchar(60), run_id varchar(250), owner varchar(500), extra text);"
        "CREATE INDEX idx_log_dttm ON log (dttm); CREATE INDEX idx_log_event ON log (event)",
        "INSERT INTO log (id, dttm, event, owner) VALUES ({key}::text::int, to_timestamp({ms}::bigint / 1000.0), {code}, 'ann')",
    ),
}


def shipped(name, made):
    """The configuration as it is shipped, but for the place of the database, and room for the one row without a time."""
    config = (MAPPINGS / name / "holdfast.toml").read_text()
    config = config.replace("first_run_needs_approval = true", "first_run_needs_approval = true\nmax_bad_time_share = 0.1")
    config = re.sub(r'(?m)^url = .*$', f'url = "{made.server.url(made.name)}"', config)
    return re.sub(r'(?m)^state_directory = .*$', f'state_directory = "{made.state}"', config)


class ReadyMappings(unittest.TestCase):
    def made(self, name):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        _, schema, insert = TABLES[name]
        made.sql(schema)
        shutil.copy(MAPPINGS / name / "codes.tsv", made.folder / "codes.tsv")
        known = sorted(catalogue(name))
        # One bad time is then less than the share of them that stops a run.
        copies = 1 + BAD_TIMES_ONE_IN // len(known)
        reasons = {}
        inserts = []
        for number, (code, time, reason) in enumerate(
            [(code, OLD, "expired") for code in known * copies]
            + [(code, NEW, "window") for code in known[::5]]
            + [("of a plug-in", OLD, "unknown_code"), (None, OLD, "unknown_code"), (known[0], None, "bad_time")]
        ):
            key = str(1000 + number)
            inserts.append(
                insert.format(
                    key=f"'{key}'",
                    ms="NULL" if time is None else to_ms(time),
                    code="NULL" if code is None else f"'{code}'",
                )
            )
            reasons[key] = reason
        made.sql(";".join(inserts))
        return made, reasons

    def keys(self, made, name):
        return set(made.sql(f"SELECT id FROM {TABLES[name][0]}").splitlines())

    def test_as_they_are_shipped_nothing_goes(self):
        for name in TABLES:
            with self.subTest(name):
                made, reasons = self.made(name)
                made.write_config(decided(shipped(name, made), {}))
                made.call("check", expect=0)
                made.init()
                made.approve(made.save_plan())
                self.assertEqual(made.run(expect=0).json["deleted"], 0)
                self.assertEqual(self.keys(made, name), set(reasons))

    def test_with_windows_each_row_is_as_its_time_and_code_say(self):
        for name in TABLES:
            with self.subTest(name):
                made, reasons = self.made(name)
                windows = {category: "1 year" for category in catalogue(name).values()}
                made.write_config(decided(shipped(name, made), windows))
                made.init()
                self.assertEqual(made.plan_rows()[1], reasons)
                made.approve(made.save_plan())
                made.run(expect=0)
                stay = {key for key, reason in reasons.items() if reason != "expired"}
                self.assertEqual(self.keys(made, name), stay)
                made.call("verify", expect=0)


class Partitions(unittest.TestCase):
    def test_the_rows_of_other_partitions_stay(self):
        section = {"id": ["id", "occurred_at"], "own_events": "holdfast"}
        with postgres_world(config_with(events=section), init=False) as made:
            made.sql(
                "CREATE TABLE audit_events (id bigint GENERATED BY DEFAULT AS IDENTITY, occurred_at bigint NOT NULL, tenant text,"
                " code text, severity text, actor text, subject text, retain_until bigint, metadata text,"
                " PRIMARY KEY (id, occurred_at)) PARTITION BY RANGE (occurred_at);"
                f"CREATE TABLE old PARTITION OF audit_events FOR VALUES FROM (0) TO ({to_ms(NOW - days(300))});"
                f"CREATE TABLE new PARTITION OF audit_events FOR VALUES FROM ({to_ms(NOW - days(300))}) TO ({to_ms(NOW)})"
            )
            made.insert(OLD, count=300)
            held = made.insert(OLD, tenant="acme", count=20)
            live = made.insert(NEW, count=400)
            same = "SELECT count(*) FROM old JOIN new ON old.ctid = new.ctid"
            self.assertGreater(int(made.sql(same)), 200, "a delete by place would take these")
            made.init()
            made.freeze("--tenant=acme")
            self.assertEqual(made.run(expect=0).json["deleted"], 300)
            left = {int(line) for line in made.sql("SELECT id FROM audit_events").splitlines()}
            self.assertEqual(left, set(held) | set(live))
            made.call("verify", expect=0)


if __name__ == "__main__":
    unittest.main()

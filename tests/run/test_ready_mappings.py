# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The ready mappings of scripts/package/mappings over the tables of the real applications: row for row as an independent
count says, and nothing as they are shipped."""

import shutil
import unittest

from audit_world import Untouched, at, deletable_from, logical_dump, world
from figures_check import check_plan_equals_run, check_sums
from ready_mappings import MAPPINGS, NOW, TABLES, build, catalogue, decided

WINDOWS = ("60 days", "6 months", "1 year", "400 days")
# The day on which a part of the real file's rows is due.
SUPERSET_NOW = at("2023-04-19T12:00:00")
SUPERSET_WINDOWS = ("90 days", "91 days", "92 days")
REUSES_NEWEST = ("airflow", "home-assistant", "superset")


def clock_of(name):
    return SUPERSET_NOW if name == "superset" else NOW


def windows_of(name):
    choice = SUPERSET_WINDOWS if name == "superset" else WINDOWS
    categories = sorted(set(catalogue(name).values()))
    return {category: choice[place % len(choice)] for place, category in enumerate(categories)}


def expected_reasons(name, rows, windows, now):
    """Why each row stays or goes, by the first test that it fails; the order is that of the rules."""
    reasons = {}
    newest = max(rows.facts) if name in REUSES_NEWEST else None
    for key, (time, category) in rows.facts.items():
        if time is None:
            reason = "bad_time"
        elif category is None:
            reason = "unknown"
        elif deletable_from(time, windows[category]) > now:
            reason = "window"
        else:
            reason = "newest_id" if key == newest else "expired"
        reasons[str(key)] = reason
    return reasons


class ReadyMappings(unittest.TestCase):
    def made(self, name, journal="WAL"):
        made = self.enterContext(world(init=False, now=clock_of(name).isoformat()[:19]))
        rows = build(name, made.database, journal)
        shutil.copy(MAPPINGS / name / "codes.tsv", made.folder / "codes.tsv")
        config = (MAPPINGS / name / "holdfast.toml").read_text()
        path = config.split("[database]\npath = ")[1].split("\n")[0]
        return made, rows, config.replace(f"path = {path}", 'path = "audit.db"')

    def test_as_they_are_shipped_nothing_goes(self):
        for name in TABLES:
            with self.subTest(name):
                made, rows, config = self.made(name)
                made.write_config(decided(config, {}))
                before = Untouched(made.database)
                checked = made.call("check", "--json", expect=0).json
                said = " ".join(finding["message"] for finding in checked["findings"])
                self.assertIn("no retention window", said)
                plan = made.plan().json
                self.assertEqual((plan["deleted"], plan["rows_before"]), (0, len(rows.facts)))
                self.assertEqual(before.differences(), "")
                made.init()
                made.run(expect=4)
                made.approve(made.save_plan())
                self.assertEqual(made.run(expect=0).json["deleted"], 0)

    def test_with_windows_each_row_is_as_the_independent_count_says(self):
        for name in TABLES:
            for journal in ("WAL", "DELETE"):
                with self.subTest(name, journal=journal):
                    self.prune(name, journal)

    def prune(self, name, journal):
        made, rows, config = self.made(name, journal)
        windows = windows_of(name)
        made.write_config(decided(config, windows))
        others = {t: c for t, c in logical_dump(made.database)[1].items() if t != TABLES[name][0]}
        expected = expected_reasons(name, rows, windows, made.clock.now)
        made.call("check", expect=0)
        made.init()
        self.compare(made.plan_rows()[1], expected)
        self.assertEqual(made.run(expect=4).json["error"]["reason"], "first_run_not_approved")
        made.approve(made.save_plan())
        plan, reasons = made.plan_rows()
        self.compare(reasons, expected)
        report = made.run(expect=0).json
        check_sums(self, report)
        check_plan_equals_run(self, plan.json, report)
        table, key = TABLES[name]
        left = {str(k) for (k,) in made.query(f'SELECT "{key}" FROM "{table}"')}
        stay = {k for k, reason in expected.items() if reason != "expired"}
        self.assertEqual(left - stay, set(), "still there")
        self.assertEqual(stay - left, set(), "gone too early")
        self.assertTrue(0 < len(stay) < len(expected), "the sample is of no use")
        now = {t: c for t, c in logical_dump(made.database)[1].items() if t != table and not t.startswith("holdfast_")}
        self.assertEqual(now, others, "no other table is touched")
        made.call("verify", expect=0)

    def compare(self, reasons, expected):
        self.assertEqual(set(reasons), set(expected))
        unknown = ("unknown_code", "no_policy")
        told = {k: "unknown" if reason in unknown else reason for k, reason in reasons.items()}
        self.assertEqual({k: v for k, v in told.items() if v != expected[k]}, {})

    def test_home_assistant_keeps_the_rows_that_events_share(self):
        made, _, config = self.made("home-assistant")
        children = 'children = [{ table = "event_data", column = "data_id" }]\nown_events'
        made.write_config(decided(config, {}).replace("own_events", children))
        self.assertIn("share", made.call("check", expect=2).stderr)

    def test_an_old_home_assistant_whose_states_refer_to_events_is_refused_by_name(self):
        made, _, config = self.made("home-assistant")
        with made.connection() as database:
            database.execute("DROP TABLE states")
            database.execute(
                "CREATE TABLE states (state_id INTEGER PRIMARY KEY, event_id INTEGER REFERENCES events (event_id) ON DELETE CASCADE)"
            )
        made.write_config(decided(config, {}))
        answer = made.call("check", expect=2)
        for word in ('"states"', '"event_id"', "ON DELETE CASCADE", 'children = [{ table = "states", column = "event_id" }]'):
            self.assertIn(word, answer.stderr)


if __name__ == "__main__":
    unittest.main()

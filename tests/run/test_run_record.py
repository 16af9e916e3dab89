# SPDX-License-Identifier: Apache-2.0
"""The run record: every record of every outcome fits its JSON Schema, closes its sums, and names no person."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

from audit_world import at, config_with, days, to_ms, world
from holdfast_cli import require
from run_watch import StartedRun

NOW = at("2030-01-01T02:00:00")
SCHEMA = Path(__file__).resolve().parents[2] / "jobs" / "run_record.schema.json"
# Debian's own interpreter has Debian's python3-jsonschema; another one first on the path may not.
INTERPRETERS = (sys.executable, "/usr/bin/python3")
CHECK = """
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
problems = [f"{list(e.path)}: {e.message}"[:300] for r in json.load(sys.stdin) for e in validator.iter_errors(r)]
print(json.dumps(problems))
"""


def validator():
    for interpreter in INTERPRETERS:
        done = subprocess.run([interpreter, "-c", "import jsonschema"], capture_output=True, check=False)
        if done.returncode == 0:
            return interpreter
    return None


class RecordTest(unittest.TestCase):
    def fits(self, made, count):
        """Every closed run of the ledger has a record that fits, in the order of the runs."""
        interpreter = validator()
        require(interpreter is not None, "python3-jsonschema is not installed")
        texts = made.query("SELECT record FROM holdfast_run WHERE outcome IS NOT NULL ORDER BY id")
        records = [json.loads(text) for (text,) in texts]
        self.assertEqual(len(records), count)
        done = subprocess.run(
            [interpreter, "-c", CHECK, str(SCHEMA)], input=json.dumps(records), capture_output=True, text=True, check=True
        )
        self.assertEqual(json.loads(done.stdout), [])
        return records

    def test_completed_limited_partial_refused_and_found_dead(self):
        config = config_with({"safety": {"max_category_share": 0.2, "limit_min_rows": 100}, "run": {"max_rows": 10}})
        made = self.enterContext(world(config))
        made.insert(NOW - days(200), count=30)
        made.insert(NOW - days(2), count=300, tenant="büro")
        made.insert("no time", count=2)
        made.insert(NOW - days(200), code="NO_SUCH_CODE", count=2)
        self.assertEqual(made.run(expect=3).json["outcome"], "partial")
        made.clock.advance(days=1)
        made.insert(NOW - days(200), count=900, tenant="büro")
        self.assertEqual(made.run(expect=(3, 4)).json["outcome"], "partial")
        with made.connection() as database:
            sql = "INSERT INTO holdfast_run (id, opened_at_ms, as_of_ms, started_by, host, process, phase)"
            database.execute(f"{sql} VALUES (3, 0, 0, 'cron', 'host', 1, 'deleting')")
        made.clock.advance(days=1)
        made.run(expect=(3, 4))
        made.clock.advance(days=-30)
        self.assertEqual(made.run(expect=4).json["outcome"], "refused")
        records = self.fits(made, 5)
        self.assertEqual([record["outcome"] for record in records][2], "failed")
        self.assertIsNone(records[2]["kept"])
        self.assertEqual(records[3]["closed_dead_runs"], [3])
        for record in records:
            self.assertTrue(all(value == 0 for value in record["reconciliation"].values()))

    def test_authority_clock_population_and_holds(self):
        config = config_with(
            {
                "retention": {
                    "presets": [{"name": "pci-10.5.1", "categories": ["sessions"]}],
                    "category": {"sessions": {"window": "13 months", "at_least": "12 months", "locked": True, "basis": "b"}},
                }
            }
        )
        made = self.enterContext(world(config))
        made.insert(NOW - days(200), count=5, actor="u7")
        made.insert(NOW - days(300), count=5, tenant="acme")
        hold = made.freeze("--person=u7")
        empty = made.freeze("--person=nobody-at-all", "--future")
        report = made.run(expect=0).json
        (record,) = self.fits(made, 1)
        self.assertEqual(record, report)
        self.assertEqual(record["authority"]["locks"], ["retention.category.sessions"])
        self.assertIn("preset pci-10.5.1", [floor["where"] for floor in record["authority"]["floors"]])
        self.assertEqual(record["authority"]["policy_sha256"], record["policy"]["digest"])
        self.assertIn("13 months", [cutoff["window"] for cutoff in record["clock"]["cutoffs"]])
        self.assertEqual((record["population"]["lowest_key"], record["population"]["snapshot_highest_key"]), (1, 10))
        by_id = {line["hold"]: line for line in record["holds"]}
        self.assertEqual(by_id[hold.json["hold"]]["rows_kept"], 5)
        self.assertEqual(record["holds_without_rows"], [empty.json["hold"]])
        self.assertNotIn("u7", json.dumps(record["holds"]))
        kept = [line for line in record["categories"] if line["tenant"] is None and line["category"] == "account"][0]
        self.assertEqual(kept["oldest_kept"], (NOW - days(200)).strftime("%Y-%m-%dT%H:%M:%SZ"))
        gone = [line for line in record["categories"] if line["tenant"] == "acme"][0]
        self.assertEqual(gone["newest_deleted"], (NOW - days(300)).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.assertLess(gone["newest_deleted"], gone["disposition_cutoff"])

    def test_rows_removed_during_the_run_end_it_as_failed(self):
        """Another program takes away a row that is to stay, while the slices go."""
        quick = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}}
        made = self.enterContext(world(config_with(quick)))
        made.insert(NOW - days(2), count=5)
        made.insert(NOW - days(200), count=8000)
        with StartedRun(made) as run:
            run.wait_for_phase("deleting")
            with made.connection() as database:
                database.execute("DELETE FROM audit_events WHERE id = 3")
            self.assertEqual(run.finish(), 1, run)
        report = run.json
        self.assertEqual(report["outcome"], "failed")
        self.assertEqual(report["error"]["reason"], "reconciliation")
        self.assertEqual(report["reconciliation"]["after_minus_expected"], -1)
        self.fits(made, 1)

    def test_a_trigger_that_removes_rows_is_taken_back(self):
        made = self.enterContext(world())
        made.insert(NOW - days(200), count=5)
        made.insert(NOW - days(2), count=5)
        with made.connection() as database:
            database.execute(
                "CREATE TRIGGER meanwhile AFTER UPDATE ON holdfast_run WHEN NEW.phase = 'reconciling' BEGIN "
                "DELETE FROM audit_events WHERE id = 9; END"
            )
        report = made.run(expect=1).json
        self.assertEqual(report["outcome"], "failed")
        self.assertIn("trigger", report["error"]["message"])
        self.assertEqual(made.query("SELECT count(*) FROM audit_events WHERE id = 9"), [(1,)])
        self.fits(made, 1)

    def test_keys_beyond_two_to_the_53_are_text(self):
        made = self.enterContext(world())
        with made.connection() as database:
            sql = "INSERT INTO audit_events (id, occurred_at, code) VALUES (?, ?, 'ACCOUNT_PROFILE_UPDATE')"
            database.execute(sql, (2**60, to_ms(NOW - days(200))))
        made.run(expect=0)
        (record,) = self.fits(made, 1)
        self.assertEqual(record["population"]["snapshot_highest_key"], str(2**60))

    def test_hostile_codes_do_not_stop_a_run(self):
        made = self.enterContext(world(config_with({"safety": {"max_bad_time_share": 1.0}})))
        for code in (b"\xff\xfe", "<script>alert(1)</script>", "=cmd()", "\u202eevil", "x" * 10_000):
            made.insert(NOW - days(200), code=code.decode("latin-1") if isinstance(code, bytes) else code)
        with made.connection() as database:
            database.execute("INSERT INTO audit_events (occurred_at, code) VALUES (?, CAST(x'ff00fe' AS TEXT))", (to_ms(NOW - days(200)),))
        made.run(expect=0)
        (record,) = self.fits(made, 1)
        self.assertEqual(sum(line["rows"] for line in record["unknown_codes"]), 6)
        oldest = (NOW - days(200)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual({line["oldest"] for line in record["unknown_codes"]}, {oldest})


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""`init --guard`: what the sqlite3 shell may still do to the log and to Holdfast's own tables, and what it is told."""

import shutil
import subprocess
import unittest

from audit_world import OVERRIDDEN, at, config_with, days, to_ms, world
from holdfast_cli import require

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
FRESH = at("2029-12-01")
PROFILE = "ACCOUNT_PROFILE_UPDATE"
MFA = "ACCOUNT_MFA_DEVICE_VERIFIED"
CONFIG = {
    "retention": {
        "category": {
            "mfa": {"window": "90 days", "at_least": "2 years", "basis": "test"},
            "sessions": {"window": "90 days", "basis": "test"},
        },
        "code": {"ACCOUNT_AVATAR_UPDATE": {"at_least": "10 years", "basis": "test"}},
        "tenant": {"acme": {"category": {"sessions": {"window": "3 years"}}}},
    }
}


class GuardTest(unittest.TestCase):
    def setUp(self):
        require(shutil.which("sqlite3"), "there is no sqlite3 shell")
        self.made = self.enterContext(world(config_with(CONFIG)))
        self.made.call("init", "--guard", expect=0)

    def shell(self, sql):
        """What another program is told; "" where it is obeyed."""
        words = ["sqlite3", "-bail", str(self.made.database), sql]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode == 0, done.stderr == "", done)
        return done.stderr

    def guarded(self, key):
        """The row can neither be deleted nor changed, and the shell was told why."""
        told = self.shell(f"DELETE FROM audit_events WHERE id = {key}")
        changed = self.shell(f"UPDATE audit_events SET severity = 'x' WHERE id = {key}")
        for answer in (told, changed):
            self.assertIn("holdfast guard: ", answer)
        return told

    def findings(self):
        return [finding["message"] for finding in self.made.call("check", "--json").json["findings"]]

    def test_a_plain_delete_is_refused_whole_and_told_the_matter(self):
        self.made.run(expect=0)
        due = self.made.insert(AGED, subject="ann")[0]
        held = self.made.insert(AGED, subject="bea")[0]
        self.made.freeze("--person=bea", matter="2026-014")
        self.assertIn("matter 2026-014", self.shell("DELETE FROM audit_events WHERE code = 'ACCOUNT_PROFILE_UPDATE'"))
        self.assertEqual(self.made.ids(), {due, held})
        self.assertIn("matter 2026-014", self.guarded(held))
        self.assertEqual(self.shell(f"DELETE FROM audit_events WHERE id = {due}"), "")
        self.assertEqual(self.made.ids(), {held})

    def test_whatever_a_run_keeps_is_guarded_and_the_rest_is_not(self):
        """The run's own decision is the measure: the guards let nothing go that it keeps."""
        keys = {}
        for tenant in ("acme", "globex", None):
            for code in (PROFILE, MFA, "ACCOUNT_AVATAR_UPDATE", "ACCOUNT_SESSION_REVOKED", "NO_SUCH_CODE", OVERRIDDEN):
                for time in (AGED, FRESH, NOW - days(92), NOW - days(95), "garbage", 5, NOW + days(3)):
                    for stamp in (None, to_ms(NOW) + 5, to_ms(AGED), "soon"):
                        key = self.made.insert(time, code, tenant=tenant, retain_until=stamp, subject="ann")[0]
                        keys[key] = (tenant, code, time, stamp)
        self.made.insert(AGED, PROFILE, subject="bea", count=3)
        self.made.freeze("--person=bea")
        self.made.write_config(config_with(CONFIG, {"safety": {"max_bad_time_share": 1.0}}))
        # A run that deletes none of them: it tells the guards all the same.
        self.made.write_config(config_with(CONFIG, {"safety": {"max_bad_time_share": 1.0}, "run": {"max_rows": 1}}))
        self.made.run()
        reasons = {int(key): reason for key, reason in self.made.plan_rows()[1].items()}
        kept = {key for key, reason in reasons.items() if reason != "expired"}
        due = set(reasons) - kept
        self.assertGreater(len(due), 20)
        self.assertGreaterEqual(
            {reasons[key] for key in kept},
            {"bad_time", "unknown_code", "window", "hold", "row_stamp", "floor", "code_floor"},
        )
        let_go = set()
        for key in reasons:
            if self.shell(f"DELETE FROM audit_events WHERE id = {key}") == "":
                let_go.add(key)
        self.assertEqual(let_go & kept, set(), [(reasons[key], keys.get(key)) for key in let_go & kept])
        # What a longer window of another tenant keeps for all is the price of one cut-off for each code.
        for key in due - let_go:
            self.assertEqual(keys[key][1], "ACCOUNT_SESSION_REVOKED")
        self.assertGreater(len(let_go), 10)

    def test_a_trigger_that_keeps_the_log_short_takes_no_held_row_with_holdfasts_own(self):
        self.made.run(expect=0)
        self.made.freeze("--person=bea")
        self.made.insert(AGED, subject="bea", count=300)
        before = self.made.ids()
        self.shell(
            "CREATE TRIGGER ring AFTER INSERT ON audit_events BEGIN "
            "DELETE FROM audit_events WHERE id <= NEW.id - 296; END"
        )
        self.assertTrue(any('"ring" fires when a row is added' in line for line in self.findings()))
        for what in ("holdfast guard: ", "a trigger has deleted"):
            failed = self.made.run(expect=1).json
            self.assertIn(what, failed["error"]["message"])
            self.assertEqual(self.made.ids() & before, before)
            for (name,) in self.made.query("SELECT name FROM sqlite_schema WHERE name LIKE 'holdfast_guard%log%'"):
                self.shell(f"DROP TRIGGER {name}")
        self.shell("DROP TRIGGER ring")
        self.made.run(expect=0)
        self.assertEqual(self.made.ids() & before, before)

    def test_own_tables_are_holdfasts_alone(self):
        self.made.insert(AGED, count=5)
        self.made.freeze("--person=ann")
        self.made.run(expect=0)
        for table in ("run", "run_slice", "policy", "hold", "hold_term", "clock", "meta", "guard_terms", "guard_cutoff"):
            with self.subTest(table):
                self.assertNotEqual(self.made.query(f"SELECT count(*) FROM holdfast_{table}"), [(0,)])
                self.assertIn("by Holdfast alone", self.shell(f"DELETE FROM holdfast_{table}"))
                column = self.made.query(f"SELECT name FROM pragma_table_info('holdfast_{table}') LIMIT 1")[0][0]
                self.assertIn("alone", self.shell(f"UPDATE holdfast_{table} SET {column} = {column}"))
        self.assertIn("alone", self.shell("UPDATE holdfast_hold SET released_at_ms = 1"))
        self.made.call("verify", expect=0)

    def test_holdfast_goes_on_with_all_that_it_does(self):
        kept = self.made.insert(AGED, subject="bea", count=3)
        hold = self.made.freeze("--person=bea")
        self.made.insert(AGED, count=50)
        self.assertEqual(self.made.run(expect=0).json["deleted"], 50)
        self.made.release(hold)
        self.made.call("bookmark", "set", "export", "1000", "--as", "alice", expect=0)
        self.made.call("init", expect=0)
        self.made.clock.advance(days=31)
        for _ in range(6):
            self.made.run()
            self.made.clock.advance(days=1)
        self.assertEqual(self.made.ids() & set(kept), set())
        self.assertEqual(self.made.query("SELECT open FROM holdfast_guard_pass"), [(0,)])
        self.made.call("verify", expect=0)

    def test_a_program_places_a_hold_with_plain_sql(self):
        self.made.run(expect=0)
        key = self.made.insert(AGED, subject="ann")[0]
        hold = (
            "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms) "
            f"VALUES ('crm-7', 'dispute', '', 'legal', 0, 0, 'crm', {to_ms(NOW)}); "
            "INSERT INTO holdfast_hold_term VALUES (last_insert_rowid(), 'person', 'ann')"
        )
        self.assertEqual(self.shell(f"BEGIN; {hold}; COMMIT"), "")
        self.assertIn("matter crm-7", self.guarded(key))
        self.assertEqual(self.made.run(expect=0).json["deleted"], 0)
        self.assertEqual(self.made.plan_rows()[1][str(key)], "hold")

    def test_check_says_whether_the_guards_are_whole(self):
        self.assertTrue(any("the guards are there, whole and unchanged" in line for line in self.findings()))
        self.shell("DROP TRIGGER holdfast_guard_log_delete")
        self.assertTrue(any("holdfast_guard_log_delete is gone" in line for line in self.findings()))
        self.assertIn("holdfast_guard_log_delete is gone", self.made.run().stderr)
        self.made.call("init", "--guard", expect=0)
        self.assertTrue(any("the guards are there, whole and unchanged" in line for line in self.findings()))
        self.made.call("init", "--remove", expect=0)
        self.assertEqual(self.made.query("SELECT name FROM sqlite_schema WHERE name LIKE 'holdfast%'"), [])

    def test_nothing_is_due_while_a_run_may_delete_nothing(self):
        self.made.run(expect=0)
        key = self.made.insert(AGED)[0]
        self.made.clock.advance(days=-3)
        self.made.run(expect=4)
        self.assertIn("not due", self.guarded(key))
        self.made.clock.advance(days=4)
        self.made.write_config(config_with(CONFIG, {"archive": {"directory": "archive", "keep": "1 year"}}))
        key = self.made.insert(AGED)[0]
        self.made.run()
        self.assertIn("not due", self.guarded(self.made.insert(AGED)[0]))

    def test_a_policy_in_its_delay_an_approved_plan_and_a_limit_guard_too(self):
        self.made.run(expect=0)
        shorter = {"retention": {"category": {"account": {"window": "30 days"}}}}
        self.made.write_config(config_with(CONFIG, shorter))
        key = self.made.insert(NOW - days(60))[0]
        self.made.run(expect=0)
        self.assertIn("not due", self.guarded(key))
        limit = {"safety": {"max_category_share": 0.1, "limit_min_rows": 1}}
        self.made.write_config(config_with(CONFIG, limit))
        key = self.made.insert(AGED, count=20)[0]
        other = self.made.insert(AGED, "ACCOUNT_PROFILE_UPDATE", tenant="acme")[0]
        self.assertEqual(self.made.run(expect=4).json["outcome"], "limited")
        self.assertIn("not due", self.guarded(key))
        self.assertIn("not due", self.guarded(other))
        self.made.approve(self.made.save_plan())
        late = self.made.insert(AGED)[0]
        self.made.run()
        self.assertIn(late, self.made.ids())
        self.assertIn("not due", self.guarded(late))

    def test_no_guards_where_nobody_asked_for_them(self):
        self.assertEqual(self.made.call("init", "--guard", "--remove").exit_status, 2)
        with world() as other:
            self.assertEqual(other.query("SELECT name FROM sqlite_schema WHERE name LIKE 'holdfast_guard%'"), [])
            other.call("check", expect=0)


if __name__ == "__main__":
    unittest.main()

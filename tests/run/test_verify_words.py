# SPDX-License-Identifier: Apache-2.0
"""Somebody with a SQL client gives approvals, sets clocks or rewrites the policy: `verify` asks witness and records."""

import json
import unittest

from audit_world import at, config_with, laid_over, world

NOW = "2030-01-01T02:00:00"
STRICT = {"safety": {"first_run_needs_approval": True, "max_category_share": 0.2, "limit_min_rows": 10}}


class WordsAgainstTheWitness(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world(config_with(STRICT), now=NOW))
        self.made.insert(at("2029-01-01"), tenant="acme", count=30)
        self.made.insert(at("2029-12-31"), tenant="acme", count=10)

    def found(self, *reasons):
        """`verify` finds these things and nothing else."""
        answer = self.made.call("verify", "--json", expect=1 if reasons else 0).json
        self.assertEqual(tuple(problem["reason"] for problem in answer["problems"]), reasons, answer)
        return answer

    def forge_approval(self):
        self.made.save_plan()
        sql = (
            "INSERT INTO holdfast_approval (plan_id, approved_by, approved_at_ms, last_used_at_ms)"
            " VALUES ((SELECT max(id) FROM holdfast_plan), 'alice', ?, ?)"
        )
        self.made.query(sql, self.made.clock.now_ms, self.made.clock.now_ms)

    def test_an_approval_that_no_administrator_gave(self):
        self.made.freeze("--tenant=beta", "--future")  # begins the witness file
        self.forge_approval()
        self.assertIn("approval 1 of plan", self.found("approval_unknown")["problems"][0]["message"])
        self.made.run(expect=0)
        self.found("approval_unknown")

    def test_an_approval_in_another_name_or_of_another_time(self):
        self.made.approved_run(expect=0)
        self.assertEqual(self.found()["checked"]["approvals"], {"compared": 1})
        for change in ("approved_by = 'bob'", "approved_at_ms = approved_at_ms + 1"):
            with self.subTest(change=change):
                before = self.made.query("SELECT approved_by, approved_at_ms FROM holdfast_approval")[0]
                self.made.query(f"UPDATE holdfast_approval SET {change}")
                self.found("approval_unknown")
                self.made.query("UPDATE holdfast_approval SET approved_by = ?, approved_at_ms = ?", *before)
        self.found()

    def test_approvals_from_before_the_witness_are_not_asked_for(self):
        self.made.approved_run(expect=0)
        self.made.clock.advance(hours=1)
        self.made.call("recover", "--new-witness", "--as", "alice", expect=(0, 4))
        self.found()
        self.made.clock.advance(hours=1)
        self.forge_approval()
        self.found("approval_unknown")

    def test_a_clock_that_no_command_and_no_run_set(self):
        self.made.approved_run(expect=0)
        ahead = self.made.clock.now_ms + 5 * 86_400_000
        sql = "INSERT INTO holdfast_clock (system_now_ms, as_of_ms, source) VALUES (?, ?, 'approve --clock by alice')"
        self.made.query(sql, self.made.clock.now_ms, ahead)
        self.found("clock_differs")

    def test_a_clock_that_a_command_set(self):
        self.made.approved_run(expect=0)
        self.made.clock.advance(hours=3)
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        self.found()
        self.made.clock.advance(hours=3)
        self.made.run(expect=(0, 4))
        self.found()

    def test_a_run_that_died_has_set_its_clock(self):
        self.made.approved_run(expect=0)
        self.made.clock.advance(hours=20)
        sql = "INSERT INTO holdfast_run (opened_at_ms, as_of_ms, started_by, host, process, phase) SELECT ?, ?, 'x', 'x', 1, 'opening'"
        now = self.made.clock.now_ms
        self.made.query(sql, now, now)
        self.made.query("INSERT INTO holdfast_clock (system_now_ms, as_of_ms, source) VALUES (?, ?, 'run 2')", now, now)
        self.found()
        self.made.run(expect=0)
        self.found()

    def test_an_approval_that_is_dated_back(self):
        self.made.freeze("--tenant=beta", "--future")
        self.forge_approval()
        self.made.query("UPDATE holdfast_approval SET approved_at_ms = 1")
        self.made.run(expect=0)
        self.found("approval_unknown")

    def test_other_keys_under_an_approved_digest(self):
        self.made.approved_run(expect=0)
        self.made.clock.advance(hours=20)
        fresh = self.made.insert(at("2029-01-02"), tenant="acme", count=30)
        self.made.insert(at("2029-12-31"), tenant="acme", count=60)
        self.made.save_plan()
        self.made.query("UPDATE holdfast_approval SET spent_at_ms = NULL, last_used_at_ms = ?", self.made.clock.now_ms)
        keys = "(SELECT keys FROM holdfast_plan ORDER BY id DESC LIMIT 1)"
        self.made.query(f"UPDATE holdfast_plan SET keys = {keys} WHERE id = (SELECT min(id) FROM holdfast_plan)")
        answer = self.made.run(expect=4).json
        self.assertIn("does not give its digest", str(answer["warnings"]))
        self.assertEqual(len(self.made.ids() & set(fresh)), 30)

    def test_a_clock_that_was_set_back_lowers_approvals(self):
        self.made.freeze("--tenant=beta", "--future")
        self.made.clock.advance(days=3)
        self.made.approved_run(expect=0)
        self.made.clock.advance(days=-2)
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        self.found()
        self.made.clock.advance(hours=20)
        self.made.run(expect=(0, 4))
        self.found()

    def test_a_run_that_died_and_then_a_configuration_that_is_invalid(self):
        self.made.approved_run(expect=0)
        self.made.clock.advance(hours=20)
        now = self.made.clock.now_ms
        sql = "INSERT INTO holdfast_run (opened_at_ms, as_of_ms, started_by, host, process, phase) SELECT ?, ?, 'x', 'x', 1, 'opening'"
        self.made.query(sql, now, now)
        self.made.query("INSERT INTO holdfast_clock (system_now_ms, as_of_ms, source) VALUES (?, ?, 'run 2')", now, now)
        config = self.made.config_file.read_text(encoding="utf-8")
        self.made.write_config(config.replace("90 days", "0 days"))
        self.made.run(expect=2)
        self.made.write_config(config)
        self.found()
        self.made.run(expect=0)
        self.found()

    def test_a_version_of_the_policy_that_was_rewritten(self):
        self.made.approved_run(expect=0)
        self.made.clock.advance(hours=20)
        self.made.write_config(laid_over(config_with(STRICT), {"retention": {"category": {"account": {"window": "80 days"}}}}))
        self.made.run(expect=0)
        self.found()
        version, document = self.made.query("SELECT version, document FROM holdfast_policy ORDER BY version LIMIT 1")[0]
        changed = json.dumps(json.loads(document.replace("90", "30")), sort_keys=True, separators=(",", ":"))
        self.assertNotEqual(changed, document)
        self.made.query("UPDATE holdfast_policy SET document = ?, digest = ? WHERE version = ?", changed, "0" * 64, version)
        self.found("policy_differs")
        self.made.query("UPDATE holdfast_policy SET document = ? WHERE version = ?", document, version)
        self.found()
        self.made.query("DELETE FROM holdfast_policy WHERE version = ?", version)
        self.found("policy_missing")


if __name__ == "__main__":
    unittest.main()

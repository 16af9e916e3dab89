# SPDX-License-Identifier: Apache-2.0
"""Each outcome of a run with its exit status, its audit event and its figures, and the plan's figures beside them."""

import json
import os
import signal
import subprocess
import time
import unittest

from audit_world import COMPLETED, FAILED, at, config_with, to_ms, world
from figures_check import check_plan, check_plan_equals_run, check_run
from holdfast_cli import program_path

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
YOUNG = at("2029-12-31")
UPDATE_CODE = "ACCOUNT_PROFILE_UPDATE"
LIMITS = {"safety": {"max_category_share": 0.2, "limit_min_rows": 10}}
EVERY_POLICY = {
    "retention": {
        "presets": [{"name": "eu-ai-act", "categories": ["scim"]}],
        "category": {
            "sessions": {"window": "30 days", "at_least": "13 months"},
            "mfa": {"window": "1 month"},
            "scim": {"window": "30 days"},
            "data-erasure": {"window": "90 days"},
        },
        "code": {"ACCOUNT_DELETION_HOLDS_OVERRIDDEN": {"at_least": "10 years"}},
        "tenant": {"acme": {"category": {"mfa": {"window": "2 years"}}}},
    },
    "safety": {"max_bad_time_share": 0.5, "max_category_share": 1.0},
}


def fill_with_every_reason(made):
    """Rows that are kept for one reason each, beside rows that go; what else is needed for them is done here."""
    made.insert(AGED, tenant="acme", count=3)
    made.insert(YOUNG, tenant="acme", count=2)
    made.insert(AGED, "ACCOUNT_MFA_DEVICE_VERIFIED", tenant="acme")
    made.insert(AGED, "ACCOUNT_MFA_DEVICE_VERIFIED", tenant="globex", count=4)
    made.insert(AGED, "ACCOUNT_MFA_DEVICE_VERIFIED")
    made.insert(AGED, "NOT_OF_THE_CATALOGUE", count=2)
    made.insert(AGED, "TENANT_WEBHOOK_CREATED", count=3)
    made.insert(0, count=2)
    made.insert("never")
    made.insert(at("2029-06-01"), "ACCOUNT_SESSION_REVOKED", count=2)
    made.insert(at("2029-11-01"), "ACCOUNT_SCIM_USER_CREATED", count=2)
    made.insert(at("2021-01-01"), "ACCOUNT_DELETION_HOLDS_OVERRIDDEN")
    made.insert(AGED, retain_until=to_ms(at("2035-01-01")))
    made.insert(AGED, retain_until="unreadable")
    made.insert(AGED, actor="held-person")
    made.insert(AGED, subject="held-person")
    made.insert(AGED, subject="freed-person")
    last_read = max(made.ids())
    made.insert(AGED)
    made.freeze("--person=held-person")
    made.release(made.freeze("--person=freed-person"))
    made.call("bookmark", "set", "webhooks", last_read, "--as", "alice", expect=0)


class Figures(unittest.TestCase):
    def test_every_reason_in_one_run_and_the_plan_says_the_same(self):
        with world(config_with(EVERY_POLICY)) as made:
            fill_with_every_reason(made)
            plan, reasons = made.plan_rows()
            check_plan(self, plan.json)
            self.assertEqual(len(reasons), plan.json["rows_before"])
            before = made.rows()
            report = check_run(self, made, made.run(), "completed")
            check_plan_equals_run(self, plan.json, report)
            gone = {str(key) for key in before} - {str(key) for key in made.ids()}
            self.assertEqual(gone, {key for key, reason in reasons.items() if reason == "expired"})
            expected = {
                "window": 3,
                "unknown_code": 2,
                "no_policy": 3,
                "bad_time": 3,
                "floor": 4,
                "code_floor": 1,
                "row_stamp": 2,
                "hold": 2,
                "hold_grace": 1,
                "not_consumed": 1,
            }
            self.assertEqual({r: n for r, n in report["kept_by_reason"].items() if n}, expected)
            self.assertEqual(report["deleted"], 8)
            self.assertEqual((report["erased"], report["run_id"]), (0, 1))

    def test_one_entry_per_category_with_a_policy_even_where_the_log_is_empty(self):
        with world(config_with(EVERY_POLICY)) as made:
            report = check_run(self, made, made.run(), "completed")
            places = {(line["tenant"], line["category"]): line for line in report["categories"]}
            wanted = {(None, c) for c in ("account", "sessions", "mfa", "scim", "data-erasure", "audit-retention")}
            self.assertLessEqual(wanted | {("acme", "mfa")}, set(places))
            self.assertEqual(places["acme", "mfa"]["window"], "2 years")
            self.assertEqual(places[None, "account"]["disposition_cutoff"], "2029-10-01T10:00:00Z")

    def test_nothing_due_is_completed_and_the_second_run_has_nothing_left(self):
        with world() as made:
            made.insert(AGED, count=5)
            self.assertEqual(check_run(self, made, made.run(), "completed")["deleted"], 5)
            self.assertEqual(check_run(self, made, made.run(), "completed")["deleted"], 0)
            self.assertEqual(len(made.events(COMPLETED)), 2)

    def test_a_report_is_what_the_run_printed(self):
        with world(config_with(EVERY_POLICY)) as made:
            fill_with_every_reason(made)
            printed = made.run().json
            self.assertEqual(made.call("report", "--json", expect=0).json, printed)
            self.assertEqual(made.call("report", "1", "--json", expect=0).json, printed)
            (line,) = made.call("report", "list", "--json", expect=0).json["runs"]
            self.assertEqual((line["run"], line["outcome"], line["deleted"]), (1, "completed", printed["deleted"]))

    def test_a_plan_of_a_later_day_looks_ahead_and_cannot_be_saved(self):
        with world() as made:
            made.insert(YOUNG, count=3)
            self.assertEqual(made.plan().json["deleted"], 0)
            ahead = made.plan("--as-of", "2030-06-01").json
            check_plan(self, ahead)
            self.assertEqual(ahead["deleted"], 3)
            made.call("plan", "--as-of", "2030-06-01", "--save", expect=2)
            self.assertEqual(made.run().json["deleted"], 0)

    def test_plan_and_check_work_before_init(self):
        with world() as made:
            made.insert(AGED, count=5)
            made.call("init", "--remove", expect=0)
            self.assertEqual(made.query("SELECT name FROM sqlite_master WHERE name LIKE 'holdfast_%'"), [])
            self.assertEqual(made.plan().json["deleted"], 5)
            made.call("check", expect=0)
            self.assertEqual(len(made.ids()), 5)

    def test_the_text_of_a_run_says_how_it_ended(self):
        with world(config_with(LIMITS)) as made:
            made.insert(AGED, count=20)
            answer = made.call("run", expect=4)
            self.assertIn("limited", answer.stdout + answer.stderr)


class Partial(unittest.TestCase):
    def test_a_budget_of_rows(self):
        with world(config_with(run={"max_rows": 7})) as made:
            made.insert(AGED, count=20)
            made.insert(YOUNG, count=5)
            for deleted, left in ((7, 13), (7, 6)):
                report = check_run(self, made, made.run(), "partial")
                self.assertEqual((report["deleted"], report["kept_by_reason"]["not_reached"]), (deleted, left))
                self.assertEqual(made.events(COMPLETED)[-1]["metadata"]["rows_remaining"], left)
            report = check_run(self, made, made.run(), "completed")
            self.assertEqual((report["deleted"], len(made.ids())), (6, 5))

    def test_a_budget_that_fits_exactly_is_completed(self):
        with world(config_with(run={"max_rows": 20})) as made:
            made.insert(AGED, count=20)
            self.assertEqual(check_run(self, made, made.run(), "completed")["deleted"], 20)

    def test_a_budget_of_time_that_is_far_too_short_still_gets_on(self):
        with world(config_with(run={"max_time": "1ms", "max_lock": "1ms", "max_lock_idle": "1ms"})) as made:
            made.insert(AGED, count=300)
            for _ in range(320):
                answer = made.run(expect=(0, 3))
                self.assertGreater(answer.json["deleted"], 0)
                check_run(self, made, answer, answer.json["outcome"])
                if answer.exit_status == 0:
                    break
            self.assertEqual(made.ids(), set())


class Limited(unittest.TestCase):
    def test_one_category_is_left_whole_and_the_rest_is_pruned(self):
        with world(config_with(LIMITS)) as made:
            made.insert(AGED, tenant="acme", count=10)
            made.insert(YOUNG, tenant="acme", count=10)
            made.insert(AGED, tenant="globex", count=4)
            made.insert(YOUNG, tenant="globex", count=16)
            made.insert(AGED, tenant="initech", count=9)
            plan = made.plan().json
            (needed,) = plan["needs_approval"]
            self.assertEqual((needed["tenant"], needed["category"], needed["due"]), ("acme", "account", 10))
            self.assertEqual(plan["deleted"], 23)  # what goes once approved
            report = check_run(self, made, made.run(), "limited")
            self.assertEqual(report["deleted"], 13)
            self.assertEqual(report["kept_by_reason"]["limit"], 10)
            event = made.events(COMPLETED)[-1]["metadata"]
            self.assertEqual([line["tenant"] for line in event["limited"]], ["acme"])
            self.assertIn("holdfast plan --save", event["to_do"])
            self.assertIn("holdfast approve", event["to_do"])
            for _ in range(3):  # never trimmed to fit
                made.clock.advance(days=1)
                check_run(self, made, made.run(), "limited")
                self.assertEqual(len(made.query("SELECT 1 FROM audit_events WHERE tenant = 'acme'")), 20)
            made.approve(made.save_plan())
            plan = made.plan().json
            report = check_run(self, made, made.run(), "completed")
            check_plan_equals_run(self, plan, report)
            self.assertEqual(report["deleted"], 10)

    def test_share_and_least_rows_at_their_edges(self):
        for due, young, outcome in (
            (2, 8, "completed"), (3, 7, "limited"), (9, 0, "completed"), (10, 0, "limited"), (3, 12, "completed")
        ):
            with self.subTest(due=due, young=young), world(config_with(LIMITS)) as made:
                made.insert(AGED, tenant="acme", count=due)
                made.insert(YOUNG, tenant="acme", count=young)
                check_run(self, made, made.run(), outcome)

    def test_metadata_stays_small_with_a_thousand_limited_tenants(self):
        config = config_with({"safety": {"max_category_share": 0.0, "limit_min_rows": 1}})
        with world(config) as made:
            with made.connection() as database:
                rows = ((to_ms(AGED), UPDATE_CODE, f"tenant-with-a-long-name-{n:06}") for n in range(1500))
                database.executemany("INSERT INTO audit_events (occurred_at, code, tenant) VALUES (?, ?, ?)", rows)
            report = check_run(self, made, made.run(), "limited")
            self.assertEqual(report["kept_by_reason"]["limit"], 1500)
            self.assertEqual(len(report["limited"]), 1500)  # the record has them all


class RefusedFailedInvalid(unittest.TestCase):
    def test_the_first_run_is_refused_and_says_what_to_do(self):
        with world(config_with({"safety": {"first_run_needs_approval": True}})) as made:
            made.insert(AGED, count=5)
            (needed,) = made.plan().json["needs_approval"]
            self.assertEqual((needed["why"], needed["due"]), ("first_run", 5))
            report = check_run(self, made, made.run(), "refused")
            self.assertEqual(report["error"]["reason"], "first_run_not_approved")
            for words in ("5 rows", "plan --save", "approve"):
                self.assertIn(words, report["error"]["message"])
            self.assertEqual((report["deleted"], len(made.ids())), (0, 5))

    def test_invalid_keeps_its_metadata_small_whatever_the_file_holds(self):
        with world() as made:
            made.insert(AGED, count=5)
            nonsense = "".join(f'no_such_key_of_safety_number_{n} = "x"\n' for n in range(3000))
            made.write_config('[database]\npath = "audit.db"\n[safety]\n' + nonsense)
            made.call("run", expect=2)
            ((length,),) = made.query("SELECT length(CAST(metadata AS BLOB)) FROM audit_events WHERE code = ?", FAILED)
            self.assertLessEqual(length, 64 * 1024)

    def test_an_invalid_run_prints_its_report_and_deletes_nothing(self):
        with world() as made:
            made.insert(AGED, count=5)
            made.write_config(config_with({"safety": {"nonsense": 1}}))
            report = check_run(self, made, made.run(expect=2), "invalid")
            self.assertIn("nonsense", report["error"]["message"])
            self.assertEqual(len(made.ids()), 5)

    def test_a_run_found_dead_is_closed_as_failed_once_and_the_next_ends_by_its_own_outcome(self):
        with world() as made:
            made.insert(AGED, count=5)
            made.run(expect=0)
            made.insert(AGED, count=5)
            with made.connection() as database:
                database.execute("UPDATE holdfast_run SET outcome = NULL, closed_at_ms = NULL, phase = 'deleting'")
            made.clock.advance(days=1)
            report = check_run(self, made, made.run(), "completed")
            self.assertEqual(report["closed_dead_runs"], [1])
            (event,) = made.events(FAILED)
            self.assertEqual(event["metadata"]["run_id"], 1)
            self.assertEqual(event["metadata"]["deleted"], 5)
            self.assertEqual(event["metadata"]["error"]["reason"], "found_dead")
            self.assertIn("deleting", event["metadata"]["error"]["message"])
            made.clock.advance(days=1)
            check_run(self, made, made.run(), "completed")
            self.assertEqual(len(made.events(FAILED)), 1)


class Interrupted(unittest.TestCase):
    def test_a_signal_ends_the_run_after_its_slice(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), world(config_with(run={"max_lock": "1ms", "max_lock_idle": "1ms"})) as made:
                with made.connection() as database:
                    rows = ((to_ms(AGED), UPDATE_CODE, "acme", "x" * 300) for _ in range(6_000))
                    sql = "INSERT INTO audit_events (occurred_at, code, tenant, metadata) VALUES (?, ?, ?, ?)"
                    database.executemany(sql, rows)
                made.approve(made.save_plan())
                exit_status, printed = self.signal_in_the_middle(made, number)
                self.assertEqual(exit_status, 130, printed)
                report = json.loads(printed)
                self.assertEqual(report["outcome"], "interrupted")
                self.assertGreater(report["kept_by_reason"]["not_reached"], 0)
                self.assertEqual(report["deleted"] + len(made.ids()), 6_000)
                (event,) = made.events(COMPLETED, FAILED)
                self.assertEqual(event["code"], COMPLETED)
                self.assertEqual(event["metadata"]["rows_remaining"], len(made.ids()))
                report = check_run(self, made, made.run(), "completed")  # the approval was not spent
                self.assertEqual(made.ids(), set())
                self.assertEqual(report["approved_by"], "alice")

    def signal_in_the_middle(self, made, number):
        environment = {**os.environ, **made.clock.environment()}
        command = [str(program_path()), "run", "--json", "--config", str(made.config_file)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, env=environment, **pipes) as run:
            deadline = time.monotonic() + 60
            while run.poll() is None and time.monotonic() < deadline:
                if made.query("SELECT count(*) FROM holdfast_run_slice")[0][0] > 2:
                    run.send_signal(number)
                    break
            printed = run.communicate(timeout=60)[0]
            return run.returncode, printed


if __name__ == "__main__":
    unittest.main()

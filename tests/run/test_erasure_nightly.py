# SPDX-License-Identifier: Apache-2.0
"""The nightly run carries out what a person has confirmed, in that person's name, and nothing else."""

import unittest

from audit_world import COMPLETED, days
from erasure_world import (
    ASKED, BLOCKED, COOL_OFF, DONE, DUAL_CONTROL, PERSON, TENANT, blocked, erasure_config, erasure_world, names_in, refused,
)  # fmt: skip
from figures_check import check_run


class Nightly(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()
        self.request = self.made.ask()
        self.made.agree(self.request)

    def night(self, expect=0, **time):
        self.made.clock.advance(**time)
        return self.made.run(expect=expect)

    def confirm(self, who="bob", expect=0):
        return self.made.complete(self.request, "--when-due", who=who, expect=expect)

    def check_sums(self, report):
        rows_after = report["rows_before"] - report["deleted"] - report["erased"] + report["appended"]
        self.assertEqual(report["rows_after"], rows_after)
        self.assertEqual(set(report["reconciliation"].values()), {0})
        self.assertEqual(self.made.query("SELECT count(*) FROM audit_events")[0][0], report["rows_after"])


class Confirmed(Nightly):
    def test_it_is_done_after_the_cooling_off_in_the_name_of_who_confirmed_it(self):
        answer = self.confirm()
        self.assertEqual((answer.json["request"]["confirmed_by"], answer.json["request"]["state"]), ("bob", "approved"))
        self.assertEqual(self.made.deeds(DONE, COOL_OFF), [])
        early = check_run(self, self.made, self.night(days=5), "completed")
        self.assertEqual(early["erasures"]["completed"], [])
        self.assertTrue(self.made.named(PERSON))
        late = check_run(self, self.made, self.night(days=10), "completed")
        self.assertEqual(late["erasures"]["completed"], [self.request])
        self.assertEqual(self.made.named(PERSON), set())
        event = self.made.events(DONE)[0]
        self.assertEqual((event["actor"], event["metadata"]["run_id"]), ("bob", late["run_id"]))
        self.assertEqual(self.made.show(self.request)["receipt"]["completed_by"], "bob")
        self.check_sums(late)

    def test_rows_that_the_slices_did_not_reach_are_counted_apart_and_the_sums_close(self):
        self.made.write_config(erasure_config({"run": {"max_rows": 10}}))
        self.confirm()
        old = self.made.clock.now - days(3000)
        self.made.insert(old, count=50, tenant=TENANT, subject="u-1")
        rest = self.made.insert(old + days(1), count=50, tenant=TENANT, subject=PERSON)
        self.made.clock.advance(days=15)
        report = check_run(self, self.made, self.made.run(expect=3), "partial")
        self.assertEqual(report["erasures"]["completed"], [self.request])
        self.assertGreaterEqual(report["erased"], len(rest))
        self.assertEqual(report["erased"], self.made.events(DONE)[0]["metadata"]["rows_deleted"])
        self.assertEqual(self.made.events(COMPLETED)[-1]["metadata"]["erased"], report["erased"])
        self.assertEqual(self.made.ids() & set(rest), set())
        self.check_sums(report)

    def test_what_nobody_confirmed_is_left(self):
        self.night(days=15)
        self.night(days=15)
        self.assertTrue(self.made.named(PERSON))
        self.assertEqual(self.made.deeds(DONE, BLOCKED, COOL_OFF), [])

    def test_the_approver_may_not_confirm_it(self):
        blocked(self, self.confirm(who="alice", expect=4), "dual_control")
        self.assertEqual(self.made.deeds(DUAL_CONTROL), [DUAL_CONTROL])
        refused(self, self.made, self.confirm(who="mallory", expect=4), "administrator")
        refused(self, self.made, self.confirm(who=PERSON, expect=4), "administrator")
        self.night(days=15)
        self.assertEqual(self.made.deeds(DONE), [])

    def test_who_is_no_administrator_any_more_completes_nothing(self):
        self.confirm()
        config = self.made.config_file.read_text().replace('"alice", "bob"', '"alice", "carol"')
        self.made.write_config(config)
        report = self.night(days=15).json
        self.assertEqual(report["erasures"]["blocked"], [{"request_id": self.request, "why": "not_administrator"}])
        self.assertTrue(self.made.named(PERSON))
        self.assertEqual(self.made.deeds(DONE), [])

    def test_what_was_cancelled_after_the_confirmation_is_not_done(self):
        self.confirm()
        self.made.erasure("cancel", self.request, "--reason", "the person stays", who=PERSON)
        self.assertEqual(self.night(days=15).json["erasures"]["completed"], [])
        self.assertTrue(self.made.named(PERSON))

    def test_a_request_that_fails_does_not_stop_the_others(self):
        self.confirm()
        self.night(days=15)
        self.made.fill("u-8", name="Eva", email="eva@x.example")
        self.made.fill("u-9", tenant="globex", name="Ann", email="ann@x.example")
        requests = [self.made.ask("u-8"), self.made.ask("u-9", "globex")]
        for request in requests:
            self.made.agree(request)
            self.made.complete(request, "--when-due")
        self.made.key_files()[0].unlink()
        answer = self.night(expect=1, days=15)
        self.assertEqual(answer.json["erasures"]["completed"], requests[1:], answer)
        self.assertEqual([line["request_id"] for line in answer.json["erasures"]["failed"]], requests[:1])
        self.assertEqual(answer.json["outcome"], "failed")
        self.assertTrue(self.made.named("u-8"))
        self.assertEqual(self.made.named("u-9"), set())
        self.assertNotIn("u-8", " ".join(names_in(answer.json)))


class Blocked(Nightly):
    def rows(self):
        return self.made.deeds(BLOCKED)

    def test_a_hold_leaves_one_row_until_thirty_days_or_other_holds(self):
        self.made.dispute("D-1")
        self.confirm()
        report = self.night(days=15).json
        self.assertEqual(report["erasures"]["blocked"], [{"request_id": self.request, "why": "holds"}])
        self.assertEqual(len(self.rows()), 1)
        report = self.night(days=1).json
        self.assertEqual(report["erasures"]["blocked"], [{"request_id": self.request, "why": "holds"}])
        self.night(days=28)
        self.assertEqual(len(self.rows()), 1)
        self.night(days=1)
        self.assertEqual(len(self.rows()), 2)
        self.night(days=1)
        self.assertEqual(len(self.rows()), 2)
        self.made.dispute("D-2")
        self.night(days=1)
        self.assertEqual(len(self.rows()), 3)
        self.night(days=1)
        self.assertEqual(len(self.rows()), 3)
        with self.made.connection() as database:
            database.execute("DELETE FROM disputes")
        self.assertEqual(self.night(days=1).json["erasures"]["completed"], [self.request])
        self.assertEqual([event["actor"] for event in self.made.events(BLOCKED, DONE)], ["bob"] * 4)

    def test_an_attempt_of_a_person_always_leaves_a_row(self):
        self.made.dispute("D-1")
        self.confirm()
        self.night(days=15)
        for count in (2, 3):
            self.made.complete(self.request, expect=4)
            self.assertEqual(len(self.rows()), count)
        self.night(days=1)
        self.assertEqual(len(self.rows()), 3)

    def test_before_the_cooling_off_ends_one_row_is_enough(self):
        self.confirm()
        for _ in range(3):
            self.night(days=1)
        self.assertEqual(self.made.deeds(COOL_OFF), [COOL_OFF])
        self.night(days=15)
        self.assertEqual(self.made.deeds(DONE, COOL_OFF, BLOCKED), [COOL_OFF, DONE])


class Deadlines(Nightly):
    def due(self, **time):
        erasures = self.night(**time).json["erasures"]
        return erasures["due_soon"], erasures["overdue"], erasures["open"]

    def test_what_is_due_within_seven_days_and_what_is_overdue_is_listed(self):
        self.assertEqual(self.made.show(self.request)["request"]["deadline"], "2030-02-02T00:00:00Z")
        self.assertEqual(self.due(days=24), ([], [], 1))
        self.assertEqual(self.due(days=1), ([self.request], [], 1))
        self.assertEqual(self.due(days=6), ([self.request], [], 1))
        self.assertEqual(self.due(days=1), ([], [self.request], 1))
        self.assertEqual(self.made.show(self.request)["request"]["answer"], "overdue")

    def test_a_hold_does_not_stop_the_clock_and_an_extension_does_once(self):
        self.made.dispute()
        self.assertEqual(self.due(days=25), ([self.request], [], 1))
        answer = self.made.erasure("extend", self.request, "--reason", "three systems, one in migration", who="bob")
        self.assertEqual(answer.json["request"]["deadline"], "2030-04-02T00:00:00Z")
        self.assertEqual(self.due(days=10), ([], [], 1))
        self.assertEqual(self.due(days=60), ([], [self.request], 1))

    def test_what_has_ended_is_not_listed(self):
        self.made.erasure("reject", self.request, "--reason", "unfounded", who="bob")
        self.made.clock.set(ASKED)
        self.assertEqual(self.due(days=40), ([], [], 0))


if __name__ == "__main__":
    unittest.main()

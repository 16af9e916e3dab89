# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The run clock, under a system clock that jumps, goes back, stands still, and is put right (libfaketime)."""

import datetime
import unittest

from audit_world import COMPLETED, FAILED, at, config_with, days, deletable_from, rfc3339_ms, to_ms, world

START = at("2030-01-01T02:00:00")
STEP = days(8)
WINDOW = "90 days"
# Events of the time ahead are in the future once the clock is right again, and these logs are small.
TOLERANT = {"safety": {"max_bad_time_share": 0.5}}


def minutes(count):
    return datetime.timedelta(minutes=count)


class ClockWorld(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world(config_with(TOLERANT)))
        self.times = {}
        for back in range(200):
            time = START - days(back)
            self.times[self.made.insert(time)[0]] = time

    def run_at(self, instant, **options):
        self.made.clock.set(instant)
        return self.made.run(**options)

    def due_at(self, run_clock):
        return {key for key, time in self.times.items() if deletable_from(time, WINDOW) <= run_clock}

    def assert_pruned_as_of(self, run_clock, answer):
        """Exactly the rows that are due at this run clock are gone, and the report and the ledger say so."""
        self.assertEqual(self.made.ids(), set(self.times) - self.due_at(run_clock), answer)
        self.assertEqual(rfc3339_ms(answer.json["as_of"]), to_ms(run_clock), answer)
        self.assertEqual(self.made.clocks()[-1], (self.made.clock.now_ms, to_ms(run_clock)))

    def assert_nothing_touched(self, call, *arguments, **options):
        rows, clocks = self.made.rows(), self.made.clocks()
        answer = call(*arguments, **options)
        self.assertEqual(self.made.rows(), rows, answer)
        self.assertEqual(self.made.clocks(), clocks, answer)
        return answer


class Ahead(ClockWorld):
    def test_night_by_night_the_run_clock_is_the_system_clock(self):
        for night in range(4):
            answer = self.run_at(START + days(night), expect=0)
            self.assert_pruned_as_of(START + days(night), answer)
            self.assertFalse(any("clock_clamped" in warning for warning in answer.json["warnings"]), answer)

    def test_ten_years_ahead_frees_eight_days_and_says_so(self):
        self.run_at(START, expect=0)
        answer = self.run_at(at("2040-01-01T02:00:00"), expect=0)
        self.assertEqual(answer.json["outcome"], "completed")
        self.assert_pruned_as_of(START + STEP, answer)
        self.assertEqual(answer.json["deleted"], 8)
        self.assertTrue(any("clock_clamped" in warning for warning in answer.json["warnings"]), answer)
        self.assertTrue(any("log_idle_or_clock_ahead" in warning for warning in answer.json["warnings"]), answer)

    def test_a_plan_under_a_jumped_clock_says_what_that_run_will_do(self):
        self.run_at(START, expect=0)
        self.made.clock.set(at("2040-01-01T02:00:00"))
        plan = self.assert_nothing_touched(self.made.plan).json
        self.assertEqual(rfc3339_ms(plan["as_of"]), to_ms(START + STEP))
        self.assertEqual(self.made.run(expect=0).json["deleted"], plan["deleted"])

    def test_a_long_outage_is_caught_up_eight_days_a_night(self):
        self.run_at(START, expect=0)
        for night in range(5):
            answer = self.run_at(START + days(300 + night), expect=0)
            self.assert_pruned_as_of(START + (night + 1) * STEP, answer)

    def test_a_stamp_and_a_grace_do_not_open_by_a_jump(self):
        stamped = self.made.insert(at("2029-01-01"), retain_until=to_ms(at("2035-01-01")))[0]
        held = self.made.insert(at("2029-01-01"), tenant="acme")[0]
        self.made.release(self.made.freeze("--tenant=acme"))
        self.run_at(START, expect=0)
        report = self.run_at(at("2040-01-01T02:00:00"), expect=0).json
        self.assertEqual(report["kept_by_reason"]["row_stamp"], 1)
        self.assertEqual(report["kept_by_reason"]["hold_grace"], 1)
        self.assertLessEqual({stamped, held}, self.made.ids())


class Back(ClockWorld):
    def setUp(self):
        super().setUp()
        self.run_at(START, expect=0)
        self.run_at(at("2040-01-01T02:00:00"), expect=0)
        self.now = START + days(1)

    def test_the_run_is_refused_with_its_event_and_stores_no_clock(self):
        before = len(self.made.events(FAILED))
        answer = self.assert_nothing_touched(self.run_at, self.now, expect=4)
        self.assertEqual(answer.json["outcome"], "refused")
        self.assertEqual(answer.json["error"]["reason"], "clock_went_back")
        self.assertIn("approve --clock", answer.json["error"]["message"])
        self.assertEqual(answer.json["deleted"], 0)
        self.assertEqual(answer.json["kept"], answer.json["rows_before"])
        events = self.made.events(FAILED)
        self.assertEqual(len(events), before + 1)
        self.assertEqual(events[-1]["metadata"]["error"]["reason"], "clock_went_back")
        self.assertEqual(events[-1]["occurred_at"], to_ms(self.now))

    def test_plan_check_and_status_say_that_a_run_would_be_refused(self):
        self.made.clock.set(self.now)
        self.assertEqual(self.made.plan().json["would_be_refused"], "clock_went_back")
        check = self.made.call("check", "--json", expect=4).json
        self.assertTrue(any("before the last run" in finding["message"] for finding in check["findings"]), check)
        self.assertTrue(self.made.call("status", "--json", expect=0).json["clock_refused"])

    def test_facts_are_refused_and_a_hold_is_not(self):
        hold = self.made.freeze("--everything").json["hold"]
        digest = self.made.save_plan()
        self.made.clock.set(self.now)
        changed = self.made.folder / "changed.toml"
        changed.write_text(self.made.config_file.read_text().replace("90 days", "91 days"))
        for words in (
            ("approve", digest),
            ("hold", "release", hold, "--reason", "closed"),
            ("hold", "review", hold, "--until", "2031-01-01", "--reason", "appeal"),
            ("policy", "apply", changed, "--reason", "contract"),
        ):
            answer = self.assert_nothing_touched(self.made.call, *words, "--as", "alice", expect=4)
            self.assertIn("clock", answer.stderr, answer)
        self.made.freeze("--tenant=acme", "--future")

    def test_an_administrator_sets_the_clock_back(self):
        self.made.clock.set(self.now)
        answer = self.made.call("approve", "--clock", "--as", "alice", "--json", expect=0).json
        self.assertEqual(rfc3339_ms(answer["run_clock_before"]), to_ms(START + STEP))
        self.assertEqual(rfc3339_ms(answer["system_clock_before"]), to_ms(at("2040-01-01T02:00:00")))
        self.assertEqual(rfc3339_ms(answer["run_clock"]), to_ms(self.now))
        self.assertEqual(self.made.clocks()[-1], (to_ms(self.now), to_ms(self.now)))
        answer = self.run_at(self.now, expect=0)
        self.assertEqual(answer.json["deleted"], 0)
        self.assertEqual(rfc3339_ms(answer.json["as_of"]), to_ms(self.now))
        journal = self.made.query("SELECT who, what FROM holdfast_journal WHERE what = 'clock_set'")
        self.assertEqual(journal, [("alice", "clock_set")])

    def test_who_is_no_administrator_sets_no_clock(self):
        self.made.clock.set(self.now)
        answer = self.assert_nothing_touched(self.made.call, "approve", "--clock", "--as", "mallory", expect=4)
        self.assertIn("mallory", answer.stderr)

    def test_instants_of_the_time_ahead_are_lowered_and_listed(self):
        held = self.made.insert(at("2029-01-01"), tenant="acme")[0]
        self.made.release(self.made.freeze("--tenant=acme"))
        bad = self.made.insert(0)[0]
        self.made.clock.advance(days=1)
        self.made.run(expect=0)
        self.assertEqual(self.made.query("SELECT seen_at_ms FROM holdfast_first_seen"), [(self.made.clock.now_ms,)])
        self.made.clock.set(self.now)
        lowered = self.made.call("approve", "--clock", "--as", "alice", "--json", expect=0).json["lowered"]
        self.assertTrue(any("hold" in line for line in lowered), lowered)
        self.assertTrue(any("first" in line for line in lowered), lowered)
        self.assertEqual(self.made.query("SELECT released_at_ms FROM holdfast_hold"), [(to_ms(self.now),)])
        self.assertEqual(self.made.query("SELECT max(seen_at_ms) FROM holdfast_first_seen"), [(to_ms(self.now),)])
        # Without that the grace would last until 2040; so it lasts its thirty days from now on.
        for night in (7, 14, 21, 28):
            self.run_at(self.now + days(night), expect=0)
            self.assertIn(held, self.made.ids())
        self.run_at(self.now + days(31), expect=0)
        self.assertNotIn(held, self.made.ids())
        self.assertIn(bad, self.made.ids())


    def test_a_hold_placed_in_the_time_ahead_is_released_like_any_other(self):
        held = self.made.insert(at("2029-01-01"), tenant="acme")[0]
        hold = self.made.freeze("--tenant=acme")
        self.made.clock.set(self.now)
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        self.made.release(hold)
        for night in (7, 14, 21, 28):
            self.run_at(self.now + days(night), expect=0)
            self.assertIn(held, self.made.ids())
        self.run_at(self.now + days(31), expect=0)
        self.assertNotIn(held, self.made.ids())
        self.assertEqual(self.made.call("verify", "--json", expect=0).json["problems"], [])

    def test_an_approval_given_in_the_time_ahead_does_not_last_until_then(self):
        limits = {"safety": {"max_category_share": 0.0, "limit_min_rows": 1, "max_bad_time_share": 0.5}}
        self.made.write_config(config_with(limits))
        self.made.approve(self.made.save_plan())
        self.made.clock.set(self.now)
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        self.made.clock.set(self.now + days(7) + datetime.timedelta(seconds=1))
        report = self.made.run().json
        self.assertIsNone(report["approved_plan"], report)


class SmallSteps(ClockWorld):
    def test_a_hold_that_is_released_some_minutes_before_it_was_placed_is_released(self):
        self.run_at(START, expect=0)
        held = self.made.insert(at("2029-01-01"), tenant="acme")[0]
        hold = self.made.freeze("--tenant=acme")
        self.made.clock.advance(minutes=-4)
        self.made.release(hold)
        for night in (7, 14, 21, 28):
            self.run_at(START + days(night), expect=0)
            self.assertIn(held, self.made.ids())
        self.run_at(START + days(31), expect=0)
        self.assertNotIn(held, self.made.ids())

    def test_five_minutes_behind_is_borne_and_the_run_clock_stays(self):
        self.run_at(START, expect=0)
        for behind in (minutes(1), minutes(5)):
            answer = self.run_at(START - behind, expect=0)
            self.assertEqual(rfc3339_ms(answer.json["as_of"]), to_ms(START))
            self.run_at(START, expect=0)
        self.assert_nothing_touched(self.run_at, START - minutes(5) - datetime.timedelta(seconds=1), expect=4)

    def test_creeping_back_five_minutes_at_a_time_is_refused_in_the_end(self):
        self.run_at(START, expect=0)
        statuses = [self.run_at(START - minutes(4 * step)).exit_status for step in (1, 2, 3)]
        self.assertEqual(statuses, [0, 4, 4])

    def test_a_frozen_clock_frees_nothing_more(self):
        self.run_at(START, expect=0)
        for _ in range(10):
            answer = self.run_at(START, expect=0)
            self.assertEqual(answer.json["deleted"], 0)
            self.assert_pruned_as_of(START, answer)

    def test_a_loop_of_runs_cannot_walk_ten_years(self):
        self.run_at(START, expect=0)
        ahead = at("2040-01-01T02:00:00")
        self.run_at(ahead, expect=0)
        for again in range(1, 21):
            answer = self.run_at(ahead + minutes(again), expect=0)
        self.assert_pruned_as_of(START + STEP + minutes(20), answer)

    def test_within_twenty_hours_the_run_clock_moves_no_further_than_the_system_clock(self):
        self.run_at(START, expect=0)
        ahead = at("2040-01-01T02:00:00")
        self.run_at(ahead, expect=0)
        ahead += datetime.timedelta(hours=19, minutes=59)
        answer = self.run_at(ahead, expect=0)
        clock = START + STEP + datetime.timedelta(hours=19, minutes=59)
        self.assert_pruned_as_of(clock, answer)
        ahead += datetime.timedelta(hours=20)
        self.assert_pruned_as_of(clock + STEP, self.run_at(ahead, expect=0))

    def test_after_an_outage_an_administrator_may_set_the_clock_forward(self):
        self.run_at(START, expect=0)
        now = START + days(60)
        self.made.clock.set(now)
        before = rfc3339_ms(self.made.plan().json["as_of"])
        self.assertEqual(before, to_ms(START + STEP))
        answer = self.made.call("approve", "--clock", "--as", "bob", "--json", expect=0).json
        self.assertEqual(answer["lowered"], [])
        self.assertEqual(answer["set_by"], "bob")
        self.assert_pruned_as_of(now, self.run_at(now, expect=0))

    def test_reading_and_placing_store_no_clock(self):
        self.run_at(START, expect=0)
        self.made.clock.set(START + days(3))
        for words in (
            ("plan",),
            ("plan", "--save"),
            ("check",),
            ("status",),
            ("explain", "1"),
            ("policy", "show"),
            ("catalogue",),
            ("report",),
            ("hold", "place", "--matter", "M", "--reason", "r", "--everything", "--as", "alice"),
            ("hold", "list"),
            ("bookmark", "set", "webhooks", "1", "--as", "alice"),
            ("init",),
        ):
            self.assert_nothing_touched(self.made.call, *words, expect=0)

    def test_every_run_that_passes_the_clock_stores_it_whatever_its_outcome(self):
        self.run_at(START, expect=0)
        stored = len(self.made.clocks())
        self.made.write_config(config_with({"safety": {"max_category_share": 0.01, "limit_min_rows": 1}}))
        self.run_at(START + days(1), expect=4)
        self.assertEqual(len(self.made.clocks()), stored + 1)
        self.assertEqual(self.made.clocks()[-1], (to_ms(START + days(1)),) * 2)

    def test_an_idle_log_or_a_clock_ahead_is_warned_of(self):
        newest = START + days(20)
        self.made.write_config(config_with(TOLERANT, {"events": {"own_events": "holdfast"}}))
        self.made.insert(newest)
        for later, warned in ((days(7), False), (days(7) + datetime.timedelta(seconds=1), True), (days(30), True)):
            with self.subTest(later=str(later)):
                report = self.run_at(newest + later, expect=0).json
                found = any("log_idle_or_clock_ahead" in warning for warning in report["warnings"])
                self.assertEqual(found, warned, report["warnings"])
                check = self.made.call("check", "--json", expect=0).json
                found = any("log_idle_or_clock_ahead" in finding["message"] for finding in check["findings"])
                self.assertEqual(found, warned)


class FirstRun(unittest.TestCase):
    def test_it_takes_the_system_clock_and_prints_it_with_the_approval_it_asks_for(self):
        with world(config_with({"safety": {"first_run_needs_approval": True}})) as made:
            made.insert(at("2029-01-01"))
            answer = made.run(expect=4)
            self.assertEqual(answer.json["error"]["reason"], "first_run_not_approved")
            self.assertIn("2030-01-01T02:00:00", answer.json["error"]["message"])
            self.assertIn("approve", answer.json["error"]["message"])
            self.assertEqual(made.clocks(), [(to_ms(START), to_ms(START))])
            self.assertEqual([event["code"] for event in made.events(COMPLETED, FAILED)], [FAILED])


if __name__ == "__main__":
    unittest.main()

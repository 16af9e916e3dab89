# SPDX-License-Identifier: Apache-2.0
"""A hold placed by another process while a run is under way saves its rows: all that it covers at its commit stay."""

import signal
import unittest

from audit_world import at, config_with, days, world
from hold_race import HoldRace
from run_watch import StartedRun, wait_for_slices

ANOTHER_RUN = 11
NOW = at("2030-01-01T02:00:00")
SLOW = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}}
PEOPLE = 20
DUE_EACH = 200


class HoldRaceTest(unittest.TestCase):
    """The people take turns in the log, so that every slice would delete rows of each."""

    def make(self, *changes):
        made = self.enterContext(world(config_with(SLOW, *changes), now="2030-01-01T02:00:00"))
        with made.connection() as database:
            time_ms = made.clock.now_ms - 200 * 86_400_000
            rows = [(time_ms + number, f"person-{number % PEOPLE}") for number in range(PEOPLE * DUE_EACH)]
            database.executemany(
                "INSERT INTO audit_events (occurred_at, tenant, code, actor) VALUES (?, 'acme', 'ACCOUNT_PROFILE_UPDATE', ?)", rows
            )
        return made

    def start_and_wait(self, made, slices, run_id=1):
        run = self.enterContext(StartedRun(made))
        self.assertTrue(wait_for_slices(made.database, run_id, slices, run), run)
        return run

    def check_end(self, made, race, run):
        """The run completed, and neither it nor the nights that follow took a held row."""
        self.assertEqual(run.finish(), 0, run)
        report = run.json
        self.assertEqual(report["outcome"], "completed", run)
        self.assertEqual(report["deleted"] + report["kept"], report["rows_before"])
        race.check(self)
        self.assertEqual(report["kept_by_reason"]["hold"], len(race.saved()))
        for _ in range(2):
            made.clock.advance(days=1)
            answer = made.run(expect=0)
            self.assertEqual(answer.json["deleted"], 0, answer)
            race.check(self)

    def test_a_hold_placed_between_plan_and_run_saves_its_rows(self):
        made = self.make({"safety": {"first_run_needs_approval": True, "max_category_share": 0.2}})
        race = HoldRace(made)
        digest = made.save_plan()
        made.approve(digest)
        race.place_by_command("person-3")
        answer = made.run(expect=0)
        self.assertEqual(answer.json["approved_plan"], digest)
        self.assertEqual(answer.json["deleted"], (PEOPLE - 1) * DUE_EACH)
        self.assertEqual(answer.json["kept_by_reason"]["hold"], DUE_EACH)
        race.check(self)
        self.assertEqual(len(race.saved()), DUE_EACH)
        made.clock.advance(days=1)
        self.assertEqual(made.run(expect=0).json["deleted"], 0)
        race.check(self)

    def test_a_hold_placed_between_saving_the_plan_and_its_approval_saves_its_rows(self):
        made = self.make({"safety": {"first_run_needs_approval": True, "max_category_share": 0.2}})
        race = HoldRace(made)
        digest = made.save_plan()
        race.place_by_command("person-3")
        made.approve(digest)
        self.assertEqual(made.run(expect=0).json["deleted"], (PEOPLE - 1) * DUE_EACH)
        race.check(self)

    def test_a_hold_placed_between_two_slices_by_command_saves_its_rows(self):
        made = self.make()
        race = HoldRace(made)
        run = self.start_and_wait(made, 3)
        race.place_by_command("person-3")
        self.check_end(made, race, run)
        self.assertTrue(0 < len(race.saved()) < DUE_EACH, "the hold came before or after all slices")

    def test_a_hold_placed_between_two_slices_by_another_program_saves_its_rows(self):
        made = self.make()
        race = HoldRace(made)
        run = self.start_and_wait(made, 3)
        race.place_directly("person-4")
        self.check_end(made, race, run)
        self.assertTrue(0 < len(race.saved()) < DUE_EACH, "the hold came before or after all slices")

    def test_every_hold_of_many_saves_its_rows_in_one_run(self):
        made = self.make()
        race = HoldRace(made)
        run = self.start_and_wait(made, 2)
        for number in range(6):
            place = race.place_directly if number % 2 else race.place_by_command
            place(f"person-{number}")
        self.check_end(made, race, run)

    def test_a_second_run_is_turned_away_while_a_hold_comes(self):
        made = self.make()
        race = HoldRace(made)
        run = self.start_and_wait(made, 2)
        made.run(expect=ANOTHER_RUN)
        race.place_by_command("person-5")
        self.assertEqual(made.query("SELECT count(*) FROM holdfast_run"), [(1,)])
        self.check_end(made, race, run)

    def test_a_hold_placed_while_a_run_is_killed_saves_its_rows_from_the_next(self):
        made = self.make()
        race = HoldRace(made)
        run = self.start_and_wait(made, 3)
        race.place_directly("person-6")
        run.send(signal.SIGKILL)
        run.finish()
        race.check(self)
        answer = made.run(expect=0)
        self.assertEqual(answer.json["kept_by_reason"]["hold"], len(race.saved()), answer)
        race.check(self)

    def test_a_released_hold_keeps_its_rows_for_the_grace(self):
        made = self.make()
        race = HoldRace(made)
        run = self.start_and_wait(made, 2)
        race.place_by_command("person-7")
        race.release_by_command("person-7")
        self.assertEqual(run.finish(), 0, run)
        race.check(self)
        kept = run.json["kept_by_reason"]
        self.assertEqual(kept["hold"] + kept["hold_grace"], len(race.saved()), run)
        made.clock.set(NOW + days(29))
        made.run()
        race.check(self)


if __name__ == "__main__":
    unittest.main()

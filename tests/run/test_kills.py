# SPDX-License-Identifier: Apache-2.0
"""A run killed on its way loses nothing that is protected, leaves no row unattested, and is closed by the next one.

A few kills only; test_slow_kills.py goes on until every step was hit.
"""

import unittest

from holdfast_cli import work_folder
from kill_count import KillCount
from kill_world import NOT_OPENED, OVER, Evidence, Killer, KillWorld, remains, title, undisturbed


class KillTest(unittest.TestCase):
    rows = 3000

    def setUp(self):
        self.killer = Killer(seed=self.id())
        self.count = KillCount(least=0)

    def series(self, world, expected, folder, kills):
        """Kills some runs, one after the other, then lets one go to its end."""
        program = world.copy_to(folder)
        ran_before = Evidence(program, folder).lines[-1].id
        dead = []
        for _ in range(kills):
            evidence, phase = self.kill(program, folder)
            problems = evidence.problems(world.before, world.must_stay, ran_before)
            self.count.found(problems)
            self.assertEqual(problems, [], f"killed in {title(phase)}")
            if phase == OVER:
                break
            if phase != NOT_OPENED:
                dead.append(evidence.lines[-1].id)
        left_open = [line.id for line in evidence.lines if line.outcome is None]
        answer = program.run(expect=0)
        self.assertEqual(answer.json["outcome"], "completed", answer)
        self.assertEqual(answer.json["closed_dead_runs"], left_open, answer)
        evidence = Evidence(program, folder)
        problems = evidence.problems(world.before, world.must_stay, ran_before)
        self.count.found(problems)
        self.assertEqual(problems, [], f"dead: {dead}\n{answer}")
        closed = {line.id: (line.outcome, line.reason) for line in evidence.lines}
        self.assertEqual({id: closed[id] for id in dead}, dict.fromkeys(dead, ("failed", "found_dead")))
        rows, reasons = remains(program, world.before)
        self.assertEqual(rows, expected[0])
        self.assertEqual(reasons, expected[1])

    def kill(self, program, folder):
        evidence, phase, exit_status = self.killer.kill_one(program, folder)
        self.assertIn(exit_status, (-9, 0) if phase == OVER else (-9,))
        if exit_status == -9:
            self.count.killed()
        return evidence, phase

    def check_in(self, journal_mode):
        with work_folder() as world_folder, work_folder() as other:
            world = KillWorld(world_folder, self.rows, journal_mode)
            expected = undisturbed(world, other)
            self.assertLess(len(expected[0]), len(world.before), "nothing was due")
            self.assertLessEqual(world.must_stay, set(expected[0]))
            try:
                self.kill_series(world, expected)
            finally:
                self.count.tell(f"{journal_mode}, runs")
        print(f"\n{journal_mode}, killed in  {self.killer}", flush=True)

    def kill_series(self, world, expected):
        for kills in (1, 4):
            with work_folder() as folder:
                self.series(world, expected, folder, kills)

    def test_a_killed_run_is_made_good_by_the_next_in_wal_mode(self):
        self.check_in("WAL")

    def test_a_killed_run_is_made_good_by_the_next_in_rollback_mode(self):
        self.check_in("DELETE")


if __name__ == "__main__":
    unittest.main()

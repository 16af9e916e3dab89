# SPDX-License-Identifier: Apache-2.0
"""A completion that is killed leaves the person wholly there or wholly erased, and can be done again.

A few kills only; test_slow_erasure_kills.py goes on.
"""

import unittest

from erasure_kills import ERASED, THERE, DoomedWorld, EraseKiller, Evidence, check_audit_rows, check_copy
from erasure_world import EMAIL, NAME, PERSON, TENANT, erasure_world
from holdfast_cli import work_folder
from kill_count import KillCount


class EraseKillTest(unittest.TestCase):
    rows = 300
    kills = 3

    def check_in(self, journal_mode):
        with erasure_world(journal_mode=journal_mode) as home, work_folder() as other:
            world = DoomedWorld(home.folder, home.clock.now)
            world.prepare(self.rows)
            evidence = Evidence(world, other)
            killer = EraseKiller(f"{self.id()} {journal_mode}", evidence.length_s)
            self.count = KillCount(self.kills)
            tries = 0
            try:
                while tries < self.kills or (self.count.asked_for and not self.count.enough):
                    self.kill_and_complete(world, evidence, killer)
                    tries += 1
            finally:
                self.count.tell(f"{journal_mode}, erasures")
        print(f"\n{journal_mode}, found after the kill  {dict(killer.hits)}", flush=True)
        return killer.hits

    def kill_and_complete(self, world, evidence, killer):
        with work_folder() as folder:
            program = world.copy_to(folder)
            status = killer.kill_one(program)
            self.assertIn(status, (-9, 0))
            if status == -9:
                self.count.killed()
            state = evidence.state(program)
            killer.hits[state if status == -9 else "over before the kill"] += 1
            check_audit_rows(self, program, state)
            check_copy(self, program, state, tidied=False)
            answer = program.complete_again()
            self.assertEqual(answer.json["outcome"], "done" if state == THERE else "unchanged", answer)
            self.assertEqual(evidence.state(program), ERASED)
            check_audit_rows(self, program, ERASED)
            if state == ERASED:
                program.run(expect=0)
            check_copy(self, program, ERASED, tidied=True)
            token = program.token(TENANT)
            self.assertEqual(program.query("SELECT DISTINCT customer FROM orders"), [(token,)])
            if state == THERE:
                self.assertEqual(program.traces(PERSON, NAME, EMAIL), self.known_traces(program))

    @staticmethod
    def known_traces(program):
        """The hold that was overridden still names the person, and has to."""
        return [(program.database.name, PERSON)]

    def test_in_wal_mode(self):
        self.check_in("WAL")

    def test_in_rollback_mode(self):
        self.check_in("DELETE")


if __name__ == "__main__":
    unittest.main()

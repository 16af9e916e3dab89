# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed, lose their connection or their server at random points: nothing that is held is gone, and the
ledger counts what is."""

import json
import random
import time
import unittest

from postgres_world import at, config_with, days, postgres_world

NOW = at("2030-01-01T02:00:00")
OLD = NOW - days(200)
ROUNDS = 4


class Cuts(unittest.TestCase):
    def test_nothing_held_is_gone_and_the_ledger_agrees(self):
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        with postgres_world(config_with(run={"max_lock": "20ms"})) as made:
            held = set(made.insert(OLD, tenant="acme", count=500))
            made.freeze("--tenant=acme")
            inserted = len(held)
            for turn in range(ROUNDS):
                made.insert(OLD, count=4000)
                inserted += 4000
                running = made.start("run")
                time.sleep(dice.uniform(0.02, 0.6))
                deed = dice.choice([running.kill, made.cut_connections, made.server.restart])
                deed()
                running.communicate(timeout=120)
                self.assertTrue(held <= made.ids(), f"seed {seed}, round {turn}, {deed}")
                made.clock.advance(hours=1)
            made.run(expect=0)
            self.assertEqual(made.ids(), held, f"seed {seed}")
            deleted = made.query("SELECT coalesce(sum(deleted), 0)::bigint AS n FROM holdfast_run_slice")[0][0]
            self.assertEqual(deleted, inserted - len(held), f"seed {seed}")
            closed = made.query("SELECT coalesce(sum(deleted), 0)::bigint AS n, count(*) AS runs FROM holdfast_run")
            self.assertEqual(closed[0][0], deleted, f"seed {seed}: {json.dumps(closed)}")
            made.call("verify", expect=0)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Outages of random length at random hours, with rows of good and of bad times: none goes before its time."""

import random
import unittest

from audit_world import days, world
from nightly_story import WINDOWS, Story, bad_times, story_config


class RandomOutages(unittest.TestCase):
    def test_no_row_goes_early_whatever_the_outages(self):
        for seed in range(6):
            with self.subTest(seed=seed), world(story_config(), "2028-02-20T02:00:00") as made:
                print(f"seed {seed}", flush=True)
                self.play(random.Random(seed), Story(self, made), made)

    def play(self, chance, story, made):
        for _ in range(60):
            for _ in range(chance.randrange(4)):
                made.clock.advance(hours=chance.randrange(1, 20))
                story.write(chance.choice(list(WINDOWS)), chance.choice([None, None, *bad_times(made.clock.now)]))
            made.clock.advance(hours=chance.choice([1, 12, 24, 24, 24, 24, 24 * 7, 24 * 30, 24 * 90]))
            story.night()
        last = made.clock.now
        for _ in range(120):
            made.clock.advance(days=4)
            story.night()
        self.assertEqual(story.still_there(last - days(1)), set())


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Everything off for 90 days, then nightly again: no row goes before its time, and every row goes in the end."""

import unittest

from audit_world import at, days, world
from nightly_story import Story, story_config

START = "2029-03-01T02:00:00"
OFF = days(90)


class OffForNinetyDays(unittest.TestCase):
    def test_the_job_is_off_and_the_application_goes_on(self):
        self.play(application_too=False)

    def test_everything_is_off(self):
        self.play(application_too=True)

    def play(self, application_too):
        with world(story_config(), START) as made:
            story = Story(self, made)
            for night in range(6):
                story.day(with_bad_times=night % 2 == 0)
                story.night()
            for _ in range(0, OFF.days, 9):
                if not application_too:
                    story.day(with_bad_times=True)
                    made.clock.advance(days=8)
                else:
                    made.clock.advance(days=9)
            back = made.clock.now
            self.assertEqual(back, at(START) + days(6) + OFF)
            clocks = [story.night()]
            for night in range(44):
                story.day(with_bad_times=night < 2)
                clocks.append(story.night())
            self.assertEqual(clocks[0], at(START) + days(6 + 8))  # one step, although 90 days have passed
            self.assertEqual(clocks[-1], made.clock.now)  # caught up
            # 40 days ahead is the latest time among them: that row is good once it is there, and 20 days old then.
            for _ in range(9):
                made.clock.advance(days=8)
                story.night()
            self.assertEqual(story.still_there(back + days(10)), set())


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The server's clock beside the machine's: no cut-off is later than either allows, and where they are apart nothing
goes."""

import datetime
import unittest

# pylint: disable=wrong-import-order
from postgres_world import FAILED, at, days, postgres_world, to_ms
from audit_world import deletable_from, rfc3339_ms

NOW = at("2030-01-01T02:00:00")
OLD = NOW - days(200)
YEARS = days(800)


class Apart(unittest.TestCase):
    def refused(self, ahead):
        made = self.enterContext(postgres_world())
        made.run(expect=0)
        clocks = made.clocks()
        ids = made.insert(OLD, count=3)
        made.clock.server_ahead = ahead
        answer = made.run(expect=4)
        self.assertEqual(answer.json["error"]["reason"], "clocks_apart")
        for clock in (NOW, NOW + ahead):
            self.assertIn(f"{clock:%Y-%m-%dT%H:%M}", answer.json["error"]["message"])
        self.assertEqual(made.ids(), set(ids))
        self.assertEqual(made.clocks(), clocks)
        self.assertEqual(made.events(FAILED)[-1]["metadata"]["error"]["reason"], "clocks_apart")
        self.assertEqual(made.plan().json["would_be_refused"], "clocks_apart")
        findings = made.call("check", "--json", expect=4).json["findings"]
        self.assertTrue(any("clock" in finding["message"] and finding["weight"] == "wrong" for finding in findings))
        self.assertTrue(made.call("status", "--json", expect=0).json["clock_refused"])
        made.call("approve", "--clock", "--as", "alice", expect=4)
        self.assertEqual(made.clocks(), clocks)
        hold = made.freeze("--everything")
        made.release(hold, expect=4)
        made.clock.server_ahead = datetime.timedelta(0)
        self.assertEqual(made.run(expect=0).json["deleted"], 0)
        made.call("verify", expect=0)

    def test_a_server_far_behind_or_ahead_refuses_the_run(self):
        self.refused(-YEARS)
        self.refused(YEARS)

    def test_six_minutes_are_too_many(self):
        self.refused(datetime.timedelta(minutes=-6))

    def test_a_machine_that_is_ahead_deletes_nothing_in_its_first_run(self):
        with postgres_world() as made:
            ids = made.insert(NOW - days(5), count=3)
            made.clock.advance(days=800)
            made.clock.server_ahead = -days(800)
            made.run(expect=4)
            self.assertEqual(made.ids(), set(ids))


class NotQuiteTheSame(unittest.TestCase):
    def test_the_earlier_clock_counts(self):
        event = at("2029-09-01T12:00:00")
        free = deletable_from(event, "90 days")
        for machine, server_ahead, gone in (
            (free + datetime.timedelta(minutes=1), datetime.timedelta(minutes=-3), False),
            (free - datetime.timedelta(minutes=2), datetime.timedelta(minutes=3), False),
            (free + datetime.timedelta(minutes=1), datetime.timedelta(seconds=0), True),
        ):
            with postgres_world(now=f"{machine:%Y-%m-%dT%H:%M:%S}") as made:
                made.insert(event)
                made.clock.server_ahead = server_ahead
                clock = made.run(expect=0).json["clock"]
                self.assertEqual(made.ids() == set(), gone, (machine, server_ahead))
                earlier = min(machine, machine + server_ahead)
                self.assertLess(abs(rfc3339_ms(clock["as_of"]) - to_ms(earlier)), 60_000, clock)
                self.assertLess(abs(rfc3339_ms(clock["server_now"]) - to_ms(machine + server_ahead)), 60_000, clock)


if __name__ == "__main__":
    unittest.main()

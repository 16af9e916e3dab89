# SPDX-License-Identifier: Apache-2.0
"""Copies of persons' data where somebody has written strange rows, moved folders or turned the clock."""

import json
import unittest

from audit_world import days
from erasure_world import PERSON, erasure_config, refused
from export_world import export_config, export_world

DEEP = (33, 199, 20_000, 300_000)
SAYINGS = ("told {} today", "escalated to {}.", "by {}: ok", "user:{}", "{}@example.com", "ops-{}-2", "„{}“")


def nested(levels):
    return '{"result":' + "[" * levels + '"x"' + "]" * levels + "}"


def add(made, metadata):
    made.insert(made.clock.now - days(5), tenant="acme", actor=PERSON, subject=PERSON, metadata=metadata)


class HostileRows(unittest.TestCase):
    def world(self):
        made = export_world(export_config({"erasure": {"keep_metadata": {"*": ["result"]}}}))
        return self.enterContext(made)

    def test_json_of_any_depth_stops_neither_a_copy_nor_a_run_nor_an_erasure(self):
        made = self.world()
        made.fill()
        for levels in DEEP:
            add(made, nested(levels))
        said = [row["metadata"] for row in made.copy_of().rows("audit_events") if "result" in (row["metadata"] or {})]
        self.assertEqual(len(said), 2)  # what nests deeper than 200 is no metadata
        for metadata in said:
            self.assertIn("[withheld]", json.dumps(metadata))
        made.ask_copy()
        self.assertEqual(made.call("run", "--json", expect=0).json["outcome"], "completed")
        made.export("destroy", 2, who=PERSON)
        made.complete(made.waiting())
        self.assertEqual(made.named(PERSON), set())

    def test_others_are_not_named_whatever_stands_around_their_name(self):
        # One world for each: a name that one text says plainly is looked for in all of them.
        for saying in SAYINGS:
            with self.subTest(saying):
                made = self.world()
                made.fill()
                made.insert(made.clock.now - days(5), tenant="acme", actor="carol", subject="carol")
                add(made, json.dumps({"result": saying.format("carol")}))
                add(made, json.dumps({"result": "Caroline"}))
                copy = made.copy_of()
                self.assertEqual(copy.where("carol"), [])
                self.assertTrue(copy.where("Caroline"))


class FolderAndClock(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(export_world())
        self.made.fill()

    def test_an_erasure_does_not_call_a_copy_destroyed_that_is_out_of_reach(self):
        self.made.copy_of()
        request = self.made.waiting()
        [file] = self.made.files()
        away = self.made.folder / "elsewhere"
        away.mkdir(mode=0o700)
        for config in (erasure_config(), export_config(export={"directory": "elsewhere", "keep": "30 days"})):
            self.made.write_config(config)
            answer = self.made.complete(request, expect=4)
            refused(self, self.made, answer, file, "[export]", "export destroy 1", exit_status=4)
            self.assertEqual(self.made.state(1), ("ready", ""))
            self.assertTrue(self.made.named(PERSON))
        self.made.write_config(export_config())
        self.assertEqual(self.made.complete(request).json["receipt"]["exports_destroyed"], [1])
        self.assertEqual(self.made.files(), [])

    def test_a_copy_that_was_made_while_the_clock_was_ahead_does_not_outlive_it(self):
        self.made.insert(self.made.clock.now - days(3), tenant="acme", count=500)  # among which a few bad times are few
        self.made.call("run", expect=0)
        right = self.made.clock.now + days(1)
        self.made.clock.advance(days=3650)
        self.made.ready()
        self.made.clock.set(right)
        lowered = self.made.call("approve", "--clock", "--as", "alice", "--json", expect=0).json["lowered"]
        self.assertTrue(any("copy of a person's data was made" in sentence for sentence in lowered), lowered)
        for _ in range(6):
            self.made.clock.advance(days=6)
            self.made.call("run", expect=0)
        self.assertEqual(self.made.state(1), ("destroyed", "expired"))
        self.assertEqual(self.made.files(), [])


if __name__ == "__main__":
    unittest.main()

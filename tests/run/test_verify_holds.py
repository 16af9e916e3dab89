# SPDX-License-Identifier: Apache-2.0
"""Somebody with a SQL client takes a hold away: `verify` compares the register with what the witness noted."""

import unittest

from audit_world import days, one_sentence, world
from erasure_world import PERSON, erasure_world


class HoldsAgainstTheWitness(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world())
        self.made.insert(self.made.clock.now - days(200), tenant="acme", subject="u-1", count=3)
        self.hold = self.made.freeze("--person=u-1", "--tenant=acme").json["hold"]
        self.made.freeze("--tenant=beta", "--future")
        self.made.run(expect=0)
        self.found(2)

    def found(self, compared, *reasons, notes=()):
        """`verify` says this and nothing else, also after the next run."""
        answer = self.made.call("verify", "--json", expect=1 if reasons else 0).json
        self.assertEqual(tuple(problem["reason"] for problem in answer["problems"]), reasons, answer)
        self.assertEqual(answer["checked"]["holds"]["compared"], compared)
        told = " ".join(answer["notes"])
        for note in notes:
            self.assertIn(note, told)
        self.assertEqual("knows of no command" in told, bool(notes), told)
        return answer

    def test_a_hold_that_was_deleted_with_its_terms(self):
        with self.made.connection() as database:
            database.execute("DELETE FROM holdfast_hold_term WHERE hold_id = ?", (self.hold,))
            database.execute("DELETE FROM holdfast_hold WHERE id = ?", (self.hold,))
        self.assertIn("hold 1 of matter", self.found(2, "hold_missing")["problems"][0]["message"])
        self.made.run(expect=0)
        self.found(2, "hold_missing")

    def test_a_hold_that_covers_something_else(self):
        self.made.query("UPDATE holdfast_hold_term SET value = 'u-2' WHERE value = 'u-1'")
        self.found(2, "hold_differs")
        self.made.run(expect=0)
        self.found(2, "hold_differs")
        self.assertNotIn("u-1", str(self.found(2, "hold_differs")))

    def test_a_hold_of_which_only_the_terms_are_left(self):
        self.made.query("DELETE FROM holdfast_hold WHERE id = ?", self.hold)
        self.found(2, "hold_unreadable")
        one_sentence(self, self.made.call("run", expect=1), "hold 1 cannot be read")

    def test_a_release_that_no_command_made(self):
        now = self.made.clock.now_ms
        self.made.query("UPDATE holdfast_hold SET released_at_ms = ?, released_by = 'x' WHERE id = ?", now, self.hold)
        self.found(2, notes=("hold 1 of matter",))
        self.made.run(expect=0)
        self.found(2, notes=("hold 1 of matter",))

    def test_what_commands_do_to_holds_is_as_it_should_be(self):
        self.made.call("hold", "review", self.hold, "--until", "2031-01-01", "--reason", "still", "--as", "alice")
        self.found(2)
        self.made.release_hold(self.hold)
        self.found(1)
        self.made.call("recover", "--new-witness", "--as", "alice", expect=(0, 4))
        self.made.run(expect=0)
        self.assertEqual(self.made.call("verify", "--json", expect=0).json["problems"], [])

    def test_an_erasure_that_adds_tokens_changes_nothing(self):
        made = self.enterContext(erasure_world())
        made.fill()
        made.freeze(f"--person={PERSON}", "--tenant=acme")
        request = made.waiting()
        made.override(request)
        made.run(expect=0)
        self.assertEqual(made.call("verify", "--json", expect=0).json["problems"], [])


if __name__ == "__main__":
    unittest.main()

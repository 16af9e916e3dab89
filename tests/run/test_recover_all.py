# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""What a restored backup has forgotten and `recover` has to know: policies, erasures, and that nothing is said to be well."""

import os
import unittest

from audit_world import at, config_with, days, is_root, world
from erasure_world import PERSON, erasure_config, erasure_world
from export_world import export_world
from holdfast_cli import require, toml_text
from witness_world import backup, restore, witness_file

NOW = at("2030-01-01T02:00:00")
SHORT, LONG = "30 days", "7 years"


def account(window, **more):
    return config_with({"retention": {"category": {"account": {"window": window} | more}}})


class Policies(unittest.TestCase):
    def apply(self, made, window):
        file = made.folder / "next.toml"
        file.write_text(toml_text(account(window)))
        made.call("policy", "apply", file, "--reason", "x", "--as", "alice", expect=0)

    def test_a_longer_window_that_was_applied_since_the_backup_still_has_its_delay(self):
        for restored in (False, True):
            with world(account(SHORT)) as made:
                made.insert(NOW - days(20), count=5)
                made.run(expect=0)
                kept = backup(made)
                for window, later in ((LONG, 1), (SHORT, 19)):
                    made.clock.advance(days=later)
                    self.apply(made, window)
                    made.clock.advance(hours=1)
                    made.run(expect=0)
                if restored:
                    restore(made, kept)
                    made.clock.advance(hours=1)
                    made.run(expect=4)
                    recovered = made.call("recover", "--as", "alice", "--json", expect=0).json
                    self.assertEqual(recovered["policies_put_back"], [2, 3])
                made.clock.advance(days=1)
                run = made.run(expect=0).json
                self.assertEqual((run["deleted"], run["kept_by_reason"]["policy_delay"]), (0, 5))
                self.assertTrue(made.call("verify", "--json", expect=0).json["ok"])

    def test_a_configuration_that_was_restored_too_is_a_change_that_waits(self):
        with world(account(SHORT)) as made:
            made.insert(NOW - days(28), count=5)
            made.run(expect=0)
            kept = backup(made)
            made.clock.advance(days=1)
            made.write_config(account(LONG))
            made.run(expect=0)
            restore(made, kept)
            made.write_config(account(SHORT))
            made.clock.advance(days=5)
            made.run(expect=4)
            recovered = made.call("recover", "--as", "alice", expect=0)
            self.assertIn("a version of the policy", recovered.stdout)
            run = made.run(expect=0).json
            self.assertEqual((run["deleted"], run["kept_by_reason"]["policy_delay"]), (0, 5))

    def test_a_policy_that_a_lock_refused_is_no_sign_of_tampering(self):
        with world(account("90 days", locked=True)) as made:
            made.insert(NOW - days(10), count=5)
            made.run(expect=0)
            for window, status in ((SHORT, 2), ("90 days", 0), ("100 days", 0)):
                made.write_config(account(window, locked=True))
                made.clock.advance(days=1)
                made.run(expect=status)
                self.assertEqual(made.call("verify", "--json", expect=0).json["problems"], [])

    def test_a_configuration_keeps_its_owner(self):
        require(is_root(), "only root can give a file away")
        with world(account(SHORT)) as made:
            made.run(expect=0)
            os.chown(made.config_file, 0, 65534)
            made.config_file.chmod(0o640)
            self.apply(made, LONG)
            facts = made.config_file.stat()
            self.assertEqual((facts.st_uid, facts.st_gid, facts.st_mode & 0o777), (0, 65534, 0o640))


class Erasures(unittest.TestCase):
    def test_one_that_a_hold_keeps_from_being_repeated_is_open_and_late(self):
        with erasure_world() as made:
            made.fill()
            made.run(expect=(0, 4))
            kept = backup(made)
            made.erased()
            hold = made.freeze(f"--person={PERSON}").json["hold"]
            restore(made, kept)
            made.clock.advance(days=1)
            made.run(expect=4)
            recovered = made.call("recover", "--as", "bob", "--json", expect=4).json
            self.assertEqual([line["why"] for line in recovered["erasures_held"]], ["holds"])
            made.clock.advance(days=1)
            made.run(expect=0)
            self.assertIn("erasures_overdue=1", made.call("status", "--nagios").stdout)
            made.erasure("reapply", who="bob", expect=4)
            opened = made.erasure("list", who="bob").json["erasures"]
            self.assertEqual([(line["state"], line["requested_by"]) for line in opened], [("requested", "bob")])
            held = made.call("hold", "list", "--json").json["holds"][0]["hold"]
            self.assertEqual(held, hold)
            made.release(made.call("hold", "show", held, "--json", expect=0))
            made.agree(opened[0]["id"])
            made.clock.advance(days=40)
            made.run(expect=0)
            made.complete(opened[0]["id"])
            self.assertEqual(made.named(PERSON), set())

    def test_those_of_a_file_that_is_given_up_are_repeated(self):
        with erasure_world() as made:
            made.fill()
            made.run(expect=(0, 4))
            kept, old = backup(made), witness_file(made).read_bytes()
            made.erased()
            made.freeze("--tenant=acme")
            made.run(expect=0)
            newer = witness_file(made).read_bytes()
            restore(made, kept)
            witness_file(made).write_bytes(old)
            made.run(expect=0)
            witness_file(made).write_bytes(newer)
            made.clock.advance(days=1)
            made.run(expect=4)
            answer = made.call("recover", "--new-witness", "--as", "bob", "--json", expect=(0, 4)).json
            self.assertEqual(len(answer["erased_again"]) + len(answer["erasures_held"]), 1, answer)


    def test_a_copy_that_was_destroyed_since_the_backup_is_not_in_the_way(self):
        with export_world() as made:
            made.fill()
            made.run(expect=0)
            export = made.ready()
            made.fetch(export)
            kept = backup(made)
            made.complete(made.waiting())
            made.run(expect=0)
            self.assertEqual(made.files(), [])
            restore(made, kept)
            made.clock.advance(days=1)
            made.run(expect=4)
            recovered = made.call("recover", "--as", "alice", "--json", expect=0).json
            self.assertEqual(len(recovered["erased_again"]), 1)
            self.assertEqual(made.named(PERSON), set())
            made.run(expect=0)


class Approvals(unittest.TestCase):
    def test_none_is_given_that_the_witness_could_not_know(self):
        with world() as made:
            made.insert(NOW - days(200), count=5)
            plan = made.save_plan()
            witness_file(made).write_text("no witness\n")
            self.assertIn("so none is given", made.call("approve", plan, "--as", "alice", expect=4).stderr)

    def test_a_plan_whose_rows_are_gone_is_spent_whatever_fails_afterwards(self):
        safety = {"max_category_share": 0.2, "limit_min_rows": 10}
        with erasure_world(erasure_config({"safety": safety})) as made:
            made.fill()
            made.insert(made.clock.now - days(1000), tenant="acme", count=100)
            made.run(expect=4)
            made.complete(made.waiting(), "--when-due")
            with made.connection() as database:
                database.execute("CREATE TRIGGER no BEFORE DELETE ON profiles BEGIN SELECT RAISE(ABORT, 'no'); END")
            made.approve(made.save_plan())
            first = made.run(expect=1).json
            self.assertGreaterEqual(first["deleted"], 100)
            made.insert(made.clock.now - days(91), tenant="t2", count=3)
            made.clock.advance(days=3)
            second = made.run(expect=1).json
            self.assertIsNone(second["approved_plan"])
            self.assertEqual(second["deleted"], 3)


class Clocks(unittest.TestCase):
    def test_a_run_clock_that_lags_is_told_to_monitors(self):
        with world(config_with({"safety": {"max_clock_step": "8 days"}})) as made:
            made.run(expect=0)
            self.assertIn("HOLDFAST OK", made.call("status", "--nagios", expect=0).stdout)
            made.clock.advance(days=40)
            made.insert(made.clock.now - days(1))
            made.run(expect=0)
            told = made.call("status", "--nagios", expect=1).stdout
            self.assertIn("the run clock is 32 days behind", told)


if __name__ == "__main__":
    unittest.main()

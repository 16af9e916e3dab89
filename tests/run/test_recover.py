# SPDX-License-Identifier: Apache-2.0
"""What `recover` must not lose or take on trust: holds that look alike, numbers given out twice, a file without texts."""

import json
import unittest

from audit_world import config_with
from witness_world import AGED, WitnessCase, backup, recover, require_chain, restore, witness_file


class Recover(WitnessCase):
    def test_holds_placed_in_one_millisecond_all_come_back(self):
        """They differ in nothing but what they cover; one is in the backup, one took a number since."""
        kept = {tenant: set(self.made.insert(AGED, tenant=tenant, count=2)) for tenant in ("a", "b", "c", "d")}
        self.made.freeze("--tenant=a")
        saved = backup(self.made)
        self.made.freeze("--tenant=b")
        self.made.freeze("--tenant=c")
        self.made.freeze("--tenant=c", "--person=u-1")
        restore(self.made, saved)
        self.made.freeze("--tenant=d")
        self.refused("restored_backup")
        answer = recover(self.made).json
        self.assertEqual([hold["had_number"] for hold in answer["holds_put_back"]], [2, 3, 4])
        holds = self.made.call("hold", "list", "--json", expect=0).json["holds"]
        covers = [(hold["covers"]["tenant"], hold["covers"]["person"]) for hold in holds]
        self.assertEqual(covers, [(["a"], []), (["d"], []), (["b"], []), (["c"], []), (["c"], ["u-1"])])
        self.ok()
        self.assertLessEqual(set().union(*kept.values()), self.made.ids())

    def test_runs_that_took_the_numbers_of_lost_ones_are_two_runs_for_ever(self):
        """Refused because the file was away, or invalid: neither can know which numbers are gone."""
        self.ok()
        saved = backup(self.made)
        lost = [self.ok().json["run_id"] for _ in range(3)]
        restore(self.made, saved)
        away = witness_file(self.made).rename(self.made.folder / "away")
        self.assertEqual(self.refused("witness_missing")["run_id"], lost[0])
        away.rename(witness_file(self.made))
        self.made.write_config(config_with({"safety": {"max_category_share": 7}}))
        self.made.clock.advance(days=1)
        self.assertEqual(self.made.run(expect=2).json["run_id"], lost[1])
        self.made.write_config(config_with())
        self.assertEqual(self.refused("restored_backup")["run_id"], lost[2] + 1)
        runs = recover(self.made).json["runs_lost"]
        self.assertEqual([run["number_taken"] for run in runs], [True, True, False])
        (line,) = (line for line in require_chain(self, self.made) if line["kind"] == "recovered")
        self.assertEqual((line["body"]["lost_runs"], line["body"]["numbers_taken"]), (lost[2:], lost[:2]))
        self.ok()
        found = self.made.call("verify", "--json", expect=0).json
        notes = [note for note in found["notes"] if "is two runs" in note]
        self.assertEqual([note.split(" is ")[0] for note in notes], [f"run {run}" for run in lost[:2]])
        with self.made.connection() as database:
            database.execute("UPDATE holdfast_run SET run_hash = 'x' WHERE id = ?", (lost[0],))
        reasons = [problem["reason"] for problem in self.made.call("verify", "--json", expect=1).json["problems"]]
        self.assertIn("run_differs", reasons)

    def test_an_approval_that_a_lost_run_used_up_is_not_there_again(self):
        """Also where the clock is set back later, to a day on which it would not have lapsed."""
        self.ok()
        self.made.insert(AGED, count=5)
        plan = self.made.call("plan", "--save", "--json", expect=(0, 4)).json["digest"]
        self.made.call("approve", plan, "--as", "alice", expect=0)
        saved = backup(self.made)
        self.assertEqual(self.ok().json["deleted"], 5)
        restore(self.made, saved)
        self.refused("restored_backup")
        self.assertEqual(recover(self.made).json["approvals_lost"], [plan])
        self.assertIsNone(self.made.call("plan", "--json").json["approved_plan"])
        self.assertEqual(self.ok().json["deleted"], 5)  # which are due without any approval

    def test_a_hold_whose_text_was_taken_out_of_the_file_is_missed(self):
        """Its chain is whole; a backup from before the hold would bring back neither."""
        self.ok()
        saved = backup(self.made)
        self.made.freeze("--tenant=acme")
        self.ok()
        lines = witness_file(self.made).read_text(encoding="utf-8").splitlines()
        hold = next(line for line in map(json.loads, lines) if line["kind"] == "hold")
        kept = {key: hold[key] for key in ("hash", "previous", "seq")} | {"kind": "withheld"}
        lines[hold["seq"] - 1] = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        witness_file(self.made).write_text("\n".join(lines) + "\n", encoding="utf-8")
        wanted = f"line {hold['seq']}: its text was taken out"
        self.assertIn(wanted, self.refused("witness_damaged")["error"]["message"])
        restore(self.made, saved)
        self.assertIn(wanted, self.refused("witness_damaged")["error"]["message"])

    def test_init_after_init_remove_begins_a_witness_of_its_own(self):
        self.made.freeze("--tenant=acme")
        self.ok()
        whole = witness_file(self.made).read_bytes()
        done = self.made.call("init", "--remove", "--json", expect=0).json["done"]
        (aside,) = self.made.folder.glob("audit.db.witness.removed-*")
        self.assertIn(str(aside), " ".join(done))
        self.assertEqual(aside.read_bytes(), whole)
        self.assertFalse(witness_file(self.made).exists())
        self.made.call("init", "--remove", expect=0)
        self.made.init()
        self.ok()
        self.assertEqual([line["kind"] for line in require_chain(self, self.made)], ["database", "policy", "run"])
        self.made.call("init", "--remove", expect=0)
        self.assertEqual(len(list(self.made.folder.glob("audit.db.witness.removed-*"))), 2)
        self.assertEqual(aside.read_bytes(), whole)


if __name__ == "__main__":
    unittest.main()

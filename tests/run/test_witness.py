# SPDX-License-Identifier: Apache-2.0
"""The witness file: it notices a restored backup, a file that was changed or lost, and `recover` brings things back."""

import json
import stat
import unittest
from pathlib import Path

from audit_world import config_with, one_sentence, rfc3339_ms, to_ms, world
from erasure_world import EMAIL, NAME, PERSON, TENANT, erasure_world
from witness_world import AGED, NOW, WitnessCase, backup, recover, require_chain, restore, witness_file


class Witness(WitnessCase):
    def test_every_deed_has_its_line(self):
        hold = self.made.freeze("--tenant=acme")
        self.made.call("hold", "review", hold.json["hold"], "--until", "2031-01-01", "--reason", "yes", "--as", "bob", expect=0)
        self.made.release(hold)
        self.made.approve(self.made.save_plan())
        self.made.call("approve", "--clock", "--as", "alice", expect=0)
        report = self.ok()
        lines = require_chain(self, self.made)
        self.assertEqual(
            [line["kind"] for line in lines], ["database", "hold", "hold", "hold", "approval", "clock", "policy", "run"]
        )
        self.assertEqual([line["body"]["deed"] for line in lines[1:4]], ["placed", "reviewed", "released"])
        run = lines[-1]["body"]
        self.assertEqual((run["run_id"], run["rows_after"]), (report.json["run_id"], report.json["rows_after"]))
        self.assertEqual(run["run_hash"], report.json["run_hash"] or "")
        self.assertEqual(stat.S_IMODE(witness_file(self.made).stat().st_mode), 0o600)
        self.assertEqual(self.made.call("status", "--json", expect=0).json["witness"]["state"], "in_step")

    def test_a_restored_backup_is_refused_until_it_is_recovered(self):
        self.ok()
        due = set(self.made.insert(AGED, tenant="acme", count=4))
        saved = backup(self.made)
        kept = self.made.freeze("--tenant=acme", matter="M-7").json["hold"]
        released = self.made.freeze("--person=u-1", matter="M-8")
        self.made.release(released)
        lost = self.ok()
        clock = self.made.clocks()[-1]
        restore(self.made, saved)
        refused = self.refused("restored_backup")
        self.assertEqual(refused["run_id"], lost.json["run_id"] + 1)
        self.refused("restored_backup")
        one_sentence(self, recover(self.made, who="mallory", expect=4), "mallory", "recover")
        answer = recover(self.made).json
        self.assertEqual([hold["matter"] for hold in answer["holds_put_back"]], ["M-7", "M-8"])
        self.assertEqual([hold["matter"] for hold in answer["holds_released_since"]], ["M-8"])
        self.assertEqual([run["run_id"] for run in answer["runs_lost"]], [lost.json["run_id"]])
        self.assertEqual(rfc3339_ms(answer["run_clock"]), clock[1])
        self.assertEqual(self.made.clocks()[-1], clock)
        holds = self.made.call("hold", "list", "--json", expect=0).json["holds"]
        self.assertEqual([hold["matter"] for hold in holds], ["M-7", "M-8"])
        self.assertEqual(holds[0]["hold"], kept)
        self.assertEqual(holds[1]["covers"]["person"], ["u-1"])
        report = self.ok()
        self.assertEqual(report.json["run_id"], refused["run_id"] + 2)
        self.assertLessEqual(due, self.made.ids())
        self.assertEqual(report.json["kept_by_reason"]["hold"], 4)
        kinds = [line["kind"] for line in require_chain(self, self.made)]
        self.assertEqual(kinds.count("recovered"), 1)
        self.assertEqual(kinds.count("run"), 1 + 1 + 2 + 1)
        self.assertEqual(recover(self.made).json["outcome"], "nothing_lost")
        self.made.call("hold", "release", holds[1]["hold"], "--reason", "again", "--as", "alice", expect=0)
        self.ok()

    def test_the_rows_of_a_lost_run_come_back_and_are_listed(self):
        self.made.insert(AGED, tenant="acme", count=4)
        self.ok()
        self.made.insert(AGED, tenant="acme", count=3)
        saved = backup(self.made)
        lost = self.ok()
        self.assertEqual(lost.json["deleted"], 3)
        restore(self.made, saved)
        (run,) = recover(self.made).json["runs_lost"]
        self.assertEqual((run["run_id"], run["deleted"], run["rows_back"]), (lost.json["run_id"], 3, 3))
        ledger = self.made.query("SELECT id, outcome, deleted FROM holdfast_run ORDER BY id")
        self.assertEqual(ledger, [(1, "completed", 4), (2, "completed", 3)])
        report = self.ok()
        self.assertEqual((report.json["run_id"], report.json["deleted"]), (3, 3))
        for verb in (("report", "2"), ("report", "list"), ("report", "2", "--json"), ("status",), ("explain", "1")):
            self.made.call(*verb, expect=0)

    def test_a_backup_from_before_the_first_line_is_noticed_too(self):
        saved = backup(self.made)
        self.made.freeze("--tenant=acme")
        restore(self.made, saved)
        self.refused("restored_backup")
        self.assertEqual(len(recover(self.made).json["holds_put_back"]), 1)
        self.ok()

    def test_what_is_done_before_recover_is_noted_after_it(self):
        self.ok()
        saved = backup(self.made)
        self.made.freeze("--tenant=acme", matter="M-1")
        restore(self.made, saved)
        late = self.made.freeze("--actor=u-2", matter="M-2")
        self.assertIn("restored_backup", late.stderr)
        recover(self.made)
        matters = {line["body"]["hold"]["matter"] for line in require_chain(self, self.made) if line["kind"] == "hold"}
        self.assertEqual(matters, {"M-1", "M-2"})
        holds = self.made.call("hold", "list", "--json", expect=0).json["holds"]
        self.assertEqual({hold["matter"] for hold in holds}, {"M-1", "M-2"})
        self.ok()

    def test_a_recover_that_is_killed_half_way_is_done_again(self):
        self.ok()
        saved = backup(self.made)
        self.made.freeze("--tenant=acme")
        restore(self.made, saved)
        before = witness_file(self.made).read_bytes()
        with self.made.connection() as database:
            database.execute(
                "CREATE TRIGGER no_more BEFORE INSERT ON holdfast_witness BEGIN SELECT RAISE(ABORT, 'stop'); END"
            )
        recover(self.made, expect=1)
        self.assertEqual(witness_file(self.made).read_bytes(), before)
        with self.made.connection() as database:
            database.execute("DROP TRIGGER no_more")
        self.refused("restored_backup")
        recover(self.made)
        holds = self.made.call("hold", "list", "--json", expect=0).json["holds"]
        self.assertEqual(len(holds), 1)
        self.ok()

    def test_a_crash_between_commit_and_file_is_repaired(self):
        self.ok()
        self.ok()
        last_line = len(witness_file(self.made).read_bytes().splitlines(keepends=True)[-1])
        for missing in (last_line, 1, 40):
            whole = witness_file(self.made).read_bytes()
            witness_file(self.made).write_bytes(whole[:-missing])
            self.assertNotIn("witness", " ".join(self.ok().json["warnings"]))
            self.assertTrue(witness_file(self.made).read_bytes().startswith(whole))
        whole = witness_file(self.made).read_bytes()
        witness_file(self.made).write_bytes(whole[: whole.index(b"\n") + 1])
        self.assertIn("witness_repaired", " ".join(self.ok().json["warnings"]))
        self.assertTrue(witness_file(self.made).read_bytes().startswith(whole))
        require_chain(self, self.made)

    def test_a_lost_file_is_refused_until_an_administrator_says_so(self):
        self.ok()
        witness_file(self.made).unlink()
        self.refused("witness_missing")
        one_sentence(self, recover(self.made, expect=4), "--new-witness")
        answer = recover(self.made, "--new-witness").json
        self.assertEqual((answer["state"], answer["old_witness"]), ("witness_missing", None))
        self.ok()
        lines = require_chain(self, self.made)
        self.assertEqual([line["kind"] for line in lines], ["database", "policy", "run", "recovered", "run", "run"])

    def test_a_line_changed_in_the_middle_is_named(self):
        self.made.freeze("--tenant=acme", matter="M-9")
        self.ok()
        text = witness_file(self.made).read_text(encoding="utf-8")
        witness_file(self.made).write_text(text.replace("M-9", "M-8"), encoding="utf-8")
        refused = self.refused("witness_damaged")
        self.assertIn("line 2:", refused["error"]["message"])
        answer = recover(self.made, "--new-witness").json
        self.assertEqual(Path(answer["old_witness"]).read_text(encoding="utf-8"), text.replace("M-9", "M-8"))
        self.assertEqual(answer["holds_put_back"], [])
        self.ok()
        require_chain(self, self.made)

    def test_the_file_of_another_database_is_refused(self):
        with world() as other:
            other.run(expect=0)
            witness_file(self.made).write_bytes(witness_file(other).read_bytes())
            witness_file(self.made).chmod(0o600)
        self.refused("witness_of_another_database")
        recover(self.made, "--new-witness")
        self.ok()

    def test_a_file_that_others_can_read_or_a_link_is_refused(self):
        self.ok()
        witness_file(self.made).chmod(0o644)
        answer = self.made.run(expect=4)
        self.assertEqual(answer.json["error"]["reason"], "witness_unreadable")
        self.assertIn("chmod 600", answer.json["error"]["message"])
        witness_file(self.made).chmod(0o600)
        self.ok()
        away = witness_file(self.made).rename(self.made.folder / "away")
        witness_file(self.made).symlink_to(away)
        self.assertIn("is a link", self.made.run(expect=4).json["error"]["message"])

    def test_two_databases_with_one_witness_are_told_apart(self):
        self.ok()
        saved = backup(self.made)
        self.ok()
        whole = witness_file(self.made).read_bytes()
        restore(self.made, saved)
        witness_file(self.made).write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
        self.ok()
        witness_file(self.made).write_bytes(whole)
        self.assertIn("line 4:", self.refused("witness_differs")["error"]["message"])
        recover(self.made, "--new-witness")
        self.ok()

    def test_a_hold_from_another_program_is_noted_by_the_run_that_meets_it(self):
        with self.made.connection() as database:
            database.execute(
                "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms) "
                "VALUES ('SQL', 'r', '', 'legal', 0, 1, 'dba', ?)",
                (to_ms(NOW),),
            )
        self.ok()
        self.ok()
        holds = [line["body"] for line in require_chain(self, self.made) if line["kind"] == "hold"]
        self.assertEqual([(body["deed"], body["hold"]["matter"]) for body in holds], [("met", "SQL")])

    def test_the_run_goes_on_where_the_file_cannot_be_made(self):
        self.made.write_config(config_with(witness={"file": "away/witness"}))
        self.made.freeze("--tenant=acme")
        self.assertIn("witness_not_written", " ".join(self.ok().json["warnings"]))
        (self.made.folder / "away").mkdir()
        self.assertNotIn("witness", " ".join(self.ok().json["warnings"]))
        text = (self.made.folder / "away" / "witness").read_text(encoding="utf-8")
        kinds = [json.loads(line)["kind"] for line in text.splitlines()]
        self.assertEqual(kinds, ["database", "hold", "run", "run"])
        check = self.made.call("check", "--json").json["findings"]
        self.assertFalse([line for line in check if "beside the database" in line["message"]])
        self.made.write_config(config_with())
        check = self.made.call("check", "--json").json["findings"]
        self.assertTrue([line for line in check if "beside the database" in line["message"]])


class Erasures(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()

    def test_an_erasure_that_the_backup_does_not_know_is_done_again(self):
        saved = backup(self.made)
        token = self.made.erased()
        restore(self.made, saved)
        self.assertTrue(self.made.traces(PERSON, NAME))
        answer = recover(self.made, who="bob").json
        self.assertEqual([(line["tenant"], line["token"]) for line in answer["erased_again"]], [(TENANT, token)])
        self.assertEqual(self.made.traces(PERSON, NAME, EMAIL), [])
        self.assertEqual(self.made.token(), token)
        self.assertNotIn(PERSON, witness_file(self.made).read_text(encoding="utf-8"))
        self.assertEqual(self.made.run(expect=(0, 3, 4)).json["outcome"], "completed")

    def test_a_request_that_the_backup_has_as_open_is_completed_again(self):
        request = self.made.waiting()
        saved = backup(self.made)
        self.made.complete(request)
        token = self.made.token()
        restore(self.made, saved)
        answer = recover(self.made, who="bob").json
        self.assertEqual([line["token"] for line in answer["erased_again"]], [token])
        states = self.made.query("SELECT id, state, subject FROM holdfast_erasure")
        self.assertEqual(states, [(request, "completed", token)])
        self.assertEqual(self.made.traces(PERSON, NAME, EMAIL), [])

    def test_names_of_released_holds_go_from_the_table_with_the_key(self):
        hold = self.made.freeze(f"--person={PERSON}")
        self.made.override(self.made.waiting())
        token = self.made.token()
        self.made.release(hold)
        self.made.clock.advance(days=40)
        self.assertIn(("audit.db", PERSON), self.made.traces(PERSON))
        self.made.erasure("forget-key", "--tenant", TENANT, "--reason", "contract ended", who="bob")
        self.assertEqual(self.made.traces(PERSON), [])
        self.assertIn(PERSON, witness_file(self.made).read_text(encoding="utf-8"))
        self.assertEqual(self.made.call("status", "--json", expect=0).json["witness"]["state"], "in_step")
        witness_file(self.made).unlink()
        recover(self.made, "--new-witness", who="bob")
        text = witness_file(self.made).read_text(encoding="utf-8")
        self.assertNotIn(PERSON, text)
        self.assertIn(token, text)
        self.assertEqual(self.made.run(expect=0).json["outcome"], "completed")

    def test_a_key_that_was_forgotten_since_stays_forgotten(self):
        saved = backup(self.made)
        token = self.made.erased()
        self.made.erasure("forget-key", "--tenant", TENANT, "--reason", "contract ended", who="bob")
        restore(self.made, saved)
        answer = recover(self.made, who="bob", expect=4).json
        (line,) = answer["erasures_unmatched"]
        self.assertEqual((line["token"], line["why"]), (token, "key_missing"))
        self.assertEqual(self.made.key_files(), [])
        self.made.run(expect=(0, 3, 4))


if __name__ == "__main__":
    unittest.main()

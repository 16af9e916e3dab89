# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The chain of runs: what `verify` and a second, independent verifier say of whole and of tampered evidence."""

import hashlib
import json
import shutil
import subprocess
import unittest

from audit_world import at, config_with, days, world
from chain_verifier import Verifier, canonical
from holdfast_cli import work_folder

NOW = at("2030-01-01T02:00:00")
DUE = 400
SMALL_SLICES = {"run": {"max_lock": "1ms", "max_lock_idle": "1ms"}}


class VerifyTest(unittest.TestCase):
    def make(self, config=None, runs=3):
        """Three runs over a log of three tenants: each deletes, and leaves young rows."""
        made = self.enterContext(world(config or config_with(SMALL_SLICES)))
        for number in range(runs):
            for tenant in ("acme", "büro", None):
                made.insert(NOW - days(200 - number), count=DUE, tenant=tenant, metadata='{"n": 1}')
            made.insert(NOW - days(2), count=50)
            self.assertEqual(made.run(expect=0).json["deleted"], 3 * DUE)
            made.clock.advance(days=1)
        return made

    def verify(self, made, *options, expect=0):
        answer = made.call("verify", "--json", *options, expect=expect)
        self.assertEqual(answer.json["ok"], expect == 0, answer)
        return answer.json

    def independent(self, made):
        verifier = Verifier(made.database)
        verifier.verify()
        return verifier.problems

    def caught(self, made, reason, *words, independent=True):
        """`verify` names this first, and says the words; the second verifier sees it too where it can."""
        found = self.verify(made, expect=1)
        self.assertEqual(found["problem"]["reason"], reason, found)
        for word in words:
            self.assertIn(word, found["problem"]["message"])
        self.assertEqual(bool(self.independent(made)), independent)
        return found

    def change(self, made, sql, *values):
        with made.connection() as database:
            database.execute(sql, values)

    def record(self, made, run):
        return json.loads(made.query("SELECT record FROM holdfast_run WHERE id = ?", run)[0][0])


class Whole(VerifyTest):
    def test_three_runs_verify_and_say_what_was_checked(self):
        made = self.make()
        found = self.verify(made)
        self.assertEqual(found["checked"]["chain"]["runs"], 3)
        self.assertEqual(found["checked"]["ledger"]["rows"], 9 * DUE)
        self.assertGreater(found["checked"]["ledger"]["slices"], 3)
        self.assertEqual(found["checked"]["database"]["deleted_keys"], 9 * DUE)
        self.assertEqual(found["checked"]["database"]["pairs_of_runs"], 3)
        self.assertEqual(self.independent(made), [])

    def test_the_event_carries_the_hash_of_the_record(self):
        made = self.make(runs=1)
        record = self.record(made, 1)
        event = made.events("AUDIT_PRUNE_RUN_COMPLETED")[-1]
        self.assertEqual(event["metadata"]["run_hash"], record["run_hash"])
        self.assertEqual(record["previous_run_hash"], "0" * 64)
        self.assertEqual(made.call("report", "--json", expect=0).json["run_hash"], record["run_hash"])

    def test_refused_and_invalid_runs_are_chained_too(self):
        made = self.make(runs=1)
        made.clock.advance(days=-20)
        self.assertEqual(made.run(expect=4).json["outcome"], "refused")
        made.clock.advance(days=21)
        good = made.config_file.read_text(encoding="utf-8")
        made.write_config(good.replace('table = "audit_events"', "") + '\n[nonsense]\nkey = "x"\n')
        made.run(expect=2)
        made.write_config(good)
        made.run(expect=0)
        self.assertEqual(self.verify(made)["checked"]["chain"]["runs"], 4)
        self.assertEqual(self.independent(made), [])

    def test_rows_that_the_application_adds_are_no_problem(self):
        made = self.make()
        made.insert(NOW, count=20)
        self.verify(made)

    def test_without_digests_the_chain_still_stands(self):
        made = self.make(config_with(SMALL_SLICES, {"evidence": {"row_digest": False}}))
        self.verify(made)
        self.assertIsNone(self.record(made, 1)["integrity"]["rows_digest"])

    def test_every_number_of_a_run_has_its_own_salt(self):
        made = self.make()
        salts = [salt for (salt,) in made.query("SELECT salt FROM holdfast_run")]
        self.assertEqual({len(salt) for salt in salts}, {32})
        self.assertEqual(len(set(salts)), 3)
        for answer in (made.call("report", "--json"), made.call("verify", "--json")):
            for salt in salts:
                self.assertNotIn(salt.hex(), answer.stdout)


class Backup(VerifyTest):
    def test_digests_are_recomputed_from_a_backup(self):
        made = self.enterContext(world(config_with(SMALL_SLICES)))
        made.insert(NOW - days(200), count=DUE)
        with made.connection() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        backup = made.folder / "backup.db"
        shutil.copyfile(made.database, backup)
        made.run(expect=0)
        found = self.verify(made, "--against", backup)
        self.assertGreater(found["checked"]["backup"]["slices_that_match"], 0)
        self.assertEqual(found["checked"]["backup"]["slices_that_differ"], 0)
        later = made.folder / "later.db"
        shutil.copyfile(made.database, later)
        found = self.verify(made, "--against", later, expect=1)
        self.assertEqual(found["problem"]["reason"], "nothing_compared")
        subprocess.run(["sqlite3", str(backup), "UPDATE audit_events SET actor = 'x' WHERE id = 7"], check=True)
        found = self.verify(made, "--against", backup, expect=1)
        self.assertEqual(found["problem"]["reason"], "digest_differs")


class Tampered(VerifyTest):
    def test_rows_deleted_behind_its_back_between_two_runs(self):
        made = self.make(runs=2)
        young = [key for key in made.ids()][:12]
        with made.connection() as database:
            database.executemany("DELETE FROM audit_events WHERE id = ?", [(key,) for key in young])
        found = self.caught(made, "vanished_between_runs", "12 rows", "run 2", "now", independent=False)
        made.run(expect=0)
        found = self.caught(made, "vanished_between_runs", "12 rows", "run 2 and run 3", independent=False)
        self.assertEqual(len(found["problems"]), 1)
        warned = self.record(made, 3)
        self.assertEqual(warned["between_runs"]["vanished"], 12)
        self.assertTrue(any("rows_vanished_between_runs" in warning for warning in warned["warnings"]))
        self.verify(made, "--since", 4)

    def test_a_deleted_row_put_back(self):
        made = self.make()
        gone = made.query("SELECT min(id) FROM audit_events")[0][0] - 1
        self.change(made, "INSERT INTO audit_events (id, occurred_at, code) VALUES (?, 0, 'X')", gone)
        self.caught(made, "row_is_back", f"row {gone}", "run 1", independent=False)

    def test_a_record_edited(self):
        made = self.make()
        record = self.record(made, 2) | {"started_by": "nobody"}
        self.change(made, "UPDATE holdfast_run SET record = ? WHERE id = 2", canonical(record))
        self.caught(made, "record_edited", "run 2")

    def test_a_record_edited_with_its_hash(self):
        """The one who recomputes a hash breaks the link of the run behind it."""
        made = self.make()
        record = self.record(made, 2) | {"started_by": "nobody"}
        del record["run_hash"]
        record["run_hash"] = hashlib.sha256(canonical(record).encode()).hexdigest()
        sql = "UPDATE holdfast_run SET record = ?, run_hash = ? WHERE id = 2"
        self.change(made, sql, canonical(record), record["run_hash"])
        self.caught(made, "chain_broken", "run 3")

    def test_a_record_removed_from_the_middle(self):
        made = self.make()
        self.change(made, "DELETE FROM holdfast_run_slice WHERE run_id = 2")
        self.change(made, "DELETE FROM holdfast_run WHERE id = 2")
        self.caught(made, "run_missing", "run 2")

    def test_a_record_removed_and_the_numbers_closed_up(self):
        made = self.make()
        with made.connection() as database:
            database.execute("DELETE FROM holdfast_run_slice WHERE run_id = 2")
            database.execute("DELETE FROM holdfast_run WHERE id = 2")
            database.execute("UPDATE holdfast_run SET id = 2 WHERE id = 3")
            database.execute("UPDATE holdfast_run_slice SET run_id = 2 WHERE run_id = 3")
        self.caught(made, "chain_broken", "run 2")

    def test_two_records_swapped(self):
        made = self.make()
        columns = ("record", "run_hash", "previous_hash", "outcome", "deleted")
        with made.connection() as database:
            rows = {
                run: database.execute(f"SELECT {', '.join(columns)} FROM holdfast_run WHERE id = ?", (run,)).fetchone()
                for run in (1, 2)
            }
            for run in (1, 2):
                places = ", ".join(f"{column} = ?" for column in columns)
                database.execute(f"UPDATE holdfast_run SET {places} WHERE id = ?", (*rows[3 - run], run))
        self.caught(made, "chain_broken", "run 1")

    def test_a_slice_that_tells_another_tally(self):
        made = self.make()
        tally = json.loads(made.query("SELECT tally FROM holdfast_run_slice WHERE run_id = 2 AND number = 1")[0][0])
        tally[0]["tenant"] = "somebody else"
        sql = "UPDATE holdfast_run_slice SET tally = ? WHERE run_id = 2 AND number = 1"
        self.change(made, sql, json.dumps(tally))
        self.caught(made, "tally_differs", "run 2", independent=False)

    def test_a_slice_that_counts_fewer_rows(self):
        made = self.make()
        sql = "UPDATE holdfast_run_slice SET deleted = deleted - 1 WHERE run_id = 2 AND number = 1"
        self.change(made, sql)
        self.caught(made, "keys_differ", "run 2")

    def test_a_slice_with_another_digest(self):
        made = self.make()
        self.change(made, "UPDATE holdfast_run_slice SET digest = ? WHERE run_id = 2 AND number = 1", "ab" * 32)
        self.caught(made, "slices_differ", "run 2")

    def test_a_key_of_a_slice_exchanged(self):
        """Another key in the place of one that was deleted, so that an altered row can come back unseen."""
        made = self.make()
        keys = made.query("SELECT keys FROM holdfast_run_slice WHERE run_id = 2 AND number = 1")[0][0]
        other = made.query("SELECT keys FROM holdfast_run_slice WHERE run_id = 3 AND number = 1")[0][0]
        self.assertNotEqual(keys, other)
        self.change(made, "UPDATE holdfast_run_slice SET keys = ? WHERE run_id = 2 AND number = 1", other)
        found = self.verify(made, expect=1)
        self.assertIn("slices_differ", [problem["reason"] for problem in found["problems"]])

    def test_a_record_blanked(self):
        made = self.make()
        self.change(made, "UPDATE holdfast_run SET record = '' WHERE id = 2")
        self.caught(made, "record_missing", "run 2", independent=False)

    def test_what_cannot_be_read_does_not_hide_the_rest(self):
        made = self.make()
        self.change(made, "UPDATE holdfast_run_slice SET keys = x'52ff' WHERE run_id = 2 AND number = 1")
        self.change(made, "UPDATE holdfast_run SET record = replace(record, '\"vanished\":0', '\"vanished\":7') WHERE id = 3")
        found = self.verify(made, expect=1)
        self.assertEqual(found["problem"]["reason"], "record_edited")
        self.assertIn("unreadable", [problem["reason"] for problem in found["problems"]])

    def test_a_slice_removed(self):
        made = self.make()
        self.change(made, "DELETE FROM holdfast_run_slice WHERE run_id = 2 AND number = 1")
        self.caught(made, "slice_missing", "run 2")

    def test_a_salt_changed(self):
        made = self.make()
        self.change(made, "UPDATE holdfast_run SET salt = randomblob(32) WHERE id = 2")
        self.caught(made, "salt_changed", "run 2")

    def test_an_outcome_changed(self):
        made = self.make()
        self.change(made, "UPDATE holdfast_run SET outcome = 'failed' WHERE id = 3")
        self.caught(made, "outcome_changed", "run 3", independent=False)

    def test_what_only_a_witness_can_catch(self):
        """The last line removed with its slices: the chain alone is silent."""
        made = self.make()
        self.change(made, "DELETE FROM holdfast_run_slice WHERE run_id = 3")
        self.change(made, "DELETE FROM holdfast_run WHERE id = 3")
        self.caught(made, "run_missing", "run 3", "witness", independent=False)
        line = "kind = 'run' AND line LIKE '%\"run_id\":3%'"
        number = made.query(f"SELECT seq FROM holdfast_witness WHERE {line}")[0][0]
        self.change(made, f"UPDATE holdfast_witness SET kind = 'clock' WHERE {line}")
        reasons = {found["reason"]: found["message"] for found in self.verify(made, expect=1)["problems"]}
        self.assertIn(f", line {number}:", reasons["witness_differs"])
        self.assertIn("run 3", reasons["run_missing"])
        self.change(made, f"DELETE FROM holdfast_witness WHERE seq = {number}")
        self.caught(made, "restored_backup", independent=False)

    def test_the_copy_of_the_witness_file_in_the_database(self):
        made = self.make(runs=2)
        whole = made.query("SELECT seq, line, hash FROM holdfast_witness ORDER BY seq")
        self.assertEqual(len(whole), 4)
        for sql in (
            "UPDATE holdfast_witness SET line = replace(line, 'completed', 'failed') WHERE seq = 3",
            "UPDATE holdfast_witness SET hash = 'x' WHERE seq = 3",
            "DELETE FROM holdfast_witness WHERE seq = 3",
        ):
            self.change(made, sql)
            self.caught(made, "witness_differs", ", line 3:", independent=False)
            self.change(made, "INSERT OR IGNORE INTO holdfast_witness SELECT 3, at_ms, kind, line, hash "
                              "FROM holdfast_witness WHERE seq = 4")
            self.change(made, "UPDATE holdfast_witness SET line = ?, hash = ? WHERE seq = 3", *whole[2][1:])
            self.verify(made)

    def test_a_restored_backup(self):
        made = self.make(runs=2)
        with made.connection() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        backup = made.folder / "backup.db"
        shutil.copyfile(made.database, backup)
        made.run(expect=0)
        for suffix in ("-wal", "-shm"):
            made.database.with_name(made.database.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(backup, made.database)
        self.caught(made, "restored_backup", independent=False)

    def test_both_rewritten_is_what_nobody_catches(self):
        """Said in jobs/README.md, and shown here: database and witness file taken back together."""
        made = self.make(runs=2)
        witness = made.database.with_name(made.database.name + ".witness")
        with made.connection() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        backup, file = made.database.read_bytes(), witness.read_bytes()
        made.run(expect=0)
        for suffix in ("-wal", "-shm"):
            made.database.with_name(made.database.name + suffix).unlink(missing_ok=True)
        made.database.write_bytes(backup)
        witness.write_bytes(file)
        self.verify(made)


class Archived(VerifyTest):
    def make_archived(self):
        folder = self.enterContext(work_folder())
        made = self.make(config_with(SMALL_SLICES, {"archive": {"directory": str(folder), "keep": "13 months"}}))
        return made, folder

    def test_the_second_verifier_recomputes_digests_from_the_archives(self):
        made, folder = self.make_archived()
        found = self.verify(made)
        self.assertEqual(found["checked"]["archive"], {"archives": 3, "rows": 9 * DUE, "with_digests": 3})
        verifier = Verifier(made.database, folder)
        self.assertTrue(verifier.verify(), verifier.problems)
        self.assertEqual(verifier.archives_read, 3)
        record = self.record(made, 2)
        self.assertEqual(record["integrity"]["archive"]["rows"], 3 * DUE)

    def test_an_archive_with_one_byte_flipped(self):
        made, folder = self.make_archived()
        (archive,) = folder.glob("run-*-2.ndjson.zst")
        data = bytearray(archive.read_bytes())
        data[len(data) // 2] ^= 1
        archive.write_bytes(data)
        self.caught(made, "archive_differs", "-2.ndjson.zst", independent=False)

    def test_an_archive_cut_short(self):
        made, folder = self.make_archived()
        (archive,) = folder.glob("run-*-2.ndjson.zst")
        archive.write_bytes(archive.read_bytes()[:-20])
        self.caught(made, "archive_differs", "-2.ndjson.zst", independent=False)

    def test_two_archives_swapped(self):
        made, folder = self.make_archived()
        first, second = (next(folder.glob(f"run-*-{run}.ndjson.zst")) for run in (1, 2))
        one, two = first.read_bytes(), second.read_bytes()
        first.write_bytes(two)
        second.write_bytes(one)
        self.caught(made, "archive_differs", "-1.ndjson.zst", independent=False)


class Vacuum(VerifyTest):
    def test_the_file_gets_smaller_and_no_row_goes(self):
        made = self.enterContext(world())
        made.insert(NOW - days(200), count=20_000, metadata='{"text": "' + "x" * 200 + '"}')
        made.insert(NOW - days(2), count=100)
        made.run(expect=0)
        rows = made.rows()
        answer = made.call("vacuum", "--json", expect=0)
        self.assertLess(answer.json["file_bytes_after"], answer.json["file_bytes_before"] / 4)
        self.assertEqual(answer.json["free_bytes_after"], 0)
        self.assertEqual(made.rows(), rows)
        self.verify(made)
        self.assertEqual(made.run(expect=0).json["deleted"], 0)


if __name__ == "__main__":
    unittest.main()

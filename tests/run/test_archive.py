# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""What a run deletes is in its archive, byte by byte, and without an archive nothing goes."""

import hashlib
import json
import subprocess
import unittest

from archive_world import ARCHIVE_NAME, KEEP, PAST_KEEP, all_archived, archive_config, archive_world, archived_rows, stored_rows
from audit_world import days


def flip_a_byte(path, place):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    path.write_bytes(content)


class ArchiveTest(unittest.TestCase):
    def pruned(self, world, run_expect=0):
        """Runs once; gives the rows before, and those that are gone."""
        before = stored_rows(world.database)
        answer = world.run(expect=run_expect)
        gone = set(before) - set(stored_rows(world.database))
        self.assertEqual(len(gone), answer.json["deleted"], answer)
        return before, gone, answer.json["run_id"]

    def test_the_archive_holds_exactly_the_deleted_rows(self):
        with archive_world() as world:
            before, gone, run = self.pruned(world)
            self.assertEqual(len(gone), 300)
            path = world.archive_file(run)
            self.assertEqual(archived_rows(path), {key: before[key] for key in gone})
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            subprocess.run(["zstd", "-tq", str(path)], check=True)
            manifest = world.manifest(run)
            self.assertEqual(manifest["sha256"], hashlib.sha256(path.read_bytes()).hexdigest())
            self.assertEqual((manifest["rows"], manifest["bytes"]), (300, path.stat().st_size))
            self.assertEqual((manifest["first_key"], manifest["last_key"]), (str(min(gone)), str(max(gone))))
            self.assertEqual(manifest["format"], "holdfast-archive/1")
            ends = world.query("SELECT max(archive_end) FROM holdfast_run_slice WHERE run_id = ?", run)
            self.assertEqual(ends, [(path.stat().st_size,)])
            self.assertTrue(world.archives("verify").json["ok"])
            self.assertEqual(world.explain(min(gone))["gone"]["archive"]["file"], path.name)
            self.assertIn(path.name, world.call("explain", min(gone), expect=0).stdout)

    def test_a_run_that_deletes_nothing_leaves_no_file(self):
        with archive_world() as world:
            world.run(expect=0)
            there = sorted(path.name for path in world.archive.iterdir())
            world.run(expect=0)
            self.assertEqual(sorted(path.name for path in world.archive.iterdir()), there)
            self.assertEqual(len(there), 2)

    def no_archive(self, world):
        plan = world.plan().json
        self.assertEqual(plan["deleted"], 0, plan)
        self.assertEqual(plan["kept_by_reason"]["not_archived"], 300, plan)
        self.assertTrue(any(line.startswith("archive_not_writable: ") for line in plan["warnings"]), plan)
        before, gone, _ = self.pruned(world)
        run = world.run(expect=0).json
        self.assertEqual(gone, set())
        self.assertEqual(run["kept_by_reason"]["not_archived"], 300, run)
        self.assertTrue(any(line.startswith("archive_not_writable: ") for line in run["warnings"]), run)
        checked = world.call("check", "--json", expect=4).json["findings"]
        self.assertTrue(any("archive_not_writable" in json.dumps(finding) for finding in checked), checked)

    def test_without_its_folder_nothing_is_deleted(self):
        with archive_world() as world:
            world.archive.rmdir()
            self.no_archive(world)

    def test_with_a_file_in_the_place_of_its_folder_nothing_is_deleted(self):
        with archive_world() as world:
            world.archive.rmdir()
            world.archive.write_text("no folder", encoding="utf-8")
            self.no_archive(world)

    def test_a_run_that_cannot_write_its_archive_fails_and_deletes_nothing(self):
        with archive_world() as world:
            world.archive_file(1).write_text("of another database", encoding="utf-8")
            before, gone, _ = self.pruned(world, run_expect=1)
            self.assertEqual(gone, set())
            self.assertEqual(world.archive_file(1).read_text(encoding="utf-8"), "of another database")
            error = json.loads(world.query("SELECT record FROM holdfast_run WHERE id = 1")[0][0])["error"]
            self.assertEqual(error["reason"], "archive", error)
            _, gone, run = self.pruned(world)
            self.assertEqual(len(gone), 300)
            self.assertEqual(set(archived_rows(world.archive_file(run))), gone)

    def test_restored_rows_are_as_they_were(self):
        with archive_world() as world:
            before, gone, run = self.pruned(world)
            one, two = sorted(gone)[:2]
            some = world.archives("restore", run, "--key", one, "--key", two).json
            self.assertEqual((some["restored"], some["already_there"], some["not_in_it"]), (2, 0, []))
            self.assertIn("hold", " ".join(some["advice"]))
            missing = world.archives("restore", run, "--key", "999999", expect=4).json
            self.assertEqual((missing["restored"], missing["not_in_it"]), (0, ["999999"]))
            rest = world.archives("restore", run).json
            self.assertEqual((rest["restored"], rest["already_there"]), (298, 2))
            now = stored_rows(world.database)
            self.assertEqual({key: now[key] for key in before}, before)
            marked = world.query("SELECT count(*), min(run_id), max(run_id), min(who) FROM holdfast_restored")
            self.assertEqual(marked, [(300, run, run, "alice")])
            journal = [what for (what,) in world.query("SELECT what FROM holdfast_journal WHERE what LIKE 'archive%' ORDER BY id")]
            self.assertEqual(journal, ["archive_restore_begun", "archive_restored"] * 3)
            world.place_hold({"event-id": one})
            _, gone_again, again = self.pruned(world)
            self.assertEqual(gone_again, gone - {one})
            self.assertEqual(set(archived_rows(world.archive_file(again))), gone - {one})
            self.assertEqual(world.query("SELECT count(*) FROM holdfast_restored WHERE gone = 0"), [(1,)])

    def test_only_an_administrator_restores_and_destroys(self):
        with archive_world() as world:
            _, _, run = self.pruned(world)
            world.archives("restore", run, who="mallory", expect=4)
            world.archives("destroy", run, "--reason", "mine", who="mallory", expect=4)
            self.assertTrue(world.archive_file(run).exists())

    def test_destroying_leaves_a_tombstone(self):
        with archive_world() as world:
            _, gone, run = self.pruned(world)
            world.archives("destroy", run, "--reason", "copied to the vault")
            self.assertFalse(world.archive_file(run).exists())
            tombstone = world.manifest(run)
            self.assertEqual(tombstone["why"], "copied to the vault")
            self.assertIsNone(tombstone["salt"])
            self.assertNotIn("first_key", tombstone)
            self.assertEqual(world.query("SELECT salt FROM holdfast_run WHERE id = ?", run), [(None,)])
            listed = world.archives("list").json["archives"]
            self.assertEqual([(line["run_id"], line["state"]) for line in listed], [(run, "destroyed")])
            self.assertTrue(world.archives("verify").json["ok"])
            self.assertEqual(world.explain(min(gone))["gone"]["archive"]["state"], "destroyed")
            world.archives("restore", run, expect=2)

    def test_no_archive_with_a_held_row_is_destroyed(self):
        with archive_world() as world:
            _, _, run = self.pruned(world)
            held = world.place_hold({"person": "person-17"})["hold"]
            refused = world.archives("destroy", run, "--reason", "away", expect=4)
            self.assertIn(f"hold {held} covers a row", refused.stderr)
            self.assertTrue(world.archive_file(run).exists())

    def test_archives_go_when_their_keep_is_over(self):
        with archive_world() as world:
            _, _, run = self.pruned(world)
            world.clock.advance(days=30)
            world.run(expect=0)
            self.assertTrue(world.archive_file(run).exists())
            held = world.place_hold({"subject": "person-17"})["hold"]
            world.clock.set(world.clock.now - days(30) + PAST_KEEP)
            kept = world.run(expect=0).json
            self.assertTrue(world.archive_file(run).exists())
            self.assertTrue(any(f"hold {held} covers" in line for line in kept["warnings"]), kept["warnings"])
            world.release_hold(held)
            world.clock.advance(days=20)
            world.run(expect=0)
            self.assertTrue(world.archive_file(run).exists(), "the hold is in its grace")
            world.clock.advance(days=20)
            world.run(expect=0)
            self.assertFalse(world.archive_file(run).exists())
            self.assertEqual(world.manifest(run)["why"], "past [archive].keep")

    def damaged(self, damage):
        """What verify says after `damage(world, run, other run)`."""
        with archive_world() as world:
            _, _, first = self.pruned(world)
            world.fill(100)
            _, _, second = self.pruned(world)
            self.assertTrue(world.archives("verify").json["ok"])
            damage(world, first, second)
            answer = world.archives("verify", expect=1).json
            self.assertFalse(answer["ok"])
            return answer["problem"], [line["run_id"] for line in answer["archives"] if not line["ok"]], first, second

    def test_verify_names_an_archive_with_a_flipped_byte(self):
        for place in (0.0, 0.4, 0.99):
            with self.subTest(place=place):
                problem, named, _, second = self.damaged(lambda world, _, run: flip_a_byte(world.archive_file(run), place))
                self.assertEqual(named, [second])
                self.assertIn(f"-{second}.ndjson.zst", problem)

    def test_verify_names_an_archive_that_was_cut(self):
        def cut(world, run, _):
            path = world.archive_file(run)
            path.write_bytes(path.read_bytes()[:-1])

        problem, named, first, _ = self.damaged(cut)
        self.assertEqual(named, [first])
        self.assertIn(f"-{first}.ndjson.zst", problem)

    def test_verify_names_archives_that_were_swapped(self):
        def swap(world, first, second):
            for named in (world.archive_file, world.manifest_file):
                one, two = named(first), named(second)
                parked = world.archive / "parked"
                one.rename(parked)
                two.rename(one)
                parked.rename(two)

        _, named, first, second = self.damaged(swap)
        self.assertEqual(named, [first, second])

    def test_verify_names_an_archive_that_is_gone(self):
        def take_away(world, run, _):
            world.archive_file(run).unlink()
            world.manifest_file(run).unlink()

        problem, named, first, _ = self.damaged(take_away)
        self.assertEqual(named, [first])
        self.assertIn("is gone", problem)

    def test_a_damaged_archive_is_not_restored(self):
        with archive_world() as world:
            _, gone, run = self.pruned(world)
            flip_a_byte(world.archive_file(run), 0.5)
            world.archives("restore", run, expect=1)
            self.assertEqual(set(stored_rows(world.database)) & gone, set())

    def test_another_databases_archives_are_left_alone(self):
        with archive_world() as world, archive_world(archive_config(directory="../other", keep=KEEP)) as other:
            _, _, run = self.pruned(world)
            other.write_config(archive_config(directory=world.archive))
            self.assertEqual(other.run(expect=0).json["deleted"], 300)  # its run 1 has a name of its own
            for days_on in (0, 100):
                other.clock.advance(days=days_on)
                other.run(expect=0)
                self.assertTrue(world.archives("verify").json["ok"])
                self.assertTrue(world.archive_file(run).exists())

    def test_every_file_of_the_folder_is_an_archive_or_its_manifest(self):
        with archive_world() as world:
            self.pruned(world)
            for path in world.archive.iterdir():
                self.assertTrue(ARCHIVE_NAME.fullmatch(path.name) or path.name.endswith(".manifest.json"), path)
            self.assertEqual(len(all_archived(world.archive)), 1)


if __name__ == "__main__":
    unittest.main()

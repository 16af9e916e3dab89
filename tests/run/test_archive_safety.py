# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Archives against databases that were put back or copied, and against holds that their rows cannot answer.

Each of these once lost an archive or a held row.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import unittest

from archive_world import KEEP, NIGHT, ArchiveWorld, archive_config, archive_world, stored_rows
from audit_world import days, laid_over
from erasure_world import PERSON, TABLES, TENANT, ErasureWorld, erasure_config
from holdfast_cli import program_path, work_folder


def warned(answer, word):
    return [line for line in answer.json["warnings"] if line.startswith(word)]


def empty_wal(database):
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextlib.contextmanager
def limited_memory(most_kib):
    """The program with its data bounded to so much."""
    real = os.environ["HOLDFAST_BIN"]
    with work_folder() as folder:
        wrapper = folder / "holdfast-with-little-memory"
        wrapper.write_text(f'#!/bin/sh\nulimit -d {most_kib}\nexec "{program_path()}" "$@"\n', encoding="utf-8")
        wrapper.chmod(stat.S_IRWXU)
        os.environ["HOLDFAST_BIN"] = str(wrapper)
        try:
            yield
        finally:
            os.environ["HOLDFAST_BIN"] = real


def leave_open(database, run):
    """Takes the closing of a run and its slices out, as a copy made in the midst of it has it."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute("DELETE FROM holdfast_run_slice WHERE run_id = ?", (run,))
        opened.execute(
            "UPDATE holdfast_run SET outcome = NULL, error_reason = NULL, error_message = NULL, closed_at_ms = NULL,"
            " record = NULL, run_hash = '', previous_hash = '', deleted = NULL WHERE id = ?", (run,)
        )  # fmt: skip
        opened.commit()


class PutBackTest(unittest.TestCase):
    def taken_back(self, world):
        """A second run; and what puts database and witness file back to what they were before it."""
        world.run(expect=0)
        world.fill()
        parts = [world.database, world.database.with_name(f"{world.database.name}.witness")]
        empty_wal(world.database)
        before = [part.read_bytes() for part in parts]
        run = world.run(expect=0).json["run_id"]
        return run, lambda: self.put_back(parts, before)

    def put_back(self, parts, before):
        for suffix in ("-wal", "-shm"):
            parts[0].with_name(parts[0].name + suffix).unlink(missing_ok=True)
        for part, content in zip(parts, before):
            part.write_bytes(content)

    def test_a_run_whose_number_has_a_tombstone_deletes_nothing(self):
        with archive_world() as world:
            run, put_back = self.taken_back(world)
            world.archives("destroy", run, "--reason", "away")
            tombstone = world.manifest_file(run).read_bytes()
            put_back()
            before = stored_rows(world.database)
            failed = world.run(expect=1).json
            self.assertEqual((failed["run_id"], failed["deleted"], failed["error"]["reason"]), (run, 0, "archive"), failed)
            self.assertEqual(set(before) - set(stored_rows(world.database)), set())
            self.assertEqual(world.manifest_file(run).read_bytes(), tombstone)
            self.assertFalse(world.archive_file(run).exists())
            self.assertEqual(world.run(expect=0).json["deleted"], 300)

    def test_a_run_whose_number_has_an_archive_leaves_it_alone(self):
        with archive_world() as world:
            run, put_back = self.taken_back(world)
            content = world.archive_file(run).read_bytes()
            put_back()
            world.run(expect=1)
            for _ in range(2):
                world.run(expect=0)
                self.assertEqual(world.archive_file(run).read_bytes(), content)

    def test_a_file_beside_a_tombstone_that_is_not_its_own_stays(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            world.fill(100)
            other = world.run(expect=0).json["run_id"]
            world.archives("destroy", run, "--reason", "away")
            shutil.copyfile(world.archive_file(other), world.archive_file(run))
            self.assertIn("tombstone", world.archives("verify", run, expect=1).json["problem"])
            self.assertIn("tombstone", "".join(warned(world.run(expect=0), "archive_not_settled")))
            self.assertTrue(world.archive_file(run).exists())

    def test_an_archive_is_not_cut_to_what_a_ledger_put_back_knows(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            content = world.archive_file(run).read_bytes()
            leave_open(world.database, run)
            self.assertTrue(warned(world.run(), "archive_not_settled"))
            self.assertEqual(world.archive_file(run).read_bytes(), content)

    def test_a_refused_run_on_a_copy_does_not_touch_the_archives(self):
        with archive_world() as world, work_folder() as folder:
            run = world.run(expect=0).json["run_id"]
            content = world.archive_file(run).read_bytes()
            world.manifest_file(run).unlink()  # as while the run is going on
            empty_wal(world.database)
            copy = ArchiveWorld(folder, archive_config(directory=world.archive), world.clock.now)
            shutil.copyfile(world.database, copy.database)
            leave_open(copy.database, run)
            refused = copy.run(expect=4).json
            self.assertEqual(refused["closed_dead_runs"], [run])
            self.assertEqual(world.archive_file(run).read_bytes(), content)


class UnansweredTest(unittest.TestCase):
    """A hold that the rows of an archive cannot answer covers them."""

    def test_a_hold_on_a_column_that_was_not_mapped_then_keeps_the_archive(self):
        for words, kept in (({"subject": "nobody"}, True), ({"tenant": "acme"}, True), ({"actor": "nobody"}, False)):
            with self.subTest(words), archive_world() as world:
                run = world.run(expect=0).json["run_id"]
                manifest = world.manifest(run)
                del manifest["mapping"]["subject"], manifest["mapping"]["tenant"]
                world.manifest_file(run).write_text(json.dumps(manifest), encoding="utf-8")
                world.place_hold(words, "--future")
                world.archives("destroy", run, "--reason", "away", expect=4 if kept else 0)
                self.assertEqual(world.archive_file(run).exists(), kept)

    @contextlib.contextmanager
    def generated(self):
        """A log whose actor is a generated column: no archive has it."""
        events = {"table": "log", "id": "n", "time": "at", "time_format": "unix_ms", "code": "code", "actor": "who", "tenant": "org"}
        with work_folder() as folder:
            (folder / "archive").mkdir()
            world = ArchiveWorld(folder, laid_over(archive_config(), {"events": events}), NIGHT)
            with contextlib.closing(sqlite3.connect(world.database)) as database:
                database.execute(
                    "CREATE TABLE log (n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, code TEXT, org TEXT, detail TEXT,"
                    " who TEXT GENERATED ALWAYS AS (substr(detail, 5)) VIRTUAL)"
                )
                rows = [(1_700_000_000_000 + n, "ACCOUNT_PROFILE_UPDATE", "acme", f"who=u{n}") for n in range(100)]
                database.executemany("INSERT INTO log (at, code, org, detail) VALUES (?, ?, ?, ?)", rows)
                database.commit()
            world.init()
            yield world, world.run(expect=0).json["run_id"]

    def test_rows_with_a_generated_column_come_back(self):
        with self.generated() as (world, run):
            self.assertEqual(world.archives("restore", run).json["restored"], 100)
            self.assertEqual(world.query("SELECT count(DISTINCT who) FROM log"), [(100,)])

    def test_a_hold_on_a_generated_column_keeps_the_archive_and_no_hold_does_not(self):
        with self.generated() as (world, run):
            for term in ("actor", "person"):
                hold = world.place_hold({term: "nobody", "tenant": "acme"}, "--future")["hold"]
                self.assertIn(f"hold {hold}", world.archives("destroy", run, "--reason", "away", expect=4).stderr)
                world.release_hold(hold)
                world.clock.advance(days=400)
            world.archives("destroy", run, "--reason", "away")

    def test_a_destruction_that_was_cut_short_asks_the_holds_before_it_goes_on(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            content, manifest = world.archive_file(run).read_bytes(), world.manifest(run)
            world.archives("destroy", run, "--reason", "away")
            world.archive_file(run).write_bytes(content)
            hold = world.place_hold({"person": "person-17"}, "--future")["hold"]
            stayed = warned(world.run(expect=0), "archive_not_settled")
            self.assertIn(f"hold {hold} covers a row", "".join(stayed))
            self.assertEqual(world.archive_file(run).read_bytes(), content)
            self.assertEqual(world.manifest(run), manifest | {"salt": None})
            self.assertTrue(world.archives("verify").json["ok"])
            world.archives("restore", run)


class ElsewhereTest(unittest.TestCase):
    """Archives that no run finds: somebody has to know."""

    def test_archives_in_another_folder_are_missed_by_runs_and_by_verify(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            self.assertEqual(warned(world.run(expect=0), "archive_not_there"), [])
            world.archive.rename(world.folder / "elsewhere")
            world.archive.mkdir()
            (line,) = warned(world.run(expect=0), "archive_not_there")
            self.assertIn(f"1 run ({run})", line)
            self.assertEqual(world.call("verify", "--json", expect=1).json["problem"]["reason"], "archive_differs")
            world.write_config(laid_over(archive_config(), {"archive": None}))
            (line,) = warned(world.run(expect=0), "archive_not_there")
            self.assertIn("[archive] is not set", line)
            problem = world.call("verify", "--json", expect=1).json["problem"]
            self.assertEqual(problem["reason"], "archive_not_there", problem)
            world.write_config(archive_config(directory="elsewhere"))
            self.assertEqual(warned(world.run(expect=0), "archive_not_there"), [])
            world.call("verify", "--json", expect=0)

    def test_a_tombstone_is_there(self):
        with archive_world() as world:
            run = world.run(expect=0).json["run_id"]
            world.archives("destroy", run, "--reason", "away")
            self.assertEqual(warned(world.run(expect=0), "archive_not_there"), [])


class ErasedTest(unittest.TestCase):
    @contextlib.contextmanager
    def erased(self):
        """A run that archived rows of a person, who was erased then."""
        with work_folder() as folder:
            (folder / "archive").mkdir()
            world = ErasureWorld(folder, erasure_config({"archive": {"directory": "archive", "keep": KEEP}}), NIGHT)
            world.init()
            with world.connection() as database:
                database.executescript(TABLES)
            world.fill()
            run = world.run(expect=0).json
            self.assertEqual(run["deleted"], 9, run)
            yield world, run["run_id"], world.waiting()

    def restore(self, world, run):
        found = world.call("archive", "restore", run, "--as", "alice", "--json", expect=0).json
        return found["restored"], found["erased_person"], found["erasure_unknown"], found["advice"]

    def test_who_was_erased_does_not_come_back(self):
        with self.erased() as (world, run, request):
            world.complete(request)
            self.assertEqual(world.named(PERSON), set())
            self.assertEqual(self.restore(world, run)[:3], (3, 6, 0))
            self.assertEqual(world.named(PERSON), set())

    def test_who_was_not_erased_does(self):
        with self.erased() as (world, run, _):
            self.assertEqual(self.restore(world, run)[:3], (9, 0, 0))

    def test_without_the_key_nobody_of_the_tenant_comes_back(self):
        for verb in ("forgotten", "missing"):
            with self.subTest(verb), self.erased() as (world, run, request):
                world.complete(request)
                world.insert(world.clock.now - days(1000), tenant="other", actor="somebody")
                second = world.run(expect=0).json["run_id"]
                if verb == "forgotten":
                    world.call("erasure", "forget-key", "--tenant", TENANT, "--reason", "over", "--as", "alice", "--json", expect=0)
                else:
                    for file in world.key_files():
                        file.unlink()
                *counts, advice = self.restore(world, run)
                self.assertEqual(counts, [0, 0, 9])
                self.assertIn("forgotten or missing", " ".join(advice))
                self.assertEqual(self.restore(world, second)[:3], (1, 0, 0))

    def test_a_receipt_names_archives_that_are_not_found(self):
        for change in ("moved", "unset"):
            with self.subTest(change), self.erased() as (world, run, request):
                if change == "moved":
                    (world.folder / "archive").rename(world.folder / "elsewhere")
                    (world.folder / "archive").mkdir()
                else:
                    world.write_config(erasure_config())
                (line,) = world.complete(request).json["receipt"]["archives"]
                self.assertEqual((line["run_id"], line["destroyed_from"]), (run, None))
                self.assertIn("not found", line["problem"])


class RestoreTest(unittest.TestCase):
    def test_rows_of_another_table_with_the_same_columns_are_not_put_back(self):
        for place, word in (("table", "other"), ("id", "tenant")):
            with self.subTest(place), archive_world() as world:
                run = world.run(expect=0).json["run_id"]
                manifest = world.manifest(run)
                (manifest if place == "table" else manifest["mapping"])[place] = word
                world.manifest_file(run).write_text(json.dumps(manifest), encoding="utf-8")
                self.assertIn("another table", world.archives("restore", run, expect=4).stderr)

    def test_big_rows_come_back_a_few_at_a_time(self):
        with archive_world(fill=0) as world:
            world.insert(NIGHT - days(200), count=60, metadata="x" * 2_000_000)
            run = world.run(expect=0).json["run_id"]
            with limited_memory(100_000):
                self.assertEqual(world.archives("restore", run).json["restored"], 60)


if __name__ == "__main__":
    unittest.main()

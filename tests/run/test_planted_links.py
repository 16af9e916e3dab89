# SPDX-License-Identifier: Apache-2.0
"""Somebody has put a link where Holdfast is about to write: what the link leads to stays as it is."""

import os
import stat
import unittest

from archive_world import NIGHT, ArchiveWorld, archive_config
from audit_world import World, config_with, days, one_sentence, to_ms, world
from erasure_world import erasure_world
from holdfast_cli import work_folder

SAID = b"not Holdfast's\n"


class Victims:
    """Files and names elsewhere that links lead to."""

    def __init__(self, test):
        self.test = test
        self.folder = test.enterContext(work_folder("holdfast-elsewhere-"))
        self.count = 0

    def plant(self, place):
        """A link at `place` to a file that is there, or for every second one to nothing."""
        self.count += 1
        target = self.folder / f"{'file' if self.count % 2 else 'nothing'}-{self.count}"
        if self.count % 2:
            target.write_bytes(SAID)
            target.chmod(0o640)
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def check(self):
        """Every file says what it said, and nothing was made."""
        for target in self.folder.iterdir():
            self.test.assertTrue(target.name.startswith("file-"), f"made through a link: {target}")
            self.test.assertEqual((target.read_bytes(), stat.S_IMODE(target.stat().st_mode)), (SAID, 0o640), target)
        self.test.assertEqual(len(list(self.folder.iterdir())), (self.count + 1) // 2)


class PlantedLinks(unittest.TestCase):
    def setUp(self):
        self.victims = Victims(self)
        self.addCleanup(lambda: self.victims.check())

    def twice(self, place, deed):
        """`deed` with a link at `place` to a file, and with one to nothing."""
        for _ in range(2):
            self.victims.plant(place)
            deed()
            self.victims.check()
            place.unlink(missing_ok=True)

    def test_lock(self):
        made = self.enterContext(world())
        made.insert(NIGHT - days(200), count=3)
        rows = made.ids()
        lock = made.folder / "audit.db.holdfast-lock"
        self.twice(lock, lambda: one_sentence(self, made.call("run", expect=1), "holdfast-lock"))
        self.assertEqual(made.ids(), rows)

    def test_witness_file(self):
        made = self.enterContext(world())
        file = made.folder / "audit.db.witness"
        self.twice(file, lambda: self.assertIn("is a link", made.call("run", "--json", expect=4).json["error"]["message"]))
        self.twice(
            made.folder / "audit.db.witness.new", lambda: made.call("recover", "--new-witness", "--as", "alice", expect=(0, 4))
        )

    def test_files_of_the_database(self):
        for suffix in ("-wal", "-shm", "-journal"):
            with self.subTest(suffix):
                made = self.enterContext(world())
                made.insert(NIGHT - days(200), count=3)
                rows = made.ids()
                self.twice(made.folder / f"audit.db{suffix}", lambda made=made: made.call("run"))
                self.assertLessEqual(made.ids(), rows)

    def test_a_database_that_init_would_make_elsewhere(self):
        folder = self.enterContext(work_folder())
        made = World(folder, config_with(), NIGHT)
        made.database.symlink_to(self.victims.folder / "audit.db")
        one_sentence(self, made.call("init", expect=1), "audit.db", "no such database")

    def test_a_config_that_init_would_make_elsewhere(self):
        made = World(self.enterContext(work_folder()), "", NIGHT)
        self.twice(made.config_file, lambda: self.assertIn(made.call("init").exit_status, (1, 2)))

    def test_report_files_are_put_in_place_of_links(self):
        made = World(self.enterContext(work_folder()), config_with(reports={"directory": "reports"}), NIGHT)
        made.init()
        pages = [made.folder / "reports" / name for name in ("run-1.json", "run-1.html", "index.html")]
        for page in pages:
            self.victims.plant(page)
        made.run(expect=0)
        for page in pages:
            self.assertTrue(page.is_file() and not page.is_symlink(), page)
        out = made.folder / "out.html"
        self.twice(out, lambda: made.call("report", "1", "--format", "html", "--out", out, expect=1))

    def test_evidence_pack(self):
        made = self.enterContext(world())
        made.run(expect=0)
        pack = made.folder / "pack"
        words = ("evidence", "--from", "2029-01-01", "--to", "2030-12-31", "--out", pack, "--as", "alice")
        self.twice(pack / "MANIFEST", lambda: made.call(*words, expect=2))
        pack.rmdir()
        self.twice(pack, lambda: made.call(*words, expect=1))

    def test_archive_files(self):
        made = ArchiveWorld(self.enterContext(work_folder()), archive_config())
        made.archive.mkdir()
        made.init()
        made.fill(20)
        count = "SELECT count(*) FROM audit_events WHERE code = 'ACCOUNT_PROFILE_UPDATE'"
        rows = made.query(count)
        for run in (1, 2):
            self.victims.plant(made.archive_file(run))
            self.assertIn(made.call("run").exit_status, (1, 4))
            self.victims.check()
        self.assertEqual(made.query(count), rows)
        run = made.query("SELECT max(id) FROM holdfast_run")[0][0] + 1
        draft = made.manifest_file(run)
        self.victims.plant(draft.with_name(f".{draft.name}.new"))
        made.run(expect=0)
        self.assertTrue(draft.is_file() and not draft.is_symlink())
        made.clock.advance(days=40)
        self.victims.plant(draft.with_name(f".{draft.name}.new"))
        made.run(expect=0)
        self.assertFalse(made.archive_file(run).exists())

    def test_registers_that_init_remove_saves(self):
        made = self.enterContext(world())
        file = made.folder / f"audit.db.holdfast-registers-{to_ms(made.clock.now)}.json"
        self.twice(file, lambda: one_sentence(self, made.call("init", "--remove", expect=1), file.name))
        made.call("init", "--remove", expect=0)
        self.assertTrue(file.is_file())

    def test_the_config_that_policy_apply_puts_in_place(self):
        made = self.enterContext(world())
        made.run(expect=0)
        draft = made.folder / "holdfast.toml.new"
        for count, window in ((2, "120 days"), (3, "130 days")):
            changed = made.folder / f"changed-{count}.toml"
            changed.write_text(made.config_file.read_text().replace("90 days", window).replace("120 days", window))
            made.config_file.chmod(0o600)
            self.victims.plant(draft)
            made.call("policy", "apply", changed, "--reason", "contract", "--as", "alice", expect=0)
            self.assertEqual(made.config_file.read_bytes(), changed.read_bytes())
            self.assertFalse(os.path.lexists(draft))
            self.assertEqual(stat.S_IMODE(made.config_file.lstat().st_mode), 0o600)
            self.victims.check()

    def test_keys(self):
        made = self.enterContext(erasure_world())
        made.fill()
        request = made.waiting()
        keys = made.folder / "audit.db.keys"
        self.twice(keys, lambda: one_sentence(self, made.complete(request, expect=1), "audit.db.keys"))
        made.complete(request)
        (key,) = made.key_files()
        again = made.ask("u-4712")
        made.agree(again)
        made.clock.advance(days=15)
        self.twice(key, lambda: self.assertNotEqual(made.erasure("complete", again, who="bob", expect=None).exit_status, 0))


if __name__ == "__main__":
    unittest.main()

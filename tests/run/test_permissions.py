# SPDX-License-Identifier: Apache-2.0
"""Who may read and write what Holdfast makes, which files it believes, and that no planted link leads it elsewhere."""

import contextlib
import os
import stat
import unittest

from archive_world import NIGHT
from audit_world import Untouched, config_with, is_root, one_sentence, world
from erasure_world import ORDERS, PROFILES, TABLES, ErasureWorld, erasure_config
from holdfast_cli import NOBODY, work_folder

THIRD_USER = 12345
EVERYTHING = {
    "archive": {"directory": "archive", "keep": "30 days"},
    "reports": {"directory": "reports"},
    "safety": {"max_clock_step": "4000 days"},
}  # fmt: skip
READING = (("check",), ("plan",), ("status",), ("hold", "list"), ("erasure", "list"), ("verify",), ("policy", "show"))


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def everything_world(stack, *changes, **options):
    """An ErasureWorld with archives, reports and a person; not initialised."""
    made = ErasureWorld(stack.enterContext(work_folder()), erasure_config(EVERYTHING, *changes, **options), NIGHT)
    (made.folder / "archive").mkdir(mode=0o700)
    return made


def set_up(made):
    made.init()
    with made.connection() as database:
        database.executescript(TABLES)
    made.fill()


class Modes(unittest.TestCase):
    """What is made under a umask that takes nothing away."""

    def setUp(self):
        self.enterContext(umask(0))

    def too_open(self, folder, allowed, but=()):
        """The paths of a folder that allow more than `allowed`."""
        paths = [path for path in folder.rglob("*") if path.name not in but]
        self.assertTrue(paths, folder)
        return {str(path.relative_to(folder)): oct(mode_of(path)) for path in paths if mode_of(path) & ~allowed}

    def test_what_init_makes_is_its_owners_alone(self):
        folder = self.enterContext(work_folder())
        made = ErasureWorld(folder, "", NIGHT)
        made.config_file.unlink()
        made.init()
        self.assertEqual({path.name for path in folder.iterdir()} & {"holdfast.toml", "audit.db"}, {"holdfast.toml", "audit.db"})
        self.assertEqual(self.too_open(folder, 0o700), {})

    def test_files_of_a_database_that_is_open(self):
        made = everything_world(self, modules=({"name": "shop", "tables": [PROFILES, ORDERS], "holds_command": ["PROGRAM"]},))
        seen = made.folder / "seen"
        program = made.script("program", f"#!/bin/sh\nstat -c '%a %n' {made.folder}/audit.db* > {seen}\n")
        made.write_config(made.config_file.read_text().replace("PROGRAM", program))
        made.config_file.chmod(0o600)
        set_up(made)
        made.complete(made.waiting(), expect=4)
        lines = [line.split(" ", 1) for line in seen.read_text().splitlines()]
        names = {os.path.basename(name) for _, name in lines}
        self.assertLessEqual({"audit.db", "audit.db-wal", "audit.db-shm", "audit.db.holdfast-lock", "audit.db.witness"}, names)
        self.assertEqual({mode for mode, _ in lines}, {"600"}, lines)

    def test_what_runs_erasures_and_evidence_leave(self):
        made = everything_world(self)
        made.config_file.chmod(0o600)
        set_up(made)
        made.run(expect=0)
        made.erased()
        made.run(expect=0)
        made.call("plan", "--rows", "rows.ndjson", expect=0)
        changed = made.folder / "changed.toml"
        changed.write_text(made.config_file.read_text().replace("90 days", "120 days"))
        changed.chmod(0o600)
        made.call("policy", "apply", changed, "--reason", "contract", "--as", "alice", expect=0)
        made.call("recover", "--new-witness", "--as", "alice", expect=(0, 4))
        made.call("report", "1", "--format", "html", "--out", "one.html", expect=0)
        made.call("evidence", "--from", "2029-01-01", "--to", "2030-12-31", "--out", "pack", "--as", "alice", expect=0)
        for_auditors = ("one.html", "pack", "reports")
        for name in ("pack", "reports"):
            self.assertEqual(mode_of(made.folder / name), 0o750)
            self.assertEqual(self.too_open(made.folder / name, 0o750), {})
        self.assertEqual(mode_of(made.folder / "one.html"), 0o640)
        made.call("init", "--remove", expect=0)
        names = " ".join(path.name for path in made.folder.rglob("*"))
        for part in (".holdfast-registers-", ".witness.removed-", ".keys", ".manifest.json", ".ndjson.zst", "rows.ndjson"):
            self.assertIn(part, names)
        inside = {path.name for name in for_auditors[1:] for path in (made.folder / name).rglob("*")}
        self.assertEqual(self.too_open(made.folder, 0o700, but={*for_auditors, *inside}), {})


class Trust(unittest.TestCase):
    """Who can change the configuration decides what is deleted, and which programs run."""

    def setUp(self):
        self.made = self.enterContext(world())
        self.made.run(expect=0)

    def refused(self, *words, verbs=(("run",), ("plan",))):
        before = Untouched(self.made.database)
        for verb in verbs:
            answer = self.made.call(*verb)
            self.assertEqual(answer.exit_status, 2, answer)
            one_sentence(self, answer, "holdfast.toml", *words)
        self.assertEqual(before.differences(), "")

    def test_a_config_that_others_may_write_is_refused_by_every_verb(self):
        for mode in (0o664, 0o646, 0o620, 0o602, 0o666):
            with self.subTest(oct(mode)):
                self.made.config_file.chmod(mode)
                self.refused(f"{mode:04o}", "chmod go-w", str(self.made.config_file))
        self.refused("chmod go-w", verbs=(*READING, ("init",), ("init", "--remove"), ("vacuum",), ("recover",)))
        answer = self.made.call("run", "--json", expect=2)
        self.assertIn("chmod go-w", answer.json["error"]["message"])
        self.made.config_file.chmod(0o644)
        self.made.run(expect=0)

    def test_it_chooses_no_database_to_write_a_failed_run_to(self):
        self.made.write_config(self.made.config_file.read_text() + "\n[nonsense]\n")
        self.made.config_file.chmod(0o666)
        self.refused("chmod go-w", verbs=(("run",),))

    def test_a_config_in_a_folder_that_others_may_write_is_refused(self):
        for mode in (0o777, 0o775, 0o707, 0o770):
            with self.subTest(oct(mode)):
                self.made.folder.chmod(mode)
                self.refused(f"{mode:04o}", "chmod go-w", str(self.made.folder))
        self.made.folder.chmod(0o755)
        self.made.run(expect=0)

    def test_so_is_one_above_or_one_that_holds_only_a_link(self):
        above = self.made.folder / "above"
        (above / "inner").mkdir(parents=True)
        real = self.made.config_file
        self.made.write_config(config_text(self.made))
        inner = above / "inner" / "holdfast.toml"
        inner.write_text(config_text(self.made))
        links = above / "link.toml"
        links.symlink_to(real)
        outer = self.made.folder / "outer.toml"
        outer.symlink_to(links)
        for file in (inner, links, outer):
            self.made.config_file = file
            self.made.run(expect=0)
            above.chmod(0o777)
            answer = self.made.call("run", expect=2)
            one_sentence(self, answer, file.name, str(above), "chmod go-w")
            above.chmod(0o755)

    @unittest.skipUnless(is_root(), "only root can give files away")
    def test_a_config_of_a_third_user_is_refused_and_a_sticky_folder_is_not(self):
        os.chown(self.made.config_file, THIRD_USER, THIRD_USER)
        self.refused(f"belongs to user {THIRD_USER}", "root")
        os.chown(self.made.config_file, 0, 0)
        os.chown(self.made.folder, THIRD_USER, THIRD_USER)
        self.refused(f"belongs to user {THIRD_USER}", str(self.made.folder))
        os.chown(self.made.folder, 0, 0)
        self.made.folder.chmod(0o1777)
        self.made.run(expect=0)

    def test_codes_that_others_may_write_are_refused_too(self):
        codes = self.made.folder / "codes.tsv"
        codes.write_text("account\tSHOP_LOGIN\tInfo\ta login\n")
        self.made.write_config(config_with(catalogue={"extend": "codes.tsv"}))
        self.made.call("plan", expect=0)
        codes.chmod(0o666)
        one_sentence(self, self.made.call("plan", expect=2), "codes.tsv", "chmod go-w", "0666")

    def test_a_changed_config_that_others_may_write_is_not_applied(self):
        changed = self.made.folder / "changed.toml"
        changed.write_text(config_text(self.made).replace("90 days", "120 days"))
        changed.chmod(0o666)
        before = self.made.config_file.read_bytes()
        answer = self.made.call("policy", "apply", changed, "--reason", "contract", "--as", "alice", expect=2)
        one_sentence(self, answer, "changed.toml", "chmod go-w")
        self.assertEqual(self.made.config_file.read_bytes(), before)


class OtherUsers(unittest.TestCase):
    """Set up by root, on a database of an application's own user, who runs it."""

    @unittest.skipUnless(is_root(), "only root can give files away")
    def test_the_lock_that_root_makes_belongs_to_the_owner_of_the_database(self):
        made = self.enterContext(world())
        lock = made.folder / "audit.db.holdfast-lock"
        lock.unlink()
        os.chown(made.database, NOBODY, NOBODY)
        made.run(expect=0)
        self.assertEqual((lock.stat().st_uid, mode_of(lock)), (NOBODY, 0o600))

    def test_a_lock_of_somebody_else_says_whose_it_is(self):
        made = self.enterContext(world())
        made.run(expect=0)
        made.leave_root()
        lock = made.folder / "audit.db.holdfast-lock"
        lock.chmod(0)
        one_sentence(self, made.call("run", expect=1), lock.name, f"belongs to user {lock.stat().st_uid}", "chown")

    def test_a_database_that_this_user_may_not_even_look_at_is_named_by_every_verb(self):
        made = self.enterContext(world(init=False))
        shut = made.folder / "shut"
        shut.mkdir()
        made.write_config(config_with({"database": {"path": str(shut / "audit.db")}}))
        made.init()
        made.leave_root()
        shut.chmod(0)
        self.addCleanup(shut.chmod, 0o700)
        new = ("config", "new", "--database", shut / "audit.db", "--out", "new.toml")
        lock, look = "writable for whoever runs holdfast", "run as a user who may read it"
        for words, way_out in ((("run",), lock), (("init",), lock), (("plan",), look), (new, look)):
            with self.subTest(words):
                one_sentence(self, made.call(*words, expect=1), str(shut / "audit.db"), way_out)

    def test_check_says_that_a_run_of_this_user_would_fail(self):
        made = self.enterContext(world())
        made.leave_root()
        self.assertNotIn("may not be written", made.call("check", expect=0).stdout)
        made.database.chmod(0o444)
        self.assertIn(f"{made.database} may not be written", made.call("check", expect=0).stdout)


def config_text(made):
    """The configuration as it could stand anywhere."""
    return made.config_file.read_text().replace('"audit.db"', f'"{made.database}"')


if __name__ == "__main__":
    unittest.main()

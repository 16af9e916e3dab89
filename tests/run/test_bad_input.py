# SPDX-License-Identifier: Apache-2.0
"""Bad input gets one clear sentence, the right exit status, and no change in the database."""

import os
import shutil
import subprocess
import tempfile
import unittest

from audit_world import COMPLETED, FAILED, Untouched, at, config_with, is_root, one_sentence, world
from holdfast_cli import program_path
from malformed_files import copy_with_companions, manifest, try_verbs

READING_VERBS = (("check",), ("plan",), ("policy", "show"), ("status",), ("explain", "1"))
WRITING_VERBS = (
    ("init",),
    ("init", "--remove"),
    ("plan", "--save"),
    ("approve", "0123456789ab", "--as", "alice"),
    ("hold", "place", "--matter", "M", "--reason", "r", "--everything", "--as", "alice"),
    ("bookmark", "set", "webhooks", "1", "--as", "alice"),
)

# What the config says, and words of the sentence that it must get.
INVALID_CONFIGS = {
    "unknown key": ({"retention": {"category": {"account": {"windw": "90 days"}}}}, ("windw", '"window"')),
    "unknown key at the top": ({"retenton": {}}, ("retenton", '"retention"')),
    "unknown key in [safety]": ({"safety": {"max_category_shar": 0.5}}, ("max_category_shar", '"max_category_share"')),
    "window of nothing": ({"retention": {"category": {"account": {"window": "0 days"}}}}, ("account.window", "0 days")),
    "window = 0 as a number": ({"retention": {"category": {"account": {"window": 0}}}}, ("account.window", "0")),
    'window = "0"': ({"retention": {"category": {"account": {"window": "0"}}}}, ("account.window", '"0"')),
    "negative window": (
        {"retention": {"category": {"account": {"window": "-90 days"}}}}, ("account.window", "-90 days")
    ),
    "empty window": ({"retention": {"category": {"account": {"window": ""}}}}, ("account.window",)),
    "two units in a window": (
        {"retention": {"category": {"account": {"window": "1 year 2 months"}}}}, ("1 year 2 months",)
    ),
    "at_least of nothing": ({"retention": {"category": {"account": {"at_least": "0 months"}}}}, ("account.at_least",)),
    "window above a cap": (
        {
            "retention": {
                "presets": [{"name": "cnil-logs", "categories": ["account"]}],
                "category": {"account": {"window": "13 months"}},
            },
        },
        ("account", "13 months", "12 months", "cnil-logs"),
    ),
    "tenant's window above a cap": (
        {
            "retention": {
                "presets": [{"name": "cnil-logs", "categories": ["account"]}],
                "category": {"account": {"window": "7 months"}},
                "tenant": {"acme": {"category": {"account": {"window": "2 years"}}}},
            }
        },
        ("acme", "2 years", "12 months"),
    ),
    "unknown category": ({"retention": {"category": {"accont": {"window": "90 days"}}}}, ("accont", '"account"')),
    "unknown code": (
        {"retention": {"code": {"ACCOUNT_PROFILE_UPDAT": {"window": "90 days"}}}}, ("ACCOUNT_PROFILE_UPDAT",)
    ),
    "unknown preset": ({"retention": {"presets": [{"name": "pci-10.5", "categories": ["account"]}]}}, ("pci-10.5",)),
    "tenant with a floor": (
        {"retention": {"tenant": {"acme": {"category": {"account": {"window": "91 days", "at_least": "10 days"}}}}}},
        ("acme", "at_least"),
    ),
    "share above one": ({"safety": {"max_category_share": 1.5}}, ("max_category_share", "1.5")),
    "negative count": ({"safety": {"limit_min_rows": -1}}, ("limit_min_rows", "-1")),
    "delay that is no time": ({"safety": {"policy_shorten_delay": "soon"}}, ("policy_shorten_delay", "soon")),
    "wrong type": ({"database": {"path": 7}}, ("database.path",)),
    "unknown time format": ({"events": {"time_format": "unix_ns"}}, ("time_format", "unix_ns")),
    "alias of nothing": ({"catalogue": {"aliases": {"OLD": "NOWHERE"}}}, ("OLD", "NOWHERE")),
    "catalogue file that is not there": ({"catalogue": {"extend": "codes.tsv"}}, ("codes.tsv",)),
}


def aged_world(**options):
    """A world with ten rows of which one run would delete nine."""
    return world(**options)


def fill(made):
    made.insert(at("2029-01-01"), count=9, tenant="acme")
    made.insert(at("2029-12-31"), tenant="acme")


class InvalidConfig(unittest.TestCase):
    def test_every_verb_refuses_and_only_a_run_leaves_its_failed_event(self):
        for what, (change, words) in INVALID_CONFIGS.items():
            with self.subTest(what), aged_world() as made:
                fill(made)
                made.write_config(config_with(change))
                before = Untouched(made.database)
                for verb in (("plan",), ("init",)):
                    answer = made.call(*verb, expect=2)
                    one_sentence(self, answer, "holdfast.toml:", *words)
                    self.assertEqual(before.differences(), "", answer)
                self.refused_with_one_event(made, words)

    def refused_with_one_event(self, made, words):
        rows, config = made.rows(), made.config_file.read_text()
        readable = "[events]" not in config and "path = 7" not in config
        answer = made.call("run", expect=2)
        one_sentence(self, answer, *words)
        if not readable:  # [database] and [events] have to be read before an event can be written
            self.assertEqual(made.events(FAILED, COMPLETED), [])
            return
        events = made.events(FAILED, COMPLETED)
        self.assertEqual([event["code"] for event in events], [FAILED])
        metadata = events[0]["metadata"]
        self.assertEqual(metadata["outcome"], "invalid")
        self.assertEqual(metadata["deleted"], 0)
        for word in words:
            self.assertIn(word, metadata["error"]["message"])
        self.assertEqual(made.rows(), rows)

    def test_a_category_twice(self):
        twice = '[retention.category]\naccount = { window = "90 days" }\naccount = { window = "30 days" }\n'
        head = "[retention.category.account]\n"
        sections = head + 'window = "90 days"\n' + head + 'window = "30 days"\n'
        for text in (twice, sections):
            with self.subTest(text), aged_world() as made:
                fill(made)
                made.write_config('[database]\npath = "audit.db"\n' + text)
                before = Untouched(made.database)
                for verb in ("check", "plan", "init", "run"):
                    answer = made.call(verb, expect=2)
                    one_sentence(self, answer, "holdfast.toml:", "account")
                    self.assertEqual(before.differences(), "", answer)

    def test_a_category_twice_by_slug_and_by_its_name(self):
        with aged_world() as made:
            entries = 'account = { window = "90 days" }\nAccount = { window = "30 days" }\n'
            made.write_config('[database]\npath = "audit.db"\n[retention.category]\n' + entries)
            one_sentence(self, made.call("plan", expect=2), "Account")

    def test_a_code_twice_once_by_its_alias(self):
        with aged_world() as made:
            entries = {"ACCOUNT_MFA_ENROLLED": {"window": "90 days"}, "OLD": {"window": "30 days"}}
            change = {"catalogue": {"aliases": {"OLD": "ACCOUNT_MFA_ENROLLED"}}, "retention": {"code": entries}}
            made.write_config(config_with(change))
            one_sentence(self, made.call("plan", expect=2), "ACCOUNT_MFA_ENROLLED")

    def test_several_mistakes_are_all_told_each_with_its_line(self):
        with aged_world() as made:
            entries = 'acount = { window = "9 days" }\nsessions = { window = 0 }\n'
            made.write_config('[database]\npath = "audit.db"\n[retention.category]\n' + entries)
            answer = made.call("plan", expect=2)
            self.assertEqual(len(answer.stderr.strip().splitlines()), 2, answer)
            self.assertIn("holdfast.toml:4:", answer.stderr)
            self.assertIn("holdfast.toml:5:", answer.stderr)

    def test_a_config_that_is_no_toml(self):
        with aged_world() as made:
            before = Untouched(made.database)
            for text in ("[database\npath = 1", "\x00\x01\x02", "path = ", "\ufeff[database]\npath = \"a\ndb\""):
                made.write_config(text)
                for verb in ("check", "plan", "init", "run"):
                    one_sentence(self, made.call(verb, expect=2), "holdfast.toml")
            self.assertEqual(before.differences(), "")

    def test_a_config_that_is_missing(self):
        with aged_world() as made:
            fill(made)
            before = Untouched(made.database)
            made.config_file.unlink()
            for verb in (*READING_VERBS, ("run",), ("plan", "--save")):
                one_sentence(self, made.call(*verb, expect=2), "holdfast.toml", "no such file")
            self.assertEqual(before.differences(), "")
            self.assertFalse(made.config_file.exists())

    def test_usage(self):
        with aged_world() as made:
            before = Untouched(made.database)
            for words in (("runn",), (), ("plan", "--sav"), ("approve",), ("approve", "0123456789ab", "--clock"),
                          ("plan", "--save", "--as-of", "2031-01-01"), ("plan", "--as-of", "soon"), ("report", "x"),
                          ("report", "99"), ("hold", "release", "9", "--reason", "r", "--as", "alice"), (
                              "explain", "nothing"
                          ),
                          ("approve", "0123456789ab", "--as", "alice"), ("approve", "01", "--as", "alice")):
                answer = made.call(*words, expect=2)
                self.assertTrue(answer.stderr.startswith("holdfast: "), answer)
                self.assertEqual(answer.stdout, "", answer)
            self.assertEqual(before.differences(), "")


class UnusableDatabase(unittest.TestCase):
    def verbs_fail(self, made, verbs, *words, status=1, same=True):
        before = Untouched(made.database)
        for verb in verbs:
            answer = made.call(*verb, expect=status)
            one_sentence(self, answer, *words)
            if same:
                self.assertEqual(before.differences(), "", answer)

    def test_missing(self):
        with world(init=False) as made:
            self.verbs_fail(made, (*READING_VERBS, ("run",), *WRITING_VERBS[1:]), "audit.db")
            self.assertEqual([path.name for path in made.folder.iterdir() if path.name == "audit.db"], [])

    def test_missing_folder(self):
        with world(config_with({"database": {"path": "nowhere/audit.db"}}), init=False) as made:
            self.verbs_fail(made, (("check",), ("plan",), ("run",), ("init",)), "nowhere")
            self.assertFalse((made.folder / "nowhere").exists())

    def test_a_folder_in_its_place(self):
        with world(init=False) as made:
            made.database.mkdir()
            for verb in (("check",), ("plan",), ("run",), ("init",)):
                one_sentence(self, made.call(*verb, expect=1), "audit.db")

    def test_not_a_database(self):
        for content in (b"# a config, not a database\n" * 100, b"", b"SQLite format 3\x00", bytes(range(256)) * 40):
            with self.subTest(content[:20]), world(init=False) as made:
                made.database.write_bytes(content)
                verbs = (*READING_VERBS, ("run",)) if content == b"" else (*READING_VERBS, ("run",), *WRITING_VERBS)
                before = Untouched(made.database)
                for verb in verbs:
                    answer = made.call(*verb, expect=(1, 2))
                    # An empty file is a database without a table: then it is the mapping that is wrong.
                    self.assertIn(answer.exit_status, (1, 2) if content == b"" else (1,), answer)
                    one_sentence(self, answer, "audit.db")
                    self.assertEqual(before.differences(), "", answer)

    def test_not_a_database_and_encrypted_files_of_the_shared_data(self):
        for name, kind in manifest().items():
            if kind != "not_a_database":
                continue
            with self.subTest(name), world(init=False) as made:
                copy_with_companions(name, made.database)
                self.verbs_fail(made, (*READING_VERBS, ("run",), *WRITING_VERBS), "audit.db", "not a")

    def test_an_encrypted_file_is_called_so(self):
        with world(init=False) as made:
            copy_with_companions("encrypted_sqlcipher-4.0-testkey.db", made.database)
            one_sentence(self, made.call("plan", expect=1), "encrypted")

    def test_a_sample_of_the_malformed_files(self):
        for name in sorted(manifest())[::9]:
            with self.subTest(name):
                self.assertEqual(try_verbs(name, mapped=True), [])

    def test_damaged_in_the_middle(self):
        with world() as made:
            fill(made)
            made.insert(at("2029-01-01"), count=3000, tenant="acme", metadata="x" * 200)
            with made.connection() as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            whole = made.database.read_bytes()
            page = int.from_bytes(whole[16:18], "big")
            half = len(whole) // page // 2 * page
            made.database.write_bytes(whole[:half] + b"\xa5" * (12 * page) + whole[half + 12 * page :])
            before = Untouched(made.database)
            answer = made.call("plan", expect=1)
            one_sentence(self, answer, "audit.db", "damaged")
            self.assertEqual(before.differences(), "")
            report = made.run(expect=1).json
            self.assertEqual(report["outcome"], "failed")
            self.assertEqual(report["error"]["reason"], "database_corrupt")
            self.assertEqual(report["deleted"], 0)
            self.assertEqual([event["metadata"]["outcome"] for event in made.events(FAILED)], ["failed"])

    def test_cut_off(self):
        with world() as made:
            made.insert(at("2029-01-01"), count=3000, tenant="acme", metadata="x" * 200)
            with made.connection() as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            whole = made.database.read_bytes()
            made.database.write_bytes(whole[: len(whole) // 2])
            before = Untouched(made.database)
            for verb in (("check",), ("plan",), ("run",)):
                answer = made.call(*verb, expect=1)
                self.assertIn("damaged", answer.stderr, answer)
            self.assertEqual(before.differences(), "")

    @unittest.skipIf(is_root() and shutil.which("setpriv") is None, "root may write to everything")
    def test_read_only(self):
        for folder_too in (False, True):
            with self.subTest(folder_too=folder_too), world() as made:
                fill(made)
                with made.connection() as database:
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                before = Untouched(made.database)
                made.database.chmod(0o444)
                made.folder.chmod(0o555 if folder_too else 0o755)
                try:
                    for verb in (("run",), ("plan", "--save"), ("init",), *WRITING_VERBS[4:]):
                        answer = self.call_unprivileged(made, *verb)
                        self.assertEqual(answer.returncode, 1, answer)
                        self.assertEqual(len(answer.stderr.strip().splitlines()), 1, answer)
                        self.assertIn("audit.db", answer.stderr, answer)
                finally:
                    made.folder.chmod(0o755)
                self.assertEqual(before.differences(), "")

    def call_unprivileged(self, made, *words):
        """As a user who owns nothing here: root may write to a file that says it is read-only."""
        # The folder of the build may be closed to that user, and programs may not start in memory.
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            os.chmod(folder, 0o755)
            program = shutil.copy(program_path(), folder)
            rank = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if is_root() else []
            command = [*rank, program, *words, "--config", str(made.config_file)]
            return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)

    def test_a_newer_schema(self):
        with world() as made:
            fill(made)
            with made.connection() as database:
                database.execute("UPDATE holdfast_meta SET value = 99 WHERE key = 'schema_version'")
            self.verbs_fail(made, (("plan",), ("run",), ("init",)), "audit.db", "newer")


if __name__ == "__main__":
    unittest.main()

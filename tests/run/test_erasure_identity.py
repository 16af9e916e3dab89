# SPDX-License-Identifier: Apache-2.0
"""Who acts is who is logged in: a flag, a forged variable and sudo do not make a second person."""

import os
import pwd
import stat
import subprocess
import unittest
from pathlib import Path

from audit_world import is_root
from erasure_world import DUAL_CONTROL, PERSON, blocked, erasure_config, erasure_world, refused
from holdfast_cli import Answer, program_path, require, work_folder

ORDINARY, OTHER_UID = 65534, 1


def name_of(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def has_login():
    login = Path("/proc/self/loginuid")
    return login.exists() and login.read_text().strip() not in ("", str(2**32 - 1))


class Identity(unittest.TestCase):
    """Root, an ordinary user and a third one; here a login counts only as far as no login is recorded."""

    def setUp(self):
        require(is_root(), "needs root to become somebody else")
        require(not has_login(), "this session has a login uid, which goes before everything asked here")
        self.root, self.ordinary, self.third = name_of(0), name_of(ORDINARY), name_of(OTHER_UID)
        self.changes = {"identity": {"trust_flag": False}, "admins": {"principals": [self.root, self.ordinary, self.third]}}
        self.made = self.enterContext(erasure_world(erasure_config(self.changes)))
        self.made.fill()

    def give_to(self, uid):
        """The folder and all that is in it belongs to this user."""
        for path in (self.made.folder, *self.made.folder.rglob("*")):
            os.chown(path, uid, uid)

    def open_to_all(self):
        """Everybody may write to the database, which stays root's; the configuration lies where only root may write."""
        apart = self.enterContext(work_folder("holdfast-config-"))
        apart.chmod(0o755)
        self.made.config_file = apart / "holdfast.toml"
        self.made.write_config(erasure_config(self.changes, database={"path": str(self.made.database)}))
        self.made.folder.chmod(0o777)
        for path in self.made.folder.glob("audit.db*"):
            path.chmod(path.stat().st_mode | stat.S_IRWXO if path.is_dir() else 0o666)
        self.made.config_file.chmod(0o644)

    def as_user(self, uid, *words, sudo_uid=None):
        """The program as this user, with SUDO_UID as it is given."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HOLDFAST_", "FAKETIME", "SUDO_"))}
        environment.update(self.made.clock.environment())
        if sudo_uid is not None:
            environment["SUDO_UID"] = str(sudo_uid)
        words = tuple(str(word) for word in ("erasure", *words, "--json"))
        who = {} if uid == 0 else {"user": uid, "group": uid, "extra_groups": []}
        command = [str(program_path()), *words, "--config", str(self.made.config_file)]
        quiet = {"stdin": subprocess.DEVNULL, "capture_output": True, "encoding": "utf-8"}
        done = subprocess.run(command, cwd=self.made.folder, env=environment, check=False, **quiet, **who)
        return Answer(words, done.returncode, done.stdout, done.stderr)

    def requested_by(self, request):
        return self.made.query("SELECT requested_by, approved_by FROM holdfast_erasure WHERE id = ?", request)[0]

    def ask(self):
        answer = self.as_user(0, "request", "--tenant", "acme", "--subject", PERSON)
        self.assertEqual(answer.exit_status, 0, answer)
        return answer.json["request"]["id"]

    def test_the_flag_is_refused_where_the_config_does_not_trust_it(self):
        request = self.ask()
        for verb in ("approve", "complete", "show"):
            with self.subTest(verb):
                refused(self, self.made, self.as_user(0, verb, request, "--as", "alice"), "--as alice", "trust_flag")
        self.assertEqual(self.requested_by(request), (self.root, ""))

    def test_a_forged_sudo_uid_of_an_ordinary_user_changes_nothing(self):
        self.open_to_all()
        request = self.ask()
        self.open_to_all()
        answer = self.as_user(ORDINARY, "approve", request, sudo_uid=OTHER_UID)
        self.assertEqual(answer.exit_status, 0, answer)
        self.assertEqual(answer.json["request"]["approved_by"], self.ordinary)
        blocked(self, self.as_user(ORDINARY, "complete", request, sudo_uid=0), "dual_control")

    def test_the_approver_under_sudo_is_still_the_approver(self):
        request = self.ask()
        answer = self.as_user(0, "approve", request, sudo_uid=ORDINARY)
        self.assertEqual(answer.json["request"]["approved_by"], self.ordinary, answer)
        self.made.clock.advance(days=15)
        blocked(self, self.as_user(0, "complete", request, sudo_uid=ORDINARY), "dual_control")
        event = self.made.events(DUAL_CONTROL)[0]
        self.assertEqual(event["actor"], self.ordinary)
        answer = self.as_user(0, "complete", request, sudo_uid=OTHER_UID)
        self.assertEqual((answer.exit_status, answer.json["request"]["ended_by"]), (0, self.third), answer)

    def test_the_databases_owner_is_believed_about_sudo(self):
        self.give_to(ORDINARY)
        answer = self.as_user(ORDINARY, "request", "--tenant", "acme", "--subject", PERSON, sudo_uid=OTHER_UID)
        self.assertEqual((answer.exit_status, answer.json["request"]["requested_by"]), (0, self.third), answer)

    def test_a_sudo_uid_that_is_no_number_is_not_believed(self):
        for forged in ("", "-1", "1 ", "alice", "99999999999999999999"):
            with self.subTest(forged):
                answer = self.as_user(0, "request", "--tenant", "acme", "--subject", f"u-{forged}", sudo_uid=forged)
                self.assertEqual(answer.json["request"]["requested_by"], self.root, answer)


class NoAdministrator(unittest.TestCase):
    def test_somebody_who_is_no_administrator_completes_nothing(self):
        made = self.enterContext(erasure_world())
        made.fill()
        request = made.waiting()
        rows, deeds = made.rows(), made.deeds()
        for words in (("complete", request), ("complete", request, "--when-due"), ("approve", made.ask("u-1"))):
            for who in ("mallory", "Bob", "bob ", "root"):
                with self.subTest(words=words, who=who):
                    refused(self, made, made.erasure(*words, who=who, expect=4), "[admins].principals")
        refused(self, made, made.complete(request, who=PERSON, expect=4), "not_administrator")
        made.complete(request, "--override", "0" * 64, "--reason", "a reason that is long enough", who="mallory", expect=4)
        self.assertEqual({id: row for id, row in made.rows().items() if id in rows}, rows)
        self.assertEqual(made.deeds(), [*deeds, "ACCOUNT_DELETION_REQUEST"])
        self.assertEqual(made.key_files(), [])

    def test_an_administrator_named_today_counts_after_the_delay(self):
        made = self.enterContext(erasure_world())
        made.run(expect=0)
        request = made.waiting()
        made.write_config(erasure_config({"admins": {"principals": ["alice", "bob", "mallory"]}}))
        refused(self, made, made.complete(request, who="mallory", expect=4), "policy_shorten_delay")
        made.run(expect=0)
        refused(self, made, made.complete(request, who="mallory", expect=4), "policy_shorten_delay")
        made.clock.advance(days=8)
        made.run(expect=0)
        self.assertEqual(made.complete(request, who="mallory").json["outcome"], "done")

    def test_the_flag_is_not_believed_the_night_the_config_begins_to_trust_it(self):
        config = erasure_config({"identity": {"trust_flag": False}})
        made = self.enterContext(erasure_world(config))
        made.run(expect=0)
        made.write_config(erasure_config())
        answer = made.erasure("request", "--tenant", "acme", "--subject", PERSON, who="alice", expect=4)
        refused(self, made, answer, "trust_flag")


if __name__ == "__main__":
    unittest.main()

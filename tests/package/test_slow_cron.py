# SPDX-License-Identifier: Apache-2.0
"""The cron example under Debian's own cron: who gets mail, and of how many lines.

cron runs as root in namespaces of its own, with a crontab, a spool and a sendmail that belong to the test; nothing of
the machine's own cron is touched. It looks at its tables once a minute, so this takes up to a minute and a half.
"""

import datetime
import email
import os
import re
import shutil
import subprocess
import time
import unittest

from made_documents import PACKAGE, need_tool
from holdfast_cli import UTC, program_path, require, work_folder
from audit_world import World, config_with, days

LONGEST_WAIT_S = 120
# Long enough for a mail that must not come.
SETTLING_S = 3

SENDMAIL = """#!/bin/sh
mail=$(mktemp "{mails}/.XXXXXX")
cat >"$mail"
mv "$mail" "$mail.done"
"""

CRON = r"""
set -e
work=$1
mount -t proc proc /proc
mkdir "$work/sbin" "$work/own_sbin"
mount --bind /usr/sbin "$work/own_sbin"
for program in "$work"/own_sbin/*; do
  case ${program##*/} in sendmail | cron) ;; *) ln -s "$program" "$work/sbin/" ;; esac
done
cp "$work/own_sbin/cron" "$work/sbin/cron"
cp "$work/sendmail" "$work/sbin/sendmail"
mount --bind "$work/sbin" /usr/sbin
mount --bind "$work/cron.d" /etc/cron.d
mount --bind "$work/crontab" /etc/crontab
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
exec /usr/sbin/cron -f
"""


def example():
    """(mail address, command) of the example."""
    text = (PACKAGE / "examples" / "holdfast.cron").read_text(encoding="utf-8")
    schedule = re.search(r"(?m)^\d+ \d+ \* \* \*  holdfast  (.*)$", text)
    return re.search(r"(?m)^MAILTO=(\S+)$", text)[1], schedule[1]


def made_world(folder, change):
    """An installation with 30 rows that are due and 30 that are not, as of the real clock."""
    now = datetime.datetime.now(UTC)
    folder.mkdir()
    world = World(folder, config_with({"retention": {"category": {"mfa": {"window": "90 days", "basis": "test"}}}},
                                      change), now)
    world.init()
    world.insert(now - days(400), count=30)
    world.insert(now - days(1), count=30)
    return world


class CronMail(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        program_path()
        need_tool("cron", "cron")
        need_tool("unshare", "util-linux")
        require(os.geteuid() == 0, "cron needs root, to change to the users of its jobs")

    def start(self, work, worlds):
        mailto, command = example()
        lines = [f"MAILTO={mailto}"]
        for name, world in worlds.items():
            self.assertIn("/etc/holdfast/holdfast.toml", command)
            job = command.replace("/usr/bin/holdfast", str(program_path()))
            job = job.replace("/etc/holdfast/holdfast.toml", str(world.config_file))
            lines.append(f"* * * * *  root  {job}; echo $? >>{work}/{name}.status")
        (work / "cron.d").mkdir()
        (work / "cron.d" / "holdfast").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (work / "crontab").touch()
        (work / "mails").mkdir()
        (work / "sendmail").write_text(SENDMAIL.format(mails=work / "mails"), encoding="utf-8")
        (work / "sendmail").chmod(0o755)
        cron = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", CRON, "sh", work],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(cron.stdout.close)
        self.addCleanup(cron.wait)
        self.addCleanup(cron.kill)
        return cron

    def wait_for(self, cron, work, names):
        end = time.monotonic() + LONGEST_WAIT_S
        while not all((work / f"{name}.status").exists() for name in names):
            if cron.poll() is not None:
                self.fail(f"cron ended: {cron.stdout.read()}")
            self.assertLess(time.monotonic(), end, "cron started no job")
            time.sleep(0.2)
        time.sleep(SETTLING_S)

    def lines_mailed(self, work, worlds):
        """The lines of each mail by the world that it is about."""
        found = {name: [] for name in worlds}
        for file in (work / "mails").glob("*.done"):
            mail = email.message_from_string(file.read_text(encoding="utf-8"))
            self.assertEqual(mail["To"], example()[0])
            about = [name for name, world in worlds.items() if str(world.config_file) in mail["Subject"]]
            self.assertEqual(len(about), 1, mail["Subject"])
            found[about[0]].append(mail.get_payload().strip().splitlines())
        return found

    def test_success_is_silent_and_whatever_needs_a_person_is_one_mail(self):
        with work_folder() as work:
            worlds = {
                "done": made_world(work / "done", {}),
                "partial": made_world(work / "partial", {"run": {"max_rows": 3}}),
                "refused": made_world(work / "refused", {"safety": {"first_run_needs_approval": True}}),
                "failed": made_world(work / "failed", {}),
            }
            worlds["failed"].database.write_bytes(b"no database at all" * 1000)
            cron = self.start(work, worlds)
            self.wait_for(cron, work, worlds)
            mailed = self.lines_mailed(work, worlds)
            statuses = {name: int((work / f"{name}.status").read_text().split()[0]) for name in worlds}
            shutil.rmtree(work / "mails")

        self.assertEqual(statuses, {"done": 0, "partial": 3, "refused": 4, "failed": 1})
        self.assertEqual(mailed["done"], [])
        for name in ("partial", "refused"):
            self.assertEqual([len(lines) for lines in mailed[name]], [1], mailed[name])
        self.assertEqual(len(mailed["failed"]), 1)
        print(*(f"{name}: {mails}" for name, mails in mailed.items()), sep="\n")


if __name__ == "__main__":
    unittest.main()

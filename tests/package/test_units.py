# SPDX-License-Identifier: Apache-2.0
"""systemd takes the units, with and without each drop-in of the examples, and the sandbox is a narrow one."""

import configparser
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from made_documents import PACKAGE, need_tool

MOST_EXPOSURE = 2.0


class Units(unittest.TestCase):

    def setUp(self):
        need_tool("systemd-analyze", "systemd")
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for unit in [*(PACKAGE / "systemd").iterdir(), PACKAGE / "examples" / "holdfast-failed@.service"]:
            # The program has to exist for "verify"; here it need not be installed.
            text = unit.read_text(encoding="utf-8").replace("/usr/bin/holdfast", "/usr/bin/true")
            (self.folder / unit.name).write_text(text, encoding="utf-8")
        self.service = self.folder / "holdfast.service"

    def use(self, drop_in):
        folder = self.folder / "holdfast.service.d"
        folder.mkdir(exist_ok=True)
        shutil.copy(drop_in, folder)

    def check_verified(self, *units):
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True,
                              check=False)
        # What other units of this machine lack is not ours.
        ours = [line for line in said.stderr.splitlines() if "holdfast" in line or str(self.folder) in line]
        self.assertEqual(ours, [])

    def exposure(self):
        said = subprocess.run(["systemd-analyze", "security", "--offline=yes", self.service], capture_output=True,
                              text=True, check=True)
        return float(re.search(r"exposure level for holdfast\.service: ([\d.]+)", said.stdout)[1])

    def read(self, name):
        """A unit as sections of (key, value); keys may repeat."""
        unit = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
        unit.optionxform = str
        unit.read(self.folder / name)
        return unit

    def test_verify_has_nothing_to_say(self):
        self.check_verified(self.service, self.folder / "holdfast.timer")

    def test_verify_would_have_noticed(self):
        text = self.service.read_text(encoding="utf-8")
        self.service.write_text(text.replace("MemoryMax=1G", "MemoryMax=much"), encoding="utf-8")
        with self.assertRaises(AssertionError):
            self.check_verified(self.service)

    def test_the_service_is_hardly_exposed(self):
        self.assertLess(self.exposure(), MOST_EXPOSURE)

    def test_every_example_is_taken_and_leaves_the_sandbox_narrow(self):
        drop_ins = sorted((PACKAGE / "examples").glob("*.conf"))
        self.assertGreaterEqual(len(drop_ins), 5)
        for drop_in in drop_ins:
            with self.subTest(drop_in.name):
                shutil.rmtree(self.folder / "holdfast.service.d", ignore_errors=True)
                self.use(drop_in)
                self.check_verified(self.service, self.folder / "holdfast.timer")
                self.assertLess(self.exposure(), MOST_EXPOSURE)

    def test_outcomes_that_need_nobody_are_successes_and_the_others_failures(self):
        service = self.read("holdfast.service")["Service"]
        good = set(service["SuccessExitStatus"].split())
        never_again = set(service["RestartPreventExitStatus"].split())
        self.assertEqual(good, {"3", "130"})
        # The one status that is tried again is 11, another run holds the lock.
        self.assertEqual(service["Restart"], "on-failure")
        self.assertLessEqual({"1", "2", "4", "130"}, never_again)
        # Nor does a drop-in that names a missing folder or user (systemd's own statuses) wait for ten minutes in silence.
        self.assertLessEqual({str(status) for status in range(200, 244)}, never_again)
        self.assertNotIn("11", good | never_again)

    def test_nothing_holds_back_a_run_that_holds_the_write_lock(self):
        service = self.read("holdfast.service")["Service"]
        held_back = {"Nice", "CPUSchedulingPolicy", "CPUWeight", "CPUQuota", "IOSchedulingClass", "IOWeight"}
        self.assertEqual(held_back & set(service), set())

    def test_the_timer_is_nightly_catches_up_and_is_enabled_by_nothing_that_is_installed(self):
        timer = self.read("holdfast.timer")
        self.assertEqual(timer["Timer"]["Persistent"], "true")
        said = subprocess.run(["systemd-analyze", "calendar", timer["Timer"]["OnCalendar"]], capture_output=True,
                              text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
        self.assertIn("02:15:00", said.stdout)
        for script in ("postinst", "prerm", "postrm"):
            text = (PACKAGE / "debian" / script).read_text(encoding="utf-8")
            self.assertNotRegex(text, r"\benable\b(?!d)|systemctl start|invoke start", script)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Nobody reads what the program prints: a run goes on to its end, and a lost answer is said."""

import os
import subprocess
import unittest

from audit_world import COMPLETED, days, world
from holdfast_cli import program_path


class ClosedOutput(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world())
        self.made.insert(self.made.clock.now - days(200), tenant="acme", count=50)

    def call(self, *words, **streams):
        """The exit status, and what was said on stderr where that is not one of the streams."""
        environment = os.environ | self.made.clock.environment()
        command = [str(program_path()), *words, "--config", str(self.made.config_file)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False, text=True, **streams)
        return done.returncode, done.stderr

    def broken_pipe(self):
        read, write = os.pipe()
        os.close(read)
        self.addCleanup(os.close, write)
        return write

    def test_a_run_whose_log_nobody_reads(self):
        self.assertEqual(self.call("run", "--verbose", stderr=self.broken_pipe())[0], 0)
        self.assertEqual(len(self.made.ids()), 0)
        self.assertEqual(len(self.made.events(COMPLETED)), 1)

    def test_a_run_whose_report_nobody_reads(self):
        for stdout in (self.broken_pipe(), self.enterContext(open("/dev/full", "w", encoding="utf-8"))):
            status, said = self.call("run", "--json", stdout=stdout)
            self.assertEqual(status, 0, said)
            self.assertIn("could not be printed", said)
            self.made.clock.advance(hours=20)
        self.assertEqual(len(self.made.events(COMPLETED)), 2)

    def test_an_answer_that_is_lost_is_a_failure(self):
        for words in (("plan",), ("status", "--json"), ("verify",)):
            with self.subTest(words=words), open("/dev/full", "w", encoding="utf-8") as full:
                status, said = self.call(*words, stdout=full)
                self.assertEqual(status, 1)
                self.assertIn("could not be printed", said)


if __name__ == "__main__":
    unittest.main()

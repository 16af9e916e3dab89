# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The programs that answer for other systems' holds: what they may be, and what they see, cost and leave behind."""

import json
import os
import time
import unittest
from pathlib import Path

from audit_world import one_sentence
from erasure_world import PERSON, PROFILES, blocked, erasure_config, erasure_world, reports_of

CLEAR = json.dumps({"module": "crm", "subject": PERSON, "status": "clear", "holds": []})
SECRET = "correct-horse-battery-staple"


def is_gone(pid):
    """Whether a process has ended, within two seconds; a zombie has."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] in "ZX":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


class HoldPrograms(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world(erasure_config(modules=[])))
        self.made.fill()
        self.program = self.made.folder / "bin" / "crm-holds"
        self.program.parent.mkdir(mode=0o755)
        self.told = self.made.folder / "told"

    def ask(self, script, *arguments, time_limit="20s", person=PERSON, expect=(0, 4), mode=0o755):
        """A completion that asks this program; what it says is in `told`."""
        self.program.write_text(f"#!/bin/sh\n{script}\n")
        self.program.chmod(mode)
        command = [self.program, *arguments]
        module = {"name": "crm", "tables": [PROFILES], "holds_command": command, "time_limit": time_limit}
        self.made.write_config(erasure_config(modules=[module]))
        return self.made.complete(self.made.waiting(person), expect=expect)

    def no_answer(self, answer, *words):
        blocked(self, answer, "module_unanswered")
        (report,) = [report for module, report in reports_of(answer).items() if module == "crm"]
        self.assertEqual(report["status"], "error")
        for word in words:
            self.assertIn(word, report["problem"])

    def test_a_program_that_others_may_write_is_not_run(self):
        for mode in (0o775, 0o757, 0o777):
            answer = self.ask(f"touch {self.told}; echo '{CLEAR}'", mode=mode)
            self.no_answer(answer, f"{mode:04o}", "chmod go-w", str(self.program))
        for mode in (0o775, 0o777):
            self.program.parent.chmod(mode)
            self.no_answer(self.ask(f"touch {self.told}; echo '{CLEAR}'"), f"{mode:04o}", str(self.program.parent))
        self.assertFalse(self.told.exists())
        self.program.parent.chmod(0o755)
        self.assertEqual(self.ask(f"touch {self.told}; echo '{CLEAR}'").json["outcome"], "done")
        self.assertTrue(self.told.exists())

    def test_it_sees_nothing_of_the_callers_environment(self):
        os.environ["DATABASE_PASSWORD"] = SECRET
        self.addCleanup(os.environ.pop, "DATABASE_PASSWORD")
        script = f"tr '\\0' '\\n' < /proc/$$/environ > {self.told}; echo '{CLEAR}'"
        self.assertEqual(self.ask(script).json["outcome"], "done")
        self.assertEqual(sorted(self.told.read_text().splitlines()), ["LANG=C.UTF-8", "PATH=/usr/bin:/bin"])

    def test_no_shell_reads_its_arguments_or_the_subject(self):
        mark = self.made.folder / "mark"
        words = (f"$(touch {mark})", f"; touch {mark} #", f"`touch {mark}`", "| cat", "$HOME", "*", "a b")
        answer = self.ask(f"printf '[%s]' \"$@\" > {self.told}; cat >> {self.told}; echo '{CLEAR}'", *words)
        self.assertEqual(answer.json["outcome"], "done")
        printed = "".join(f"[{word}]" for word in words)
        asked = json.dumps({"module": "crm", "subject": PERSON, "tenant": "acme"}, separators=(",", ":"))
        self.assertEqual(self.told.read_text(), f"{printed}{asked}\n")
        hostile = f"x'; touch {mark}; $(touch {mark}) `touch {mark}` \\ \" \n"
        self.made.fill(person=hostile)
        self.no_answer(self.ask(f"cat > {self.told}; echo '{CLEAR}'", person=hostile), "another subject")
        self.assertEqual(json.loads(self.told.read_text())["subject"], hostile)
        self.assertFalse(mark.exists())

    def test_one_without_end_is_ended_with_all_that_it_started(self):
        starts = {
            "in its group": f"sleep 600 & echo $! > {self.told}; wait",
            "deaf": f"trap '' TERM HUP INT; (trap '' TERM; while :; do sleep 1; done) & echo $! > {self.told}; while :; do :; done",
            "in a session of its own": f"setsid sleep 600 & echo $! > {self.told}; wait",
            "left by its parent": f"(setsid sh -c 'echo $$ > {self.told}; exec sleep 600' > /dev/null 2>&1 &) ; sleep 600",
            "left behind by one that ended": f"setsid sh -c 'echo $$ > {self.told}; exec sleep 600' > /dev/null 2>&1 & "
            f"while ! [ -s {self.told} ]; do :; done; echo '{CLEAR}'",
        }
        for what, script in starts.items():
            with self.subTest(what):
                self.told.unlink(missing_ok=True)
                began = time.monotonic()
                answer = self.ask(script, time_limit="1s")
                self.assertLess(time.monotonic() - began, 10)
                if "ended" not in what:
                    self.no_answer(answer, "time limit of 1000 ms")
                self.assertTrue(is_gone(int(self.told.read_text())), what)

    def test_one_that_eats_memory_stops_at_its_limit(self):
        began = time.monotonic()
        answer = self.ask(f"ulimit -v > {self.told}; tail -n 1 /dev/zero > /dev/null && echo '{CLEAR}'", time_limit="60s")
        self.no_answer(answer)
        self.assertNotIn("time limit", str(answer.json))
        self.assertLess(time.monotonic() - began, 50)
        self.assertEqual(self.told.read_text(), f"{512 << 10}\n")

    def test_what_it_says_about_the_person_is_not_repeated(self):
        answer = self.ask(f"echo 'no such user: {PERSON}' >&2; exit 1")
        self.no_answer(answer, "[subject]")
        self.assertNotIn(PERSON, answer.stderr)


class NoShell(unittest.TestCase):
    def test_a_config_cannot_name_a_program_by_a_line_for_a_shell(self):
        made = self.enterContext(erasure_world(erasure_config(modules=[])))
        module = {"name": "crm", "tables": [PROFILES], "holds_command": "/bin/sh -c true"}
        made.write_config(erasure_config(modules=[module]))
        one_sentence(self, made.call("plan", expect=2), "holds_command")


if __name__ == "__main__":
    unittest.main()

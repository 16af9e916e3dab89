# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""What the program of a module answers, or fails to: only a clear "clear" lets an erasure through."""

import json
import textwrap
import time
import unittest

from erasure_world import BLOCKED, DONE, PERSON, PROFILES, blocked, contents, erasure_config, erasure_world, reports_of

CLEAR = {"module": "crm", "subject": PERSON, "status": "clear", "holds": []}
HOLD = {"id": "L-1", "basis": "litigation", "locked": False, "review_by": None}


def printing(answer, status=0):
    """A program that prints this and ends."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return f"#!/bin/sh\ncat >/dev/null\ncat <<'ANSWER'\n{text}\nANSWER\nexit {status}\n"


NO_ANSWER = {
    "hangs": "#!/bin/sh\nsleep 30\n",
    "leaves a child that hangs": f"#!/bin/sh\nsleep 30 &\necho '{json.dumps(CLEAR)}'\nwait\n",
    "crashes": "#!/bin/sh\nkill -SEGV $$\n",
    "crashes after a good answer": f"#!/bin/sh\necho '{json.dumps(CLEAR)}'\nkill -KILL $$\n",
    "fails though it says clear": printing(CLEAR, status=3),
    "says nothing": "#!/bin/sh\nexit 0\n",
    "prints garbage": printing("all clear, go ahead"),
    "prints half of it": printing(json.dumps(CLEAR)[:-2]),
    "prints two answers": printing(json.dumps(CLEAR) + json.dumps(CLEAR)),
    "prints a list": printing([CLEAR]),
    "prints more than it may": "#!/bin/sh\nhead -c 400000 /dev/zero | tr '\\0' ' '\n",
    "answers for somebody else": printing(CLEAR | {"subject": "u-4712"}),
    "answers for another case of letters": printing(CLEAR | {"subject": PERSON.upper()}),
    "answers as another module": printing(CLEAR | {"module": "billing"}),
    "says error": printing(CLEAR | {"status": "error"}),
    "says a status of its own": printing(CLEAR | {"status": "CLEAR"}),
    "says clear and lists a hold": printing(CLEAR | {"holds": [HOLD]}),
    "says hold and lists none": printing(CLEAR | {"status": "hold"}),
    "says clear twice": printing('{"status": "hold", ' + json.dumps(CLEAR)[1:]),
    "forgets its holds": printing({key: value for key, value in CLEAR.items() if key != "holds"}),
    "has no interpreter": "#!/no/such/shell\n",
}


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = cls.enterClassContext(erasure_world(erasure_config(modules=[])))
        cls.made.fill()
        program = cls.made.script("crm", printing(CLEAR))
        cls.module = {"name": "crm", "tables": [PROFILES], "holds_command": [program], "time_limit": "1s"}
        cls.made.write_config(erasure_config(modules=[cls.module]))
        cls.request = cls.made.waiting()

    def try_it(self, program, expect=4):
        self.made.script("crm", program)
        return self.made.complete(self.request, expect=expect)

    def test_no_answer_is_a_hold(self):
        rows = self.made.named(PERSON)
        for name, program in NO_ANSWER.items():
            with self.subTest(name):
                before = len(self.made.deeds(BLOCKED))
                begun_s = time.monotonic()
                answer = self.try_it(program)
                self.assertLess(time.monotonic() - begun_s, 20)
                blocked(self, answer, "module_unanswered")
                report = reports_of(answer)["crm"]
                self.assertEqual(report["status"], "error", answer)
                self.assertIn('"crm"', report["problem"])
                self.assertNotIn(PERSON, report["problem"])
                event = self.made.events(BLOCKED)[before:]
                self.assertEqual([line["metadata"]["holds"] for line in event], [[{"module": "crm", "id": None}]])
        self.assertEqual(self.made.named(PERSON) & rows, rows)
        self.assertEqual(self.made.deeds(DONE), [])
        self.assertEqual(self.made.query("SELECT count(*) FROM profiles"), [(1,)])

    def test_no_answer_cannot_be_overridden(self):
        self.made.script("crm", NO_ANSWER["crashes"])
        blocked(self, self.made.override(self.request, expect=4), "module_unanswered")

    def test_a_hold_stands_in_the_way_by_its_name(self):
        answer = self.try_it(printing(CLEAR | {"status": "hold", "holds": [HOLD]}))
        blocked(self, answer, "holds")
        self.assertEqual(reports_of(answer)["crm"]["holds"], [HOLD])
        answer = self.try_it(printing(CLEAR | {"status": "hold", "holds": [HOLD | {"locked": True}]}))
        blocked(self, self.made.override(self.request, expect=4), "hold_locked")

    def test_a_program_that_others_may_change_is_not_run(self):
        file = self.made.folder / "crm"
        self.made.script("crm", f"#!/bin/sh\ntouch {self.made.folder}/was_run\n")
        file.chmod(0o777)
        answer = self.made.complete(self.request, expect=4)
        blocked(self, answer, "module_unanswered")
        self.assertIn("not run", reports_of(answer)["crm"]["problem"])
        self.assertFalse((self.made.folder / "was_run").exists())

    def test_a_program_that_is_not_there(self):
        (self.made.folder / "crm").unlink(missing_ok=True)
        blocked(self, self.made.complete(self.request, expect=4), "module_unanswered")

    def test_what_a_program_says_about_the_person_is_not_kept(self):
        answer = self.try_it(f"#!/bin/sh\necho 'cannot find {PERSON} in the crm' >&2\nexit 1\n")
        problem = reports_of(answer)["crm"]["problem"]
        self.assertIn("cannot find [subject] in the crm", problem)
        self.assertNotIn(PERSON, "".join(row[0] for row in self.made.query("SELECT report FROM holdfast_erasure_attempt")))


class Clear(unittest.TestCase):
    def test_clear_said_properly_completes(self):
        with erasure_world(erasure_config(modules=[])) as made:
            made.fill()
            program = made.script("crm", textwrap.dedent("""\
                #!/usr/bin/env python3
                import json, sys
                asked = json.load(sys.stdin)
                assert asked == {"module": "crm", "subject": "u-4711", "tenant": "acme"}, asked
                print(json.dumps({"module": asked["module"], "subject": asked["subject"], "status": "clear", "holds": []}))
                """))
            module = {"name": "crm", "tables": [PROFILES], "holds_command": [program], "time_limit": "10s"}
            made.write_config(erasure_config(modules=[module]))
            answer = made.complete(made.waiting())
            self.assertEqual(answer.json["outcome"], "done")
            self.assertEqual(reports_of(answer)["crm"]["status"], "clear")

    def test_a_blocked_attempt_changes_nothing_but_its_own_lines(self):
        with erasure_world(erasure_config(modules=[])) as made:
            made.fill()
            module = {"name": "crm", "tables": [PROFILES], "holds_command": [made.script("crm", NO_ANSWER["crashes"])]}
            made.write_config(erasure_config(modules=[module]))
            request = made.waiting()
            before = contents(made.database)[1]
            made.complete(request, expect=4)
            after = contents(made.database)[1]
            changed = {table for table in after if after[table] != before[table]}
            self.assertEqual(changed, {"audit_events", "holdfast_erasure_attempt"})


if __name__ == "__main__":
    unittest.main()

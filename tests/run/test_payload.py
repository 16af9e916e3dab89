# SPDX-License-Identifier: Apache-2.0
"""What stands in the rows of a log, whom they are about, and keys: searched for in everything that Holdfast says and
leaves behind for others to read."""

import base64
import json
import shutil
import subprocess
import unittest

from archive_world import NIGHT
from audit_world import days
from erasure_world import ORDERS, PROFILES, TABLES, ErasureWorld, contents, erasure_config, erasure_world
from holdfast_cli import program_path, require, work_folder

PAYLOAD, KEY_NAME, ACTOR, SUBJECT, HELD, ERASED = (
    "Payload-7c1fa9", "key_9d2be4", "actor-5e81c3", "subject-b64f07", "held-2a97d8", "erased-c03e15",
)  # fmt: skip
NAME, EMAIL = "Quirina Zwyssig", "quirina@zwyssig.example"
PERSONS = (ACTOR, SUBJECT, HELD, ERASED)
SECRETS = (PAYLOAD, KEY_NAME, NAME, EMAIL, *PERSONS)
NO_TIME = "no-time-81c7d2"  # stands where a time should
CLEAR = json.dumps({"module": "crm", "subject": ERASED, "status": "clear", "holds": []})
OWN_EVENTS = "code LIKE 'AUDIT%' OR code LIKE 'TENANT_AUDIT%' OR code LIKE 'ACCOUNT_DELETION%'"


class Payload(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(work_folder())
        cls.sections = {
            "archive": {"directory": "archive", "keep": "30 days"},
            "reports": {"directory": "reports"},
            "safety": {"max_clock_step": "4000 days", "max_bad_time_share": 0.9},
            "log": {"level": "trace"},
        }
        (folder / "archive").mkdir()
        cls.made = made = ErasureWorld(folder, erasure_config(cls.sections, modules=[]), NIGHT)
        cls.said = []
        made.call = cls.listening(made.call)
        made.init()
        with made.connection() as database:
            database.executescript(TABLES)
        made.fill(ERASED, name=NAME, email=EMAIL)
        metadata = json.dumps({KEY_NAME: PAYLOAD, "email": EMAIL, "note": f"{NAME} called"})
        for age in (20, 200, 2000):
            for person in PERSONS:
                made.insert(made.clock.now - days(age), count=2, tenant="acme", actor=ACTOR, subject=person, metadata=metadata)
        for time in (NO_TIME, "2029-13-45 " + NO_TIME, -5, "", b"\xff" + NO_TIME.encode()):
            made.insert(time, tenant="acme", actor=ACTOR, subject=SUBJECT, metadata=metadata)
        made.insert(made.clock.now - days(200), tenant="acme", actor=ACTOR, subject=SUBJECT, metadata=f'{{"{PAYLOAD}')
        made.insert(made.clock.now - days(200), subject=SUBJECT, retain_until=NO_TIME, metadata=f'["{PAYLOAD}"]')
        made.freeze(f"--person={HELD}", "--tenant=acme")
        cls.live_through_it()

    @classmethod
    def listening(cls, call):
        def heard(*words, **options):
            answer = call(*words, **options)
            cls.said.append(answer)
            return answer
        return heard

    @classmethod
    def live_through_it(cls):
        """Every verb that there is, good and bad."""
        made = cls.made
        for words in (("check",), ("plan",), ("plan", "--save", "--json"), ("run", "--verbose"), ("run", "--json")):
            made.call(*words)
        cls.salts_before = [salt.hex() for (salt,) in made.query("SELECT salt FROM holdfast_run WHERE salt IS NOT NULL")]
        request = made.waiting(ERASED)
        script = made.script("crm", f"#!/bin/sh\necho 'no such customer: {ERASED}' >&2; exit 1\n")
        module = {"name": "crm", "tables": [PROFILES, ORDERS], "holds_command": [script]}
        made.write_config(erasure_config(cls.sections, modules=[module]))
        made.complete(request, expect=4)
        made.script("crm", f"#!/bin/sh\necho '{CLEAR}'\n")
        made.complete(request)
        made.run(expect=0)
        for verb in (("status",), ("check",), ("verify",), ("report",), ("report", "list"), ("policy", "show"), ("policy", "presets"),
                     ("catalogue",), ("bookmark", "list"), ("hold", "list"), ("hold", "show", 1), ("erasure", "list"),
                     ("erasure", "show", request, "--as", "bob"), ("archive", "list"), ("archive", "verify"), ("vacuum",),
                     ("archive", "restore", 1, "--as", "alice"), ("recover",), ("plan",), ("run",)):  # fmt: skip
            made.call(*verb)
            made.call(*verb, "--json")
        for row in made.query("SELECT id FROM audit_events"):
            made.call("explain", row[0])
            made.call("explain", row[0], "--json")

        made.call("evidence", "--from", "2029-01-01", "--to", "2030-12-31", "--out", "pack", "--as", "alice", expect=0)
        made.call("plan", "--rows", made.folder / "reports" / "rows.ndjson")
        for style in ("text", "json", "csv", "html"):
            made.call("report", "1", "--format", style, "--out", made.folder / "reports" / f"one.{style}", expect=0)

    def in_text(self, text, words=SECRETS):
        return [word for word in words if word.lower() in text.lower()]

    def test_no_verb_prints_what_stands_in_rows_or_whom_they_are_about(self):
        verbs = {answer.words[:2] for answer in self.said}
        self.assertGreater(len(verbs), 30)
        for answer in self.said:
            # An administrator is told again whom a hold or an open request names, and nothing else.
            own = {"hold": HELD, "erasure": ERASED}.get(answer.words[0])
            if answer.words[:2] in (("erasure", "list"), ("erasure", "show")):
                own = None  # it is completed by then
            words = [word for word in SECRETS if word != own]
            self.assertEqual(self.in_text(answer.stdout, words), [], answer)
            self.assertEqual(self.in_text(answer.stderr), [], answer)

    def test_explain_alone_quotes_a_time_that_cannot_be_read(self):
        quoting = {answer.words[0] for answer in self.said if NO_TIME in answer.stdout + answer.stderr}
        self.assertEqual(quoting, {"explain"})

    def test_nothing_of_it_is_in_reports_records_events_and_evidence(self):
        for folder in ("reports", "pack"):
            files = [path for path in (self.made.folder / folder).rglob("*") if path.is_file()]
            self.assertGreater(len(files), 5)
            for file in files:
                self.assertEqual(self.in_text(file.read_bytes().decode("utf-8", "replace"), (*SECRETS, NO_TIME)), [], file)
        for record in self.made.query("SELECT * FROM holdfast_run"):
            self.assertEqual(self.in_text(repr(record), (*SECRETS, NO_TIME)), [])
        events = self.made.query(f"SELECT * FROM audit_events WHERE {OWN_EVENTS}")
        self.assertGreater(len(events), 5)
        for event in events:
            self.assertEqual(self.in_text(repr(event)), [])

    def test_no_key_and_no_salt_is_told_to_anybody(self):
        keys = [file.read_bytes() for file in self.made.key_files()]
        salts = [salt for (salt,) in self.made.query("SELECT salt FROM holdfast_run WHERE salt IS NOT NULL")]
        salts += [bytes.fromhex(salt) for salt in self.salts_before]
        self.assertTrue(keys and salts)
        told = "".join(answer.stdout + answer.stderr for answer in self.said)
        for folder in ("reports", "pack"):
            for file in (self.made.folder / folder).rglob("*"):
                told += file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""
        told += repr(self.made.query(f"SELECT * FROM audit_events WHERE {OWN_EVENTS}"))
        told += (self.made.folder / "audit.db.witness").read_text()
        for secret in (*keys, *salts):
            for form in (secret.hex(), base64.b64encode(secret).decode(), secret.decode("latin-1"), secret[:8].hex()):
                self.assertNotIn(form.lower(), told.lower())


class NoShellAndNoSql(unittest.TestCase):
    def test_the_program_has_no_way_to_start_a_shell(self):
        require(shutil.which("nm") is not None, "nm is not installed")
        done = subprocess.run(["nm", "-D", "--undefined-only", program_path()], capture_output=True, text=True, check=True)
        used = {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}
        self.assertIn("execve", used)
        self.assertEqual(used & {"system", "popen", "wordexp", "execlp", "execvp", "execvpe", "posix_spawnp"}, set())

    def test_quotes_in_rows_terms_and_names_are_never_sql(self):
        hostile = "x'; DROP TABLE profiles; --\"]`) OR 1=1 /*"
        made = self.enterContext(erasure_world(erasure_config()))
        made.fill()
        made.fill(person=hostile, tenant=hostile, name=hostile, email=hostile)
        before = contents(made.database)[1]["profiles"]
        columns = {"actor": hostile, "subject": hostile, "tenant": hostile, "metadata": json.dumps({hostile: hostile})}
        made.insert(made.clock.now - days(200), code=hostile, **columns)
        rows = made.insert(made.clock.now - days(200), **columns)
        made.freeze(f"--person={hostile}", f"--tenant={hostile}", matter=hostile, reason=hostile)
        made.call("bookmark", "set", "--", hostile, rows[0])
        for words in (("plan",), ("run",), ("check",), ("verify",), ("hold", "list"), ("status",), ("report",), ("explain", rows[0])):
            made.call(*words, expect=0)
        self.assertLessEqual(set(rows), made.ids())
        self.assertEqual(contents(made.database)[1]["profiles"], before)
        made.complete(made.waiting(hostile, hostile), expect=4)
        self.assertEqual(contents(made.database)[1]["profiles"], before)
        made.erased()
        self.assertEqual(len(contents(made.database)[1]["profiles"]), len(before) - 1)


if __name__ == "__main__":
    unittest.main()

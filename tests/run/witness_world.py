# SPDX-License-Identifier: Apache-2.0
"""A database with its witness file, backups of it and `recover`: what the tests of both build upon."""

import contextlib
import hashlib
import json
import sqlite3
import unittest
from pathlib import Path

from audit_world import FAILED, at, days, world

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")


def witness_file(made):
    return made.folder / "audit.db.witness"


def lines_of(made):
    return [json.loads(line) for line in witness_file(made).read_text(encoding="utf-8").splitlines()]


def require_chain(test, made):
    """Recomputes the hashes of the file from its own text, by the rule in jobs/README.md; gives its lines."""
    previous = "0" * 64
    for number, line in enumerate(lines_of(made), 1):
        said = line.pop("hash")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        test.assertEqual(hashlib.sha256(text.encode()).hexdigest(), said, line)
        test.assertEqual((line["seq"], line["previous"]), (number, previous))
        previous = said
    return lines_of(made)


def backup(made):
    """A copy of the database as it is now; the witness file is not in it."""
    copy = made.folder / "backup.db"
    copy.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(made.database)) as database:
        with contextlib.closing(sqlite3.connect(copy)) as target:
            database.backup(target)
    return copy


def restore(made, copy):
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{made.database}{suffix}").unlink(missing_ok=True)
    made.database.write_bytes(copy.read_bytes())


def recover(made, *options, who="alice", expect=0):
    return made.call("recover", "--as", who, "--json", *options, expect=expect)


class WitnessCase(unittest.TestCase):
    """A world with young rows, and what a run says where file and database agree or do not."""

    def setUp(self):
        self.made = self.enterContext(world())
        self.made.insert(NOW - days(10), tenant="acme", count=5)

    def ok(self, outcome="completed"):
        self.made.clock.advance(days=1)
        report = self.made.run(expect=0)
        self.assertEqual(report.json["outcome"], outcome, report)
        return report

    def refused(self, reason):
        before = self.made.ids()
        self.made.clock.advance(days=1)
        answer = self.made.run(expect=4)
        self.assertEqual((answer.json["outcome"], answer.json["error"]["reason"]), ("refused", reason), answer)
        self.assertIn("recover", answer.json["error"]["message"])
        self.assertEqual(answer.json["deleted"], 0)
        self.assertEqual(self.made.ids(), before)
        event = self.made.events(FAILED)[-1]
        self.assertEqual(event["metadata"]["run_id"], answer.json["run_id"])
        self.assertIn(reason, json.dumps(event["metadata"]))
        check = self.made.call("check", "--json", expect=4).json
        wrong = [line["message"] for line in check["findings"] if line["weight"] == "wrong"]
        self.assertTrue(any(line.startswith(reason) for line in wrong), wrong)
        self.assertEqual(self.made.call("status", "--json").json["witness"]["state"], reason)
        self.assertEqual(self.made.plan().json["would_be_refused"], reason)
        return answer.json

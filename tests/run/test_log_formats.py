# SPDX-License-Identifier: Apache-2.0
"""What a run says where: to cron, to the journal, as JSON, and on a terminal of any width."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

from audit_world import at, config_with, to_ms, world
from holdfast_cli import program_path

AGED = at("2029-01-01")
STAMP = "2030-01-01T02:00:00Z"


def environment(made, **changes):
    ours = ("HOLDFAST_", "FAKETIME", "JOURNAL_", "NO_COLOR")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return inherited | made.clock.environment() | changes


def command(made, *words):
    return [str(program_path()), *words, "--config", str(made.config_file)]


def on_terminal(made, *words, columns=80, **changes):
    """Runs the program with all its output on a terminal of this width, and gives what it wrote."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    settings = {"TERM": "xterm"} | changes
    run = subprocess.Popen(
        command(made, *words), stdin=follower, stdout=follower, stderr=follower, env=environment(made, **settings)
    )
    os.close(follower)
    written = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                got = os.read(leader, 65536)
            except OSError:
                break
            if not got:
                break
            written += got
    os.close(leader)
    return run.wait(timeout=60), written.decode("utf-8").replace("\r\n", "\n")


class Collected(unittest.TestCase):
    """Whoever sorts the log by weight learns of what cron is told on stdout."""

    def test_refused_and_limited_runs_are_complained_of(self):
        for config, outcome in (
            ({"safety": {"first_run_needs_approval": True}}, "first run"),
            ({"safety": {"max_category_share": 0.2, "limit_min_rows": 5}}, "safety limit"),
        ):
            with self.subTest(outcome), world(config_with(config, {"log": {"format": "json"}})) as made:
                made.insert(AGED, count=8)
                made.insert(at("2029-12-31"))
                for words in ((), ("--verbose",), ("--json",)):
                    answer = made.call("run", *words, expect=4)
                    lines = [json.loads(line) for line in answer.stderr.splitlines()]
                    (error,) = [line for line in lines if line["level"] == "error"]
                    self.assertIn(outcome, error["message"])

    def test_the_journal_gets_a_priority(self):
        with world(config_with({"safety": {"first_run_needs_approval": True}})) as made:
            made.insert(AGED, count=8)
            with open(made.folder / "journal", "w+", encoding="utf-8") as journal:
                facts = os.fstat(journal.fileno())
                names = environment(made, JOURNAL_STREAM=f"{facts.st_dev}:{facts.st_ino}")
                done = subprocess.run(command(made, "run"), env=names, stderr=journal, check=False, timeout=60)
                self.assertEqual(done.returncode, 4)
                journal.seek(0)
                self.assertRegex(journal.read(), r"(?m)^<3>.*first run")


class Cron(unittest.TestCase):
    def test_nothing_on_0_and_one_line_on_3_and_4(self):
        with world(config_with(run={"max_rows": 5})) as made:
            made.insert(AGED, count=8)
            made.insert(at("2029-12-31"))
            answer = made.call("run", expect=3)
            self.assertEqual(answer.stderr, "")
            self.assertRegex(answer.stdout, r"\Arun 1 partial: 5 rows deleted, \d+ kept, 3 due and left\n\Z")
            answer = made.call("run", expect=0)
            self.assertEqual((answer.stdout, answer.stderr), ("", ""))
        with world(config_with({"safety": {"max_category_share": 0.2, "limit_min_rows": 5}})) as made:
            made.insert(AGED, count=8)
            made.insert(at("2029-12-31"))
            answer = made.call("run", expect=4)
            self.assertEqual((answer.stdout.count("\n"), answer.stderr), (1, ""))
            self.assertTrue(answer.stdout.startswith("run 1 limited: 0 rows deleted"))
        with world(config_with({"safety": {"first_run_needs_approval": True}})) as made:
            made.insert(AGED, count=8)
            made.insert(at("2029-12-31"))
            answer = made.call("run", expect=4)
            self.assertEqual((answer.stdout.count("\n"), answer.stderr), (1, ""))
            self.assertIn("holdfast approve", answer.stdout)


class Json(unittest.TestCase):
    def lines(self, made, *words, expect=0):
        answer = made.call("run", "--verbose", *words, expect=expect)
        lines = [json.loads(line) for line in answer.stderr.splitlines()]
        self.assertTrue(lines, answer)
        for line in lines:
            self.assertEqual(line["time"], STAMP, line)
            self.assertIsInstance(line["message"], str)
            self.assertIn(line["level"], ("info", "warning", "error"))
        return lines

    def test_each_line_is_one_object_with_its_pairs(self):
        with world(config_with({"log": {"format": "json"}})) as made:
            made.insert(AGED, count=8)
            lines = self.lines(made)
            phases = [line["phase"] for line in lines if "phase" in line]
            self.assertEqual(phases[0], "policy")
            self.assertEqual({line["run"] for line in lines if "phase" in line}, {1})
            idle = [line for line in lines if line["level"] == "warning"]
            self.assertEqual([line["event"] for line in idle], ["log_idle_or_clock_ahead"])

    def test_what_a_command_failed_of_is_an_object_too(self):
        with world(config_with({"log": {"format": "json", "level": "off"}})) as made:
            made.database.write_bytes(b"no database\n" * 100)
            (line,) = self.lines(made, expect=1)
            self.assertEqual(line["level"], "error")
            self.assertIn(str(made.database), line["message"])

    def test_hostile_names_stay_in_their_line(self):
        config = config_with({"log": {"format": "json"}, "metrics": {"textfile": "no\u202efolder/\u00e4.prom"}})
        with world(config) as made:
            lines = self.lines(made)
            (line,) = [line for line in lines if line.get("event") == "metrics_not_written"]
            self.assertIn("\u00e4.prom", line["message"])


class Journal(unittest.TestCase):
    """The journal is a socket whose device and inode $JOURNAL_STREAM names; here a file stands in for it."""

    def run_into(self, made, *words, right=True):
        log = made.folder / "stderr"
        with log.open("wb") as stream:
            facts = os.fstat(stream.fileno())
            place = f"{facts.st_dev}:{facts.st_ino + (0 if right else 1)}"
            subprocess.run(
                command(made, *words), env=environment(made, JOURNAL_STREAM=place), stdout=subprocess.DEVNULL,
                stderr=stream, timeout=60, check=False,
            )  # fmt: skip
        return log.read_text(encoding="utf-8").splitlines()

    def test_lines_have_a_priority_and_no_time(self):
        with world() as made:
            made.insert(AGED, count=3)
            lines = self.run_into(made, "run", "--verbose")
            self.assertIn("<6>run=1 phase=policy", lines)
            for line in lines:
                self.assertRegex(line, r"\A<[64]>(?!2030)")
            self.assertIn("<4>log_idle_or_clock_ahead", " ".join(line.split(":")[0] for line in lines))
            made.database.write_bytes(b"no database\n" * 100)
            (line,) = self.run_into(made, "run")
            self.assertTrue(line.startswith(f"<3>{made.database}"), line)

    def test_a_complaint_of_several_lines_has_the_priority_on_each(self):
        with world() as made:
            made.write_config(made.config_file.read_text() + "[run]\nx = 1\ny = 2\n")
            lines = self.run_into(made, "run")
            self.assertGreater(len(lines), 1)
            self.assertTrue(all(line.startswith("<3>") for line in lines), lines)

    def test_json_in_the_journal(self):
        with world(config_with({"log": {"format": "json"}})) as made:
            for line in self.run_into(made, "run", "--verbose"):
                self.assertRegex(line, r"\A<6>\{")
                self.assertNotIn("time", json.loads(line[3:]))

    def test_another_stream_of_the_same_name_is_none(self):
        with world() as made:
            (line, *_) = self.run_into(made, "run", "--verbose", right=False)
            self.assertTrue(line.startswith(f"{STAMP} info "), line)


class Terminal(unittest.TestCase):
    def made(self):
        made = self.enterContext(world())
        with made.connection() as database:
            rows = ((to_ms(AGED), "ACCOUNT_PROFILE_UPDATE", "x" * 50) for _ in range(30_000))
            database.executemany("INSERT INTO audit_events (occurred_at, code, metadata) VALUES (?, ?, ?)", rows)
        return made

    def test_progress_says_how_far_and_how_fast_and_leaves_no_trace(self):
        made = self.made()
        made.write_config(config_with(run={"max_lock": "2ms", "max_lock_idle": "2ms"}))
        status, written = on_terminal(made, "run", columns=100)
        self.assertEqual(status, 0, written)
        shown = re.findall(r"\r(deleting [^\r\x1b]*)\x1b\[K", written)
        self.assertTrue(shown, written)
        self.assertRegex(shown[0], r"\Adeleting \d+ of 30000 rows \(\d+ %\)")
        self.assertTrue(all(len(line) < 100 for line in shown))
        self.assertIn("30000", written.rsplit("\x1b[K", 1)[1])

    def test_tables_fit_the_terminal(self):
        made = self.made()
        made.insert(AGED, tenant="t" * 60, count=3)
        made.freeze("--person=nobody", "--future")
        for columns in (200, 100, 80, 60):
            for words in (("plan",), ("status",), ("report", "list")):
                _, written = on_terminal(made, *words, columns=columns)
                table = [line for line in re.sub(r"\x1b\[K|\r[^\n]*\r", "", written).splitlines() if "  " in line]
                if columns >= 80:
                    self.assertLessEqual(max(map(len, table), default=0), columns, written)
        _, wide = on_terminal(made, "plan", columns=300)
        self.assertIn("t" * 60, wide)
        self.assertIn("t" * 60, made.call("plan", expect=(0, 4)).stdout)

    def test_no_colour_and_no_moves_of_the_cursor_where_they_are_not_wanted(self):
        made = self.made()
        for words in (("run",), ("status",), ("check",), ("plan",)):
            answer = made.call(*words, "--verbose")
            self.assertNotIn("\x1b", answer.stdout + answer.stderr)
        _, written = on_terminal(made, "plan", TERM="dumb")
        self.assertNotIn("\x1b", written)
        _, written = on_terminal(made, "status", NO_COLOR="1")
        self.assertNotIn("\x1b[1m", written)


if __name__ == "__main__":
    unittest.main()

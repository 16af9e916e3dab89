# SPDX-License-Identifier: Apache-2.0
"""What a person types: slips are refused in one sentence, nothing is lost by them, and `--json` answers in JSON."""

import fcntl
import shutil
import unittest

from audit_world import Untouched, at, config_with, days, one_sentence, shared_data, world

NOW = at("2030-01-01T02:00:00")
VERBS = ("init", "check", "plan", "approve", "run", "explain", "status", "catalogue", "report", "hold place",
         "hold release", "hold review", "hold list", "hold show", "policy show", "policy diff", "policy apply",
         "policy presets", "bookmark set", "bookmark drop", "bookmark list")


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world())
        self.made.insert(NOW - days(200), tenant="acme", count=5)
        self.made.insert(NOW - days(3), tenant="acme", count=2)

    def test_plan_rows_writes_a_new_file_and_never_over_another(self):
        before = Untouched(self.made.database)
        config = self.made.config_file.read_text()
        link = self.made.folder / "link"
        link.symlink_to("nowhere")
        for name in ("audit.db", "holdfast.toml", "link"):
            answer = self.made.call("plan", "--rows", self.made.folder / name, expect=2)
            one_sentence(self, answer, name, "a new file")
        one_sentence(self, self.made.call("plan", "--rows", "no/folder/rows", expect=1), "no/folder/rows")
        self.assertEqual(before.differences(), "")
        self.assertEqual(self.made.config_file.read_text(), config)
        self.made.call("plan", "--rows", "rows", expect=0)
        self.assertEqual(len((self.made.folder / "rows").read_text().splitlines()), 7)
        self.assertEqual((self.made.folder / "rows").stat().st_mode & 0o777, 0o600)

    def test_words_that_are_not_utf8_are_written_as_they_can_be(self):
        name = "caf\udce9"  # the byte E9
        answer = self.made.call("bookmark", "set", name, "5", "--as", "alice", "--json", expect=0)
        self.assertEqual(answer.json["name"], "caf\\xe9")
        self.assertEqual(self.made.call("bookmark", "drop", name, "--as", "alice", "--json", expect=0).json["dropped"], "caf\\xe9")
        self.made.call("run", expect=0)
        pack = self.made.call("evidence", "--from", "2029-01-01", "--to", "2031-01-01", "--out", name, "--json", expect=0)
        self.assertTrue(pack.json["folder"].endswith("caf\\xe9"))

    def test_a_plan_is_not_saved_when_its_rows_cannot_be_written(self):
        self.made.call("plan", "--save", "--rows", "audit.db", expect=2)
        self.assertEqual(self.made.query("SELECT count(*) FROM holdfast_plan"), [(0,)])

    def test_usage_is_refused_in_one_sentence_that_says_where_to_go_on(self):
        for words, said in (
            (("pln",), ('holdfast has no verb "pln"', 'did you mean "plan"', "status")),
            ((), ("has to be followed by a verb", "explain")),
            (("hold",), ("holdfast hold has to be followed by a verb", "release")),
            (("hold", "plase"), ('has no verb "plase"', 'did you mean "place"')),
            (("hold", "show", "seven"), ("id = seven is not a whole number", '"holdfast hold show --help"')),
            (("plan", "--sav"), ("--sav", '"holdfast plan --help"')),
            (("hold", "release", "1"), ("--reason is required", '"holdfast hold release --help"')),
        ):
            with self.subTest(words):
                answer = self.made.call(*words, expect=2)
                one_sentence(self, answer, *said)
                self.assertEqual(answer.stdout, "", answer)
                if words:
                    error = self.made.call(*words, "--json", expect=2).json["error"]
                    self.assertEqual((error["reason"], answer.stderr), ("usage", f"holdfast: {error['message']}\n"))

    def test_every_verb_has_help_with_examples_of_its_own(self):
        for verb in (*VERBS, "hold", "policy", "bookmark"):
            with self.subTest(verb):
                answer = self.made.call(*verb.split(), "--help", expect=0)
                examples = answer.stdout.partition("Examples:")[2].partition("Exit statuses")[0]
                self.assertIn(f"holdfast {verb}", examples, answer)
                self.assertIn("130 interrupted", answer.stdout)

    def test_two_runs_at_once(self):
        with open(f"{self.made.database}.holdfast-lock", "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            answer = self.made.run(expect=11)
        self.assertEqual(answer.json["error"]["reason"], "locked")
        self.assertEqual(self.made.query("SELECT count(*) FROM holdfast_run"), [(0,)])

    def test_a_bookmark_has_a_name_and_says_when_it_is_ahead_of_the_log(self):
        one_sentence(self, self.made.call("bookmark", "set", "", 5, expect=2), "NAME")
        self.assertNotIn("note:", self.made.call("bookmark", "set", "webhooks", 7, expect=0).stdout)
        ahead = self.made.call("bookmark", "set", "webhooks", 70, expect=0)
        self.assertIn("the highest id in the log is 7", ahead.stdout)

    def test_a_hold_on_an_empty_tenant_is_a_slip_where_no_row_has_one(self):
        self.made.insert(NOW - days(3), tenant=None)
        one_sentence(self, self.made.freeze("--tenant", "", expect=2), "--tenant", "--future")
        self.made.insert(NOW - days(3), tenant="")
        self.assertEqual(self.made.freeze("--tenant", "").json["rows"], 1)

    def test_a_review_date_lies_ahead(self):
        for date in ("2029-12-31", "2030-01-01", "2030-01-01T02:00:00Z"):
            one_sentence(self, self.made.freeze("--tenant=acme", f"--review-by={date}", expect=2), "--review-by", date)
        hold = self.made.freeze("--tenant=acme", "--review-by=2030-01-02").json["hold"]
        late = ("hold", "review", hold, "--until=2029-06-30", "--reason=appeal", "--as", "alice")
        one_sentence(self, self.made.call(*late, expect=2), "--until 2029-06-30")


class HostileText(unittest.TestCase):
    def test_json_stays_json_whatever_a_broken_file_says_of_itself(self):
        for name in ("fts3fuzz001-001.db", "fts5corrupt3-006.db", "fts5corrupt3-029.db", "fts5corrupt3-048.db"):
            for verb in ("check", "plan", "run", "status", "init"):
                with self.subTest(name=name, verb=verb), world(init=False) as made:
                    shutil.copyfile(shared_data("malformed") / name, made.database)
                    answer = made.call(verb, "--json", expect=1)
                    self.assertIn("audit.db", answer.json["error"]["message"])
                    one_sentence(self, answer, "audit.db")
                    self.assertEqual([sign for sign in answer.stderr if sign < " " and sign != "\n"], [])

    def test_a_tenant_cannot_write_on_the_terminal(self):
        with world() as made:
            made.insert(NOW - days(200), tenant="acme\x1b[2J\nrows 0 = to delete 0", count=5)
            for verb in (("plan",), ("run", "--verbose"), ("report",), ("explain", 1)):
                text = made.call(*verb, expect=0).stdout
                self.assertNotIn("\x1b", text)
                self.assertNotIn("\nrows 0 =", text)
            made.freeze("--tenant=new\x1b[2J", "--future")
            self.assertIn("new\\x1b[2J", made.call("hold", "list", expect=0).stdout)


class PolicyApply(unittest.TestCase):
    def test_nothing_is_recorded_where_the_file_cannot_be_replaced(self):
        with world() as made:
            made.run(expect=0)
            changed = made.folder / "changed.toml"
            changed.write_text(made.config_file.read_text().replace("90 days", "30 days"))
            in_the_way = made.folder / "holdfast.toml.new"
            in_the_way.mkdir()
            before, config = Untouched(made.database), made.config_file.read_text()
            apply = ("policy", "apply", changed, "--reason", "contract", "--as", "alice")
            one_sentence(self, made.call(*apply, expect=1), "holdfast.toml.new", "nothing was recorded")
            self.assertEqual(before.differences(), "")
            self.assertEqual(made.config_file.read_text(), config)
            in_the_way.rmdir()
            made.call(*apply, expect=0)
            self.assertEqual(made.config_file.read_text(), changed.read_text())

    def test_a_link_to_the_configuration_stays_a_link(self):
        with world() as made:
            real = made.folder / "real.toml"
            made.config_file.rename(real)
            made.config_file.symlink_to("real.toml")
            changed = made.folder / "changed.toml"
            changed.write_text(real.read_text().replace("90 days", "120 days"))
            made.call("policy", "apply", changed, "--reason", "contract", "--as", "alice", expect=0)
            self.assertTrue(made.config_file.is_symlink())
            self.assertEqual(real.read_text(), changed.read_text())


class Status(unittest.TestCase):
    def setUp(self):
        strict = {"safety": {"first_run_needs_approval": True}}
        self.made = self.enterContext(world(config_with(strict)))
        self.made.insert(at("2028-01-01"), tenant="acme", count=5)
        self.made.insert(at("2029-12-01"), tenant="acme", count=2)

    def status(self):
        (line,) = self.made.call("status", "--json", expect=0).json["oldest"]
        return line["oldest"], line["waiting"]

    def test_the_oldest_row_of_a_category_is_told_also_when_nothing_is_due(self):
        self.assertEqual(self.status(), ("2028-01-01T00:00:00Z", 5))
        self.made.approved_run(expect=0)
        self.made.query("DELETE FROM audit_events WHERE code LIKE 'AUDIT_%'")
        self.assertEqual(self.status(), ("2029-12-01T00:00:00Z", 0))

    def test_it_says_what_became_of_the_last_run_and_where_to_read_on(self):
        self.assertIn('look at "holdfast plan"', self.made.call("status", expect=0).stdout)
        self.made.run(expect=4)
        text = self.made.call("status", expect=0).stdout
        self.assertIn('refused (first_run_not_approved): "holdfast report" says what to do', text)


if __name__ == "__main__":
    unittest.main()

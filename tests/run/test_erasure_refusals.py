# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""What nobody may do: each refusal has exit status 4 and a sentence, and leaves no trace."""

import unittest

from audit_world import one_sentence
from erasure_world import (
    COOL_OFF, DONE, DUAL_CONTROL, OTHER, PERSON, TENANT, blocked, contents, erasure_config, erasure_world, refused,
)  # fmt: skip

LONG = "a reason that is long enough"


class Refusals(unittest.TestCase):
    def setUp(self):
        config = erasure_config({"identity": {"services": ["portal"]}})
        self.made = self.enterContext(erasure_world(config))
        self.made.fill()

    def no(self, verb, *words, who, says, exit_status=4):
        """The program refuses this in one sentence, and the database says the same afterwards."""
        before = contents(self.made.database)
        with self.subTest(verb=verb, words=words, who=who):
            answer = self.made.erasure(verb, *words, who=who, expect=None)
            refused(self, self.made, answer, *([says] if isinstance(says, str) else says), exit_status=exit_status)
            self.assertEqual(answer.json["error"]["message"] in answer.stderr, True, answer)
            self.assertEqual(contents(self.made.database), before)
            plain = self.made.call("erasure", verb, *words, "--as", who, expect=exit_status)
            one_sentence(self, plain)

    def test_who_may_request(self):
        for who in ("mallory", OTHER, PERSON.upper(), f"{PERSON} "):
            self.no("request", "--tenant", TENANT, "--subject", PERSON, who=who, says="may_not_request")
        for who, person in (("alice", "u-1"), ("portal", "u-2"), ("u-3", "u-3")):
            self.made.ask(person, who=who)
        self.no("request", "--subject", "", who="alice", says="--subject", exit_status=2)

    def test_who_may_approve(self):
        request = self.made.ask()
        for who, says in (("mallory", "not_administrator"), ("portal", "not_administrator"), (PERSON, "not_administrator")):
            self.no("approve", request, who=who, says=says)
        mine = self.made.ask("alice", who="alice")
        self.no("approve", mine, who="alice", says="is_subject")

    def test_an_approval_is_not_replaced(self):
        request = self.made.waiting()
        answer = self.made.agree(request, who="bob")
        self.assertEqual((answer.json["outcome"], answer.json["request"]["approved_by"]), ("unchanged", "alice"))
        blocked(self, self.made.complete(request, who="alice", expect=4), "dual_control")

    def test_what_is_not_approved_is_not_completed(self):
        request = self.made.ask()
        self.made.clock.advance(days=15)
        for words in ((request,), (request, "--when-due"), (request, "--override", "0" * 12, "--reason", LONG)):
            self.no("complete", *words, who="bob", says="not_approved")

    def test_guards_in_their_order_leave_one_row_each(self):
        request = self.made.ask()
        self.made.agree(request)
        self.made.dispute()
        blocked(self, self.made.complete(request, who="alice", expect=4), "dual_control")
        blocked(self, self.made.complete(request, expect=4), "cool_off")
        self.assertEqual(self.made.deeds()[-2:], [DUAL_CONTROL, COOL_OFF])
        plain = self.made.call("erasure", "complete", request, "--as", "bob", expect=4)
        self.assertIn("2030-01-15T02:00:00Z", plain.stdout + plain.stderr)
        self.made.clock.advance(days=13, hours=23, minutes=59, seconds=59)
        blocked(self, self.made.complete(request, expect=4), "cool_off")
        self.made.clock.advance(seconds=1)
        blocked(self, self.made.complete(request, expect=4), "holds")

    def test_the_cooling_off_lasts_a_day_from_a_late_approval(self):
        request = self.made.ask()
        self.made.clock.advance(days=20)
        self.made.agree(request)
        blocked(self, self.made.complete(request, expect=4), "cool_off")
        self.made.clock.advance(days=1)
        self.made.complete(request)

    def test_the_subject_may_not_complete_even_as_an_administrator(self):
        self.made.fill("bob", name="Bob", email="bob@x.example")
        request = self.made.ask("bob")
        self.made.agree(request)
        self.made.clock.advance(days=15)
        self.no("complete", request, who="bob", says="is_subject")
        self.no("complete", request, "--when-due", who="bob", says="is_subject")

    def test_who_may_reject_and_with_what_reason(self):
        request = self.made.ask()
        for who in ("mallory", PERSON, "portal"):
            self.no("reject", request, "--reason", "unfounded", who=who, says="not_administrator")
        for reason in ("", "no", "17_3_f", "Unfounded"):
            self.no("reject", request, "--reason", reason, who="alice", says=("17_3_a to 17_3_e", "--reason"))
        self.no("reject", request, who="alice", says="--reason", exit_status=2)
        self.made.erasure("reject", request, "--reason", "17_3_b", who="alice")

    def test_who_may_cancel(self):
        request = self.made.ask()
        for who in ("mallory", "portal", OTHER):
            self.no("cancel", request, "--reason", "stays", who=who, says="not_subject_or_administrator")
        self.made.erasure("cancel", request, "--reason", "stays", who=PERSON)

    def test_an_extension_is_for_administrators_once_before_the_deadline_and_with_a_reason(self):
        late, request = self.made.ask("u-1"), self.made.ask()
        self.no("extend", request, "--reason", LONG, who=PERSON, says="not_administrator")
        self.no("extend", request, "--reason", " ", who="alice", says="reason_missing")
        self.made.erasure("extend", request, "--reason", LONG, who="alice")
        self.no("extend", request, "--reason", LONG, who="alice", says="extended_already")
        self.made.clock.advance(days=40)
        self.no("extend", late, "--reason", LONG, who="alice", says="deadline_over")

    def test_nothing_leads_out_of_an_end(self):
        rejected, cancelled = self.made.ask("u-1"), self.made.ask("u-2")
        self.made.erasure("reject", rejected, "--reason", "unfounded", who="alice")
        self.made.erasure("cancel", cancelled, "--reason", "stays", who="u-2")
        completed = self.made.waiting()
        self.made.complete(completed)
        for request in (rejected, cancelled, completed):
            self.no("approve", request, who="alice", says="ended")
            self.no("reject", request, "--reason", "unfounded", who="alice", says="ended")
            self.no("cancel", request, "--reason", "stays", who="alice", says="ended")
            self.no("extend", request, "--reason", LONG, who="alice", says="ended")
        for request in (rejected, cancelled):
            self.no("complete", request, who="bob", says="ended")
            self.no("complete", request, "--when-due", who="bob", says="ended")

    def test_a_second_completion_is_a_no_op_that_says_when_and_by_whom(self):
        request = self.made.waiting()
        self.made.complete(request)
        ended_at = self.made.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.made.clock.advance(days=3)
        before = contents(self.made.database)
        for who in ("bob", "alice"):
            answer = self.made.complete(request, who=who)
            self.assertEqual((answer.json["outcome"], answer.json["why"]), ("unchanged", "completed_already"))
            self.assertEqual((answer.json["request"]["ended_by"], answer.json["request"]["ended_at"]), ("bob", ended_at))
        self.assertEqual(contents(self.made.database), before)
        self.assertEqual(self.made.deeds(DONE), [DONE])

    def test_a_second_request_answers_the_open_one_and_after_the_end_only_where_data_is_there(self):
        request = self.made.ask()
        for who in (PERSON, "alice", "portal"):
            self.assertEqual(self.made.ask(who=who), request)
        self.assertNotEqual(self.made.ask(tenant="globex"), request)
        self.made.agree(request)
        self.made.clock.advance(days=15)
        self.made.complete(request)
        self.assertEqual(self.made.ask(), request)
        self.made.fill()
        self.assertGreater(self.made.ask(), request)

    def test_a_request_that_is_not_there(self):
        for verb, *words in (("approve", 99), ("complete", 99), ("show", 99), ("cancel", 99, "--reason", "x")):
            self.no(verb, *words, who="alice", says="99", exit_status=2)

    def test_options_that_do_not_go_together(self):
        request = self.made.waiting()
        for words in (
            ("--override", "0" * 64),
            ("--reason", LONG),
            ("--override", "0" * 64, "--reason", LONG, "--when-due"),
        ):
            self.no("complete", request, *words, who="bob", says=words[0], exit_status=2)

    def test_a_clock_that_went_back_completes_nothing(self):
        self.made.run(expect=0)
        request = self.made.waiting()
        self.made.run(expect=0)
        self.made.clock.advance(days=-8)
        answer = self.made.complete(request, expect=4)
        self.assertEqual(self.made.deeds(DONE), [], answer)


if __name__ == "__main__":
    unittest.main()

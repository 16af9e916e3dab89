# SPDX-License-Identifier: Apache-2.0
"""Tokens, and the keys that make them: joined while the key is there, final when it is forgotten."""

import stat
import unittest

from erasure_world import BLOCKED, DONE, EMAIL, NAME, PERSON, TENANT, contents, erasure_world, refused

FORGET = ("forget-key", "--tenant", TENANT, "--reason", "contract ended")


class Keys(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()

    def test_a_key_is_made_at_the_first_completion_for_its_owner_alone(self):
        request = self.made.waiting()
        self.made.complete(request, who="alice", expect=4)
        self.assertEqual(self.made.key_files(), [])
        self.made.complete(request)
        (file,) = self.made.key_files()
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(file.parent.stat().st_mode), 0o700)
        self.assertEqual(file.stat().st_size, 32)

    def test_two_completions_of_a_tenant_share_a_key_and_a_person_gets_one_token(self):
        first = self.made.erased()
        self.made.fill("u-8", name="Eva", email="eva@x.example")
        second = self.made.erased("u-8")
        self.assertNotEqual(first, second)
        self.made.fill()
        again = self.made.erased()
        self.assertEqual(again, first)
        self.assertEqual(len(self.made.key_files()), 1)

    def test_two_tenants_tokens_of_one_person_differ(self):
        self.made.fill(tenant="globex")
        acme = self.made.erased()
        self.assertTrue(self.made.query("SELECT 1 FROM audit_events WHERE subject = ? AND tenant = 'globex'", PERSON))
        globex = self.made.erased(tenant="globex")
        self.assertNotEqual(acme, globex)
        tokens = self.made.query("SELECT DISTINCT tenant, customer FROM orders ORDER BY tenant")
        self.assertEqual(tokens, [("acme", acme), ("globex", globex)])
        self.assertEqual(len(self.made.key_files()), 2)
        self.assertEqual(self.made.traces(PERSON, NAME, EMAIL), [])

    def test_the_empty_tenant_has_a_key_too(self):
        self.made.fill(person="u-9", tenant=None, name="Ann", email="ann@x.example")
        token = self.made.erased("u-9", tenant=None)
        self.assertEqual(self.made.named("u-9"), set())
        self.assertTrue(self.made.named(token))
        self.made.erasure("forget-key", "--reason", "contract ended", who="bob")
        self.assertEqual(self.made.key_files(), [])

    def test_a_missing_key_file_stops_the_next_completion_and_changes_nothing(self):
        self.made.erased()
        self.made.fill("u-8", name="Eva", email="eva@x.example")
        request = self.made.waiting("u-8")
        (file,) = self.made.key_files()
        key = file.read_bytes()
        for spoil in (file.unlink, lambda: file.write_bytes(b"x" * 32), lambda: file.write_bytes(key[:31])):
            spoil()
            if file.exists():
                file.chmod(0o600)
            before = contents(self.made.database)
            answer = self.made.complete(request, expect=1)
            refused(self, self.made, answer, "key", "backup", "forget-key", exit_status=1)
            self.assertEqual(contents(self.made.database), before)
            self.assertLessEqual(len(self.made.key_files()), 1)
        file.write_bytes(key)
        self.made.complete(request)

    def test_a_key_that_others_may_read_is_not_used(self):
        self.made.erased()
        self.made.fill("u-8", name="Eva", email="eva@x.example")
        request = self.made.waiting("u-8")
        self.made.key_files()[0].chmod(0o640)
        refused(self, self.made, self.made.complete(request, expect=1), "others may read", exit_status=1)
        self.assertEqual(self.made.deeds(BLOCKED, DONE), [DONE])


class ForgetKey(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(erasure_world())
        self.made.fill()

    def test_a_forgotten_key_is_gone_and_the_next_completion_makes_another(self):
        first = self.made.erased()
        answer = self.made.erasure(*FORGET, who="bob")
        self.assertTrue(answer.json["file_destroyed"])
        self.assertEqual(self.made.key_files(), [])
        self.made.fill()
        second = self.made.erased()
        self.assertNotEqual(first, second)
        self.assertEqual(len(self.made.key_files()), 1)
        self.assertTrue(self.made.named(first) and self.made.named(second))

    def test_a_released_hold_does_not_name_the_person_beside_the_token_any_more(self):
        hold = self.made.freeze(f"--person={PERSON}", "--person=u-7")
        self.made.override(self.made.waiting())
        token = self.made.token()
        self.made.release(hold)
        self.made.clock.advance(days=40)
        terms = "SELECT value FROM holdfast_hold_term WHERE hold_id = ? ORDER BY value"
        self.assertEqual(self.made.query(terms, hold.json["hold"]), [(token,), ("u-4711",), ("u-7",)])
        self.made.erasure(*FORGET, who="bob")
        self.assertEqual(self.made.query(terms, hold.json["hold"]), [(token,), ("u-7",)])
        self.assertEqual(self.made.traces(PERSON, NAME, EMAIL), [])

    def test_a_key_is_forgotten_by_administrators_only_once_and_with_a_reason(self):
        self.made.erased()
        refused(self, self.made, self.made.erasure(*FORGET, who="mallory", expect=4), "[admins].principals")
        refused(self, self.made, self.made.erasure(*FORGET[:-1], "", who="bob", expect=2), "--reason", exit_status=2)
        self.assertEqual(len(self.made.key_files()), 1)
        self.made.erasure(*FORGET, who="bob")
        refused(self, self.made, self.made.erasure(*FORGET, who="bob", expect=2), "has no key", exit_status=2)
        forgotten = self.made.query("SELECT forgotten_by, forget_reason FROM holdfast_erasure_key")
        self.assertEqual(forgotten, [("bob", "contract ended")])

    def test_an_open_request_needs_the_key(self):
        self.made.erased()
        self.made.ask("u-8")
        refused(self, self.made, self.made.erasure(*FORGET, who="bob", expect=4), "is open")
        self.assertEqual(len(self.made.key_files()), 1)

    def test_a_lost_key_can_be_forgotten(self):
        self.made.erased()
        self.made.key_files()[0].unlink()
        answer = self.made.erasure(*FORGET, who="bob")
        self.assertFalse(answer.json["file_destroyed"])
        self.made.fill()
        self.made.erased()
        self.assertEqual(len(self.made.key_files()), 1)

    def test_a_restored_backup_is_erased_again_under_the_same_token(self):
        token = self.made.erased()
        self.made.fill()
        answer = self.made.erasure("reapply", who="bob")
        self.assertEqual([(line["tenant"], line["token"]) for line in answer.json["erased_again"]], [(TENANT, token)])
        self.assertEqual(self.made.traces(PERSON, NAME, EMAIL), [])


if __name__ == "__main__":
    unittest.main()

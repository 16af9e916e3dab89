# SPDX-License-Identifier: Apache-2.0
"""The terms of a hold as people type them: what stands on the command line is what is held, or it is refused."""

import unittest

from audit_world import at, config_with, laid_over, world
from figures_check import check_run

AGED = at("2029-01-01")
CONFIG = config_with()
PAYMENTS = "category\tcode\tseverity\tdescription\nPayment events\tPAYMENT_MADE\tInfo\tMoney moved.\n"
WITH_PAYMENTS = {
    "catalogue": {"extend": "codes.tsv"},
    "retention": {"category": {"payment-events": {"window": "90 days"}}},
}


class Typed(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world())

    def test_brackets_and_commas_are_part_of_a_name(self):
        names = ("[system]", "[a,b]", "a,b", "[]", "{x}", "'quoted'", "%7")
        keys = {name: self.made.insert(AGED, actor=name)[0] for name in names}
        self.made.insert(AGED, actor="system")
        for option in ("--actor", "--person"):
            for name in names:
                with self.subTest(option=option, name=name):
                    answer = self.made.freeze(option, name).json
                    self.assertEqual((answer["covers"][option[2:]], answer["rows"]), ([name], 1))
        check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual(self.made.ids(), set(keys.values()))

    def test_an_option_takes_one_value_and_never_the_next_option(self):
        keys = set(self.made.insert(AGED, tenant="acme", actor="ann"))
        for terms in (
            ("--person=", "--tenant=acme"),  # what "--person=$ID" is with an empty ID
            ("--person", "", "--tenant=acme"),
            ("--event-id=", "--locked"),
            ("--person", "ann", "bea"),
        ):
            with self.subTest(terms):
                self.assertIn("holdfast: ", self.made.freeze(*terms, expect=2).stderr)
        self.assertEqual(self.made.query("SELECT count(*) FROM holdfast_hold"), [(0,)])
        self.made.freeze("--person=ann", "--person=bea", "--tenant", "acme", "--event-id", str(*keys))
        check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual(self.made.ids(), keys)

    def test_a_category_to_come_is_held_under_its_name_and_under_its_slug(self):
        for term in ("Payment events", "payment-events"):
            with self.subTest(term), world(CONFIG) as made:
                made.freeze("--category", term, "--future")
                (made.folder / "codes.tsv").write_text(PAYMENTS, encoding="utf-8")
                made.write_config(laid_over(CONFIG, WITH_PAYMENTS))
                keys = set(made.insert(AGED, "PAYMENT_MADE"))
                check_run(self, made, made.run(), "completed")
                self.assertEqual(made.ids(), keys)

    def test_an_alias_that_moves_stays_under_the_hold_on_its_code_or_category(self):
        before = laid_over(CONFIG, {"catalogue": {"aliases": {"OLD_NAME": "ACCOUNT_SESSION_REVOKED"}}})
        after = laid_over(CONFIG, {"catalogue": {"aliases": {"OLD_NAME": "ACCOUNT_PROFILE_UPDATE"}}})
        for term in ("--code=ACCOUNT_SESSION_REVOKED", "--category=sessions", "--code=OLD_NAME"):
            with self.subTest(term), world(before) as made:
                keys = set(made.insert(AGED, "OLD_NAME"))
                self.assertEqual(made.freeze(term).json["rows"], 1)
                check_run(self, made, made.run(), "completed")
                made.write_config(after)
                for _ in range(9):  # the delay of the moved alias, and a day more
                    made.clock.advance(days=1)
                    made.run(expect=0)
                self.assertEqual(made.ids(), keys)
                self.assertEqual(made.explain(*keys)["reason"], "hold")

    def test_a_hold_on_an_alias_is_a_hold_on_its_code(self):
        self.made.write_config(laid_over(CONFIG, {"catalogue": {"aliases": {"OLD_NAME": "ACCOUNT_PROFILE_UPDATE"}}}))
        keys = {self.made.insert(AGED, code)[0] for code in ("OLD_NAME", "ACCOUNT_PROFILE_UPDATE")}
        answer = self.made.freeze("--code=OLD_NAME").json
        self.assertEqual((answer["covers"]["code"], answer["rows"]), (["ACCOUNT_PROFILE_UPDATE", "OLD_NAME"], 2))
        check_run(self, self.made, self.made.run(), "completed")
        self.assertEqual(self.made.ids(), keys)


if __name__ == "__main__":
    unittest.main()

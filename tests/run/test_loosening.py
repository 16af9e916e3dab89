# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""Whatever lets a row go sooner waits `policy_shorten_delay`; whatever keeps it longer acts at once."""

import copy

from audit_world import POLICY_UPDATED, at, days, to_ms
from loosening_world import (
    NIGHT,
    EDITED,
    LAST_OF_DELAY,
    AFTER_DELAY,
    AGED,
    UPDATE,
    OWN_CODES,
    OTHER_EVENT,
    WAYS_OF_LOOSENING,
    category,
    tenant,
    code,
    LooseningWorld,
)


class WhatLoosens(LooseningWorld):
    def test_each_way_waits(self):
        for what, edit in WAYS_OF_LOOSENING.items():
            with self.subTest(what):
                self.doCleanups()
                self.setUp()
                self.waits(edit)

    def waits(self, edit):
        row = copy.copy(edit.row)
        key = self.made.insert(AGED, row.pop("code", UPDATE), **row)[0]
        self.edit(edit.old, edit.old_files)
        report = self.run_at(NIGHT, expect=0).json
        self.assertEqual(self.made.ids(), {key}, report)
        self.edit(edit.new, edit.new_files)
        for instant in (EDITED, EDITED + days(3), LAST_OF_DELAY):
            self.made.clock.set(instant)
            self.assertEqual(self.reason_of(key), "policy_delay", f"plan at {instant}")
            report = self.run_at(instant, expect=0).json
            self.assertEqual(self.made.ids(), {key}, report)
            self.assertEqual(report["kept_by_reason"]["policy_delay"], 1, report["kept_by_reason"])
        report = self.run_at(AFTER_DELAY, expect=0).json
        self.assertEqual(self.made.ids(), set(), report)
        self.assertEqual(report["deleted"], 1)
        logged = self.made.query("SELECT actor, metadata FROM holdfast_event WHERE code = ?", POLICY_UPDATED)
        self.assertEqual(len(logged), 1, logged)
        self.assertEqual(logged[0][0], "unknown")

    def test_all_of_them_in_one_edit_wait_too(self):
        old = {
            "retention": {
                "presets": [{"name": "pci-10.5.1", "categories": ["mfa"]}],
                "category": {
                    "account": {"window": "400 days"},
                    "mfa": {"window": "90 days"},
                    "sessions": {"window": "90 days", "at_least": "400 days"},
                    "scim": {"window": "400 days"},
                    "saml": {"window": "90 days"},
                },
                "code": {
                    "ACCOUNT_SAML_SIGNIN_FAILED": {"window": "400 days"},
                    "TENANT_SAML_PROVIDER_CREATED": {"at_least": "400 days"},
                },
                "tenant": {"acme": {"category": {"saml": {"window": "400 days"}}}},
            },
            "catalogue": {"extend": "codes.tsv"},
            "events": {"retain_until": "imported_at", "earliest_plausible": "2029-06-01"},
            "safety": {
                "policy_shorten_delay": "7 days",
                "max_category_share": 0.5,
                "limit_min_rows": 1,
                "hold_release_grace": "30 days",
            },
            "admins": {"principals": ["alice"]},
        }
        new = {
            "retention": {
                "category": {
                    name: {"window": "90 days"} for name in ("account", "mfa", "sessions", "scim", "saml", "webhooks")
                }
            },
            "catalogue": {"extend": "codes.tsv", "aliases": {"OLD_NAME": "ACCOUNT_SAML_SIGNIN_SUCCESS"}},
            "events": {"retain_until": "retain_until", "earliest_plausible": "2000-01-01"},
            "safety": {
                "policy_shorten_delay": "1 day",
                "max_category_share": 1.0,
                "limit_min_rows": 1000,
                "hold_release_grace": "1 day",
            },
            "admins": {"principals": ["alice", "mallory"]},
        }
        free = {"code": "ACCOUNT_SAML_SIGNIN_SUCCESS", "count": 1}
        rows = [
            {"code": UPDATE},
            {"code": "ACCOUNT_MFA_DEVICE_VERIFIED"},
            {"code": "ACCOUNT_SESSION_REVOKED"},
            {"code": "ACCOUNT_SAML_SIGNIN_FAILED"},
            {"code": "TENANT_SAML_PROVIDER_CREATED"},
            {"code": "TENANT_WEBHOOK_CREATED"},
            {"code": "ACCOUNT_SAML_SIGNIN_SUCCESS", "tenant": "acme"},
            {"code": "OLD_NAME"},
            {"code": "OUR_EVENT"},
            {"code": "OTHER_EVENT"},
            {"code": "ACCOUNT_SAML_SIGNIN_SUCCESS", "imported_at": to_ms(at("2040-01-01"))},
        ]
        keys = {self.made.insert(AGED, row.pop("code"), **row)[0] for row in rows}
        held = self.made.insert(AGED, free["code"], subject="person")[0]
        self.edit(old, {"codes.tsv": OWN_CODES.format("scim")})
        self.made.clock.set(NIGHT)
        hold = self.made.freeze("--subject=person")
        self.run_at(NIGHT, expect=0)
        self.made.release(hold)
        keys.add(held)
        self.assertEqual(self.made.ids(), keys)
        self.edit(new, {"codes.tsv": OWN_CODES.format("account") + OTHER_EVENT})
        for instant in (EDITED, EDITED + days(3), LAST_OF_DELAY):
            report = self.run_at(instant).json
            self.assertEqual(self.made.ids(), keys, report["kept_by_reason"])
            self.assertEqual(report["kept_by_reason"]["hold_grace"], 1)
            self.assertEqual(report["kept_by_reason"]["policy_delay"], len(keys) - 1, report["kept_by_reason"])
        self.made.call("approve", self.made.save_plan(), "--as", "mallory", expect=4)
        report = self.run_at(AFTER_DELAY, expect=0).json
        self.assertEqual(self.made.ids(), set(), report["kept_by_reason"])
        self.assertEqual(len(self.made.query("SELECT 1 FROM holdfast_event WHERE code = ?", POLICY_UPDATED)), 1)

    def test_shortening_the_delay_itself_waits(self):
        key = self.made.insert(AGED)[0]
        self.edit(category(window="400 days"))
        self.run_at(NIGHT, expect=0)
        self.edit(category(window="90 days") | {"safety": {"policy_shorten_delay": "1 day"}})
        for instant in (EDITED, EDITED + days(2), LAST_OF_DELAY):
            self.run_at(instant, expect=0)
            self.assertEqual(self.made.ids(), {key}, instant)
        self.run_at(AFTER_DELAY, expect=0)
        self.assertEqual(self.made.ids(), set())

    def test_shortening_the_delay_first_and_the_window_a_day_later_gains_nothing(self):
        key = self.made.insert(AGED)[0]
        self.edit(category(window="400 days"))
        self.run_at(NIGHT, expect=0)
        self.edit(category(window="400 days") | {"safety": {"policy_shorten_delay": "1 day"}})
        self.run_at(EDITED, expect=0)
        self.edit(category(window="90 days") | {"safety": {"policy_shorten_delay": "1 day"}})
        for instant in (EDITED + days(1), EDITED + days(3), LAST_OF_DELAY, LAST_OF_DELAY + days(1)):
            self.run_at(instant, expect=0)
            self.assertEqual(self.made.ids(), {key}, instant)
        self.run_at(AFTER_DELAY + days(1), expect=0)
        self.assertEqual(self.made.ids(), set())

    def test_a_longer_delay_counts_at_once(self):
        key = self.made.insert(AGED)[0]
        self.edit(category(window="400 days"))
        self.run_at(NIGHT, expect=0)
        self.edit(category(window="90 days") | {"safety": {"policy_shorten_delay": "20 days"}})
        for later in (0, 7, 8, 14, 19):
            self.run_at(EDITED + days(later), expect=0)
            self.assertEqual(self.made.ids(), {key}, later)
        self.run_at(EDITED + days(21), expect=0)
        self.assertEqual(self.made.ids(), set())

    def test_editing_again_within_the_delay_starts_no_way_round_it(self):
        key = self.made.insert(AGED)[0]
        self.edit(category(window="400 days"))
        self.run_at(NIGHT, expect=0)
        for night, window in ((1, "90 days"), (2, "400 days"), (3, "91 days"), (4, "90 days")):
            self.edit(category(window=window))
            self.run_at(NIGHT + days(night), expect=0)
        for night in (8, 9):  # the version of night 2 was replaced in night 3 and waits until night 10
            self.run_at(NIGHT + days(night), expect=0)
            self.assertEqual(self.made.ids(), {key}, night)
        self.run_at(NIGHT + days(12), expect=0)
        self.assertEqual(self.made.ids(), set())

    def test_an_edit_that_no_run_has_met_has_not_begun_to_wait(self):
        key = self.made.insert(AGED)[0]
        self.edit(category(window="400 days"))
        self.run_at(NIGHT, expect=0)
        self.edit(category(window="90 days"))
        met = NIGHT + days(30)
        for instant in (met, met + days(3), met + days(6)):
            self.run_at(instant, expect=0)
            self.assertEqual(self.made.ids(), {key}, instant)


if __name__ == "__main__":
    unittest.main()

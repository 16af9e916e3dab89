# SPDX-License-Identifier: Apache-2.0
"""The configuration that the package installs deletes nothing, however old the rows are."""

import tomllib
import unittest

from made_documents import DocumentsCase
import packaged_config
from audit_world import at, world

# One of each category that `init` suggests a window for.
CODES = ("ACCOUNT_PROFILE_UPDATE", "ACCOUNT_MFA_ENROLLED", "ACCOUNT_DELETION_REJECTED")


class PackagedConfig(DocumentsCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.text = (cls.documents / "holdfast.toml").read_text(encoding="utf-8")

    def in_a_folder(self, text, folder):
        return text.replace(packaged_config.STATE, str(folder))

    def test_it_is_read_and_deletes_nothing_of_a_century_neither_planned_nor_run(self):
        with world(self.text, "2130-01-01", init=False) as made:
            (made.folder / "witness").mkdir()
            made.write_config(self.in_a_folder(self.text, made.folder))
            made.init()
            for code in CODES:
                made.insert(at("2030-01-01"), code, count=20)
            plan = made.plan(expect=0).json
            self.assertEqual((plan["deleted"], plan["kept"]), (0, plan["rows_before"]))
            self.assertGreaterEqual(plan["kept_by_reason"]["no_policy"], 60)
            made.run(expect=(0, 4))
            self.assertEqual(len(made.ids()), 60)
            self.assertEqual(made.call("check").exit_status, 0)

    def test_the_same_rows_go_once_a_window_is_decided_so_the_test_above_can_fail(self):
        decided = self.text.replace("# account = { window", "account = { window", 1)
        self.assertNotEqual(decided, self.text)
        with world(self.text, "2130-01-01", init=False) as made:
            (made.folder / "witness").mkdir()
            made.write_config(self.in_a_folder(decided, made.folder))
            made.init()
            made.insert(at("2030-01-01"), count=20)
            self.assertEqual(made.plan().json["deleted"], 20)

    def test_paths_are_those_of_the_package_and_nobody_is_an_administrator_yet(self):
        read = tomllib.loads(self.text)
        self.assertEqual(read["database"]["path"], "/var/lib/holdfast/audit.db")
        self.assertEqual(read["witness"]["file"], "/var/lib/holdfast/witness/holdfast.witness")
        self.assertEqual(read["erasure"]["keys"], "/var/lib/holdfast/keys")
        self.assertEqual(read["admins"]["principals"], [])
        self.assertTrue(read["safety"]["first_run_needs_approval"])

    def test_a_window_that_the_rewriting_misses_stops_the_build(self):
        for line in ("presets = [{ name = 'cis-8.10' }]", "[retention.category.account]\nwindow = '1 day'"):
            read = tomllib.loads(f"[retention]\n{line}\n")
            self.assertEqual(len(list(packaged_config.windows(read))), 1, line)


if __name__ == "__main__":
    unittest.main()

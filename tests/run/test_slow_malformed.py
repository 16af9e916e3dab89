# SPDX-License-Identifier: Apache-2.0
"""No broken, encrypted or hostile file makes the program crash, hang or delete."""

import unittest

from malformed_files import manifest, try_verbs


class MalformedFiles(unittest.TestCase):
    def test_every_file_with_the_default_mapping(self):
        for name in manifest():
            with self.subTest(file=name):
                self.assertEqual(try_verbs(name, mapped=False), [])

    def test_every_file_with_a_mapping_onto_a_table_of_its_own(self):
        for name in manifest():
            with self.subTest(file=name):
                self.assertEqual(try_verbs(name, mapped=True), [])


if __name__ == "__main__":
    unittest.main()

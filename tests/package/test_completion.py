# SPDX-License-Identifier: Apache-2.0
"""What bash offers after a command line that stops in the middle, with nothing else loaded."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from made_documents import DocumentsCase
import command_tree

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_holdfast
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(DocumentsCase):

    def offered(self, *words, folder="/"):
        answer = subprocess.run(
            ["bash", "--norc", "-uc", ASK, "bash", self.documents / "completion" / "holdfast",
             "holdfast", *words], check=True, capture_output=True, text=True, cwd=folder)
        self.assertEqual(answer.stderr, "")
        return answer.stdout.split()

    def test_every_verb_leads_to_its_verbs_and_every_verb_offers_its_options(self):
        for verb in command_tree.read_verb(self.program).walk():
            below = [below.words[-1] for below in verb.below]
            if below:
                self.assertEqual(self.offered(*verb.words, ""), below)
            names = [name for option in verb.options for name in option.name.split(",")]
            self.assertEqual(self.offered(*verb.words, "-"), names)

    def test_a_beginning_is_completed(self):
        self.assertEqual(self.offered("era"), ["erasure"])
        self.assertEqual(self.offered("hold", "rel"), ["release"])
        self.assertEqual(self.offered("hold", "place", "--mat"), ["--matter"])

    def test_options_and_their_values_on_the_way_are_passed_by(self):
        self.assertEqual(self.offered("hold", "place", "--matter", "list", "--rea"), ["--reason"])
        self.assertEqual(self.offered("plan", "--config", "run", "--sa"), ["--save"])
        self.assertEqual(self.offered("plan", "--json", "--sa"), ["--save"])

    def test_files_are_offered_where_a_file_is_wanted(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "changed.toml").touch()
            for words in (("run", "--config"), ("plan", "--rows"), ("policy", "diff"),
                          ("policy", "apply"), ("verify", "--against"), ("report", "--out")):
                self.assertEqual(self.offered(*words, "ch", folder=folder), ["changed.toml"], words)

    def test_choices_are_offered_and_free_text_is_not_guessed(self):
        self.assertEqual(self.offered("report", "--format", ""), ["text", "json", "csv", "html"])
        self.assertEqual(self.offered("hold", "place", "--reason", ""), [])
        self.assertEqual(self.offered("run", ""), [])


if __name__ == "__main__":
    unittest.main()

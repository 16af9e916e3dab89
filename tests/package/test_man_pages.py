# SPDX-License-Identifier: Apache-2.0
"""The man pages say all that --help says, and both of Debian's readers take them without a warning."""

import re
import subprocess
import tomllib
import unittest

from made_documents import DocumentsCase, need_tool
import command_tree
import man_pages


class ManPages(DocumentsCase):
    """Each page as a reader shows it, in lines too long to break."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        need_tool("man", "man-db")
        cls.tree = command_tree.read_verb(cls.program)

    def shown(self, page):
        answer = subprocess.run(
            ["man", "--warnings", "-l", self.documents / "man" / f"{page}.gz"], check=True,
            capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
                                                 "MANWIDTH": "400", "MANPAGER": "cat"})
        self.assertEqual(answer.stderr, "", page)
        return " ".join(re.sub(r".\x08", "", answer.stdout).split())

    def test_every_verb_has_its_page_with_every_option_argument_and_example(self):
        for verb in self.tree.below:
            page = self.shown(f"{man_pages.page_name(verb)}.1")
            for leaf in (leaf for leaf in verb.walk() if not leaf.below):
                self.assertIn(f"{leaf.name} ", page)
                self.assertIn(leaf.summary, page.replace(page[:1], page[:1].lower(), 1))
                for entry in leaf.options + leaf.positionals:
                    if entry.name not in man_pages.COMMON:
                        self.assertIn(entry.name, page, leaf.name)
                        self.assertIn(entry.text, page, leaf.name)
                for line in leaf.examples:
                    self.assertIn(" ".join(line.split()), page, leaf.name)

    def test_the_program_s_page_names_every_verb_every_common_option_and_every_exit_status(self):
        page = self.shown("holdfast.1")
        for verb in self.tree.below:
            self.assertIn(f"{man_pages.page_name(verb)}(1) {verb.summary}", page)
        for word in ("--config", "--json", "--verbose", "--as", "--version", "HOLDFAST_CONFIG"):
            self.assertIn(word, page)
        for status in ("0 done", "1 failed", "2 usage", "3 stopped early", "4 refused",
                       "11 another run holds the lock", "130 interrupted"):
            self.assertIn(status, page)

    def test_the_page_of_the_configuration_has_every_key_with_its_value(self):
        page = self.shown("holdfast.toml.5")
        text = (self.documents / "holdfast.toml").read_text(encoding="utf-8")
        for line in text.splitlines():
            assignment = re.match(r'(?:# )?([\w"*.-]+ = \S+)', line)
            if assignment:
                self.assertIn(assignment[1], page)
        for section in tomllib.loads(text):
            self.assertIn(f"[{section}]", page)

    def test_mandoc_finds_nothing_to_warn_of(self):
        need_tool("mandoc", "mandoc")
        for page in sorted((self.documents / "man").iterdir()):
            said = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(said.stdout, "", page.name)

    def test_text_is_no_request_and_no_escape(self):
        for text, roff in ((".TH", r"\&.TH"), ("'s", r"\&'s"), (r"a\fBb", r"a\efBb"), ("--json", r"\-\-json")):
            self.assertEqual(man_pages.escaped(text), roff)

    def test_help_in_a_form_that_is_not_known_is_an_error(self):
        with self.assertRaises(command_tree.UnreadableHelp):
            command_tree.entry("--new something", "an option with a type of its own")

    def test_every_form_of_an_option_is_read(self):
        head = "--hours INT:INT in [1 - 24] [3] ... REQUIRED Needs: --days Excludes: --weeks"
        read = command_tree.entry(head, "how long")
        self.assertEqual((read.name, read.value, read.required, read.repeats), ("--hours", "INT", True, True))
        self.assertEqual(read.notes, ("Needs: --days", "Excludes: --weeks", "default 3"))
        read = command_tree.entry("--format TEXT:{text,json}", "")
        self.assertEqual((read.choices, read.value), (["text", "json"], "text|json"))
        self.assertEqual(command_tree.entry("-h,--help", "").value, "")

    def test_a_heading_of_a_verb_s_own_has_its_place_on_the_page(self):
        verb = command_tree.Verb(("status",), "how it is", "holdfast status [OPTIONS]", statuses=["0 done"],
                                 more={"With --nagios": ["  0 well", "  2 not at all"]})
        page = man_pages.verb_page(verb, "2026-11-28", "1")
        self.assertIn(".SH WITH \\-\\-NAGIOS\n.nf\n.RS 2\n  0 well\n  2 not at all\n", page)


if __name__ == "__main__":
    unittest.main()

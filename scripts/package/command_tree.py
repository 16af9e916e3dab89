# SPDX-License-Identifier: Apache-2.0
"""The tree of verbs and options, read from what the program itself says with --help.

The program is the one source: man pages and completion are made from this tree, so a verb or an
option that it has cannot be missing there. What cannot be read stops the build.
"""

import re
import subprocess
from dataclasses import dataclass, field

# CLI11 puts the description into column 31, or below a longer name.
COLUMN = 30
STATUSES = "Exit statuses"
LISTINGS = {"summary", "usage", "Positionals", "Options", "Subcommands", STATUSES}


@dataclass
class Entry:
    """One option or positional argument, as --help lists it."""

    name: str
    kind: str
    text: str
    required: bool = False
    repeats: bool = False
    notes: tuple = ()  # such as "Needs: --reason"

    @property
    def choices(self):
        found = re.search(r"\{(.*)\}", self.kind)
        return found[1].split(",") if found else []

    @property
    def value(self):
        """What stands for its value in a synopsis, empty for a flag."""
        if not self.kind:
            return ""
        return "|".join(self.choices) or self.kind.split(":")[0]


@dataclass
class Verb:
    """The program itself, a verb, or a verb below a verb."""

    words: tuple
    summary: str
    usage: str
    positionals: list = field(default_factory=list)
    options: list = field(default_factory=list)
    below: list = field(default_factory=list)
    examples: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    more: dict = field(default_factory=dict)  # headings of its own, with their lines

    @property
    def name(self):
        return " ".join(("holdfast",) + self.words)

    def walk(self):
        yield self
        for verb in self.below:
            yield from verb.walk()


class UnreadableHelp(Exception):
    """The program's help has another form than the one this file knows."""


def split_listing(lines):
    """(head, description) of each line of a listing, descriptions from the next line included."""
    found = []
    for line in lines:
        if line.startswith(" " * COLUMN) and found:
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        elif len(line) > COLUMN and line[COLUMN - 1] == " " and line[COLUMN] != " ":
            found.append([line[:COLUMN].strip(), line[COLUMN:].strip()])
        else:
            head, _, text = line.strip().partition("  ")
            found.append([head, text.strip()])
    return found


ENTRY = re.compile(
    r"(?P<name>\S+)"
    r"(?: (?P<kind>[A-Z]+(?::.+?)?))?"  # TEXT, INT:POSITIVE, TEXT:{a,b}, INT:INT in [1 - 24]
    r"(?: \[(?P<default>[^\]]*)\])?"
    r"(?P<repeats> \.\.\.)?"
    r"(?P<required> REQUIRED)?"
    r"(?: \(Env:\S+\))?"
    r"(?P<notes>(?: (?:Needs|Excludes): (?:--\S+ ?)+)*)")


def entry(head, text):
    """One line of "Options:" or "Positionals:"."""
    form = ENTRY.fullmatch(head)
    if form is None:
        raise UnreadableHelp(f"cannot read the option {head!r}")
    notes = [note.strip() for note in re.findall(r"(?:Needs|Excludes): [^A-Z]+", form["notes"])]
    notes += [f"default {form['default']}"] if form["default"] else []
    return Entry(form["name"], form["kind"] or "", text, form["required"] is not None,
                 form["repeats"] is not None, tuple(notes))


def help_text(program, words):
    answer = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()


def sections(lines):
    """The lines below each heading of one help text; the summary and the usage under their names."""
    found = {"summary": [], "usage": []}
    here = "summary"
    for line in lines:
        if line.startswith("Usage: "):
            found["usage"].append(line.removeprefix("Usage: "))
            here = "usage"
        elif line.startswith(STATUSES):
            here = STATUSES
            found[here] = []
        elif re.fullmatch(r"[A-Z][^:]*:", line):
            here = line.rstrip(":")
            found[here] = []
        elif line.strip() or here not in LISTINGS:
            found[here].append(line)
    return found


def read_verb(program, words=()):
    """The verb that the words lead to, with all below it."""
    read = sections(help_text(program, words))
    if not read["summary"] or not read["usage"]:
        raise UnreadableHelp(f"no summary or no usage in the help of {words}")
    verb = Verb(tuple(words), " ".join(read["summary"]), read["usage"][0])
    verb.positionals = [entry(*line) for line in split_listing(read.get("Positionals", []))]
    verb.options = [entry(*line) for line in split_listing(read.get("Options", []))]
    verb.examples = [line.removeprefix("  ") for line in read.get("Examples", [])]
    verb.statuses = [line.strip() for line in read.get(STATUSES, [])]
    verb.more = {heading: lines for heading, lines in read.items()
                 if heading not in LISTINGS | {"Examples"}}
    verb.below = [read_verb(program, (*words, name))
                  for name, _ in split_listing(read.get("Subcommands", []))]
    return verb

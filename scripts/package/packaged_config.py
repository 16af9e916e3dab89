# SPDX-License-Identifier: Apache-2.0
"""The configuration that the package installs, from the one that `holdfast init` writes.

`init` suggests windows, because somebody typed it and reads the result. A package is installed by
machines too: its configuration has every window commented out, so that nothing can be deleted until an
administrator decides. Paths are those of the package. What is not found as expected stops the build.
"""

import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

STATE = "/var/lib/holdfast"

HEAD = """\
# Configuration of Holdfast, the prune job for audit logs; explained in holdfast.toml(5).
# As it comes it deletes nothing: a category without a window keeps its rows for ever. To begin:
#   1. point [database] and [events] at the log, and name the [admins]
#   2. decide the windows under [retention.category]
#   3. as the user holdfast: holdfast check, holdfast init, holdfast plan --save
#   4. an administrator: holdfast approve DIGEST
#   5. systemctl enable --now holdfast.timer, or a file for cron (see the examples in
#      /usr/share/doc/holdfast/examples)
# Keep this file root's, and writable by nobody else: Holdfast refuses it otherwise.
"""

# Pattern, replacement: each has to fit exactly once.
CHANGES = [
    (r'(?m)^path = "[^"\n]*"', f'path = "{STATE}/audit.db"'),
    (r'(?m)^own_events = "log"  ', '# own_events = "log"'),
    (r"(?m)^principals = \[.*?\]", "principals = []"),
    (r'(?m)^# keys = "[^"\n]*" *', f'keys = "{STATE}/keys"         '),
    (r'(?m)^# \[witness\]\n# file = "[^"\n]*" *',
     f'[witness]\nfile = "{STATE}/witness/holdfast.witness"  '),
]


class UnexpectedConfig(Exception):
    """What `init` writes has changed, and this file has to follow."""


def suggested(program):
    """What `holdfast init` writes, without its first lines up to the first section."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "init", "--config", f"{folder}/holdfast.toml"], check=True,
                       capture_output=True)
        text = (Path(folder) / "holdfast.toml").read_text(encoding="utf-8")
    _, found, rest = text.partition("\n[database]\n")
    if not found:
        raise UnexpectedConfig("no [database] in it")
    return "[database]\n" + rest


def without_windows(text):
    """Every entry that sets a window, commented out."""
    return re.sub(r"(?m)^(?=[\w\"*-]+ = \{[^}\n]*\bwindow\b)", "# ", text)


def windows(value):
    """Every window or preset below a table of TOML."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in ("window", "presets"):
                yield f"{key} = {below}"
            yield from windows(below)


def packaged_config(program):
    text = without_windows(suggested(program))
    for pattern, replacement in CHANGES:
        text, count = re.subn(pattern, replacement, text)
        if count != 1:
            raise UnexpectedConfig(f"{pattern!r} fits {count} times, not once")
    text = HEAD + "\n" + text
    deleting = list(windows(tomllib.loads(text)))
    if deleting:
        raise UnexpectedConfig(f"it would delete: {deleting}")
    return text

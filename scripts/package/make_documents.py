#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what the package says about the program, from the program: man pages, bash completion, the
default configuration, the list of presets, and Debian's changelog and copyright.

Usage: make_documents.py PROGRAM VERSION FOLDER
"""

import email.utils
import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import command_tree
import completion
import man_pages
import packaged_config

HERE = Path(__file__).resolve().parent


def without_licence_line(name):
    """A file of debian/ without its first line, which Debian's format has no room for."""
    first, _, rest = (HERE / "debian" / name).read_text(encoding="utf-8").partition("\n")
    if "SPDX-License-Identifier" not in first:
        raise ValueError(f"{name}: no licence line")
    return rest


def changelog_date(changelog, version):
    """The day of the newest entry, which has to be about this version."""
    newest = re.match(r"holdfast \(([^)-]+)-\d+\)", changelog)
    if newest is None or newest[1] != version:
        raise ValueError(f"debian/changelog has no entry for {version} at its top")
    stamp = re.search(r"(?m)^ -- .*>  (.*)$", changelog)[1]
    return email.utils.parsedate_to_datetime(stamp).date().isoformat()


def compressed(text):
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def main():
    if len(sys.argv) != 4:
        print(__doc__.strip())
        return 0 if sys.argv[1:2] in (["--help"], ["-h"]) else 2
    program, version, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    os.environ.pop("HOLDFAST_CONFIG", None)
    os.umask(0o022)
    changelog = without_licence_line("changelog")
    date = changelog_date(changelog, version)
    tree = command_tree.read_verb(program)
    config = packaged_config.packaged_config(program)
    presets = subprocess.run([program, "policy", "presets"], check=True, capture_output=True,
                             text=True).stdout
    pages = man_pages.all_pages(tree, config, date, version)
    files = {f"man/{name}.gz": compressed(text) for name, text in pages.items()}
    files |= {
        "completion/holdfast": completion.bash_completion(tree).encode(),
        "holdfast.toml": config.encode(),
        "presets.txt": presets.encode(),
        "changelog.Debian.gz": compressed(changelog),
        "copyright": without_licence_line("copyright").encode(),
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for old in (folder / "man").iterdir():
        if f"man/{old.name}" not in files:
            old.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

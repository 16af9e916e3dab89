# SPDX-License-Identifier: Apache-2.0
"""The Debian package of the build under test: lintian, what lies where, the same bytes twice."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from made_documents import PACKAGE, need_tool, project_version
from holdfast_cli import program_path, require

EXPECTED = {
    "./etc/holdfast/holdfast.toml": "-rw-r-----",
    "./lib/systemd/system/holdfast.service": "-rw-r--r--",
    "./lib/systemd/system/holdfast.timer": "-rw-r--r--",
    "./usr/bin/holdfast": "-rwxr-xr-x",
    "./usr/share/bash-completion/completions/holdfast": "-rw-r--r--",
    "./usr/share/doc/holdfast/changelog.Debian.gz": "-rw-r--r--",
    "./usr/share/doc/holdfast/copyright": "-rw-r--r--",
    "./usr/share/doc/holdfast/examples/holdfast.cron": "-rw-r--r--",
    "./usr/share/doc/holdfast/examples/mappings/superset/holdfast.toml": "-rw-r--r--",
    "./usr/share/doc/holdfast/examples/monitoring/holdfast.rules.yml": "-rw-r--r--",
    "./usr/share/man/man1/holdfast-run.1.gz": "-rw-r--r--",
    "./usr/share/man/man1/holdfast.1.gz": "-rw-r--r--",
    "./usr/share/man/man5/holdfast.toml.5.gz": "-rw-r--r--",
}


def packed():
    """The package as a file in a folder of its own."""
    build = program_path().parent
    require((build / "CPackConfig.cmake").exists(), f"{build} has no package: scripts/build makes it")
    folder = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    said = subprocess.run(["cpack", "--config", build / "CPackConfig.cmake", "-B", folder], check=False, text=True,
                          capture_output=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1795878000"})
    if said.returncode != 0:
        raise AssertionError(f"cpack: {said.stdout}{said.stderr}")
    return folder, next(folder.glob("*.deb"))


class DebianPackage(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        need_tool("dpkg-shlibdeps", "dpkg-dev")
        folder, cls.package = packed()
        cls.addClassCleanup(shutil.rmtree, folder)

    def said(self, *command):
        return subprocess.run([*command, self.package], check=True, capture_output=True, text=True).stdout

    def field(self, name):
        return subprocess.run(["dpkg-deb", "-f", self.package, name], check=True, capture_output=True,
                              text=True).stdout.strip()

    def test_lintian_has_no_error_and_no_warning_and_each_override_is_needed(self):
        need_tool("lintian", "lintian")
        said = subprocess.run(["lintian", "--fail-on", "error,warning", "--allow-root", "--info", self.package],
                              capture_output=True, text=True, check=False)
        self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)

    def test_each_override_has_its_reason_above_it(self):
        lines = (PACKAGE / "debian" / "lintian-overrides").read_text(encoding="utf-8").splitlines()
        overrides = [number for number, line in enumerate(lines) if not line.startswith("#")]
        self.assertGreater(len(overrides), 0)
        for number in overrides:
            self.assertTrue(lines[number - 1].startswith("# "), lines[number])

    def test_everything_is_in_its_place_and_root_s(self):
        files = {}
        for line in self.said("dpkg-deb", "--contents").splitlines():
            mode, owner, _, _, _, name = line.split(maxsplit=5)
            self.assertEqual(owner, "root/root", name)
            self.assertNotRegex(mode, "[sS]|^.{5}w|^.{8}w", name)
            files[name] = mode
        self.assertEqual({name: files.get(name) for name in EXPECTED}, EXPECTED)
        self.assertEqual({name.split("/")[1] for name in files}, {"etc", "lib", "usr"})

    def test_its_control_data_name_version_libraries_and_conffile(self):
        self.assertEqual(self.field("Package"), "holdfast")
        self.assertTrue(self.field("Version").startswith(project_version() + "-"))
        for library in ("adduser", "libsqlite3-0", "libzstd1", "libssl3"):
            self.assertIn(library, self.field("Depends"))
        conffiles = subprocess.run(["dpkg-deb", "--info", self.package, "conffiles"], check=True, capture_output=True,
                                   text=True).stdout
        self.assertEqual(conffiles.split(), ["/etc/holdfast/holdfast.toml"])

    def test_the_same_build_gives_the_same_bytes(self):
        folder, again = packed()
        self.addCleanup(shutil.rmtree, folder)
        self.assertEqual(again.read_bytes(), self.package.read_bytes())


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""What the package says about the program, made anew from the program under test."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "scripts" / "package"
sys.path[:0] = [str(PACKAGE), str(ROOT / "tests" / "run")]

from holdfast_cli import program_path, require  # the line above says where


def project_version():
    said = subprocess.run([program_path(), "--version"], check=True, capture_output=True, text=True)
    return said.stdout.split()[1]


def need_tool(name, package):
    require(shutil.which(name) is not None, f"{name} is not installed: apt-get install {package}")


class DocumentsCase(unittest.TestCase):
    """A test with the documents in `self.documents`, made once for its class."""

    @classmethod
    def setUpClass(cls):
        cls.program = program_path()
        folder = tempfile.mkdtemp(prefix="holdfast-test-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.documents = Path(folder)
        subprocess.run([sys.executable, PACKAGE / "make_documents.py", cls.program,
                        project_version(), folder], check=True)

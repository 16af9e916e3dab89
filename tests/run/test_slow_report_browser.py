# SPDX-License-Identifier: Apache-2.0
"""Reports in a real browser: printed on A4 and Letter, and looked over by axe for what keeps people from reading them.

Skips, and says so, where there is no chromium, no poppler-utils (for the printed text) or no axe-core. $HOLDFAST_AXE
names axe.min.js; otherwise the global folders of npm are looked at. Nothing is fetched.
"""

import html
import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from audit_world import World, at, config_with, days
from holdfast_cli import work_folder

NOW = at("2030-01-01T02:00:00")
AXE_PLACES = ("/usr/local/lib/node_modules", "/usr/lib/node_modules", "/usr/share/nodejs", "/usr/share/javascript")
PAPERS = {"A4": (595, 842), "letter": (612, 792)}
TENANTS = 50


def require_programs(*names):
    """Skips, on CI too: a browser is not part of what the project needs."""
    for name in names:
        if shutil.which(name) is None:
            raise unittest.SkipTest(f"{name} is not installed")


def axe_source():
    named = os.environ.get("HOLDFAST_AXE")
    places = [Path(named)] if named else [Path(place, "axe-core", "axe.min.js") for place in AXE_PLACES]
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise unittest.SkipTest("axe-core is not installed: $HOLDFAST_AXE names no axe.min.js")


def chromium(folder, *options):
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", *options,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


class ReportBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_programs("chromium")
        cls.folder = cls.enterClassContext(work_folder())
        reports = {"reports": {"directory": "reports"}, "catalogue": {"url": "https://docs.example.com/codes"}}
        cls.made = World(cls.folder, config_with(reports), NOW)
        cls.made.init()
        codes = [code["code"] for code in cls.made.call("catalogue", "--json", expect=0).json["codes"]]
        rows = [
            ((NOW - days(age)).timestamp() * 1000, code, f"tenant-{tenant:02}")
            for tenant in range(TENANTS) for code in codes for age in (400, 20)
        ]  # fmt: skip
        with cls.made.connection() as database:
            database.executemany("INSERT INTO audit_events (occurred_at, code, tenant) VALUES (?, ?, ?)", rows)
        cls.made.insert(NOW - days(5), "<script>alert(1)</script>", tenant="\u202etenant" + "x" * 10_000)
        cls.made.run(expect=0)
        cls.made.call("evidence", "--from", "2030-01-01", "--to", "2030-01-01", "--out", "pack", expect=0)

    def pages(self):
        names = ("reports/run-1.html", "reports/index.html", "pack/certificate.html", "pack/registers.html")
        return {name: (self.folder / name).read_text(encoding="utf-8") for name in names}

    def printed(self, page, paper):
        """The text of each printed page. Chromium's own option knows one paper only, so the page says which."""
        require_programs("pdftotext", "pdfinfo")
        source = self.folder / f"{paper}.html"
        source.write_text(page.replace("@page{", "@page{size:" + paper + ";", 1), encoding="utf-8")
        target = self.folder / f"{paper}.pdf"
        chromium(self.folder, "--no-pdf-header-footer", f"--print-to-pdf={target}", source.as_uri())
        facts = subprocess.run(["pdfinfo", target], capture_output=True, text=True, check=True).stdout
        width, height = map(float, re.search(r"Page size: +([\d.]+) x ([\d.]+)", facts).groups())
        self.assertAlmostEqual(width, PAPERS[paper][0], delta=1)
        self.assertAlmostEqual(height, PAPERS[paper][1], delta=1)
        text = subprocess.run(
            ["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True
        ).stdout
        return text.split("\f")[:-1]

    def test_folded_detail_is_printed_whole_under_repeated_heads(self):
        page = self.pages()["reports/run-1.html"]
        self.assertIn("<details>", page)
        self.assertNotIn("<details open", page)
        for paper in PAPERS:
            with self.subTest(paper=paper):
                sheets = self.printed(page, paper)
                self.assertGreater(len(sheets), 10)
                for tenant in range(TENANTS):
                    self.assertTrue(any(f"tenant-{tenant:02}" in sheet for sheet in sheets), tenant)
                detail = [sheet for sheet in sheets if "tenant-" in sheet and "window" in sheet]
                for sheet in detail:
                    self.assertRegex(sheet, r"Holdfast run 1, [^\n]*: Per tenant and category")
                for number, sheet in enumerate(sheets, 1):
                    self.assertIn(f"page {number} of {len(sheets)}", sheet)
                whole = "\n".join(sheets)
                for heading in ("1. Identity", "13. Sign-off", "reviewed by", "Residue:"):
                    self.assertIn(heading, whole)

    def test_nothing_is_wider_than_the_paper(self):
        probe = (
            "<script>const w=document.documentElement;document.title='WIDE '+JSON.stringify("
            "[...document.querySelectorAll('table,svg,pre')].filter(e=>e.getBoundingClientRect().right>"
            "w.clientWidth+1).map(e=>e.outerHTML.slice(0,80)))</script>"
        )
        for name, page in self.pages().items():
            with self.subTest(page=name):
                title = self.title_after(page, probe, "--window-size=700,900")
                self.assertEqual(json.loads(title.removeprefix("WIDE ")), [])

    def title_after(self, page, script, *options):
        """What a script put into the title of a page; our own page would not let it run."""
        open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        source = self.folder / "probe.html"
        source.write_text(open_page.replace("</body>", script + "</body>"), encoding="utf-8")
        dump = chromium(self.folder, "--virtual-time-budget=60000", *options, "--dump-dom", source.as_uri())
        return html.unescape(re.search(r"<title>(.*?)</title>", dump, re.DOTALL).group(1))

    def test_axe_finds_nothing(self):
        axe = axe_source()
        probe = (
            f"<script>{axe}</script><script>document.querySelectorAll('details').forEach(d=>d.open=true);"
            "axe.run(document,{resultTypes:['violations']}).then(r=>{document.title='AXE '+JSON.stringify("
            "[r.passes.length,r.violations.map(v=>[v.id,v.nodes.length,v.nodes[0].html.slice(0,120)])])})</script>"
        )
        for name, page in self.pages().items():
            with self.subTest(page=name):
                passes, violations = json.loads(self.title_after(page, probe).removeprefix("AXE "))
                self.assertEqual(violations, [])
                self.assertGreater(passes, 10)


if __name__ == "__main__":
    unittest.main()

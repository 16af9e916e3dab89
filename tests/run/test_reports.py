# SPDX-License-Identifier: Apache-2.0
"""What a reviewer gets: `report` in every format, the pages after each run, and the evidence pack, all of it over a
log whose codes and tenants are hostile."""

import csv
import hashlib
import io
import json
import re
import shutil
import stat
import subprocess
import unittest

from audit_world import World, at, config_with, days
from holdfast_cli import work_folder

NOW = at("2030-01-01T02:00:00")
SCRIPT = "<script>alert(1)</script>"
TURNED = "\u202eLIGON.exe\x1b[31m"
LONG = "X" * 10_240
CODES = ("ACCOUNT_PROFILE_UPDATE", SCRIPT, "=cmd()", TURNED, LONG, "a,b\r\n\"c\"")
TENANTS = (None, "acme", SCRIPT, "+1", "-1", "@x", "\t=1")
STATEMENT = "no active hold known to the system matched a deleted row at the time of its slice"
PERSON = "Maria Rossi"


def config(*changes):
    sections = {
        "reports": {"directory": "reports"},
        "catalogue": {"url": "https://docs.example.com/codes"},
        "safety": {"max_clock_step": "400 days"},
    }
    return config_with(sections, *changes)


def fill(made):
    for tenant in TENANTS:
        for code in CODES:
            columns = {} if tenant is None else {"tenant": tenant}
            made.insert(NOW - days(200), code, **columns)
            made.insert(NOW - days(20), code, **columns)


def cells(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


class Reports(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(work_folder())
        self.made = World(folder, config(), NOW)
        self.made.init()
        fill(self.made)
        self.folder = folder / "reports"

    def pack(self, name, *options, expect=0):
        return self.made.call(
            "evidence", "--from", "2029-01-01", "--to", "2030-12-31", "--out", name, *options, "--as", "alice",
            expect=expect,
        )  # fmt: skip

    def test_every_format_tells_the_same(self):
        run = self.made.run(expect=0).json
        text = self.made.call("report", expect=0).stdout
        self.assertIn("run 1 completed", text)
        record = self.made.call("report", "1", "--format", "json", expect=0).json
        self.assertEqual(record, self.made.call("report", "--json", expect=0).json)
        lines = cells(self.made.call("report", "--format", "csv", expect=0).stdout)
        self.assertEqual(len(lines), len(run["categories"]))
        self.assertEqual(sum(int(line["deleted"]) for line in lines), run["deleted"])
        kept = sum(int(count) for line in lines for name, count in line.items() if name.startswith("kept_"))
        self.assertEqual(kept, run["kept"])
        page = self.made.call("report", "--format", "html", expect=0).stdout
        self.assertIn(f"deleted: {run['deleted']:,}", page)
        self.assertEqual(page, self.made.call("report", "--format", "html", expect=0).stdout)

    def test_hostile_data_stays_data(self):
        self.made.run(expect=0)
        for page in self.folder.glob("*.html"):
            text = page.read_text(encoding="utf-8")
            self.assertNotIn("<script", text)
            self.assertNotIn("\u202e", text)
            self.assertNotIn("\x1b", text)
            self.assertIsNone(re.search(r"X{400}", text), page)
        page = (self.folder / "run-1.html").read_text(encoding="utf-8")
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
        self.assertIn(r"\u{202E}LIGON.exe\u{001B}[31m", page)
        self.assertIn("(10240 characters in all)", page)
        for line in cells(self.made.call("report", "--format", "csv", expect=0).stdout):
            for cell in line.values():
                self.assertFalse(cell.startswith(tuple("=+-@\t\r\n")), cell)

    def test_out_takes_a_new_file_only(self):
        self.made.run(expect=0)
        self.made.call("report", "--format", "html", "--out", "one.html", expect=0)
        made = self.made.folder / "one.html"
        self.assertEqual(stat.S_IMODE(made.stat().st_mode), 0o640)
        self.assertEqual(made.read_bytes(), (self.folder / "run-1.html").read_bytes())
        refused = self.made.call("report", "--format", "html", "--out", "one.html", expect=1)
        self.assertIn("one.html", refused.stderr)
        self.made.call("report", "--json", "--format", "csv", expect=2)
        self.made.call("report", "--format", "pdf", expect=2)

    def test_every_run_leaves_its_pages(self):
        self.made.run(expect=0)
        first = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.assertEqual(set(first), {"run-1.json", "run-1.html", "index.html"})
        self.made.clock.advance(days=1)
        self.made.run(expect=0)
        names = {path.name for path in self.folder.iterdir()}
        self.assertEqual(names, {"run-1.json", "run-1.html", "run-2.json", "run-2.html", "index.html"})
        for path in self.folder.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640, path)
        self.assertEqual((self.folder / "run-1.html").read_bytes(), first["run-1.html"])
        stored = self.made.query("SELECT record FROM holdfast_run WHERE id = 2")[0][0]
        self.assertEqual((self.folder / "run-2.json").read_text(encoding="utf-8"), stored + "\n")
        index = (self.folder / "index.html").read_text(encoding="utf-8")
        self.assertIn('<a href="run-1.html">run 1</a>', index)
        self.assertIn('<a href="run-2.html">run 2</a>', index)

    def test_the_forecast_comes_true(self):
        self.made.run(expect=0)
        index = (self.folder / "index.html").read_text(encoding="utf-8")
        nights = dict(re.findall(r'class="text">(20\d\d-\d\d-\d\d)</th><td class="figure">(\d+)</td>', index))
        due = {night: int(rows) for night, rows in nights.items() if rows != "0"}
        self.assertEqual(list(due.values()), [len(TENANTS)])
        night = at(next(iter(due)))
        while self.made.clock.now < night - days(1):
            self.made.clock.advance(days=1)
        before = self.made.run(expect=0).json
        self.made.clock.advance(days=1)
        self.assertEqual((before["deleted"], self.made.run(expect=0).json["deleted"]), (0, len(TENANTS)))

    def test_a_directory_that_cannot_be_written_changes_no_outcome(self):
        self.folder.write_text("in the way", encoding="utf-8")
        done = self.made.run(expect=0)
        self.assertEqual(done.json["outcome"], "completed")
        self.assertIn("the reports could not be written", done.stderr)
        self.assertEqual(self.folder.read_text(encoding="utf-8"), "in the way")
        self.folder.unlink()
        self.made.clock.advance(days=1)
        self.made.run(expect=0)
        self.assertTrue((self.folder / "run-1.html").exists(), "the run before catches up")

    def test_a_link_in_the_directory_is_replaced_and_not_followed(self):
        self.folder.mkdir()
        victim = self.made.folder / "victim"
        victim.write_text("mine", encoding="utf-8")
        (self.folder / "index.html").symlink_to(victim)
        self.made.run(expect=0)
        self.assertEqual(victim.read_text(encoding="utf-8"), "mine")
        self.assertFalse((self.folder / "index.html").is_symlink())

    def test_the_pack_proves_itself(self):
        self.made.freeze("--tenant=acme", f"--person={PERSON}", reason=f"dispute with {PERSON}")
        self.made.run(expect=0)
        self.made.clock.advance(days=1)
        self.made.run(expect=0)
        self.pack("pack")
        folder = self.made.folder / "pack"
        checked = subprocess.run(
            ["sha256sum", "--check", "--strict", "MANIFEST"], cwd=folder, capture_output=True, text=True, check=False
        )
        self.assertEqual(checked.returncode, 0, checked.stderr)
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        named = {line.split("  ", 1)[1] for line in (folder / "MANIFEST").read_text().splitlines()}
        self.assertEqual(files, named | {"MANIFEST"})
        for run in (1, 2):
            self.assertLessEqual({f"runs/run-{run}.{kind}" for kind in ("json", "csv", "html")}, files)
        for path in folder.rglob("*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o750 if path.is_dir() else 0o640, path)
        certificate = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))
        self.assertEqual(certificate["statement"], STATEMENT)
        self.assertIn(STATEMENT, (folder / "certificate.html").read_text(encoding="utf-8"))
        self.assertEqual([run["run_id"] for run in certificate["runs"]], [1, 2])
        gone = self.made.query("SELECT sum(deleted) FROM holdfast_run_slice")[0][0]
        self.assertEqual(certificate["rows_deleted"], gone)
        self.check_record_hashes(folder)
        self.check_secrets(folder)

    def check_record_hashes(self, folder):
        """The recipe of HOW-TO-VERIFY.txt, wherever a record is chained."""
        for path in folder.glob("runs/*.json"):
            record = json.loads(path.read_text(encoding="utf-8"))
            said = record.pop("run_hash")
            text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if said is not None:
                self.assertEqual(said, hashlib.sha256(text.encode()).hexdigest(), path)

    def check_secrets(self, folder):
        """Nobody's name, and no salt."""
        salts = [salt for (salt,) in self.made.query("SELECT salt FROM holdfast_run") if salt]
        for path in folder.rglob("*"):
            if path.is_file():
                text = path.read_bytes()
                self.assertNotIn(PERSON.encode(), text, path)
                for salt in salts:
                    self.assertNotIn(salt, text)
                    self.assertNotIn(salt.hex().encode(), text.lower())

    def test_the_pack_is_the_same_twice_and_takes_an_empty_folder_only(self):
        self.made.run(expect=0)
        self.pack("one")
        self.pack("two")
        for path in (self.made.folder / "one").rglob("*"):
            if path.is_file():
                other = self.made.folder / "two" / path.relative_to(self.made.folder / "one")
                self.assertEqual(path.read_bytes(), other.read_bytes(), path)
        refused = self.pack("one", expect=2)
        self.assertIn("is not empty", refused.stderr)
        (self.made.folder / "three").mkdir()
        self.pack("three")
        shutil.rmtree(self.made.folder / "three")
        self.made.call("evidence", "--from", "2030-01-02", "--to", "2030-01-01", "--out", "four", expect=2)
        self.assertFalse((self.made.folder / "four").exists())

    def test_a_folder_of_another_database_is_left_alone(self):
        self.made.run(expect=0)
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        other = World(self.enterContext(work_folder()), config({"reports": {"directory": str(self.folder)}}), NOW)
        other.init()
        for _ in range(2):
            answer = other.run(expect=0)
            self.assertIn("of another database", answer.stderr)
        self.assertEqual({path.name: path.read_bytes() for path in self.folder.iterdir()}, before)
        self.made.run(expect=0)
        self.assertTrue((self.folder / "run-2.html").exists())

    def test_the_period_is_whole_days_of_utc(self):
        self.made.run(expect=0)
        for last, runs in (("2029-12-31", 0), ("2030-01-01", 1), ("2030-01-01T02:00:00Z", 0)):
            self.made.call("evidence", "--from", "2029-01-01", "--to", last, "--out", f"p{last}", expect=0)
            text = (self.made.folder / f"p{last}" / "certificate.json").read_text(encoding="utf-8")
            self.assertEqual(len(json.loads(text)["runs"]), runs, last)


if __name__ == "__main__":
    unittest.main()

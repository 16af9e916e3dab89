# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with the metrics changes nothing of what the run did, is said, and made good by the next run."""

import os
import shutil
import subprocess
import unittest

from archive_world import archive_config
from audit_world import at, is_root
from figures_check import check_run
from holdfast_cli import program_path, require, work_folder
from monitoring_world import Metered, Metrics, metered
from test_disk_full import FullDisk, small_disk

AGED = at("2029-01-01")


class Trouble(Metered):
    """What cannot be told does not change what was done, and the log says what else failed."""

    def done_all_the_same(self, made, *words):
        made.insert(AGED, count=5)
        answer = made.run(expect=0)
        check_run(self, made, answer, "completed")
        self.assertEqual(answer.json["deleted"], 5)
        self.assertEqual(made.ids(), set())
        for word in words:
            self.assertIn(word, answer.stderr)
        made.clock.advance(days=1)
        return answer

    def written_by_the_next_run(self, made):
        made.insert(AGED, count=5)
        answer = made.run(expect=0)
        self.assertNotIn("_not_", answer.stderr)
        found = self.metrics()
        self.assertEqual(found.value("last_run_rows_deleted"), 5)
        self.assertEqual(found.value("last_success_timestamp_seconds"), made.clock.now.timestamp())

    def test_the_folder_is_missing(self):
        made = self.world()
        self.file.parent.rmdir()
        self.done_all_the_same(made, "metrics_not_written", "No such file")
        self.file.parent.mkdir()
        self.written_by_the_next_run(made)

    def test_the_folder_is_a_file_and_the_file_is_a_folder(self):
        made = self.world()
        self.file.mkdir()
        self.done_all_the_same(made, "metrics_not_written")
        self.file.rmdir()
        self.file.parent.rmdir()
        self.file.parent.write_text("")
        self.done_all_the_same(made, "metrics_not_written", "Not a directory")
        self.file.parent.unlink()
        self.file.parent.mkdir()
        self.written_by_the_next_run(made)

    def test_nothing_may_be_written_there(self):
        made = self.world()
        made.leave_root()
        self.file.parent.chmod(0o555)
        self.done_all_the_same(made, "metrics_not_written", "Permission denied")

    def test_the_disk_of_the_metrics_is_full_and_neither_reports_nor_webhook_work(self):
        """Everything that is told fails at once; the prune is done, recorded, and exits with 0."""
        require(is_root() and shutil.which("unshare"), "a mount namespace is needed")
        secret = {"url": "http://127.0.0.1:9/", "secret_file": "secret", "on": ["completed"], "time_limit": "1s"}
        made = self.world(metered({"reports": {"directory": "blocked/reports"}, "webhook": secret}))
        (made.folder / "blocked").write_text("no folder")
        (made.folder / "secret").write_text("s" * 32)
        (made.folder / "secret").chmod(0o600)
        made.insert(AGED, count=5)
        script = (
            'mount -t tmpfs -o size=8k tmpfs "$1/metrics" && '
            '{ head -c 100000 /dev/zero > "$1/metrics/filler" 2>/dev/null || true; } && '
            'shift && exec "$@"'
        )
        command = [str(program_path()), "run", "--json", "--config", str(made.config_file)]
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", str(made.folder), *command],
            env={**os.environ, **made.clock.environment()},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        require("mount" not in done.stderr.split("warning")[0], f"no mount namespace here: {done.stderr}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(made.ids(), set())
        for words in ("metrics_not_written", "No space left", "the reports could not be written", "webhook_not_taken"):
            self.assertIn(words, done.stderr)
        self.assertEqual(made.query("SELECT outcome, deleted FROM holdfast_run"), [("completed", 5)])
        (made.folder / "blocked").unlink()
        (made.folder / "blocked").mkdir()
        made.write_config(metered({"reports": {"directory": "blocked/reports"}}))
        made.clock.advance(days=1)
        self.written_by_the_next_run(made)
        self.assertTrue((made.folder / "blocked/reports/run-1.html").exists())

    def test_check_says_beforehand_what_cannot_be_told(self):
        hook = {"url": "https://localhost/", "secret_file": "secret"}
        made = self.world(metered({"webhook": hook}))
        self.file.parent.rmdir()
        said = made.call("check", expect=0).stdout
        self.assertIn("doubtful: [metrics].textfile: there is no folder", said)
        self.assertIn("doubtful: [webhook].secret_file:", said)
        self.file.parent.mkdir()
        (made.folder / "secret").write_text("s" * 32)
        (made.folder / "secret").chmod(0o600)
        said = made.call("check", expect=0).stdout
        self.assertNotIn("[metrics]", said)
        self.assertNotIn("[webhook]", said)

    def test_nights_that_the_ledger_never_saw_are_counted_all_the_same(self):
        with small_disk() as disk, work_folder() as elsewhere:
            config = archive_config({"metrics": {"textfile": str(elsewhere / "holdfast.prom")}})
            made = FullDisk(disk)
            made.write_config(config)
            made.init()
            made.fill(1500)
            made.run(expect=0)
            success = made.clock.now.timestamp()
            made.fill_up(0)
            for night in (1, 2, 3):
                made.clock.advance(days=1)
                made.run(expect=1)
                found = Metrics(elsewhere / "holdfast.prom")
                self.assertEqual((found.outcome, found.value("last_run_id")), ("failed", 0))
                self.assertEqual(found.value("consecutive_failed_runs"), night)
                self.assertEqual(found.value("last_success_timestamp_seconds"), success)
            made.make_room()
            made.run(expect=0)
            self.assertEqual(Metrics(elsewhere / "holdfast.prom").value("consecutive_failed_runs"), 0)

    def test_links_in_the_way_are_replaced_and_what_they_point_to_stays(self):
        made = self.world()
        victim = made.folder / "victim"
        victim.write_text("mine")
        self.file.symlink_to(victim)
        made.run(expect=0)
        self.assertEqual(victim.read_text(), "mine")
        self.assertFalse(self.file.is_symlink())

    def test_an_old_file_that_says_nonsense_is_not_believed(self):
        made = self.world()
        made.run(expect=0)
        sound = self.file.read_text()
        self.assertIn("holdfast_last_success_timestamp_seconds{", sound)
        made.database.unlink()
        for value in ("9e99", "-1", "nan", "1e18", "x", ""):
            lines = [
                line.rsplit(" ", 1)[0] + " " + value if line.startswith("holdfast_last_success") else line
                for line in sound.splitlines()
            ]
            self.file.write_text("\n".join(lines) + "\n")
            made.call("run", expect=1)
            self.assertNotIn("last_success_timestamp_seconds", self.metrics(), value)
        self.file.unlink()
        os.mkfifo(self.file)
        made.call("run", expect=1, timeout_s=30)
        self.assertEqual(self.metrics().outcome, "failed")


if __name__ == "__main__":
    unittest.main()

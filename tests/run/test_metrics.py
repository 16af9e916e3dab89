# SPDX-License-Identifier: Apache-2.0
"""The metrics file: what it says after each outcome, and that it agrees with the report."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
import unittest

from audit_world import at, config_with, to_ms
from figures_check import check_run
from holdfast_cli import program_path
from monitoring_world import Metered, metered, promtool

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
YOUNG = at("2029-12-31")
UPDATE_CODE = "ACCOUNT_PROFILE_UPDATE"
LIMITS = {"safety": {"max_category_share": 0.2, "limit_min_rows": 10}}


class EachOutcome(Metered):
    def ended(self, made, outcome, exit_status, now=None):
        """The metrics say how the run ended; whatever it came to know agrees with its report."""
        found = self.metrics()
        self.assertEqual(found.outcome, outcome)
        self.assertEqual(found.value("last_run_exit_status"), exit_status)
        began = (made.clock.now if now is None else now).timestamp()
        self.assertEqual(found.value("last_run_timestamp_seconds"), began)
        return found

    def agrees(self, found, report):
        self.assertEqual(found.value("last_run_id"), report["run_id"])
        self.assertEqual(found.value("last_run_rows_deleted"), report["deleted"])
        self.assertEqual(found.value("last_run_rows_erased"), report["erased"])
        kept = report["kept_by_reason"]
        self.assertEqual(found.value("last_run_rows_remaining"), kept["not_reached"] + kept["limit"])
        self.assertEqual(found.value("rows"), report["rows_after"])
        kept = {reason: found.value("last_run_rows_kept", reason=reason) for reason in report["kept_by_reason"]}
        self.assertEqual(kept, report["kept_by_reason"])
        self.assertEqual(found.labels("last_run_rows_kept", "reason"), set(report["kept_by_reason"]))

    def test_completed(self):
        made = self.world()
        made.insert(AGED, count=5)
        made.insert(YOUNG, count=2)
        made.freeze("--person=held")
        made.insert(at("2028-01-01"), actor="held")
        report = check_run(self, made, made.run(expect=0), "completed")
        found = self.ended(made, "completed", 0)
        self.agrees(found, report)
        self.assertEqual(found.value("last_success_timestamp_seconds"), NOW.timestamp())
        self.assertEqual(found.value("consecutive_failed_runs"), 0)
        self.assertEqual((found.value("holds_active"), found.value("holds_past_review")), (1, 0))
        self.assertEqual(found.value("category_rows_waiting", category="account"), 0)
        self.assertEqual(
            found.value("category_oldest_row_timestamp_seconds", category="account"), at("2028-01-01").timestamp()
        )
        cutoff = found.value("category_cutoff_timestamp_seconds", category="account")
        self.assertEqual(cutoff, at("2029-10-01T10:00:00").timestamp())
        # Nothing waits, so nothing is overdue, although a held row is old.
        self.assertNotIn("category_oldest_due_timestamp_seconds", found)
        self.assertGreater(found.value("database_size_bytes"), 0)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)
        self.assertEqual([entry.name for entry in self.file.parent.iterdir()], [self.file.name])

    def test_a_tight_umask_does_not_keep_the_exporter_out(self):
        made = self.world()
        umask = os.umask(0o077)
        try:
            made.run(expect=0)
        finally:
            os.umask(umask)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)

    def test_partial_nights_are_counted_and_the_oldest_that_waits_is_told(self):
        made = self.world(metered(run={"max_rows": 7}))
        made.insert(at("2029-02-01"), count=20)
        made.insert(YOUNG)
        for night in (1, 2):
            report = check_run(self, made, made.run(expect=3), "partial")
            found = self.ended(made, "partial", 3)
            self.agrees(found, report)
            self.assertEqual(found.value("consecutive_partial_runs"), night)
            self.assertEqual(found.value("last_success_timestamp_seconds"), made.clock.now.timestamp())
            self.assertEqual(found.value("category_rows_waiting", category="account"), report["rows_remaining"])
            self.assertEqual(
                found.value("category_oldest_due_timestamp_seconds", category="account"), at("2029-02-01").timestamp()
            )
            made.clock.advance(days=1)
            self.assertEqual(
                found.value("category_oldest_row_timestamp_seconds", category="account"), at("2029-02-01").timestamp()
            )
        made.run(expect=0)
        found = self.metrics()
        self.assertEqual(found.value("consecutive_partial_runs"), 0)
        # What has gone does not count any more.
        self.assertEqual(found.value("category_oldest_row_timestamp_seconds", category="account"), YOUNG.timestamp())

    def test_limited(self):
        made = self.world(metered(LIMITS))
        made.insert(AGED, tenant="acme", count=20)
        found = self.after(made, 4, "limited")
        self.agrees(found, self.report)
        self.assertEqual(found.value("category_rows_waiting", category="account"), 20)
        self.assertEqual(found.value("category_oldest_due_timestamp_seconds", category="account"), AGED.timestamp())
        self.assertNotIn("acme", found.text)

    def test_overdue_is_what_is_past_its_own_window(self):
        windows = {"acme": {"category": {"account": {"window": "1 year"}}}, "brief": {"category": {"account": {"window": "30 days"}}}}
        made = self.world(metered(LIMITS, {"retention": {"tenant": windows}}))
        made.insert(AGED, tenant="acme", count=20)
        self.after(made, 0, "completed")
        self.assertEqual(self.metrics().value("category_overdue_seconds", category="account"), 0)
        made.insert(at("2029-11-11T10:00:00"), tenant="brief", count=20)
        found = self.after(made, 4, "limited")
        self.assertEqual(found.value("category_overdue_seconds", category="account"), 19 * 86400)

    def after(self, made, exit_status, outcome):
        self.report = check_run(self, made, made.run(expect=exit_status), outcome)
        return self.ended(made, outcome, exit_status)

    def test_refused_keeps_the_last_success(self):
        made = self.world()
        made.insert(AGED, count=5)
        made.run(expect=0)
        made.clock.advance(days=-3)
        found = self.after(made, 4, "refused")
        self.assertNotIn("last_run_rows_remaining", found)
        self.assertEqual(found.value("last_success_timestamp_seconds"), NOW.timestamp())
        self.assertEqual(found.value("consecutive_failed_runs"), 1)

    def test_a_first_run_that_is_refused_has_never_succeeded(self):
        made = self.world(metered({"safety": {"first_run_needs_approval": True}}))
        made.insert(AGED, count=5)
        found = self.after(made, 4, "refused")
        self.assertEqual(found.value("last_success_timestamp_seconds"), 0)
        self.assertEqual(found.value("category_rows_waiting", category="account"), 5)
        self.assertEqual(found.value("last_run_rows_remaining"), 5)

    def test_invalid_where_the_path_can_still_be_read(self):
        made = self.world()
        made.insert(AGED, count=5)
        made.run(expect=0)
        made.clock.advance(days=1)
        made.write_config(metered({"safety": {"nonsense": 1}}))
        made.run(expect=2)
        found = self.ended(made, "invalid", 2)
        self.assertEqual(found.value("last_success_timestamp_seconds"), NOW.timestamp())
        self.assertEqual(found.value("consecutive_failed_runs"), 1)
        self.assertEqual(found.value("last_run_id"), 2)
        self.assertIn(f'database="{made.database}"', found.text)

    def test_invalid_and_not_even_the_database_can_be_read(self):
        made = self.world()
        made.run(expect=0)
        for night in (1, 2):
            made.clock.advance(days=1)
            made.write_config(metered(database={"paht": "audit.db"}))
            made.run(expect=2)
            found = self.ended(made, "invalid", 2)
            self.assertEqual(found.value("last_success_timestamp_seconds"), NOW.timestamp())
            self.assertEqual(found.value("consecutive_failed_runs"), night)
            self.assertEqual(found.value("last_run_id"), 0)
            # The series of this database goes on, and does not turn into another.
            self.assertIn(f'database="{made.database}"', found.text)

    def test_a_configuration_that_is_no_toml_tells_all_the_same(self):
        made = self.world()
        made.run(expect=0)
        sound = made.config_file.read_text()
        for night, broken in enumerate(("nonsense = = 1\n" + sound, sound + "\n[retention.category.x\nwindow = \n"), 1):
            made.clock.advance(days=1)
            made.write_config(broken)
            self.assertNotIn("nobody_told", made.run(expect=2).stderr)
            found = self.ended(made, "invalid", 2)
            self.assertEqual(found.value("consecutive_failed_runs"), night)
            self.assertEqual(found.value("last_success_timestamp_seconds"), NOW.timestamp())
            self.assertIn(f'database="{made.database}"', found.text)

    def test_sections_that_nobody_can_be_sure_of_are_not_believed_and_that_is_said(self):
        made = self.world()
        made.run(expect=0)
        sound, before = made.config_file.read_text(), self.file.read_text()
        made.clock.advance(days=1)
        text = "x = '''\n'''\n= broken\n"
        for broken in ("= broken\n" + sound + '[metrics]\ntextfile = "b.prom"\n', text + sound, sound.replace("textfile", "textfile =")):
            made.write_config(broken)
            self.assertIn("nobody_told", made.run(expect=2).stderr, broken)
            self.assertEqual(self.file.read_text(), before)

    def test_what_others_may_write_chooses_no_file(self):
        made = self.world()
        made.run(expect=0)
        before = self.file.read_text()
        made.write_config(metered({"safety": {"nonsense": 1}}))
        made.config_file.chmod(0o666)
        made.clock.advance(days=1)
        self.assertIn("nobody_told", made.run(expect=2).stderr)
        self.assertEqual(self.file.read_text(), before)

    def test_what_another_database_did_is_not_taken_over(self):
        made = self.world()
        made.run(expect=0)
        self.file.write_text(self.file.read_text().replace(str(made.database), "/other.db"))
        made.database.write_text("no database" * 100)
        made.clock.advance(days=1)
        answer = made.run(expect=1)
        self.assertIn("metrics_of_another_database", answer.stderr)
        self.assertIn("/other.db", answer.stderr)
        found = self.ended(made, "failed", 1)
        self.assertNotIn("last_success_timestamp_seconds", found)
        self.assertNotIn("metrics_of_another_database", made.run(expect=1).stderr)

    def test_a_database_that_is_missing_or_cannot_be_opened(self):
        made = self.world()
        made.insert(AGED, count=5)
        made.run(expect=0)
        kept = made.folder / "kept.db"
        for night, break_it in enumerate(
            (lambda: shutil.move(made.database, kept), lambda: made.database.write_text("no database" * 100)), 1
        ):
            break_it()
            made.clock.advance(days=1)
            made.run(expect=1)
            found = self.ended(made, "failed", 1)
            self.assertEqual(found.value("last_success_timestamp_seconds"), NOW.timestamp())
            self.assertEqual(found.value("consecutive_failed_runs"), night)
            self.assertNotIn("rows", found)
        os.replace(kept, made.database)
        for leftover in ("-wal", "-shm"):
            made.database.with_name(made.database.name + leftover).unlink(missing_ok=True)
        made.run(expect=0)
        self.assertEqual(self.metrics().value("consecutive_failed_runs"), 0)

    def test_failed_in_the_middle_and_before_the_lock(self):
        made = self.world()
        made.insert(AGED, count=5)
        made.run(expect=0)
        made.clock.advance(days=1)
        (lock,) = [entry for entry in made.folder.iterdir() if "lock" in entry.name]
        lock.unlink()
        lock.mkdir()
        made.call("run", expect=1)
        self.ended(made, "failed", 1)

    def test_a_lock_that_is_held_leaves_the_metrics_of_the_run_that_counts(self):
        made = self.world()
        made.run(expect=0)
        before = self.file.read_text()
        (lock,) = [entry for entry in made.folder.iterdir() if "lock" in entry.name]
        with lock.open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            made.clock.advance(days=1)
            made.call("run", expect=11)
            made.write_config(metered({"safety": {"nonsense": 1}}))
            made.call("run", expect=2)
        self.assertEqual(self.file.read_text(), before)

    def test_interrupted(self):
        made = self.world(metered(run={"max_lock": "1ms", "max_lock_idle": "1ms"}))
        with made.connection() as database:
            rows = ((to_ms(AGED), UPDATE_CODE, "x" * 300) for _ in range(6_000))
            database.executemany("INSERT INTO audit_events (occurred_at, code, metadata) VALUES (?, ?, ?)", rows)
        command = [str(program_path()), "run", "--json", "--config", str(made.config_file)]
        with subprocess.Popen(
            command, env={**os.environ, **made.clock.environment()}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as run:
            deadline = time.monotonic() + 60
            while run.poll() is None and time.monotonic() < deadline:
                if made.query("SELECT count(*) FROM holdfast_run_slice")[0][0] > 2:
                    run.send_signal(signal.SIGTERM)
                    break
            run.communicate(timeout=60)
        found = self.ended(made, "interrupted", 130)
        self.assertEqual(found.value("last_success_timestamp_seconds"), 0)
        self.assertGreater(found.value("category_rows_waiting", category="account"), 0)


class Text(Metered):
    def test_promtool_has_nothing_to_say(self):
        made = self.world()
        made.insert(AGED, count=5)
        made.insert(AGED, "NOT_OF_THE_CATALOGUE", count=2)
        made.run(expect=0)
        checked = promtool("check", "metrics", stdin=self.file.read_text())
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_labels_are_escaped_and_persons_and_tenants_are_in_none(self):
        made = self.world(metered(database={"path": 'a"b\\c.db'}))
        made.database = made.folder / 'a"b\\c.db'
        made.insert(AGED, tenant="tenant-zz", actor="person-zz", subject="subject-zz", count=3)
        made.freeze("--person=person-zz", matter="matter-zz", reason="reason-zz")
        made.run(expect=0)
        text = self.file.read_text()
        self.assertIn('a\\"b\\\\c.db"', text)
        self.assertNotIn("zz", text)
        self.assertEqual(self.metrics().value("holds_active"), 1)

    def test_no_catalogue_makes_the_file_grow_without_end(self):
        made = self.world()
        codes = "".join(f"cat{n:03}\tCODE_{n:03}\tInfo\ta code\n" for n in range(200))
        (made.folder / "codes.tsv").write_text(codes)
        windows = {f"cat{n:03}": {"window": "90 days", "basis": "t"} for n in range(200)}
        made.write_config(metered({"catalogue": {"extend": "codes.tsv"}, "retention": {"category": windows}}))
        made.insert(AGED, "CODE_199", count=1)
        made.run(expect=0)
        found = self.metrics()
        named = found.labels("category_rows_waiting", "category")
        self.assertEqual(len(named), 64)
        self.assertIn("(other)", named)

    def test_they_are_there_before_the_reports(self):
        made = self.world(metered({"reports": {"directory": "reports"}}))
        made.run(expect=0)
        report = made.folder / "reports" / "run-1.html"
        self.assertLess(self.file.stat().st_mtime_ns, report.stat().st_mtime_ns)

    def test_without_the_section_there_is_no_file(self):
        made = self.world(config_with())
        made.run(expect=0)
        self.assertFalse(self.file.exists())


if __name__ == "__main__":
    unittest.main()

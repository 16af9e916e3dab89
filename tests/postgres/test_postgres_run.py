# SPDX-License-Identifier: Apache-2.0
"""The finished program over a database of PostgreSQL, from `init` to `verify`."""

import json
import random
import subprocess
import time
import unittest

from postgres_world import COMPLETED, FAILED, OVERRIDDEN, at, config_with, days, one_sentence, postgres_world, to_ms, world

NOW = at("2030-01-01T02:00:00")
OLD = NOW - days(200)


class TheJob(unittest.TestCase):
    def test_rows_that_are_due_go_and_all_others_stay(self):
        lenient = {"safety": {"max_bad_time_share": 1.0}}
        with postgres_world(config_with(lenient)) as made:
            due = made.insert(OLD, count=5)
            held = made.insert(OLD, tenant="acme", count=2)
            stamped = made.insert(OLD, retain_until=to_ms(NOW + days(1)))
            young = made.insert(NOW - days(5), count=3)
            unknown = made.insert(OLD, code="NOBODY_KNOWS")
            undated = made.insert(0)
            made.freeze("--tenant=acme")
            planned = made.plan().json
            report = made.run(expect=0).json
            self.assertEqual(report["deleted"], 5)
            self.assertEqual(planned["deleted"], 5)
            self.assertEqual(made.ids(), set(held + stamped + young + unknown + undated))
            self.assertFalse(set(due) & made.ids())
            self.assertEqual(len(made.events(COMPLETED)), 1)
            self.assertEqual(made.run(expect=0).json["deleted"], 0)
            made.call("verify", expect=0)
            made.call("status", expect=(0, 1))
            made.call("report", expect=0)
            made.call("report", "list", expect=0)
            made.call("hold", "list", expect=0)
            self.assertEqual(made.explain(held[0])["reason"], "hold")

    def test_digests_are_recomputed_from_where_a_backup_was_restored(self):
        with postgres_world(config_with({"run": {"max_rows": 1200}})) as made:
            due = made.insert(OLD, count=2500)
            copy = made.name + "_restored"
            made.server.psql("postgres", f"CREATE DATABASE {copy} TEMPLATE {made.name}")
            restored = made.server.url(copy)
            made.run(expect=3)
            made.run(expect=3)
            made.run(expect=0)
            found = made.call("verify", "--against", restored, "--json", expect=0).json["checked"]["backup"]
            self.assertGreaterEqual(found["slices_that_match"], 3)
            self.assertEqual(found["slices_that_differ"] + found["slices_not_in_the_backup"], 0)
            made.server.psql(copy, f"UPDATE audit_events SET actor = 'x' WHERE id = {due[7]}")
            found = made.call("verify", "--against", restored, "--json", expect=1).json
            self.assertEqual(found["problem"]["reason"], "digest_differs")
            made.server.psql(copy, f"DELETE FROM audit_events WHERE id = {due[7]}")
            found = made.call("verify", "--against", restored, "--json", expect=0).json["checked"]["backup"]
            self.assertEqual(found["slices_not_in_the_backup"], 1)
            # The database itself, by another name: nothing of what was deleted is there.
            found = made.call("verify", "--against", made.server.url(made.name) + "&application_name=x", "--json", expect=1).json
            self.assertEqual(found["problem"]["reason"], "nothing_compared")
            for backup, part in ((made.server.url(made.name), "is the database itself"), (str(made.config_file), "postgresql:// url"),
                                 ("postgresql+x://me:word@db/app", "neither a file nor a url"),
                                 (restored.replace("holdfast@", "holdfast:word@"), "has a password in it")):
                refused = made.call("verify", "--against", backup, expect=2)
                self.assertIn(part, refused.stderr)
                self.assertNotIn("word@", refused.stderr)

    def test_a_released_hold_lets_its_rows_go_after_the_grace(self):
        with postgres_world() as made:
            held = made.insert(OLD, tenant="acme")
            hold = made.freeze("--tenant=acme")
            made.run(expect=0)
            made.release(hold)
            for _ in range(4):
                made.clock.advance(days=20)
                made.run(expect=0)
            self.assertNotIn(held[0], made.ids())

    def test_a_hold_placed_with_plain_sql_counts(self):
        with postgres_world() as made:
            held = made.insert(OLD, tenant="acme")
            made.sql(
                "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms)"
                " VALUES ('m', 'r', '', 'legal', 0, 0, 'dba', 0);"
                "INSERT INTO holdfast_hold_term VALUES (1, 'tenant', 'acme')"
            )
            self.assertEqual(made.run(expect=0).json["deleted"], 0)
            self.assertEqual(made.ids(), set(held))

    def test_the_ten_year_row_stays(self):
        with postgres_world() as made:
            kept = made.insert(OLD, code=OVERRIDDEN, retain_until=to_ms(NOW + days(3000)))
            made.run(expect=0)
            self.assertEqual(made.ids(), set(kept))

    def test_the_same_rows_get_the_same_reasons_as_in_sqlite(self):
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        lenient = config_with({"safety": {"max_bad_time_share": 1.0}})
        with postgres_world(lenient) as one, world(lenient) as other:
            for _ in range(120):
                row = {
                    "time": dice.choice([OLD, NOW - days(89), NOW - days(92), NOW + days(2), -5, 0, 1]),
                    "code": dice.choice(["ACCOUNT_PROFILE_UPDATE", "NOBODY_KNOWS", COMPLETED, OVERRIDDEN]),
                    "tenant": dice.choice([None, "", "acme", "globex"]),
                    "actor": dice.choice([None, "u-1", "u-2"]),
                    "subject": dice.choice([None, "u-1", "u-2", "é'\\"]),
                    "retain_until": dice.choice([None, 0, to_ms(OLD), to_ms(NOW + days(9))]),
                }
                self.assertEqual(one.insert(**row), other.insert(**row))
            for made in (one, other):
                made.freeze("--tenant=acme", "--future")
                made.freeze("--person=u-1", "--future")
            plan, reasons = one.plan_rows()
            same_plan, same_reasons = other.plan_rows()
            self.assertEqual(reasons, same_reasons, f"seed {seed}")
            self.assertEqual(plan.json["digest"] != "", same_plan.json["digest"] != "")
            self.assertEqual(one.run(expect=(0, 4)).json["deleted"], other.run(expect=(0, 4)).json["deleted"])
            self.assertEqual(one.ids(), other.ids(), f"seed {seed}")

    def test_a_plan_is_saved_and_approved(self):
        safe = {"safety": {"first_run_needs_approval": True}}
        with postgres_world() as made:
            made.write_config(made.config_file.read_text().replace("first_run_needs_approval = false", ""))
            made.insert(OLD, count=3)
            made.run(expect=4)
            self.assertEqual(len(made.ids()), 3, safe)
            made.approved_run(expect=0)
            self.assertEqual(made.ids(), set())

    def test_the_report_says_what_is_left_and_how_it_goes(self):
        with postgres_world() as made:
            made.insert(OLD, count=3)
            report = made.run(expect=0).json
            vacuum = 'VACUUM (ANALYZE) "public"."audit_events"'
            self.assertEqual(report["storage"]["vacuum"], vacuum)
            method = report["method"]
            self.assertNotIn("overwrit", json.dumps(method))
            self.assertFalse(method["wal_emptied"])
            self.assertTrue(any(vacuum in fact for fact in method["facts"]), method)
            made.insert(OLD)
            self.assertIn(f"freed by autovacuum, or at once by {vacuum}", made.call("report", expect=0).stdout)
            page = made.folder / "page.html"
            made.call("report", "--format", "html", "--out", page, expect=0)
            self.assertIn("autovacuum frees it for new rows, or at once VACUUM (ANALYZE)", page.read_text())
            made.sql(vacuum)
            with world() as other:
                other.insert(OLD)
                report = other.run(expect=0).json
                self.assertIsNone(report["storage"]["vacuum"])
                self.assertIn("overwrite", report["method"]["statement"])

    def test_an_archive_restores_rows(self):
        with postgres_world() as made:
            folder = made.folder / "archive"
            folder.mkdir(mode=0o700)
            with made.config_file.open("a") as config:
                config.write(f'[archive]\ndirectory = "{folder}"\nkeep = "13 months"\n')
            ids = made.insert(OLD, count=3, tenant="é", metadata='{"a": 1}')
            before = made.rows()
            report = made.run(expect=0).json
            self.assertEqual(report["deleted"], 3)
            made.freeze("--everything")
            made.call("archive", "restore", report["run_id"], "--as", "alice", expect=0)
            self.assertEqual({key: made.rows()[key] for key in ids}, before)
            made.call("archive", "verify", expect=0)


class Vacuum(unittest.TestCase):
    def test_the_room_of_deleted_rows_is_given_back_and_no_row_goes(self):
        with postgres_world() as made:
            made.insert(OLD, count=3000, metadata='{"text": "%s"}' % ("x" * 200))
            made.run(expect=0)
            made.insert(NOW)
            before, there = made.rows(), made.sql("SELECT count(*) FROM audit_events")
            self.assertGreater(int(made.sql("SELECT pg_relation_size('audit_events')")), 500_000)
            answer = made.call("vacuum", "--json", expect=0).json
            self.assertEqual(answer["statement"], 'VACUUM (ANALYZE) "public"."audit_events"')
            self.assertEqual(str(answer["rows"]), there)
            self.assertEqual(answer["rows_not_freed"], 0)
            self.assertIsNone(answer["wal_emptied"])
            self.assertEqual(made.sql("SELECT reltuples FROM pg_class WHERE oid = 'audit_events'::regclass"), there)
            self.assertEqual(made.rows(), before)
            self.assertIn("free for new ones", made.call("vacuum", expect=0).stdout)
            made.call("verify", expect=0)

    def test_rows_that_somebody_may_still_look_at_are_told(self):
        with postgres_world() as made:
            made.insert(OLD, count=300)
            with made.session() as other:
                other.do("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM audit_events")
                made.run(expect=0)
                self.assertEqual(made.call("vacuum", "--json", expect=0).json["rows_not_freed"], 300)
                self.assertIn("300 deleted rows still take up room", made.call("vacuum", expect=0).stdout)
                other.do("COMMIT")
            self.assertEqual(made.call("vacuum", "--json", expect=0).json["rows_not_freed"], 0)

    def test_a_warning_is_no_failure_where_no_table_was_skipped(self):
        with postgres_world() as made:
            made.insert(NOW, count=5)
            made.sql("CREATE FUNCTION loud(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
                     "$$BEGIN RAISE WARNING 'here'; RETURN $1; END$$; CREATE INDEX ON audit_events (loud(code))")
            self.assertEqual(made.call("vacuum", "--json", expect=0).json["rows_not_freed"], 0)

    def test_a_role_that_is_not_the_owner_is_told_what_was_skipped(self):
        with postgres_world() as made:
            made.insert(NOW)
            made.sql("DROP ROLE IF EXISTS pruner; CREATE ROLE pruner LOGIN; "
                     "GRANT ALL ON ALL TABLES IN SCHEMA public TO pruner; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO pruner")
            try:
                made.write_config(made.config_file.read_text().replace("holdfast@", "pruner@"))
                one_sentence(self, made.call("vacuum", expect=1), "skipped table", "skipping", "run it as the owner")
                self.assertEqual(made.sql("SELECT count(*) FROM holdfast_journal WHERE what = 'vacuum'"), "0")
            finally:
                made.sql("DROP OWNED BY pruner; DROP ROLE pruner")


class Trouble(unittest.TestCase):
    def test_another_run_on_another_machine_is_the_one_that_counts(self):
        with postgres_world() as made:
            schema = "(SELECT oid::int FROM pg_namespace WHERE nspname = 'public')"
            other = made.server.psql_process(
                made.name, f"SELECT pg_advisory_lock(1212576305, {schema}); SELECT pg_sleep(60)", stdout=subprocess.PIPE
            )
            try:
                wait_until(lambda: made.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "1")
                ids = made.insert(OLD)
                made.run(expect=11)
                self.assertEqual(made.ids(), set(ids))
            finally:
                made.cut_connections()
                other.communicate()
            made.run(expect=0)

    def test_a_run_that_cannot_start_does_not_close_one_that_goes_on_elsewhere(self):
        with postgres_world() as made:
            good = made.config_file.read_text()
            made.run(expect=0)
            for bad in (good + "[nonsense]\n", good + '[events]\ntable = "no_such_table"\n'):
                made.sql("INSERT INTO holdfast_run (id, opened_at_ms, as_of_ms, started_by, host, process)"
                         f" SELECT max(id) + 1, {to_ms(NOW)}, {to_ms(NOW)}, 'x', 'elsewhere', 1 FROM holdfast_run")
                lines = "SELECT id, outcome FROM holdfast_run ORDER BY id"
                before = made.query(lines)
                made.write_config(bad)
                with made.session() as other:
                    schema = "(SELECT oid::int FROM pg_namespace WHERE nspname = 'public')"
                    other.do(f"SELECT pg_advisory_lock(1212576305, {schema})")
                    answer = made.run(expect=2)
                    self.assertIn("another machine", answer.stderr)
                self.assertEqual(made.query(lines), before)
                made.write_config(good)
                self.assertEqual(len(made.run(expect=0).json["closed_dead_runs"]), 2)

    def test_a_killed_run_is_closed_as_failed_by_the_next(self):
        with postgres_world() as made:
            made.insert(OLD, count=3)
            made.sql("INSERT INTO holdfast_run (id, opened_at_ms, as_of_ms, started_by, host, process) "
                     f"VALUES (1, {to_ms(NOW) - 9}, {to_ms(NOW) - 9}, 'x', 'h', 1)")
            made.run(expect=0)
            self.assertEqual(len(made.events(FAILED)), 1)
            self.assertEqual(made.ids(), set())

    def test_a_connection_that_is_cut_in_a_run_loses_no_row_that_stays(self):
        with postgres_world() as made:
            held = made.insert(OLD, tenant="acme", count=50)
            made.insert(OLD, count=3000)
            made.freeze("--tenant=acme")
            # Somebody keeps one row that is due, so the run waits for it inside a slice.
            other = made.server.psql_process(
                made.name,
                "BEGIN; SELECT 1 FROM audit_events WHERE id = 60 FOR UPDATE; SELECT pg_sleep(60)",
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            wait_until(lambda: made.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%'"
                                        " AND wait_event = 'PgSleep'") == "1")
            started = made.start("run")
            wait_until(lambda: made.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holdfast'"
                                        " AND wait_event_type = 'Lock'") == "1")
            made.cut_connections()
            _, err = started.communicate(timeout=60)
            other.communicate()
            self.assertEqual(started.returncode, 1, err)
            self.assertIn("connection to the server was lost", err)
            self.assertTrue(set(held) <= made.ids())
            report = made.run(expect=0).json
            self.assertEqual(made.ids(), set(held))
            self.assertEqual(len(made.events(FAILED)), 1, report)
            made.call("verify", expect=0)

    def test_no_server_is_one_sentence(self):
        with postgres_world() as made:
            text = made.config_file.read_text()
            made.write_config(text.replace(str(made.server.folder), "/nowhere"))
            one_sentence(self, made.call("status", expect=1), "postgresql:///", "/nowhere")

    def test_a_trigger_of_the_holds_that_is_gone_stops_everything(self):
        with postgres_world() as made:
            ids = made.insert(OLD)
            made.sql("ALTER TABLE holdfast_hold DISABLE TRIGGER hold_changed")
            made.run(expect=1)
            self.assertEqual(made.ids(), set(ids))


class Settings(unittest.TestCase):
    def refused(self, made, change, *words):
        text = made.config_file.read_text()
        made.write_config(change(text))
        one_sentence(self, made.call("check", expect=2), *words)
        made.write_config(text)

    def test_sections_that_cannot_be_meant_are_refused(self):
        with postgres_world() as made:
            self.refused(made, lambda text: text.replace("[database]", '[database]\npath = "a.db"'), "keep one")
            self.refused(made, lambda text: text.replace("state_directory", "#"), "state_directory", "missing")
            self.refused(made, lambda text: text.replace("holdfast@", "holdfast:s3cret@"), "PGPASSFILE")
            self.refused(made, lambda text: text.replace("postgresql://", "mysql://"), "postgresql://USER@HOST")
            made.write_config(made.config_file.read_text().replace("holdfast@", "holdfast:s3cret@"))
            self.assertNotIn("s3cret", str(made.call("run", "--json")))

    def test_a_state_directory_of_others_is_refused(self):
        with postgres_world() as made:
            made.state.chmod(0o777)
            one_sentence(self, made.call("check", expect=2), "state_directory")
            made.state.chmod(0o700)
            made.call("check", expect=(0, 4))

    def test_init_says_what_it_did_and_remove_takes_it_out(self):
        with postgres_world(init=False) as made:
            made.call("check", expect=2)
            self.assertIn("made the table audit_events", made.init().stdout)
            self.assertIn("nothing to do", made.init().stdout)
            made.insert(OLD)
            one_sentence(self, made.call("init", "--guard", expect=1), "guards are for SQLite")
            self.assertIn("saved the registers", made.call("init", "--remove", expect=0).stdout)
            self.assertEqual(made.query("SELECT relname FROM pg_class WHERE relname LIKE 'holdfast%'"), [])
            self.assertEqual(len(made.ids()), 1)
            made.init()


def wait_until(true, seconds=20):
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise AssertionError("it did not come to be in time")
        time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()

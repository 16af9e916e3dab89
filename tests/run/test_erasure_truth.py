# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""What a completed erasure says has to be so, whatever the database, its triggers, its clock or its keys do."""

import contextlib
import shutil
import sqlite3
import threading
import time
import unittest

from audit_world import at, days
from erasure_world import (
    ASKED, DISPUTES, EMAIL, NAME, PERSON, PROFILES, REQUEST, SHOP, TENANT, blocked, erasure_config, erasure_world,
    reports_of,
)  # fmt: skip

OTHER_PERSON = "zz-1"
METADATA = '{"note":"%s, %s"}' % (NAME, EMAIL)
PUT_BACK = """
CREATE TRIGGER put_back AFTER UPDATE ON audit_events BEGIN
  UPDATE audit_events SET actor = OLD.actor, subject = OLD.subject, metadata = OLD.metadata WHERE id = NEW.id;
END
"""
PUT_METADATA_BACK = """
CREATE TRIGGER put_back AFTER UPDATE OF metadata ON audit_events BEGIN
  UPDATE audit_events SET metadata = OLD.metadata WHERE id = NEW.id;
END
"""
HISTORY = """
CREATE TABLE history (id, actor, metadata);
CREATE TRIGGER keeps_history AFTER UPDATE ON audit_events BEGIN
  INSERT INTO history VALUES (OLD.id, OLD.actor, OLD.metadata);
END
"""
WITHOUT_TENANT = {"table": "profiles", "subject": "user_id", "action": "delete"}
UNTYPED = "SELECT reference AS id FROM cases WHERE customer = :subject AND tenant = :tenant"


def warnings_about(run, what):
    return [line for line in run["warnings"] if line.startswith(what)]


class LostKey(unittest.TestCase):
    """A key file that is gone stops neither holds nor runs, and everybody is told."""

    def lose_the_key(self, made):
        made.fill()
        held = made.freeze(f"--person={PERSON}").json["hold"]
        made.override(made.waiting())
        for file in made.key_files():
            file.unlink()
        made.insert(made.clock.now - days(1000), count=4, tenant="globex", actor=OTHER_PERSON, subject=OTHER_PERSON)
        return held

    def test_holds_are_placed_and_bind(self):
        with erasure_world() as made:
            self.lose_the_key(made)
            placed = made.freeze(f"--person={OTHER_PERSON}").json
            self.assertIn('the key of tenant "acme"', placed["warnings"][0])
            self.assertEqual(made.freeze(f"--person={OTHER_PERSON}", "--tenant=globex").json["warnings"], [])
            run = made.run(expect=0).json
            self.assertEqual(len(warnings_about(run, "erasure_key_missing")), 1, run["warnings"])
            self.assertEqual(made.query("SELECT count(*) FROM audit_events WHERE actor = ?", OTHER_PERSON), [(4,)])
            found = made.call("check", "--json", expect=4).json["findings"]
            self.assertTrue([line for line in found if "forget-key" in str(line)], found)

    def test_what_nobody_can_match_is_listed_and_the_key_can_be_forgotten(self):
        with erasure_world() as made:
            held = self.lose_the_key(made)
            again = made.erasure("reapply", who="alice", expect=4).json
            self.assertEqual([(line["tenant"], line["why"]) for line in again["unmatched"]], [(TENANT, "key_missing")])
            made.erasure("forget-key", "--tenant", TENANT, "--reason", "lost with the disk", who="alice", expect=4)
            made.call("hold", "release", held, "--reason", "over", "--as", "alice", expect=0)
            made.clock.advance(days=60)
            made.run(expect=0)
            made.erasure("forget-key", "--tenant", TENANT, "--reason", "lost with the disk", who="alice")
            self.assertEqual(made.erasure("reapply", who="alice").json["unmatched"], [])
            self.assertEqual(warnings_about(made.run(expect=0).json, "erasure_key_missing"), [])

    def test_a_key_that_is_there_is_still_needed(self):
        with erasure_world() as made:
            made.fill()
            made.freeze(f"--person={PERSON}")
            made.override(made.waiting())
            made.erasure("forget-key", "--tenant", TENANT, "--reason", "x", who="alice", expect=4)

    def test_a_restored_backup_can_be_recovered_from(self):
        with erasure_world() as made:
            made.fill()
            made.freeze(f"--person={PERSON}")
            made.override(made.waiting())
            made.run(expect=0)
            backup = made.folder / "backup.db"
            with contextlib.closing(sqlite3.connect(made.database)) as source:
                with contextlib.closing(sqlite3.connect(backup)) as copy:
                    source.backup(copy)
            made.clock.advance(days=1)
            made.run(expect=0)
            for file in [*made.folder.glob("audit.db-*"), *made.key_files()]:
                file.unlink()
            shutil.copy(backup, made.database)
            made.run(expect=4)
            recovered = made.call("recover", "--as", "alice", "--json", expect=4).json
            self.assertEqual({line["why"] for line in recovered["erasures_unmatched"]}, {"key_missing"})
            made.run(expect=0)


class Triggers(unittest.TestCase):
    def completed_with(self, trigger, expect):
        made = self.enterContext(erasure_world(erasure_config(modules=())))
        made.insert(ASKED - days(20), count=3, tenant=TENANT, actor=PERSON, subject=PERSON, metadata=METADATA)
        with made.connection() as database:
            database.executescript(trigger)
        request = made.waiting()
        return made, made.complete(request, expect=expect)

    def test_rows_that_a_trigger_puts_back_are_not_called_pseudonymised(self):
        for trigger in (PUT_BACK, PUT_METADATA_BACK):
            made, answer = self.completed_with(trigger, expect=1)
            self.assertIn("trigger", answer.stderr)
            self.assertEqual(made.query("SELECT count(*) FROM holdfast_erasure WHERE state = 'completed'"), [(0,)])
            self.assertEqual(made.query("SELECT count(*) FROM audit_events WHERE actor = ? AND metadata = ?", PERSON, METADATA), [(3,)])

    def test_what_a_trigger_keeps_elsewhere_is_named(self):
        made, answer = self.completed_with(HISTORY, expect=0)
        left = answer.json["receipt"]["left_as_it_is"]
        self.assertIn({"module": None, "table": "audit_events", "columns": None, "trigger": "keeps_history"}, left)
        self.assertIn("keeps_history", str(made.call("check", "--json", expect=0).json["findings"]))
        shown = made.call("erasure", "show", "1", "--as", "bob", expect=0).stdout
        self.assertIn("what trigger keeps_history of audit_events writes elsewhere", shown)


class ChangedMeanwhile(unittest.TestCase):
    def test_rows_that_others_change_while_the_lock_is_waited_for(self):
        with erasure_world() as made:
            program = made.folder / "ask.sh"
            asked = made.folder / "asked"
            crm = {"name": "crm", "tables": [PROFILES], "holds_command": [str(program)], "time_limit": "20s"}
            program.write_text(
                f"#!/bin/sh\ntouch '{asked}'\nsleep 0.7\n"
                f'echo \'{{"module":"crm","subject":"{PERSON}","status":"clear","holds":[]}}\'\n'
            )
            program.chmod(0o700)
            made.write_config(erasure_config(modules=(crm,)))
            for actor in ("guest-9", "gone", PERSON):
                made.insert(ASKED - days(20), tenant=TENANT, actor=actor, subject=actor, metadata=METADATA)
            first, second, third = (row[0] for row in made.query("SELECT id FROM audit_events ORDER BY id LIMIT 3"))
            with made.connection() as database:
                database.execute("DELETE FROM audit_events WHERE id = ?", (second,))
            request = made.waiting()

            def merge_accounts():
                while not asked.exists():
                    time.sleep(0.01)
                with contextlib.closing(sqlite3.connect(made.database, timeout=20, isolation_level=None)) as database:
                    database.execute("BEGIN IMMEDIATE")
                    database.execute("UPDATE audit_events SET actor = ?1, subject = ?1 WHERE id = ?2", (PERSON, first))
                    database.execute(
                        "INSERT INTO audit_events (id, occurred_at, code, tenant, actor, subject, metadata)"
                        " SELECT ?, occurred_at, code, tenant, ?, ?, metadata FROM audit_events WHERE id = ?",
                        (second, PERSON, PERSON, third),
                    )
                    database.execute("UPDATE audit_events SET actor = 'u-5', subject = 'u-5' WHERE id = ?", (third,))
                    time.sleep(2)
                    database.execute("COMMIT")

            other = threading.Thread(target=merge_accounts)
            other.start()
            made.complete(request)
            other.join()
            self.assertEqual(made.query("SELECT count(*) FROM audit_events WHERE actor = ?1 OR subject = ?1", PERSON), [(0,)])
            rows = made.query("SELECT id, actor, metadata FROM audit_events WHERE id IN (?, ?, ?) ORDER BY id", first, second, third)
            token = made.token()
            self.assertEqual(rows, [(first, token, None), (second, token, None), (third, "u-5", METADATA)])


class WrongClock(unittest.TestCase):
    def test_a_request_from_a_clock_that_was_ahead_can_be_completed_and_is_late_in_time(self):
        with erasure_world() as made:
            made.fill()
            made.run(expect=0)
            made.clock.set(at("2036-05-01"))
            request = made.ask()
            made.agree(request)
            made.run(expect=0)
            made.clock.set(ASKED + days(1))
            told = made.call("approve", "--clock", "--as", "alice", expect=0).stdout
            self.assertIn("erasure was asked for", told)
            line = made.show(request)["request"]
            self.assertEqual(line["requested_at"][:10], "2030-01-02")
            self.assertEqual(line["deadline"][:7], "2030-02")
            made.complete(request, expect=4)
            made.clock.advance(days=40)
            status = made.call("status", "--nagios").stdout
            self.assertIn("erasures_overdue=1", status)
            made.complete(request)

    def test_the_cooling_off_of_a_request_from_before_is_not_cut_short(self):
        with erasure_world() as made:
            made.fill()
            made.run(expect=0)
            request = made.ask()
            made.clock.set(at("2040-01-01"))
            made.agree(request)
            made.run(expect=0)
            made.clock.set(ASKED + days(1))
            made.call("approve", "--clock", "--as", "alice", expect=0)
            self.assertGreaterEqual(made.show(request)["request"]["cooloff_until"][:10], "2030-01-15")
            made.clock.set(ASKED + days(3))
            blocked(self, made.complete(request, expect=4), "cool_off")


class WhoIsMeant(unittest.TestCase):
    def test_a_persons_own_request_without_a_subject_is_no_evidence_about_another(self):
        with erasure_world() as made:
            for subject in (None, ""):
                made.insert(ASKED - days(20), code=REQUEST, actor=PERSON, subject=subject, tenant=TENANT, metadata=METADATA)
            made.insert(ASKED - days(20), code=REQUEST, actor=PERSON, subject="u-9", tenant=TENANT, metadata=METADATA)
            log = made.complete(made.waiting()).json["receipt"]["audit_log"]
            self.assertEqual(log["evidence_kept"], 1)
            named = made.query("SELECT subject FROM audit_events WHERE actor = ? OR metadata LIKE '%rossi%'", PERSON)
            self.assertEqual(named, [("u-9",)])

    def test_a_hold_query_finds_numbers_that_are_stored_as_such(self):
        for tenant in ("acme", "7"):
            shop = {"name": "shop", "tables": [PROFILES], "holds_sql": UNTYPED}
            with erasure_world(erasure_config(modules=(shop,))) as made:
                with made.connection() as database:
                    database.execute("CREATE TABLE cases (reference, customer, tenant)")
                    stored = int(tenant) if tenant.isdigit() else tenant
                    cases = [("D-1", 4711, stored), ("D-2", "4711", tenant), ("D-3", 4712, stored), ("D-4", "04711", tenant)]
                    database.executemany("INSERT INTO cases VALUES (?, ?, ?)", cases)
                answer = made.complete(made.waiting("4711", tenant), expect=4)
                blocked(self, answer, "holds")
                self.assertEqual(sorted(hold["id"] for hold in reports_of(answer)["shop"]["holds"]), ["D-1", "D-2"])

    def test_a_hold_of_another_tenant_guards_a_table_of_all_tenants(self):
        shop = SHOP | {"tables": [WITHOUT_TENANT], "holds_sql": DISPUTES}
        with erasure_world(erasure_config(modules=(shop,))) as made:
            made.fill(tenant="globex")
            hold = made.freeze(f"--person={PERSON}", "--tenant=globex").json["hold"]
            made.freeze("--person=u-1", "--tenant=globex", "--future")
            answer = made.complete(made.waiting(), expect=4)
            blocked(self, answer, "holds")
            self.assertEqual([found["id"] for found in reports_of(answer)["holdfast"]["holds"]], [str(hold)])
            self.assertEqual(made.query("SELECT count(*) FROM profiles"), [(1,)])
        with erasure_world() as made:
            made.fill(tenant="globex")
            made.freeze(f"--person={PERSON}", "--tenant=globex")
            made.complete(made.waiting())
            self.assertEqual(made.query("SELECT count(*) FROM profiles"), [(1,)])


if __name__ == "__main__":
    unittest.main()

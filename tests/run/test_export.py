# SPDX-License-Identifier: Apache-2.0
"""A person's own copy: its whole life, who may do what, what is in it, and what an erasure does about it."""

import json
import re
import sqlite3
import stat
import unittest

from audit_world import World, at, days
from erasure_world import DONE, NAME, OTHER, PERSON, erasure_config, refused
from export_world import ASKED_FOR, EXPORT_CODES, FETCHED, READY, Copy, Crowd, export_config, export_world

SERVICE = {"identity": {"trust_flag": True, "services": ["portal"]}}
STRANGER = "mallory"


class Life(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(export_world(export_config(SERVICE)))
        self.made.fill()

    def test_the_whole_life_of_a_copy(self):
        export = self.made.ask_copy(who="portal")
        self.assertEqual(self.made.state(export), ("requested", ""))
        again = self.made.export("request", "--tenant", "acme", "--subject", PERSON, who=PERSON).json
        self.assertEqual((again["outcome"], again["export"]["id"], again["why"]), ("unchanged", export, "open_already"))
        answer = self.made.make(export).json
        self.assertEqual((answer["outcome"], answer["export"]["state"]), ("done", "ready"))
        self.assertIn(f"export download {export}", answer["message"])
        [name] = self.made.files()
        self.assertEqual(stat.S_IMODE((self.made.copies / name).stat().st_mode), 0o600)
        first = self.made.fetch(export, who=PERSON)
        Copy(first)
        self.assertEqual(first.read_bytes(), self.made.fetch(export, who="portal", name="second.zip").read_bytes())
        self.assertEqual(
            self.made.export_rows(),
            [
                (ASKED_FOR, "Notice", "portal", PERSON, "acme"),
                (READY, "Info", "alice", PERSON, "acme"),
                (FETCHED, "Info", PERSON, PERSON, "acme"),
                (FETCHED, "Info", "portal", PERSON, "acme"),
            ],
        )
        self.assertEqual({event["metadata"]["export_id"] for event in self.made.events(*EXPORT_CODES)}, {export})
        self.made.export("destroy", export, who=PERSON)
        self.assertEqual(self.made.state(export), ("destroyed", "command"))
        self.assertEqual(self.made.files(), [])
        self.assertEqual(len(self.made.export_rows()), 4)
        self.assertEqual(self.made.export("list", who=None).json["exports"], [])
        self.assertEqual(len(self.made.export("list", "--all", who=None).json["exports"]), 1)
        self.assertNotEqual(self.made.ask_copy(), export)

    def test_nobody_else_may_and_no_row_is_left(self):
        refused(self, self.made, self.made.ask_copy(who=STRANGER, expect=4), "may_not_request")
        export = self.made.ask_copy()
        for who in (PERSON, STRANGER, OTHER):
            refused(self, self.made, self.made.make(export, who=who, expect=4), "may_not_make")
        refused(self, self.made, self.made.fetch(export, who=PERSON, expect=4), "not_ready", "nightly run")
        self.made.make(export, who="portal")
        rows = self.made.export_rows()
        for who in (STRANGER, OTHER):
            refused(self, self.made, self.made.fetch(export, who=who, expect=4), "may_not_download")
        for who in (STRANGER, OTHER, "portal"):
            refused(self, self.made, self.made.export("destroy", export, who=who, expect=4), "administrator")
        self.assertEqual(self.made.export_rows(), rows)
        self.assertEqual(self.made.state(export), ("ready", ""))

    def test_a_download_replaces_nothing_and_is_not_logged_then(self):
        export = self.made.ready()
        (self.made.folder / "there.zip").write_text("mine")
        (self.made.folder / "link.zip").symlink_to("nowhere")
        for name in ("there.zip", "link.zip", "no/such/folder.zip"):
            self.assertEqual(self.made.fetch(export, name=name, expect=1).exit_status, 1)
        self.assertEqual((self.made.folder / "there.zip").read_text(), "mine")
        self.assertNotIn(FETCHED, [row[0] for row in self.made.export_rows()])
        self.assertEqual([path.name for path in self.made.folder.iterdir() if ".new-" in path.name], [])

    def test_another_file_in_its_place_is_not_handed_out(self):
        export = self.made.ready()
        [name] = self.made.files()
        file = self.made.copies / name
        content = file.read_bytes()
        file.write_bytes(content[:-1] + b"!")
        self.assertIn("not the file", self.made.fetch(export, expect=1).stderr)
        file.unlink()
        self.assertIn("gone", self.made.fetch(export, expect=1).stderr)
        self.assertNotIn(FETCHED, [row[0] for row in self.made.export_rows()])
        self.assertIn(f"export {export}", json.dumps(self.made.call("check", "--json").json))
        problems = self.made.call("verify", "--json", expect=1).json["problems"]
        self.assertEqual([problem["reason"] for problem in problems], ["export_not_there"])
        [line] = self.made.export("list", who=None).json["exports"]
        self.assertIn(name, line["problem"])

    def test_without_the_section_a_request_waits_and_check_says_so(self):
        self.made.write_config(erasure_config(SERVICE))
        export = self.made.ask_copy()
        refused(self, self.made, self.made.make(export, expect=2), "[export]", exit_status=2)
        self.assertIn("[export]", json.dumps(self.made.call("check", "--json").json["findings"]))
        self.assertTrue(any("[export]" in warning for warning in self.made.run(expect=0).json["warnings"]))
        self.made.write_config(export_config(SERVICE))
        self.assertNotIn("[export]", json.dumps(self.made.call("check", "--json").json["findings"]))

    def test_who_can_be_nobody_has_no_copy(self):
        for person in ("", "holdfast", "erased:0123456789abcdef"):
            self.made.export("request", "--subject", person, who="alice", expect=2)
        self.made.make(99, expect=2)


class Nightly(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(export_world())
        self.made.fill()

    def test_the_run_makes_and_destroys(self):
        export = self.made.ask_copy()
        group = self.made.run(expect=0).json["exports"]
        self.assertEqual(group, {"made": 1, "destroyed": 0, "open": 1})
        self.assertEqual(self.made.export_rows()[-1], (READY, "Info", "holdfast", PERSON, "acme"))
        self.assertEqual(self.made.events(READY)[0]["metadata"]["run_id"], 1)
        self.made.clock.advance(days=30)
        self.assertEqual(self.made.run(expect=0).json["exports"], {"made": 0, "destroyed": 0, "open": 1})
        Copy(self.made.fetch(export))
        self.made.clock.advance(days=4)
        refused(self, self.made, self.made.fetch(export, name="late.zip", expect=4), "expired")
        self.assertEqual(self.made.run(expect=0).json["exports"], {"made": 0, "destroyed": 1, "open": 0})
        self.assertEqual(self.made.state(export), ("destroyed", "expired"))
        self.assertEqual(self.made.files(), [])
        self.assertEqual(len(self.made.export_rows()), 3)

    def test_one_that_has_expired_and_is_still_there_does_not_stand_in_the_way(self):
        export = self.made.ready()
        self.made.clock.advance(days=40)
        self.assertNotEqual(self.made.ask_copy(), export)

    def test_a_folder_that_is_gone_is_a_warning(self):
        export = self.made.ask_copy()
        self.made.copies.rmdir()
        report = self.made.run(expect=0).json
        self.assertEqual(report["exports"], {"made": 0, "destroyed": 0, "open": 1})
        self.assertTrue(any("export_not_made" in warning for warning in report["warnings"]), report["warnings"])
        self.assertEqual(self.made.state(export), ("requested", ""))

    def test_taking_holdfast_out_destroys_the_copies(self):
        self.made.ready()
        (self.made.copies / "notes.txt").write_text("mine")
        done = self.made.call("init", "--remove", "--json", expect=0).json["done"]
        self.assertEqual(self.made.files(), ["notes.txt"])
        self.assertTrue(any("copies" in line for line in done), done)

    def test_taking_holdfast_out_names_copies_that_it_cannot_find(self):
        self.made.ready()
        [name] = self.made.files()
        self.made.write_config(erasure_config())
        done = self.made.call("init", "--remove", "--json", expect=0).json["done"]
        self.assertTrue(any(name in line and "by hand" in line for line in done), done)

    def test_an_evidence_pack_lists_copies_and_names_nobody(self):
        export = self.made.ready()
        self.made.fetch(export, who=PERSON)
        self.made.export("destroy", export, who=PERSON)
        words = ("--from", "2029-12-01", "--to", "2030-02-01", "--out", "pack")
        self.made.call("evidence", *words, "--as", "alice", expect=0)
        pack = self.made.folder / "pack"
        [line] = json.loads((pack / "exports.json").read_text())["exports"]
        self.assertEqual((line["id"], line["state"], line["downloads"], line["made_by"]), (export, "destroyed", 1, "alice"))
        self.assertEqual({line[name] for name in ("subject", "requested_by", "ended_by")}, {"[subject]"})
        self.assertEqual(len(line["sha256"]), 64)
        self.assertIn("Copies of persons", (pack / "registers.html").read_text())
        for name in ("exports.json", "exports.csv", "registers.html"):
            self.assertNotIn(PERSON, (pack / name).read_text(), name)
        self.assertIn("  exports.csv\n", (pack / "MANIFEST").read_text())
        words = ("--from", "2029-12-01", "--to", "2029-12-02", "--out", "earlier")
        self.made.call("evidence", *words, "--as", "alice", expect=0)
        self.assertEqual(json.loads((self.made.folder / "earlier/exports.json").read_text()), {"exports": []})

    def test_strays_go_and_files_of_others_stay(self):
        export = self.made.ready()
        [name] = self.made.files()
        strays = [f".{name}.new-00ff", name.replace(f"-{export}.", "-77."), f".{name.replace('.zip', '')}"]
        others = ["notes.txt", "export-ffffffff-1.zip", ".export-ffffffff-1.zip.new-1"]
        for stray in strays + others:
            (self.made.copies / stray).write_text("half")
        self.made.run(expect=0)
        self.assertEqual(self.made.files(), sorted([name, *others]))


class Contents(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(export_world())

    def test_values_of_every_kind(self):
        sql = "CREATE TABLE things (who TEXT, n, r REAL, t TEXT, b BLOB, none_at_all, big INTEGER)"
        values = (PERSON, 3, 0.1, "=1+1", b"\x00\xff", None, 2**62)
        with self.made.connection() as database:
            database.execute(sql)
            database.execute("INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            database.execute("INSERT INTO things (who, t) VALUES (?, CAST(x'41ff42' AS TEXT))", (PERSON,))
        things = {"table": "things", "subject": "who", "action": "delete"}
        shop = {"name": "odd/name", "tables": [things], "holds": "none"}
        self.made.write_config(erasure_config(modules=[shop], export={"directory": "copies"}))
        copy = self.made.copy_of()
        first, second = copy.rows("things")
        self.assertEqual(
            first,
            {"who": PERSON, "n": 3, "r": 0.1, "t": "=1+1", "b": {"hex": "00ff"}, "none_at_all": None, "big": 2**62},
        )
        self.assertEqual(second["t"], r"A\xffB")
        lines = copy.csv(copy.name_of("things", ".csv"))
        self.assertEqual(lines[1], [PERSON, "3", "0.1", "'=1+1", '{"hex":"00ff"}', "", str(2**62)])
        self.assertRegex(copy.name_of("things"), r"^tables/01-odd_name-things\.ndjson$")

    def test_the_page_is_one_page_without_script_and_escapes(self):
        hostile = "<script>alert(1)</script>"
        self.made.fill(name=hostile)
        page = self.made.copy_of().entries["index.html"].decode()
        self.assertNotIn("<script", page)
        self.assertIn("&lt;script&gt;", page)
        self.assertEqual((page.count("<html"), page.count("</html>"), page.count("</main>")), (1, 1, 1))
        self.assertNotRegex(page, r"(src|href)=")

    def test_somebody_of_whom_there_is_nothing(self):
        export = self.made.ask_copy("nobody-1", who="alice")
        rows = self.made.ids()
        self.made.make(export)
        copy = Copy(self.made.fetch(export))
        self.assertEqual(copy.ids(), rows)  # the request itself
        self.assertEqual(copy.rows("profiles"), [])
        self.assertEqual(copy.manifest["rows"], 1)

    def test_third_persons_have_one_token_in_a_copy_and_another_in_the_next(self):
        self.made.fill()
        self.made.agree(self.made.ask())
        first, second = self.made.copy_of(), None
        self.made.clock.advance(days=1)
        second = self.made.copy_of()
        tokens = []
        for copy in (first, second):
            self.assertEqual(copy.where(OTHER, "alice", NAME + " called"), [])
            found = {row["actor"] for row in copy.rows("audit_events")} - {PERSON}
            self.assertEqual(len(found), 2, "the other person, and the administrator")
            for token in found:
                self.assertRegex(token, r"^person:[0-9a-f]{16}$")
            tokens.append(found)
        self.assertEqual(tokens[0] & tokens[1], set())
        approved = [row for row in first.rows("audit_events") if row["code"] == "ACCOUNT_DELETION_APPROVED"]
        self.assertEqual({row["actor"] for row in approved} <= tokens[0], True)

    def test_holds_are_not_told(self):
        self.made.fill()
        self.made.dispute("D-SECRET")
        request = self.made.waiting()
        self.made.complete(request, expect=4)
        self.assertEqual(self.made.copy_of().where("D-SECRET", "hold_digest"), [])

    def test_a_rollback_journal_serves_as_well(self):
        with export_world(journal_mode="DELETE") as made:
            made.fill()
            self.assertEqual(len(made.copy_of().rows("orders")), 3)


class SameRows(unittest.TestCase):
    """What is exported is what an erasure touches, row by row, and nothing of anybody else is in it."""

    def check(self, seed):
        with export_world(export_config({"erasure": {"cool_off": "1 days"}})) as made:
            crowd = Crowd(made, seed)
            crowd.fill()
            person, tenant = crowd.rng.choice(crowd.people), crowd.rng.choice(crowd.TENANTS)
            request = made.ask(person, tenant)
            made.agree(request)
            export = made.ask_copy(person, tenant)
            before = made.rows()
            orders = set(made.query("SELECT * FROM orders"))
            profiles = set(made.query("SELECT * FROM profiles"))
            made.make(export)
            copy = Copy(made.fetch(export))
            self.assertEqual(copy.where(*crowd.other_names(person)), [])
            made.clock.advance(days=3)
            receipt = made.complete(request).json["receipt"]
            after = made.rows()
            touched = {id for id, row in before.items() if after.get(id) != row}
            self.assertEqual(copy.ids(), touched)
            log = receipt["audit_log"]
            own = len(made.export_rows()) - 1  # of this copy: made and fetched after it was read
            self.assertEqual(log["deleted"] + log["pseudonymised"] + log["evidence_kept"], len(touched) + own)
            changed = {row[0] for row in orders - set(made.query("SELECT * FROM orders"))}
            self.assertEqual(copy.ids("orders"), changed)
            gone = profiles - set(made.query("SELECT * FROM profiles"))
            self.assertEqual({tuple(row[name] for name in ("user_id", "tenant", "name", "email")) for row in copy.rows("profiles")}, gone)
            counts = {line["table"]: line["changed"] for line in receipt["modules"]}
            self.assertEqual(counts, {"orders": len(changed), "profiles": len(gone)})

    def test_random_databases(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                self.check(seed)


class Erasure(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(export_world())
        self.made.fill()

    def test_an_erasure_asks_first(self):
        request = self.made.waiting()
        export = self.made.ask_copy()
        deeds = self.made.deeds()
        for step in ("requested", "ready"):
            self.assertEqual(self.made.state(export)[0], step)
            answer = self.made.complete(request, expect=4)
            refused(self, self.made, answer, "export_open", f"export download {export}", f"export destroy {export}")
            self.assertEqual(self.made.show(request)["open_export"]["id"], export)
            if step == "requested":
                self.made.make(export)
        self.assertEqual(self.made.deeds(), deeds, "no audit row")
        self.made.fetch(export)
        self.assertNotIn("open_export", self.made.show(request))
        receipt = self.made.complete(request).json["receipt"]
        self.assertEqual(receipt["exports_destroyed"], [export])
        self.assertEqual(self.made.state(export), ("destroyed", "erased"))
        self.assertEqual(self.made.files(), [])
        token = self.made.token()
        self.assertEqual({row[3] for row in self.made.export_rows()}, {token})
        self.assertEqual(self.made.traces(PERSON), [])
        kept = [event["metadata"] for event in self.made.events(*EXPORT_CODES)]
        self.assertEqual({metadata["export_id"] for metadata in kept}, {export})

    def test_who_is_barred_is_not_told_and_a_destroyed_or_expired_one_is_no_obstacle(self):
        request = self.made.waiting()
        export = self.made.ready()
        self.assertEqual(self.made.complete(request, who="alice", expect=4).json["why"], "dual_control")
        self.made.clock.advance(days=40)
        self.assertNotIn("open_export", self.made.show(request))
        self.assertEqual(self.made.complete(request).json["outcome"], "done")
        self.assertEqual(self.made.state(export), ("destroyed", "erased"))

    def test_the_nightly_run_asks_too(self):
        request = self.made.ask()
        self.made.agree(request)
        self.made.erasure("complete", request, "--when-due", who="bob")
        self.made.clock.advance(days=15)
        export = self.made.ask_copy()
        report = self.made.run(expect=0).json
        self.assertEqual(report["erasures"]["blocked"], [{"request_id": request, "why": "export_open"}])
        self.made.fetch(export)
        self.made.clock.advance(days=1)
        self.assertEqual(self.made.run(expect=0).json["erasures"]["completed"], [request])
        self.assertEqual((self.made.state(export), self.made.files()), (("destroyed", "erased"), []))
        self.assertEqual(len(self.made.deeds(DONE)), 1)

    def test_a_hold_does_not_stand_in_the_way_of_a_copy(self):
        self.made.freeze(f"--person={PERSON}", "--locked")
        self.made.dispute(locked=1)
        self.assertEqual(len(self.made.copy_of().rows("orders")), 3)

    def test_the_copy_of_another_tenant_is_another_one(self):
        self.made.fill(tenant="globex")
        export = self.made.ask_copy(tenant="globex")
        self.made.complete(self.made.waiting())
        self.assertEqual(self.made.state(export), ("requested", ""))
        self.assertEqual({row["tenant"] for row in self.made.copy_of(tenant="globex").rows("audit_events")}, {"globex"})


if __name__ == "__main__":
    unittest.main()

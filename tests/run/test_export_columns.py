# SPDX-License-Identifier: Apache-2.0
"""What a person's copy has of the columns that the log has and [events] does not map."""

import json
import unittest

from erasure_world import OTHER, PERSON, refused
from export_world import Copy, Crowd, export_config, export_world


class FurtherColumns(unittest.TestCase):
    """Columns of the log that [events] does not map: withheld and named, unless the operator lists them."""

    def setUp(self):
        self.made = self.enterContext(export_world())
        with self.made.connection() as database:
            for column in ("ip TEXT", "seen_by ANY", "description TEXT", "secret TEXT"):
                database.execute(f"ALTER TABLE audit_events ADD COLUMN {column}")

    def list_columns(self, *columns):
        self.made.write_config(export_config(export={"directory": "copies", "columns": list(columns)}))

    def row(self, **columns):
        return self.made.insert(self.made.clock.now, tenant="acme", actor=PERSON, subject=PERSON, **columns)[0]

    def cells(self, copy, id, *names):
        [row] = [row for row in copy.rows("audit_events") if row["id"] == id]
        return [row[name] for name in names]

    def test_they_are_withheld_and_the_manifest_the_page_and_check_say_so(self):
        self.row(ip="192.0.2.7", secret="told by walter")
        copy = self.made.copy_of()
        self.assertEqual(copy.where("192.0.2.7", "walter"), [])
        file = copy.listed[copy.name_of("audit_events")]
        self.assertEqual(file["withheld_columns"], ["ip", "seen_by", "description", "secret"])
        self.assertNotIn("ip", file["columns"])
        self.assertIn("ip, seen_by, description, secret", copy.entries["index.html"].decode())
        findings = self.made.call("check", "--json").json["findings"]
        self.assertTrue(any("ip, seen_by, description, secret" in line["message"] for line in findings), findings)

    def test_those_that_are_listed_are_in_it_by_their_own_names(self):
        self.list_columns("ip", "seen_by", "description")
        id = self.row(ip="192.0.2.7", seen_by=3, description="noon", secret="hidden")
        copy = self.made.copy_of()
        self.assertEqual(self.cells(copy, id, "ip", "seen_by", "log.description"), ["192.0.2.7", 3, "noon"])
        self.assertEqual(copy.listed[copy.name_of("audit_events")]["withheld_columns"], ["secret"])
        self.assertEqual(copy.where("hidden"), [])
        head = copy.csv(copy.name_of("audit_events", ".csv"))[0]
        self.assertEqual(head[-3:], ["ip", "seen_by", "log.description"])

    def test_the_names_of_others_in_them_are_tokens_or_take_the_value_along(self):
        self.list_columns("seen_by")
        self.made.insert(self.made.clock.now, tenant="globex", actor="4712", subject=OTHER)
        with self.made.connection() as database:
            database.execute("INSERT INTO profiles VALUES ('z-1', 'globex', 'Z', 'z@z.example')")
        said = {
            OTHER: r"person:[0-9a-f]{16}", "z-1": r"person:[0-9a-f]{16}", 4712: r"person:[0-9a-f]{16}", 4712.0: r"person:[0-9a-f]{16}",
            f"{OTHER} called": r"\[withheld\]", f"x{OTHER}y".encode(): r"\[withheld\]", json.dumps({"by": OTHER}): r"\[withheld\]",
            '{"by": "\\u0075-4712"}': r"\[withheld\]", PERSON: PERSON, "alice": r"person:[0-9a-f]{16}", "free text": "free text",
        }  # fmt: skip
        ids = {self.row(seen_by=value): shown for value, shown in said.items()}
        copy = self.made.copy_of()
        for id, shown in ids.items():
            self.assertRegex(self.cells(copy, id, "seen_by")[0], f"^{shown}$")
        self.assertEqual(copy.where(OTHER, "z-1", "alice"), [])

    def test_a_name_that_the_log_does_not_have_is_said_and_no_copy_is_made(self):
        self.list_columns("ip", "adress")
        export = self.made.ask_copy()
        refused(self, self.made, self.made.make(export, expect=2), "[export].columns", "adress", exit_status=2)
        self.assertIn("adress", json.dumps(self.made.call("check", "--json").json["findings"]))
        self.assertTrue(any("adress" in warning for warning in self.made.run(expect=0).json["warnings"]))
        self.assertEqual(self.made.state(export), ("requested", ""))

    def test_an_erasure_leaves_the_same_columns_and_names_them(self):
        """In `check`, before it in `show`, and in its receipt; with what else stays without a look."""
        self.list_columns("ip", "seen_by")
        self.row(ip="192.0.2.7", secret=f"told by {PERSON}")
        export = self.made.ready()
        copy = Copy(self.made.fetch(export))
        file = copy.listed[copy.name_of("audit_events")]
        in_the_copy = [name for name in file["columns"] if name in ("ip", "seen_by")]
        columns = ["ip", "seen_by", "description", "secret"]
        self.assertEqual(in_the_copy + file["withheld_columns"], columns)
        request = self.made.waiting()
        left = [
            {"module": None, "table": "audit_events", "columns": columns},
            {"module": "shop", "table": "orders", "columns": ["id", "amount"]},
        ]
        self.assertEqual(self.made.show(request)["left_as_it_is"], left)
        said = [line["message"] for line in self.made.call("check", "--json").json["findings"]]
        self.assertTrue(any("an erasure does not look at" in line and ", ".join(columns) in line for line in said), said)
        answer = self.made.complete(request)
        self.assertEqual(answer.json["receipt"]["left_as_it_is"], left)
        shown = self.made.call("erasure", "show", request, "--as", "bob").stdout
        self.assertIn("rows that stay: audit_events (ip, seen_by, description, secret); shop: orders (id, amount)\n", shown)
        self.assertEqual(self.made.query("SELECT DISTINCT ip, secret FROM audit_events WHERE ip NOT NULL"), [("192.0.2.7", f"told by {PERSON}")])

    def test_random_databases(self):
        for seed in range(8):
            with self.subTest(seed=seed), export_world(export_config(export={"directory": "copies", "columns": ["seen_by"]})) as made:
                with made.connection() as database:
                    database.execute("ALTER TABLE audit_events ADD COLUMN seen_by")
                    database.execute("ALTER TABLE audit_events ADD COLUMN secret")
                crowd = Crowd(made, seed)
                crowd.fill()
                with made.connection() as database:
                    for (id,) in database.execute("SELECT id FROM audit_events").fetchall():
                        values = [json.dumps(crowd.metadata(crowd.rng.choice(crowd.people))), crowd.rng.choice(crowd.people), b"\xff\x00", 7, None]
                        values.append(f"for {crowd.rng.choice(crowd.people)}!".encode())
                        pair = (crowd.rng.choice(values), crowd.rng.choice(values), id)
                        database.execute("UPDATE audit_events SET seen_by = ?, secret = ? WHERE id = ?", pair)
                person, tenant = crowd.rng.choice(crowd.people), crowd.rng.choice(crowd.TENANTS)
                export = made.ask_copy(person, tenant)
                made.make(export)
                copy = Copy(made.fetch(export))
                others = crowd.other_names(person)
                self.assertEqual(copy.where(*others, *(name.encode().hex() for name in others)), [])


if __name__ == "__main__":
    unittest.main()

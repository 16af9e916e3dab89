# SPDX-License-Identifier: Apache-2.0
"""Partitions that are wholly due go as tables, with the evidence of a run that deletes row by row; and in every other case
row by row."""

import random
import unittest

from partition_world import (
    NOW,
    UNKNOWN,
    YOUNG,
    PartitionTest,
    bound,
    check_digests,
    contents,
    dropped,
    inside,
    reasons,
    tables,
)
from postgres_world import OVERRIDDEN, at, config_with, days, one_sentence, to_ms, world


class WhollyDue(PartitionTest):
    def test_they_go_as_tables_with_all_evidence(self):
        made = self.made()
        self.fill(made)
        stays = made.insert(inside(1), retain_until=to_ms(NOW + days(9)))
        rows = contents(made)
        report = made.run(expect=0).json
        self.assertEqual(report["deleted"], 120)
        self.assertEqual(dropped(report), {"p0": 40, "p2": 40})
        self.assertEqual(reasons(report), {"p1": "a row of it stays (row_stamp)"})
        self.assertEqual(tables(made), ["p1", "p3", "rest"])
        gone = check_digests(self, made, rows)
        self.assertEqual(set(rows) - set(gone), set(contents(made)))
        self.assertIn(stays[0], made.ids())
        self.assertEqual(report["vanished"], 0)
        self.assertTrue(all(value == 0 for value in report["reconciliation"].values()))
        made.call("verify", expect=0)
        self.assertIn("partitions dropped: 2 with 80 of the deleted rows", made.call("report", expect=0).stdout)
        self.assertEqual(made.run(expect=0).json["deleted"], 0)
        made.insert(YOUNG)

    def test_not_unless_it_is_configured(self):
        made = self.made(run={"drop_partitions": None})
        self.fill(made)
        report = made.run(expect=0).json
        self.assertEqual((report["deleted"], dropped(report)), (120, {}))
        self.assertEqual(len(tables(made)), 5)

    def test_the_key_is_for_postgresql(self):
        with world(config_with(run={"drop_partitions": True}), init=False) as made:
            one_sentence(self, made.call("check", expect=2), "run.drop_partitions", "database.url")

    def test_the_same_rows_and_figures_as_row_by_row(self):
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        one, other = self.made(), self.made(run={"drop_partitions": None})
        for number in range(3):
            for _ in range(30 if number else 60):
                odd = number == 1 and dice.random() < 0.4
                row = {
                    "time": inside(number, dice.randrange(90)),
                    "code": UNKNOWN if odd and dice.random() < 0.5 else "ACCOUNT_PROFILE_UPDATE",
                    "tenant": dice.choice([None, "", "globex", "acme" if odd else "é'\\"]),
                    "actor": dice.choice([None, "u-1", "u-2"]),
                    "retain_until": dice.choice([None, to_ms(NOW - days(9)), to_ms(NOW + days(9)) if odd else None]),
                    "metadata": dice.choice([None, '{"a": 1}']),
                }
                self.assertEqual(one.insert(**row), other.insert(**row))
        for made in (one, other):
            made.insert(0, count=2)
            made.freeze("--tenant=acme", "--future")
        rows = contents(one)
        report, plain = one.run(expect=0).json, other.run(expect=0).json
        self.assertEqual(set(dropped(report)), {"p0", "p2"}, f"seed {seed}")
        for figure in ("deleted", "kept", "rows_before", "rows_after", "kept_by_reason", "categories", "deleted_by_code",
                       "unknown_codes", "kept_by_hold", "rows_remaining", "vanished"):
            self.assertEqual(report[figure], plain[figure], f"seed {seed}: {figure}")
        self.assertEqual(contents(one), contents(other), f"seed {seed}")
        gone = check_digests(self, one, rows)
        self.assertEqual(set(gone), set(check_digests(self, other, rows)), f"seed {seed}")
        for made in (one, other):
            made.call("verify", expect=0)

    def test_an_archive_has_the_rows_and_gives_them_back(self):
        made = self.archiving()
        self.fill(made)
        made.insert(inside(1), code=UNKNOWN)
        before = contents(made)
        report = made.run(expect=0).json
        self.assertEqual(set(dropped(report)), {"p0", "p2"})
        self.assertEqual(report["integrity"]["archive"]["rows"], 120)
        made.call("archive", "verify", expect=0)
        made.call("verify", expect=0)
        made.freeze("--everything")
        made.sql(f"CREATE TABLE back PARTITION OF audit_events FOR VALUES FROM ({bound(2)}) TO ({bound(3)})")
        made.call("archive", "restore", report["run_id"], "--as", "alice", expect=0)
        self.assertEqual(contents(made), before)

    def test_many_rows_are_many_lines_of_the_ledger(self):
        made = self.made()
        made.insert(inside(0), count=70_000)
        rows = contents(made)
        report = made.run(expect=0).json
        self.assertEqual(dropped(report), {"p0": 70_000})
        self.assertEqual(report["storage"]["slices"], 3)
        self.assertEqual(len(check_digests(self, made, rows)), 70_000)
        made.call("verify", expect=0)

    def test_a_run_takes_no_more_than_it_may(self):
        made = self.made(run={"max_rows": 50})
        self.fill(made)
        report = made.run(expect=3).json
        self.assertEqual(dropped(report), {"p0": 40})
        self.assertIn("max_rows", reasons(report)["p1"])
        self.assertEqual(report["deleted"], 50)
        made.call("verify", expect=0)


class Kept(PartitionTest):
    """One row that stays keeps its partition, and its partition alone."""

    def keeps(self, made, why, **kept):
        made.insert(inside(1))
        ids = made.insert(**({"time": inside(1)} | kept))
        self.fill(made)
        report = made.run(expect=0).json
        self.assertEqual((set(dropped(report)), report["deleted"]), ({"p0", "p2"}, 121))
        self.assertEqual(reasons(report), {"p1": f"a row of it stays ({why})"})
        self.assertTrue(set(ids) <= made.ids())
        made.call("verify", expect=0)

    def test_a_hold(self):
        made = self.made()
        made.freeze("--tenant=acme", "--future")
        self.keeps(made, "hold", tenant="acme")

    def test_a_stamp(self):
        self.keeps(self.made(), "row_stamp", retain_until=to_ms(NOW + days(1)))

    def test_an_unknown_code(self):
        self.keeps(self.made(), "unknown_code", code=UNKNOWN)

    def test_a_code_without_a_window(self):
        self.keeps(self.made(), "no_policy", code=OVERRIDDEN)

    def test_a_time_that_cannot_be_trusted(self):
        made = self.made()
        made.sql(f"CREATE TABLE p9 PARTITION OF audit_events FOR VALUES FROM (0) TO ({to_ms(at('2005-01-01'))})")
        made.insert(at("2004-01-01"))
        bad = made.insert(5)
        report = made.run(expect=0).json
        self.assertEqual((dropped(report), reasons(report)), ({}, {"p9": "a row of it stays (bad_time)"}))
        self.assertEqual(made.ids(), set(bad))

    def test_a_row_that_the_approved_plan_does_not_have(self):
        made = self.made()
        self.fill(made)
        digest = made.save_plan()
        made.insert(inside(1))
        made.approve(digest)
        report = made.run(expect=(0, 3)).json
        self.assertEqual(set(dropped(report)), {"p0", "p2"})
        self.assertEqual(report["deleted"], 120)
        self.assertEqual(tables(made), ["p1", "p3", "rest"])

    def test_an_old_partition_with_nothing_due_is_not_told_of(self):
        made = self.made()
        made.insert(inside(1), code=UNKNOWN, count=3)
        made.insert(inside(2))
        report = made.run(expect=0).json
        self.assertEqual((dropped(report), reasons(report)), ({"p2": 1}, {}))

    def test_a_view(self):
        made = self.made()
        self.fill(made)
        made.sql("CREATE VIEW of_p1 AS SELECT count(*) AS n FROM p1")
        report = made.run(expect=0).json
        self.assertEqual((set(dropped(report)), report["deleted"]), ({"p0", "p2"}, 120))
        self.assertIn("other objects depend on it", reasons(report)["p1"])
        self.assertEqual(made.sql("SELECT n FROM of_p1"), "0")

    def test_a_trigger_that_fires_on_delete(self):
        made = self.made()
        self.fill(made)
        made.sql(
            "CREATE TABLE told (n bigint);"
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO told VALUES (OLD.id); RETURN OLD; END';"
            "CREATE TRIGGER tell BEFORE DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION tell()"
        )
        report = made.run(expect=0).json
        self.assertEqual((dropped(report), report["deleted"]), ({}, 120))
        self.assertEqual(reasons(report), {"p0": "a trigger fires when rows of the log are deleted (so it is with 2 others)"})
        self.assertEqual(made.sql("SELECT count(*) FROM told"), "120")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""What others do while a partition is on its way out, and what a kill leaves of it."""

import random
import time
import unittest

from partition_world import NOW, YOUNG, PartitionTest, Stalled, bound, dropped, ended, inside, reasons, tables
from postgres_world import days, to_ms


class Meanwhile(PartitionTest):
    """What others do while a partition is read."""

    def run_while(self, made, deed, expect=0):
        with Stalled(made) as stalled:
            running = made.start("run", "--json")
            stalled.wait_for_the_run()
            deed()
            stalled.let_go()
            return ended(running, expect)

    def test_a_hold_that_is_placed_is_honoured_and_does_not_wait(self):
        made = self.made()
        self.fill(made)
        held = made.insert(inside(0), tenant="acme")

        def place():
            begin = time.monotonic()
            made.freeze("--tenant=acme")
            self.assertLess(time.monotonic() - begin, 20)

        report = self.run_while(made, place)
        self.assertIn("a hold or a bookmark changed", reasons(report)["p0"])
        self.assertTrue(set(held) <= made.ids())
        self.assertEqual((set(dropped(report)), report["deleted"]), ({"p1", "p2"}, 120))
        made.call("verify", expect=0)

    def test_a_hold_of_plain_sql(self):
        made = self.made()
        self.fill(made)
        held = made.insert(inside(0), tenant="acme")
        report = self.run_while(
            made,
            lambda: made.sql(
                "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms)"
                " VALUES ('m', 'r', '', 'legal', 0, 0, 'dba', 0);"
                "INSERT INTO holdfast_hold_term VALUES (1, 'tenant', 'acme')"
            ),
        )
        self.assertIn("a hold or a bookmark changed", reasons(report)["p0"])
        self.assertTrue(set(held) <= made.ids())

    def test_a_row_that_is_stamped_stays(self):
        made = self.made()
        self.fill(made)
        stamp = f"UPDATE audit_events SET retain_until = {to_ms(NOW + days(9))} WHERE id = 5"
        report = self.run_while(made, lambda: made.sql(stamp))
        self.assertIn("changed its rows", reasons(report)["p0"])
        self.assertIn(5, made.ids())
        self.assertEqual(report["deleted"], 119)
        made.call("verify", expect=0)

    def test_a_row_that_comes_stays_for_the_next_run(self):
        made = self.made()
        self.fill(made)
        late = []
        report = self.run_while(made, lambda: late.extend(made.insert(inside(0))))
        self.assertIn("changed its rows", reasons(report)["p0"])
        self.assertTrue(set(late) <= made.ids())
        self.assertEqual(report["deleted"], 120)
        made.run(expect=0)
        self.assertEqual(tables(made), ["p3", "rest"])
        made.call("verify", expect=0)

    def test_an_order_to_stop(self):
        made = self.made()
        made.insert(inside(0), count=40_000)
        with Stalled(made) as stalled:
            running = made.start("run", "--json")
            stalled.wait_for_the_run()
            running.terminate()
            stalled.let_go()
            report = ended(running, 130)
        self.assertEqual((report["outcome"], report["deleted"]), ("interrupted", 0))
        self.assertEqual(len(made.ids()), 40_000)
        made.call("verify", expect=0)
        self.assertEqual(dropped(made.run(expect=0).json), {"p0": 40_000})

    def test_planned_rows_that_others_delete_are_missed_whatever_comes(self):
        made = self.made()
        made.insert(inside(0), count=40)

        def replace():
            made.sql("DELETE FROM audit_events")
            made.insert(YOUNG, count=40)

        report = self.run_while(made, replace, expect=1)
        self.assertEqual((report["outcome"], report["error"]["reason"], report["deleted"]), ("failed", "reconciliation", 0))

    def test_many_partitions_beside_a_long_reader_leave_time_for_their_rows(self):
        made = self.made(run={"max_time": "12s"})
        made.sql(
            "".join(
                f"CREATE TABLE q{i} PARTITION OF audit_events FOR VALUES FROM ({bound(-i - 1)}) TO ({bound(-i)});"
                for i in range(20)
            )
        )
        for i in range(20):
            made.insert(inside(-i - 1), count=30)
        with Stalled(made, "SELECT count(*) FROM audit_events"):
            report = made.run(expect=0).json
        self.assertEqual((report["outcome"], report["deleted"]), ("completed", 600))

    def test_a_long_reader_of_the_log(self):
        made = self.made()
        self.fill(made)
        with Stalled(made, "SELECT count(*) FROM audit_events"):
            report = made.run(expect=0).json
        self.assertEqual((dropped(report), report["deleted"]), ({}, 120))
        self.assertEqual(len(reasons(report)), 3)
        self.assertIn("its lock was not had", reasons(report)["p0"])
        self.assertEqual(len(tables(made)), 5)
        made.call("verify", expect=0)


class Killed(PartitionTest):
    def test_before_it_is_over_nothing_has_happened(self):
        made = self.archiving()
        self.fill(made)
        for cut in ("kill", "connection", "server"):
            with self.subTest(cut):
                before = made.ids()
                with Stalled(made) as stalled:
                    running = made.start("run", "--json")
                    stalled.wait_for_the_run()
                    if cut == "kill":
                        running.kill()
                    elif cut == "connection":
                        made.cut_connections()
                    else:
                        made.server.restart()
                    running.communicate(timeout=120)
                self.assertEqual(made.ids(), before)
                made.clock.advance(hours=1)
        report = made.run(expect=0).json
        self.assertEqual((set(dropped(report)), report["deleted"]), ({"p0", "p1", "p2"}, 120))
        self.assertEqual(made.query("SELECT count(*) AS n FROM holdfast_run WHERE outcome = 'failed'")[0][0], 3)
        made.call("verify", expect=0)
        made.call("archive", "verify", expect=0)

    def test_at_random_points_the_ledger_tells_what_is_gone(self):
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        made = self.made()
        inserted = 0
        held = set(made.insert(inside(1), tenant="acme", count=5))
        made.freeze("--tenant=acme")
        for turn in range(6):
            for number in (0, 2):
                made.sql(f"CREATE TABLE IF NOT EXISTS p{number} PARTITION OF audit_events"
                         f" FOR VALUES FROM ({bound(number)}) TO ({bound(number + 1)})")
            for number in range(3):
                made.insert(inside(number), count=3000)
                inserted += 3000
            running = made.start("run")
            time.sleep(dice.uniform(0.02, 1.2))
            deed = dice.choice([running.kill, made.cut_connections, made.server.restart])
            deed()
            running.communicate(timeout=120)
            self.assertTrue(held <= made.ids(), f"seed {seed}, round {turn}, {deed}")
            gone = made.query("SELECT coalesce(sum(deleted), 0)::bigint AS n FROM holdfast_run_slice")[0][0]
            self.assertEqual(len(made.ids()), inserted + len(held) - gone, f"seed {seed}, round {turn}, {deed}")
            made.clock.advance(hours=1)
        made.run(expect=0)
        self.assertEqual(made.ids(), held, f"seed {seed}")
        made.call("verify", expect=0)


if __name__ == "__main__":
    unittest.main()

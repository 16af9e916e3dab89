# SPDX-License-Identifier: Apache-2.0
"""The oracle's time arithmetic against the worked cases that another calculation made."""

import csv
import unittest
from pathlib import Path

from calendar_rule import DAY_MS, HOUR_MS, Window, deletable_from, disposition_cutoff, is_due, parse_window
from run.holdfast_cli import require
from stored_time import read_report_time, read_stored_time

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = (REPOSITORY / "tests" / "policy" / "vectors", REPOSITORY.parent / "shared" / "vectors")


def vectors(name):
    """The rows of one file of vectors as dicts."""
    found = [folder / name for folder in FOLDERS if (folder / name).exists()]
    require(found, f"no vectors: {name}")
    with found[0].open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


class VectorsTest(unittest.TestCase):
    def test_deletable_from_agrees_with_every_vector(self):
        cases = vectors("deletable_from.tsv")
        self.assertGreater(len(cases), 500)
        for case in cases:
            event_ms = read_report_time(case["event_time"])
            window = parse_window(case["window"])
            expected = read_report_time(case["deletable_from"])
            self.assertEqual(deletable_from(event_ms, window), expected, case)

    def test_disposition_cutoff_agrees_with_every_vector(self):
        cases = vectors("disposition_cutoff.tsv")
        self.assertGreater(len(cases), 1000)
        for case in cases:
            clock_ms = read_report_time(case["run_clock"])
            expected = read_report_time(case["disposition_cutoff"])
            self.assertEqual(disposition_cutoff(parse_window(case["window"]), clock_ms), expected, case)

    def test_both_forms_of_the_rule_agree_at_every_edge(self):
        for case in vectors("disposition_cutoff.tsv"):
            clock_ms = read_report_time(case["run_clock"])
            window = parse_window(case["window"])
            cutoff_ms = disposition_cutoff(window, clock_ms)
            for distance_ms in (-DAY_MS, -HOUR_MS, -1, 0, 1, HOUR_MS, DAY_MS):
                due = is_due(cutoff_ms + distance_ms, window, clock_ms)
                self.assertEqual(due, distance_ms < 0, (case, distance_ms))

    def test_a_day_that_the_month_lacks_becomes_its_last_day(self):
        # 29 February 2024 + 1 year is 28 February 2025, over everywhere on 2 March.
        event_ms = read_report_time("2024-02-29T00:00:00Z")
        self.assertEqual(deletable_from(event_ms, Window(1, "year")), read_report_time("2025-03-02T00:00:00Z"))
        self.assertIsNone(deletable_from(event_ms, parse_window("forever")))


class StoredTimeTest(unittest.TestCase):
    def test_numbers_are_floored_to_milliseconds(self):
        for value, time_format, expected in (
            (1_600_000_000, "unix_s", 1_600_000_000_000),
            (1_600_000_000.75, "unix_s", 1_600_000_000_750),
            (1_600_000_000_123, "unix_ms", 1_600_000_000_123),
            (1_600_000_000_123_999, "unix_us", 1_600_000_000_123),
            (1_600_000_000.5, "unix_real", 1_600_000_000_500),
            (-1, "unix_us", -1),
        ):
            self.assertEqual(read_stored_time(value, time_format), expected, (value, time_format))

    def test_what_is_not_a_number_is_no_unix_time(self):
        for value in (None, "1600000000", "", b"\x01", float("inf"), float("nan")):
            self.assertIsNone(read_stored_time(value, "unix_s"), value)

    def test_zoned_and_zoneless_text_are_kept_apart(self):
        new_year = read_report_time("2024-01-01T00:00:00Z")
        self.assertEqual(read_stored_time("2024-01-01T05:30:00+05:30", "iso8601"), new_year)
        self.assertEqual(read_stored_time("2024-01-01 00:00:00", "utc_text"), new_year)
        self.assertEqual(read_stored_time("2023-12-31 23:59:60", "utc_text"), new_year - 1000)
        self.assertIsNone(read_stored_time("2024-01-01T00:00:00", "iso8601"))
        self.assertIsNone(read_stored_time("2024-01-01 00:00:00Z", "utc_text"))
        self.assertIsNone(read_stored_time("2023-02-29 00:00:00", "utc_text"))
        self.assertIsNone(read_stored_time(1_600_000_000, "utc_text"))


if __name__ == "__main__":
    unittest.main()

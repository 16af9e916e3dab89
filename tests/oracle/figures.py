# SPDX-License-Identifier: Apache-2.0
"""What the program's reports must say, counted again from the oracle's reasons."""

from collections import Counter, defaultdict

from calendar_rule import disposition_cutoff, parse_window
from stored_time import read_report_time


def plain(counts):
    """A dict of counts without its zeros."""
    return {name: count for name, count in counts.items() if count}


class Figures:
    """The totals of one plan or run. `reasons`: by key, `expired` for what goes."""

    def __init__(self, night, rows, reasons):
        self.night = night
        self.rows_before = len(rows)
        self.totals = Counter(reasons.values())
        self.groups = defaultdict(Counter)
        for row in rows:
            self.groups[night.group(row)][reasons[row.key]] += 1

    @property
    def deleted(self):
        return self.totals["expired"]

    @property
    def kept_by_reason(self):
        return plain({reason: n for reason, n in self.totals.items() if reason != "expired"})

    def differences(self, report):
        """What a report's totals and categories say otherwise, one sentence each."""
        expected = {
            "rows_before": self.rows_before,
            "deleted": self.deleted,
            "kept": self.rows_before - self.deleted,
        }
        found = []
        for name, value in expected.items():
            if report.get(name) != value:
                found.append(f"{name}: oracle {value}, report {report.get(name)}")
        if plain(report["kept_by_reason"]) != self.kept_by_reason:
            found.append(f"kept_by_reason: oracle {self.kept_by_reason}, report {plain(report['kept_by_reason'])}")
        if read_report_time(report["as_of"]) != self.night.run_clock_ms:
            found.append(f"as_of: oracle {self.night.run_clock_ms}, report {report['as_of']}")
        return found + self.category_differences(report["categories"]) + self.cutoff_differences(report["categories"])

    def category_differences(self, entries):
        """Sums per tenant and category. Rows inside their window may be counted per category alone."""
        reported, inside = defaultdict(Counter), Counter()
        for entry in entries:
            group = (entry["tenant"], entry["category"])
            kept = plain(entry["kept"])
            inside[entry["category"]] += kept.pop("window", 0)
            reported[group].update(kept)
            reported[group]["expired"] += entry["deleted"]
        expected, expected_inside = defaultdict(Counter), Counter()
        for (tenant, category), counts in self.groups.items():
            expected[(tenant, category)].update({r: n for r, n in counts.items() if r != "window"})
            expected_inside[category] += counts["window"]
        found = []
        for group in sorted({*reported, *expected}, key=str):
            if plain(reported[group]) != plain(expected[group]):
                found.append(f"group {group}: oracle {plain(expected[group])}, report {plain(reported[group])}")
        if plain(inside) != plain(expected_inside):
            found.append(f"window by category: oracle {plain(expected_inside)}, report {plain(inside)}")
        return found

    def cutoff_differences(self, entries):
        """Cut-offs and windows that an entry prints, where it prints them."""
        found = []
        policy = self.night.policy
        for entry in entries:
            if not entry.get("window") or entry.get("category") is None:
                continue
            where = f"{entry['tenant']}/{entry['category']}"
            own = policy.window(entry["tenant"], None, entry["category"])
            if own != parse_window(entry["window"]):
                found.append(f"window of {where}: oracle {own}, report {entry['window']}")
                continue
            cutoff_ms = disposition_cutoff(own, self.night.cutoff_clock_ms)
            printed = entry.get("disposition_cutoff")
            if (read_report_time(printed) if printed not in (None, "never") else None) != cutoff_ms:
                found.append(f"cut-off of {where} ({entry['window']}): oracle {cutoff_ms}, report {printed}")
        return found

# SPDX-License-Identifier: Apache-2.0
"""How many processes the kill tests have killed, and what was found wrong: $HOLDFAST_KILLS lets them go on until so many."""

import os
from collections import Counter


class KillCount:
    """The count of one test. Without $HOLDFAST_KILLS it goes on for as many kills as the test itself wants."""

    LINES = ("kills", "rows lost", "runs without audit event", "inconsistent ledgers", "other failures")

    def __init__(self, least):
        self.wanted = int(os.environ.get("HOLDFAST_KILLS", least))
        self.counts = Counter()

    @property
    def asked_for(self):
        """Whether somebody said how many."""
        return "HOLDFAST_KILLS" in os.environ

    @property
    def enough(self):
        return self.counts["kills"] >= self.wanted

    def killed(self):
        self.counts["kills"] += 1

    def found(self, problems):
        """Counts sentences of Evidence.problems() by what they speak of."""
        for problem in problems:
            if "protected rows are gone" in problem:
                self.counts["rows lost"] += int(problem.split()[0])
            elif "has the events" in problem:
                self.counts["runs without audit event"] += 1
            else:
                self.counts["inconsistent ledgers"] += 1

    def wrong(self, kind, number=1):
        self.counts[kind] += number

    def tell(self, title):
        print(f"\n{title}: " + ", ".join(f"{line}: {self.counts[line]}" for line in self.LINES), flush=True)

# SPDX-License-Identifier: Apache-2.0
"""Nights with and without the job over a log that keeps growing, with good and with bad times."""

import datetime

from audit_world import at, config_with, days, deletable_from, to_ms

WINDOWS = {"account": "20 days", "sessions": "1 month", "mfa": "2 days"}
CODES = {
    "account": "ACCOUNT_PROFILE_UPDATE",
    "sessions": "ACCOUNT_SESSION_REVOKED",
    "mfa": "ACCOUNT_MFA_DEVICE_VERIFIED",
}


def story_config():
    config = config_with({"safety": {"max_bad_time_share": 1.0}})
    config["retention"]["category"] |= {category: {"window": window} for category, window in WINDOWS.items()}
    return config


def bad_times(now):
    """One stored time of every bad kind, as the application would have written it at `now`."""
    return (
        0,
        -1,
        "",
        "garbage",
        "2029-06-01T00:00:00Z",
        b"\x00\x01",
        to_ms(now) // 1000,
        to_ms(now) * 1000,
        to_ms(at("1999-12-31")),
        to_ms(at("2999-01-01")),
        to_ms(now + days(40)),
        2**63 - 1,
        1.5e300,
    )


class Story:
    """What was written when; every night is checked against it."""

    def __init__(self, test, made):
        self.test = test
        self.made = made
        self.written = {}  # id to (real insertion, category, whether its time is good)

    def write(self, category, stored=None):
        now = self.made.clock.now
        key = self.made.insert(now if stored is None else stored, CODES[category])[0]
        self.written[key] = (now, category, stored is None)

    def day(self, hours=12, with_bad_times=False):
        """Some rows at some hour of this day."""
        self.made.clock.advance(hours=hours)
        for category in WINDOWS:
            self.write(category)
        if with_bad_times:
            for stored in bad_times(self.made.clock.now):
                self.write("account", stored)
                self.write("mfa", stored)
        self.made.clock.advance(hours=24 - hours)

    def night(self, expect=0):
        """One run; gives its run clock. No row may go before `deletable_from` of its real insertion, and the good
        ones go as soon as the run clock is there."""
        before = self.made.ids()
        report = self.made.run(expect=expect).json
        gone = before - self.made.ids()
        run_clock = datetime.datetime.fromisoformat(report["as_of"].replace("Z", "+00:00"))
        self.test.assertLessEqual(run_clock, self.made.clock.now)
        for key in gone:
            inserted, category, _ = self.written[key]
            first = deletable_from(inserted, WINDOWS[category])
            self.test.assertLessEqual(first, run_clock, f"row {key} of {inserted} went at {run_clock}")
        for key in self.made.ids():
            inserted, category, good = self.written[key]
            if good:
                first = deletable_from(inserted, WINDOWS[category])
                self.test.assertLess(run_clock, first, f"row {key} of {inserted} is still there at {run_clock}")
        return run_clock

    def still_there(self, written_before):
        return {key for key in self.made.ids() if self.written[key][0] < written_before}

# SPDX-License-Identifier: Apache-2.0
"""A policy that an edit loosens or tightens, for the tests of policy_shorten_delay."""

import datetime
import unittest

from audit_world import at, config_with, days, laid_over, to_ms, world

NIGHT = at("2030-01-01T02:00:00")
EDITED = NIGHT + days(1)  # the night that meets the edited file
LAST_OF_DELAY = EDITED + days(7) - datetime.timedelta(seconds=1)
AFTER_DELAY = EDITED + days(7) + datetime.timedelta(seconds=1)
AGED = at("2029-07-01")  # half a year old: kept by each old policy, free under each new one
UPDATE = "ACCOUNT_PROFILE_UPDATE"
OWN_CODES = "category\tcode\tseverity\tdescription\n{}\tOUR_EVENT\tInfo\tOne of ours.\n"
OTHER_EVENT = "account\tOTHER_EVENT\tInfo\tAnother of ours.\n"


class Edit:
    """One edit of the config, and the row that it lets go."""

    def __init__(self, old, new, row=None, files=({}, {})):
        self.old = old
        self.new = new
        self.row = row or {}
        self.old_files, self.new_files = files


def category(**entry):
    return {"retention": {"category": {"account": entry}}}


def tenant(**entry):
    return {"retention": {"tenant": {"acme": {"category": {"account": entry}}}}}


def code(**entry):
    return {"retention": {"code": {UPDATE: entry}}}


PRESET = {"name": "pci-10.5.1", "categories": ["account"]}

WAYS_OF_LOOSENING = {
    "a shorter window": Edit(category(window="400 days"), category(window="90 days")),
    "a shorter window in another unit": Edit(category(window="1 year"), category(window="1 month")),
    "an end instead of forever": Edit(category(window="forever"), category(window="90 days")),
    "a shorter window of a tenant": Edit(tenant(window="400 days"), tenant(window="91 days"), row={"tenant": "acme"}),
    "a shorter window of a code": Edit(code(window="400 days"), code(window="91 days")),
    "a removed tenant": Edit(tenant(window="400 days"), {}, row={"tenant": "acme"}),
    "a removed code": Edit(code(window="400 days"), {}),
    "a removed code of a tenant": Edit(
        {"retention": {"tenant": {"acme": {"code": {UPDATE: {"window": "400 days"}}}}}}, {}, row={"tenant": "acme"}
    ),
    "a removed preset": Edit({"retention": {"presets": [PRESET]}}, {}),
    "a preset bound to other categories": Edit(
        {"retention": {"presets": [PRESET]}}, {"retention": {"presets": [PRESET | {"categories": ["mfa"]}]}}
    ),
    "a preset with a lesser min": Edit(
        {"retention": {"presets": [{"name": "cis-8.10", "categories": ["account"], "min": "400 days"}]}},
        {"retention": {"presets": [{"name": "cis-8.10", "categories": ["account"]}]}},
    ),
    "another preset in its place": Edit(
        {"retention": {"presets": [PRESET]}}, {
            "retention": {"presets": [{"name": "cis-8.10", "categories": ["account"]}]}
        }
    ),
    "a removed at_least of a category": Edit(category(at_least="400 days"), {}),
    "a shorter at_least of a category": Edit(category(at_least="400 days"), category(at_least="90 days")),
    "a removed at_least of a code": Edit(code(at_least="400 days"), {}),
    "a first policy for rows kept so far": Edit(
        {}, {"retention": {"category": {"sessions": {"window": "90 days"}}}}, row={"code": "ACCOUNT_SESSION_REVOKED"}
    ),
    "a first policy of a code in a category without one": Edit(
        {}, {"retention": {"code": {"ACCOUNT_SESSION_REVOKED": {"window": "90 days"}}}}, row={
            "code": "ACCOUNT_SESSION_REVOKED"
        }
    ),
    "a moved code": Edit(
        {"catalogue": {"extend": "codes.tsv"}, "retention": {"category": {"sessions": {"window": "400 days"}}}},
        {"catalogue": {"extend": "codes.tsv"}, "retention": {"category": {"sessions": {"window": "400 days"}}}},
        row={"code": "OUR_EVENT"},
        files=({"codes.tsv": OWN_CODES.format("sessions")}, {"codes.tsv": OWN_CODES.format("account")}),
    ),
    "a new alias": Edit({}, {"catalogue": {"aliases": {"OLD_NAME": UPDATE}}}, row={"code": "OLD_NAME"}),
    "an alias of another code": Edit(
        {"catalogue": {"aliases": {"OLD_NAME": "ACCOUNT_SESSION_REVOKED"}}},
        {"catalogue": {"aliases": {"OLD_NAME": UPDATE}}},
        row={"code": "OLD_NAME"},
    ),
    "a new catalogue entry": Edit(
        {}, {"catalogue": {"extend": "codes.tsv"}}, row={"code": "OUR_EVENT"}, files=(
            {}, {"codes.tsv": OWN_CODES.format("account")}
        )
    ),
    "a further line in the catalogue's file": Edit(
        {"catalogue": {"extend": "codes.tsv"}},
        {"catalogue": {"extend": "codes.tsv"}},
        row={"code": "OTHER_EVENT"},
        files=({"codes.tsv": OWN_CODES.format("account")}, {"codes.tsv": OWN_CODES.format("account") + OTHER_EVENT}),
    ),
    "a mapping of the time onto another column": Edit(
        {"events": {"time": "imported_at"}}, {"events": {"time": "occurred_at"}}, row={"imported_at": to_ms(NIGHT)}
    ),
    "a mapping of the stamp onto another column": Edit(
        {"events": {"retain_until": "imported_at"}},
        {"events": {"retain_until": "retain_until"}},
        row={"imported_at": to_ms(at("2040-01-01"))},
    ),
    "a mapping of the tenant onto another column": Edit(
        tenant(window="400 days") | {"events": {"tenant": "subject"}},
        tenant(window="400 days") | {"events": {"tenant": "actor"}},
        row={"subject": "acme"},
    ),
    "a mapping without the category that rows carry": Edit(
        {"events": {"category": "class"}, "retention": {"category": {"sessions": {"window": "400 days"}}}},
        {"retention": {"category": {"sessions": {"window": "400 days"}}}},
        row={"class": "sessions"},
    ),
    "a removed archive": Edit({"archive": {"directory": "archive", "keep": "1 year"}}, {}),
    "an earlier earliest_plausible": Edit(
        {"events": {"earliest_plausible": "2029-07-02"}}, {"events": {"earliest_plausible": "2000-01-01"}}
    ),
}


class LooseningWorld(unittest.TestCase):
    def setUp(self):
        self.made = self.enterContext(world(init=False))
        self.made.init()
        with self.made.connection() as database:
            database.execute("ALTER TABLE audit_events ADD COLUMN imported_at INTEGER")
            database.execute("ALTER TABLE audit_events ADD COLUMN class TEXT")

    def edit(self, change, files=None):
        for name, text in (files or {}).items():
            (self.made.folder / name).write_text(text, encoding="utf-8")
        base = config_with({"safety": {"max_bad_time_share": 1.0}, "events": {"own_events": "holdfast"}})
        self.made.write_config(laid_over(base, change))

    def run_at(self, instant, expect=0):
        self.made.clock.set(instant)
        return self.made.run(expect=expect)

    def reason_of(self, key):
        return self.made.plan_rows()[1].get(str(key), "gone")

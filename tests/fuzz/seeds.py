# SPDX-License-Identifier: Apache-2.0
"""Writes the inputs from which the fuzzers start: python3 seeds.py FOLDER makes FOLDER/TARGET/NUMBER.

They are few and small: one of each shape that a target reads, so that it need not guess the words.
"""

import json
import struct
import sys
from pathlib import Path

TIMES = struct.pack(">qqq", 63_000_000_000_000, 61_000_000_000_000, 63_000_100_000_000)
WINDOWS = ("13 months", "1 year", "90 days", "forever", "P13M", "P90D", "P10Y", "0 days", "400 years", "146097 days")
VALUES = ("50ms", "1s", "5min", "2h", "30 days", "P30D", "64MB", "256kB", "1GB")
STORED_TIMES = (
    "2026-11-23T00:45:00Z", "2026-11-23 00:45:60.123+05:30", "2024-02-29T23:59:59.999999-1400", "2026-11-23 00:45:00",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999+00", "2026-11-23", "2023-02-29T00:00:00Z",
)  # fmt: skip
NUMBERS = (0, -1, 1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 2**63 - 1, -(2**63))
CONFIGS = (
    """[database]
path = "audit.db"
[retention]
presets = { account = ["pci-10.5.1"] }
[retention.category]
account = { window = "13 months", at_least = "90 days", basis = "policy", locked = true }
[retention.code]
ACCOUNT_DELETION_HOLDS_OVERRIDDEN = { at_least = "10 years", basis = "contract" }
[retention.tenant.acme.category]
account = { window = "2 years" }
[retention.tenant."a b".code]
ACCOUNT_PROFILE_UPDATE = { window = "P10Y" }
[catalogue]
aliases = { OLD = "ACCOUNT_PROFILE_UPDATE" }
[admins]
principals = ["alice", "bob"]
[identity]
trust_flag = true
services = ["crm"]
[safety]
first_run_needs_approval = false
max_category_share = 0.2
limit_min_rows = 1000
max_bad_time_share = 0.01
hold_release_grace = "30 days"
policy_shorten_delay = "7 days"
max_clock_step = "8 days"
[run]
max_lock = "50ms"
max_lock_idle = "1s"
max_time = "2h"
max_rows = 5
cache = "64MB"
""",
    """[database]
path = "superset.db"
[events]
table = "logs"
id = ["a", "b"]
time = "dttm"
time_format = "utc_text"
code = "action"
subject = "user_id"
code_lookup = { table = "codes", key = "id", text = "name" }
earliest_plausible = "2000-01-01"
own_events = "holdfast"
[catalogue]
built_in = false
[archive]
directory = "archive"
keep = "5 years"
[evidence]
row_digest = true
keep_salts = "13 months"
[witness]
file = "w"
[reports]
directory = "reports"
[metrics]
textfile = "m.prom"
[webhook]
url = "https://h/x"
secret_file = "s"
on = ["failed"]
time_limit = "5s"
[erasure]
cool_off = "14 days"
keys = "keys"
keep_metadata = { "*" = ["ip_country"] }
[[erasure.module]]
name = "shop"
holds_sql = "SELECT id, basis, locked FROM d WHERE s = :subject"
tables = [{ table = "p", subject = "u", tenant = "t", action = "redact", columns = { u = "token", e = "null" } }]
[[erasure.module]]
name = "crm"
holds_command = ["/bin/true"]
time_limit = "5s"
tables = [{ table = "q", subject = "u", action = "delete" }]
""",
)
ENTRY = {"window": "13 months", "at_least": "1 year", "locked": True, "basis": "b"}
POLICY = {
    "format": 1,
    "retention": {
        "presets": [{"name": "p", "categories": ["account"], "min": "1 year", "max": None, "locked": True, "citation": "c"}],
        "category": [["account", ENTRY]],
        "code": [["ACCOUNT_PROFILE_UPDATE", {**ENTRY, "window": None}]],
        "tenant": [["acme", {"category": [["account", ENTRY]], "code": []}]],
    },
    "code_category": [["ACCOUNT_PROFILE_UPDATE", "account"]],
    "aliases": [["OLD", "ACCOUNT_PROFILE_UPDATE"]],
    "categories": ["account"],
    "category_names": [["Account", "account"]],
    "mapping": [["table", "audit_events"], ["time", "occurred_at"]],
    "safety": {
        "first_run_needs_approval": True,
        "max_category_share_ppm": 200000,
        "limit_min_rows": 1000,
        "max_bad_time_share_ppm": 10000,
        "hold_release_grace_ms": 2592000000,
        "policy_shorten_delay_ms": 604800000,
        "max_clock_step_ms": 691200000,
    },
    "administrators": ["alice"],
    "identity_by_flag": False,
    "archive_wanted": True,
    "archive_keep": "5 years",
    "erasure": {"cool_off_ms": 1209600000, "trusted_services": ["crm"], "hold_sources": [["crm", "x"]]},
}
HOLD = {"id": "m-2", "basis": "invoice", "locked": False, "review_by": "2027-03-01"}
ANSWER = {"module": "crm", "subject": "u-4711"}
SCOPE_LISTS = ("tenants", "persons", "actors", "subjects", "categories", "category_codes", "codes", "event_ids")
WITNESSED = {
    "hold": 1, "matter": "M-1", "reason": {"hex": "ff"}, "basis": "", "kind": "legal", "locked": False, "placed_by": "alice",
    "placed_at_ms": 5, "review_by_ms": None, "released_at_ms": 7, "released_by": "", "release_reason": "",
    "scope": {name: ["u-1"] for name in SCOPE_LISTS} | {"from_ms": 1, "until_ms": None, "everything": False},
}  # fmt: skip
FRAME = (
    '{"database":"0a1b2c3d","run":3,"slice":1}\n'
    '{"k":"7","v":[["n",""],["i","-5"],["r","0.5"],["t","a\\"\\u000a"],["b","01ff"],["th","ff"],["rh","7ff8000000000001"]]}\n'
    '{"rows":1}\n'
)
SUM = "0" * 64
MANIFEST = {
    "format": "holdfast-archive/1", "run_id": 3, "database_id": "0a1b2c3d", "made_at": "2030-01-01T02:00:00Z", "table": "audit_events",
    "columns": ["id", "at"], "mapping": {"id": "id", "time": "at", "time_format": "unix_ms"}, "salt": "00ff", "rows": 1, "bytes": 9,
    "frames": [{"slice": 1, "rows": 1, "bytes": 9, "end": 9, "sha256": SUM, "digest": SUM}], "sha256": SUM,
    "first_key": "1", "last_key": "1", "oldest": "2026-01-01T00:00:00Z", "newest": None,
}  # fmt: skip
TOMBSTONE = MANIFEST | {"destroyed_at": "2031-01-01T00:00:00Z", "why": "keep", "salt": None}


def canonical(letter, payload):
    return letter + struct.pack(">Q", len(payload)) + payload


def bitmap(*keys):
    """A list of integer keys as the ledger has it: one part, one array."""
    places = sorted(key + (1 << 63) for key in keys)
    low = [place & 0xFFFF for place in places]
    head = struct.pack("<QIIIHHI", 1, places[0] >> 32, 12346, 1, places[0] >> 16 & 0xFFFF, len(low) - 1, 16)
    return b"R" + head + struct.pack(f"<{len(low)}H", *low)


def listed(*keys):
    return b"L" + b"".join(struct.pack(">Q", len(key)) + key for key in keys)


def text(value):
    return (value if isinstance(value, str) else json.dumps(value)).encode()


TEXT_KEY = canonical(b"t", b"abc") + canonical(b"i", struct.pack(">q", 7))
SEEDS = {
    "window_fuzz": [TIMES + word.encode() for word in WINDOWS + VALUES],
    "event_time_fuzz": [b"\3" + time.encode() for time in STORED_TIMES]
    + [b"\0" + struct.pack(">q", number) for number in NUMBERS]
    + [b"\1" + struct.pack(">d", number) for number in (0.5, 1.7e9, -1e18, float("nan"))],
    "config_fuzz": [text(config) for config in CONFIGS],
    "policy_document_fuzz": [text(POLICY)],
    "hold_answer_fuzz": [
        text({**ANSWER, "status": "clear", "holds": []}),
        text({**ANSWER, "status": "hold", "holds": [HOLD, {**HOLD, "id": "m-1", "review_by": None}]}),
        text({**ANSWER, "status": "error", "holds": []}),
    ],
    "hold_terms_fuzz": [bytes(range(256)), b"\1" + bytes(range(200)), b"\2" + text(WITNESSED)]
    + [b"\3ALIAS\nMy codes\tMY_CODE\tInfo\tmine\naccount\tACCOUNT_NEW\tCritical\tnew\n"],
    "archive_fuzz": [b"\0" + line.encode() for line in FRAME.splitlines()]
    + [b"\2" + FRAME.encode(), b"\3\1abcdefgh\3text\0\4\xff\0", b"\4" + text(MANIFEST), b"\4" + text(TOMBSTONE)],
    "saved_plan_fuzz": [b"\1" + bitmap(1, 2, 7), b"\1" + listed(TEXT_KEY), b"\1" + TEXT_KEY, b"\0" + bytes(range(64))],
}


def main():
    for target, seeds in SEEDS.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / str(number)).write_bytes(seed)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Reads what the slices of the ledger say about the rows they deleted, independently of the program.

The keys of a slice are one format byte, `R`, and a 64-bit Roaring bitmap in its portable form: a count of parts, and
for each the high 32 bits and a 32-bit bitmap (https://github.com/RoaringBitmap/RoaringFormatSpec). 2^63 is added to a
key, so that negative keys come first.
"""

import json
import struct
from dataclasses import dataclass

LOWEST_KEY_AT = 1 << 63
COOKIE_WITHOUT_RUNS = 12346
COOKIE_WITH_RUNS = 12347
OFFSETS_FROM = 4  # containers; fewer have no offsets where there are runs
ARRAY_MOST = 4096


class _Bytes:
    def __init__(self, raw):
        self.raw = raw
        self.at = 0

    def take(self, layout):
        values = struct.unpack_from("<" + layout, self.raw, self.at)
        self.at += struct.calcsize("<" + layout)
        return values


def _read_container(source, count, is_run):
    if is_run:
        runs = source.take("H")[0]
        pairs = source.take(f"{2 * runs}H")
        return [value for start, more in zip(pairs[::2], pairs[1::2]) for value in range(start, start + more + 1)]
    if count <= ARRAY_MOST:
        return list(source.take(f"{count}H"))
    words = source.take("1024Q")
    return [64 * i + bit for i, word in enumerate(words) for bit in range(64) if word >> bit & 1]


def _read_bitmap(source):
    cookie = source.take("I")[0]
    if cookie & 0xFFFF == COOKIE_WITH_RUNS:
        containers = (cookie >> 16) + 1
        flags = source.take(f"{(containers + 7) // 8}B")
        runs = [bool(flags[i // 8] >> (i % 8) & 1) for i in range(containers)]
    elif cookie == COOKIE_WITHOUT_RUNS:
        containers = source.take("I")[0]
        runs = [False] * containers
    else:
        raise AssertionError(f"not a Roaring bitmap: cookie {cookie}")
    heads = [source.take("HH") for _ in range(containers)]
    if cookie == COOKIE_WITHOUT_RUNS or containers >= OFFSETS_FROM:
        source.take(f"{containers}I")
    values = []
    for (high, more), is_run in zip(heads, runs):
        found = _read_container(source, more + 1, is_run)
        if len(found) != more + 1:
            raise AssertionError(f"a container of {len(found)} values says it has {more + 1}")
        values += [high << 16 | low for low in found]
    return values


def decode_keys(blob):
    """The integer keys of a slice, ascending."""
    if blob[:1] != b"R":
        raise AssertionError(f"not a list of integer keys: {blob[:1]!r}")
    source = _Bytes(blob[1:])
    keys = []
    for _ in range(source.take("Q")[0]):
        high = source.take("I")[0]
        keys += [(high << 32 | low) - LOWEST_KEY_AT for low in _read_bitmap(source)]
    if source.at != len(source.raw):
        raise AssertionError("bytes are left over behind the keys of a slice")
    return keys


@dataclass(frozen=True)
class LedgerSlice:
    run: int
    number: int
    deleted: int
    keys: tuple
    expired: int  # rows that the tally calls expired
    hold_version: int


def read_slices(connection):
    """Every committed slice of every run, in order."""
    rows = connection.execute(
        "SELECT run_id, number, deleted, keys, tally, hold_version FROM holdfast_run_slice ORDER BY run_id, number"
    )
    slices = []
    for run, number, deleted, keys, tally, version in rows:
        expired = sum(line["rows"] for line in json.loads(tally) if line["reason"] == "expired")
        slices.append(LedgerSlice(run, number, deleted, tuple(decode_keys(keys)), expired, version))
    return slices

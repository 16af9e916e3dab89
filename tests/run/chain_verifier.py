#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies the chain of runs and the archives from their documented format alone.

Usage: chain_verifier.py DATABASE [ARCHIVE_DIRECTORY]

Shares no code with Holdfast: it reads the ledger with SQLite, the archives with zstd, and follows
jobs/README.md ("The chain of runs", "The archive"). Prints what it checked and every problem; exits
1 where something does not hold.
"""
import hashlib
import hmac
import json
import pathlib
import sqlite3
import struct
import subprocess
import sys

FIRST = "0" * 64


def canonical(value):
    """Keys sorted, no white space; the text is kept as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def canonical_value(kind, text):
    """One value of an archived row as the digest wants it: type letter, length, bytes."""
    if kind == "n":
        return b"n" + struct.pack(">Q", 0)
    if kind == "i":
        return b"i" + struct.pack(">Qq", 8, int(text))
    if kind == "r":
        return b"r" + struct.pack(">Qd", 8, float(text))
    if kind == "rh":
        return b"r" + struct.pack(">Q", 8) + bytes.fromhex(text)
    data = text.encode() if kind == "t" else bytes.fromhex(text)
    return kind[:1].encode() + struct.pack(">Q", len(data)) + data


class Verifier:
    def __init__(self, database, archives=None):
        self.database = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        self.database.text_factory = bytes
        self.archives = archives
        self.problems = []
        self.runs = self.slices = self.rows = self.archives_read = 0

    def verify(self):
        expected = FIRST
        query = ("SELECT id, record, run_hash, previous_hash, salt, deleted FROM holdfast_run "
                 "WHERE outcome IS NOT NULL ORDER BY id")
        next_id = None
        for run, record, run_hash, previous, salt, deleted in self.database.execute(query):
            if not run_hash:
                continue
            if next_id is not None and run != next_id:
                self.problems.append(f"run {next_id} is missing")
            next_id = run + 1
            if previous.decode() != expected:
                self.problems.append(f"run {run} follows another run")
            expected = run_hash.decode()
            if record:
                self.verify_record(run, record.decode(), run_hash.decode())
                self.verify_slices(run, json.loads(record), salt, deleted)
            self.runs += 1
        return not self.problems

    def verify_record(self, run, text, run_hash):
        record = json.loads(text)
        if canonical(record) != text:
            self.problems.append(f"run {run}: the record is not canonical")
        rest = {name: value for name, value in record.items() if name != "run_hash"}
        if sha256(canonical(rest)) != run_hash or record["run_hash"] != run_hash:
            self.problems.append(f"run {run}: the record does not give its hash")

    def verify_slices(self, run, record, salt, deleted):
        query = ("SELECT number, deleted, digest FROM holdfast_run_slice WHERE run_id = ? "
                 "ORDER BY number")
        all_digests = b""
        total = 0
        digests = {}
        for number, rows, digest in self.database.execute(query, (run,)):
            all_digests += bytes.fromhex(digest.decode())
            digests[number] = digest.decode()
            total += rows
            self.slices += 1
        self.rows += total
        if total != record["deleted"] or total != deleted:
            self.problems.append(f"run {run}: the slices deleted {total} rows, not as recorded")
        said = record["integrity"]["rows_digest"]
        if said is not None and sha256(all_digests) != said:
            self.problems.append(f"run {run}: the slices' digests do not give the recorded one")
        commitment = record["integrity"]["salt_sha256"]
        if salt and commitment and sha256(bytes(salt)) != commitment:
            self.problems.append(f"run {run}: the salt was changed")
        if self.archives is not None and salt and record["integrity"]["archive"]:
            self.verify_archive(run, record["integrity"]["archive"]["file"], bytes(salt), digests)

    def verify_archive(self, run, file, salt, digests):
        path = pathlib.Path(self.archives) / file
        text = subprocess.run(["zstd", "-dcq", str(path)], check=True, capture_output=True).stdout
        number = None
        rows = {}
        for line in text.decode().splitlines():
            entry = json.loads(line)
            if "slice" in entry:
                number = entry["slice"]
                rows[number] = hmac.new(salt, digestmod=hashlib.sha256)
            elif "v" in entry:
                content = b"".join(canonical_value(kind, value) for kind, value in entry["v"])
                rows[number].update(struct.pack(">Q", len(content)) + content)
        self.archives_read += 1
        found = {number: mac.hexdigest() for number, mac in rows.items()}
        if found != digests:
            self.problems.append(f"run {run}: the archive does not give the slices' digests")


def main():
    verifier = Verifier(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    verifier.verify()
    for problem in verifier.problems:
        print("DOES NOT HOLD:", problem)
    print(f"{verifier.runs} runs, {verifier.slices} slices, {verifier.rows} rows")
    return 1 if verifier.problems else 0


if __name__ == "__main__":
    sys.exit(main())

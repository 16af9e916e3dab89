# SPDX-License-Identifier: Apache-2.0
"""Holds that come and go while a run deletes, and what each of them must have saved."""

import sqlite3
from contextlib import closing

from slice_keys import read_slices

PLACE = """
INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, placed_by, placed_at_ms)
VALUES ('M-2', 'placed by a program', '', 'legal', 0, 0, 'another program', ?)
"""
COVERED = "SELECT id FROM audit_events WHERE actor = ?1 OR subject = ?1"
VERSION = "SELECT value FROM holdfast_meta WHERE key = 'hold_version'"


class HoldRace:
    """Places holds on persons beside a run and keeps a book of it: who was held at which version of the register. The
    slices say which version they saw. Nobody else may place holds meanwhile."""

    def __init__(self, world):
        self.world = world
        self.people = {}  # row id: whom it is about
        self.read_people()
        self.active = set()
        self.holds = {}  # person: id
        self._saved = {}  # person: ids of the rows that stay for ever
        self._book = []  # (version, persons held from there on)
        self._write_up()

    def read_people(self):
        """To be called again when rows were added."""
        self.people |= {id: {row["actor"], row["subject"]} for id, row in self.world.rows().items()}

    def _write_up(self):
        self._book.append((self.world.query(VERSION)[0][0], frozenset(self.active)))

    def place_by_command(self, person):
        """`hold place`. It counts its rows when the hold stands, so the ones that are there now must be as many."""
        told = self.world.place_hold({"person": person})
        self.active.add(person)
        self.holds[person] = told["hold"]
        self._saved[person] = {row[0] for row in self.world.query(COVERED, person)}
        if told["rows"] != len(self._saved[person]):
            raise AssertionError(f"{told['rows']} rows when the hold stood, {len(self._saved[person])} a little later: {told}")
        self._write_up()

    def place_directly(self, person):
        """A program that writes into the register; it sees its rows in the transaction that places the hold."""
        with closing(sqlite3.connect(self.world.database, timeout=20, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            hold = database.execute(PLACE, (self.world.clock.now_ms,)).lastrowid
            database.execute("INSERT INTO holdfast_hold_term (hold_id, kind, value) VALUES (?, 'person', ?)", (hold, person))
            self._saved[person] = {row[0] for row in database.execute(COVERED, (person,))}
            database.execute("COMMIT")
        self.active.add(person)
        self.holds[person] = hold
        self._write_up()

    def release_by_command(self, person):
        """`hold release`; with a grace its rows stay saved, and without one a later slice may take them."""
        self.world.release_hold(self.holds[person])
        self.active.discard(person)
        self._write_up()

    def forget(self, person):
        """From here on the rows of this person may go."""
        self._saved.pop(person, None)

    def saved(self):
        """Every row that has to stay."""
        return set().union(*self._saved.values()) if self._saved else set()

    def held_at(self, version):
        """Who was held when the register had this version."""
        return max((entry for entry in self._book if entry[0] <= version), key=lambda entry: entry[0])[1]

    def check(self, test):
        """No saved row is gone, and no slice took a row that a hold covered which it knew of or had to know of."""
        gone = self.saved() - self.world.ids()
        test.assertEqual(gone, set(), "rows that a hold covered at its commit")
        with self.world.connection() as database:
            slices = read_slices(database)
            test.assertEqual(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        for piece in slices:
            held = self.held_at(piece.hold_version)
            taken = [key for key in piece.keys if self.people[key] & held]
            test.assertEqual(taken, [], f"slice {piece.number} of run {piece.run} took rows of {sorted(held)}")
        versions = [piece.hold_version for piece in slices]
        test.assertEqual(versions, sorted(versions), "a slice saw an older register than the one before")

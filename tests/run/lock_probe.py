# SPDX-License-Identifier: Apache-2.0
"""Processes beside a run that measure how long it keeps the write lock, and how long a writer waits for it.

Times are seconds of the monotonic clock, which is one clock for all processes of a machine.
"""

import contextlib
import multiprocessing
import sqlite3
import time

import big_log

FORK = multiprocessing.get_context("fork")
BUSY_TIMEOUT_S = 5
WRITER_REST_S = 0.002
PROBE_REST_S = 0.0003
SHORTEST_S = 0.001  # what is left between two of the writer's own locks is shorter, and means nothing

INSERT = """
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, metadata)
VALUES (?, 'acme', 'ACCOUNT_PROFILE_UPDATE', 'Info', ?, ?, ?)
"""


def _connect(database, busy_timeout_s):
    return sqlite3.connect(database, timeout=busy_timeout_s, isolation_level=None)


def _write(database, stop, results, rest_s):
    """An application: a row again and again, each in a transaction of its own."""
    writes = []  # asked, lock held, committing, done
    failures = 0
    number = 0
    with contextlib.closing(_connect(database, BUSY_TIMEOUT_S)) as connection:
        while not stop.is_set():
            number += 1
            actor = big_log.person(number * 7919 % big_log.PEOPLE)
            row = (int(time.time() * 1000), actor, big_log.subject(number * 104729 % big_log.SUBJECTS), "{}")
            asked = time.monotonic()
            try:
                connection.execute("BEGIN IMMEDIATE")
                held = time.monotonic()
                connection.execute(INSERT, row)
                committing = time.monotonic()
                connection.execute("COMMIT")
                writes.append((asked, held, committing, time.monotonic()))
            except sqlite3.OperationalError:
                failures += 1
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            stop.wait(rest_s)
    results.put((writes, failures))


def _probe(database, stop, results, rest_s):
    """Asks for the write lock without waiting, again and again."""
    tries = []  # (time asked, time answered, granted)
    with contextlib.closing(_connect(database, 0)) as connection:
        while not stop.is_set():
            asked = time.monotonic()
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                granted = True
            except sqlite3.OperationalError:
                granted = False
            tries.append((asked, time.monotonic(), granted))
            time.sleep(rest_s)
    results.put(busy_stretches(tries))


def busy_stretches(tries):
    """From the first refusal to the next grant: (from, to) pairs."""
    stretches = []
    begun = None
    for asked, answered, granted in tries:
        if granted and begun is not None:
            stretches.append((begun, answered))
            begun = None
        elif not granted and begun is None:
            begun = asked
    return stretches


def without(stretches, others):
    """What is left of the stretches outside of the other intervals; both ascending, each without overlaps."""
    rest = []
    first = 0
    for begun, ended in stretches:
        while first < len(others) and others[first][1] <= begun:
            first += 1
        at = begun
        i = first
        while i < len(others) and others[i][0] < ended:
            if others[i][0] > at:
                rest.append((at, others[i][0]))
            at = max(at, others[i][1])
            i += 1
        if at < ended:
            rest.append((at, ended))
    return rest


class LockProbe:
    """A writer and a prober beside whatever happens inside the `with`."""

    def __init__(self, database, writer_rest_s=WRITER_REST_S):
        self.writes = []
        self.failures = 0
        self._stretches = []
        self._stop = FORK.Event()
        self._answers = [FORK.Queue(), FORK.Queue()]
        self._processes = [
            FORK.Process(target=target, args=(database, self._stop, answer, rest_s), daemon=True)
            for target, answer, rest_s in zip((_write, _probe), self._answers, (writer_rest_s, PROBE_REST_S))
        ]

    def __enter__(self):
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        (self.writes, self.failures), self._stretches = [answer.get(timeout=60) for answer in self._answers]
        for process in self._processes:
            process.join()

    def foreign_locks(self, begun_s, ended_s):
        """How long somebody other than the writer kept the write lock, each time, in seconds."""
        own = [(held, done) for _, held, _, done in self.writes]
        found = [to - begun for begun, to in without(self._stretches, own) if begun_s <= begun < ended_s]
        return [seconds for seconds in found if seconds >= SHORTEST_S]

    def waits(self, begun_s, ended_s):
        """How long the writer waited for the lock, and how long its commits took, in seconds."""
        chosen = [write for write in self.writes if begun_s <= write[0] < ended_s]
        return [held - asked for asked, held, _, _ in chosen], [done - committing for _, _, committing, done in chosen]


def percentile(values, share):
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))] if ordered else 0.0


def line_of(name, values):
    """One line of figures in milliseconds."""
    p50, p99, longest = (1000 * percentile(values, share) for share in (0.5, 0.99, 1.0))
    return f"  {name:<34} n {len(values):>6}  p50 {p50:8.2f}  p99 {p99:8.2f}  max {longest:8.2f} ms"


def promise_line(locks, promised_s):
    """How much of the promise was kept."""
    within = sum(seconds <= promised_s for seconds in locks)
    beyond = sum(seconds > 3 * promised_s for seconds in locks)
    share = 100 * within / len(locks) if locks else 100
    return f"  within {1000 * promised_s:.0f} ms: {share:.2f} of 100; above three times that: {beyond}"

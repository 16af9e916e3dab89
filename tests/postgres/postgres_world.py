# SPDX-License-Identifier: Apache-2.0
"""The world of tests/run over a database of a PostgreSQL server that these tests start themselves."""

import atexit
import contextlib
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "run"))

# pylint: disable=wrong-import-position
from audit_world import (  # noqa
    COMPLETED,
    FAILED,
    OVERRIDDEN,
    World,
    at,
    config_with,
    days,
    laid_over,
    one_sentence,
    to_ms,
    work_folder,
    world,
)
from holdfast_cli import Clock, program_path, require  # noqa

SCRIPT = HERE / "server.sh"
NOT_INSTALLED = 3
# The server's own: what Debian has in /usr/bin is a script that looks for it anew each time.
PSQL = max(Path("/usr/lib/postgresql").glob("*/bin/psql"), key=lambda found: int(found.parts[-3]), default="psql")


def psql_words(url):
    """psql's command line, but for the statements that follow it."""
    return [PSQL, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c"]

# Every database of the tests has a clock that is set: the program's is set too, and the two are compared.
SET_CLOCK = """
ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO clock_of_the_machine;
CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
  $$SELECT pg_catalog.clock_of_the_machine()
    + coalesce(nullif(pg_catalog.current_setting('test.ahead', true), ''), '0')::interval$$
"""


class Server:
    """One server for the whole process; every world has a database of its own."""

    _running = None

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-", dir="/tmp"))
        done = subprocess.run([SCRIPT, "start", self.folder, str(os.getpid())], check=False)
        require(done.returncode != NOT_INSTALLED, "PostgreSQL is not installed")
        if done.returncode != 0:
            raise AssertionError("the PostgreSQL server of the tests did not start")
        self.databases = 0
        self.psql("template1", SET_CLOCK)
        atexit.register(self.stop)

    @classmethod
    def get(cls):
        if cls._running is None:
            cls._running = cls()
        return cls._running

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self, mode="immediate"):
        """Kills the server, or with "fast" has it end its sessions in order, and starts it again over the same files."""
        subprocess.run([SCRIPT, "restart", self.folder, mode], check=True)

    def answers(self):
        """Waits until it lets somebody in again: it starts anew by itself where one of its processes was killed."""
        until = time.monotonic() + 60
        while subprocess.run([*psql_words(self.url("postgres")), "SELECT 1"], capture_output=True, check=False).returncode != 0:
            assert time.monotonic() < until, "the server does not come back"
            time.sleep(0.05)

    def new_database(self):
        self.databases += 1
        name = f"world_{self.databases}"
        self.psql("postgres", f"CREATE DATABASE {name}")
        return name

    def url(self, database):
        return f"postgresql://holdfast@/{database}?host={self.folder}"

    def psql(self, database, sql):
        """What psql prints of the last statement's rows, one a line."""
        done = self.psql_process(database, sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = done.communicate(timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"psql: {err}")
        return out.rstrip("\n")

    def psql_process(self, database, sql, **streams):
        return subprocess.Popen([*psql_words(self.url(database)), sql], encoding="utf-8", **streams)


class Session:
    """Somebody's session that stays open, statement by statement."""

    def __init__(self, server, database):
        words = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", server.url(database)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def do(self, sql):
        """Returns what psql prints, when the statement is done."""
        self.process.stdin.write(f"{sql};\n\\echo that is all\n")
        self.process.stdin.flush()
        lines = []
        while not lines or lines[-1] != "that is all":
            line = self.process.stdout.readline()
            if line == "":
                raise AssertionError("psql ended: " + "\n".join(lines))
            lines.append(line.rstrip("\n"))
        return "\n".join(lines[:-1])


class SharedClock(Clock):
    """The program's clock, which the server's follows: `server_ahead` is how far it is off."""

    def __init__(self, start, made):
        super().__init__(start)
        self.made = made
        self.server_ahead = datetime.timedelta(0)

    def environment(self):
        ahead = self.now + self.server_ahead - datetime.datetime.now(datetime.timezone.utc)
        self.made.server.psql(
            "postgres", f"ALTER DATABASE {self.made.name} SET test.ahead = '{ahead.total_seconds():.3f} seconds'"
        )
        return super().environment()


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


class PostgresWorld(World):
    """An installation over a database of the server: the same verbs, the same helpers."""

    def __init__(self, folder, config, now, administrator="alice", server=None):
        self.server = server or Server.get()
        self.name = self.server.new_database()
        self.state = Path(folder) / "state"
        self.state.mkdir(mode=0o700)
        section = {"url": self.server.url(self.name), "state_directory": str(self.state)}
        self.config = laid_over(config, {"database": section | {"path": None}})
        super().__init__(folder, self.config, now, administrator)
        self.clock = SharedClock(now, self)

    def session(self):
        return Session(self.server, self.name)

    def sql(self, text):
        return self.server.psql(self.name, text)

    def query(self, sql, *values):
        parts = sql.split("?")
        text = parts[0] + "".join(literal(value) + part for value, part in zip(values, parts[1:]))
        rows = self.sql(f"SELECT coalesce(json_agg(to_json(array_row)), '[]') FROM ({text}) AS array_row")
        return [tuple(row.values()) for row in json.loads(rows)]

    def insert(self, time, code="ACCOUNT_PROFILE_UPDATE", count=1, **columns):
        stored = to_ms(time) if hasattr(time, "year") else time
        names = ["occurred_at", "code", *columns]
        row = ", ".join(literal(value) for value in (stored, code, *columns.values()))
        rows = f"SELECT {row} FROM generate_series(1, {count})"
        ids = self.sql(f"INSERT INTO audit_events ({', '.join(names)}) {rows} RETURNING id")
        return [int(line) for line in ids.splitlines()]

    def start(self, *words):
        """A verb in the background, under the clock of this world."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
        return subprocess.Popen(
            [program_path(), *words, "--config", self.config_file],
            cwd=self.folder,
            env=environment | self.clock.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def cut_connections(self):
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextlib.contextmanager
def postgres_world(config=None, now="2030-01-01T02:00:00", init=True):
    with work_folder() as folder:
        made = PostgresWorld(folder, config_with() if config is None else config, at(now))
        if init:
            made.init()
        yield made

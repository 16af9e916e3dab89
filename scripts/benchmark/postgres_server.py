# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server for the benchmark alone: in a folder of its own, on a Unix socket, and as durable as in service."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

# Alike for all: what is not said here is as the server comes. The statistics of the tables are made before anything is
# timed, and a vacuum that starts when it likes would be paid by whoever has his turn.
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "32GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "max_connections": "40",
}
# What people say of the settings, where it takes one sentence.
SAID = ("fsync on, full_page_writes on, shared_buffers 1 GB, no autovacuum and no checkpoint while somebody has his turn; "
        "the writer commits with synchronous_commit on, everybody who deletes with off")


class Server:
    """Starts with `start()`; `stop()` ends it and takes its files away."""

    def __init__(self, folder):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not found:
            raise SystemExit("bench: PostgreSQL is not installed: run scripts/setup --postgres")
        self.bin = found[-1].parent
        self.folder = folder
        self.user = {}
        if os.geteuid() == 0:  # it refuses to work for root
            account = pwd.getpwnam("postgres")
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
            os.chown(folder, account.pw_uid, account.pw_gid)

    def _do(self, *words):
        subprocess.run([str(word) for word in words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, env=os.environ | {"LC_ALL": "C"}, **self.user)

    def start(self):
        self._do(self.bin / "initdb", "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C", "-D", self.folder / "data")
        settings = "".join(f" -c {name}={value}" for name, value in SETTINGS.items())
        self._do(self.bin / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o",
                 f"-c unix_socket_directories={self.folder}{settings}", "start")

    def stop(self):
        if (self.folder / "data" / "postmaster.pid").exists():
            self._do(self.bin / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database):
        return f"postgresql://bench@/{database}?host={self.folder}"

    def psql(self, sql, database="bench"):
        """What psql prints of the last statement's rows."""
        words = [self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        done = subprocess.run(words, input=sql, capture_output=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: psql: {done.stderr}")
        return done.stdout.strip()

    def version(self):
        return self.psql("SHOW server_version", "postgres")

    def copy(self, source, name):
        """A fresh copy of a database, on the disk before anything is timed."""
        self.psql(f"DROP DATABASE IF EXISTS {name}", "postgres")
        self.psql(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy", "postgres")
        self.psql("CHECKPOINT", "postgres")

    def wal(self):
        return int(self.psql("SELECT pg_current_wal_insert_lsn() - '0/0'", "postgres"))

# SPDX-License-Identifier: Apache-2.0
# ctest: serial
"""Five million rows go into an archive within the memory that the README promises. Timings are printed, not asserted.

$HOLDFAST_ARCHIVE_ROWS: another number of rows.
"""

import contextlib
import os
import resource
import sqlite3
import time
import unittest

from archive_world import ArchiveWorld, archive_config
from audit_world import at, days, to_ms
from holdfast_cli import work_folder

NOW = at("2030-01-01T02:00:00")
ROWS = int(os.environ.get("HOLDFAST_ARCHIVE_ROWS", "5000000"))
MEMORY_KIB = 128 * 1024
FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO audit_events (occurred_at, tenant, code, severity, actor, subject, metadata)
SELECT ?2 + i, 'acme', 'ACCOUNT_PROFILE_UPDATE', 'Info', 'person-' || i % 1000, 'subject-' || i % 777,
       '{"ip":"10.0.0.1","agent":"Firefox/128.0","n":' || i || '}' FROM n
"""


class ArchiveMemoryTest(unittest.TestCase):
    def test_five_million_rows(self):
        with work_folder() as folder:
            (folder / "archive").mkdir()
            config = archive_config({"run": {"max_lock": "50ms", "max_lock_idle": "1s"}}, directory=folder / "archive")
            world = ArchiveWorld(folder, config, NOW)
            world.init()
            with contextlib.closing(sqlite3.connect(world.database)) as database:
                database.execute("PRAGMA synchronous = OFF")
                database.execute(FILL, (ROWS, to_ms(NOW - days(300))))
                database.commit()
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            began = time.monotonic()
            report = world.call("run", "--json", expect=0, timeout_s=1500).json
            seconds = time.monotonic() - began
            self.assertEqual(report["deleted"], ROWS)
            archive = report["integrity"]["archive"]
            self.assertEqual(archive["rows"], ROWS)
            began = time.monotonic()
            world.call("archive", "verify", "--json", expect=0, timeout_s=1500)
            verified = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            print(
                f"{ROWS} rows archived in {seconds:.0f} s, {ROWS / seconds:.0f} a second, {archive['bytes']} bytes;"
                f" verified in {verified:.0f} s; peak memory {peak / 1024:.0f} MiB"
            )
            self.assertLess(peak, MEMORY_KIB)


if __name__ == "__main__":
    unittest.main()

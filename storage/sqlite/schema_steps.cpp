// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "storage/sqlite/schema.h"

namespace holdfast {
namespace {

// STRICT keeps every column to its type, so that a register that was edited by hand is refused when
// it is written and not when it is read. holdfast_event has the columns of the table that `init`
// makes for the log.
constexpr const char* kFirstSchema = R"sql(
CREATE TABLE holdfast_meta (
  key TEXT NOT NULL PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO holdfast_meta (key, value) VALUES ('hold_version', 0);

CREATE TABLE holdfast_run (
  id INTEGER PRIMARY KEY,
  opened_at_ms INTEGER NOT NULL,
  as_of_ms INTEGER NOT NULL,
  started_by TEXT NOT NULL,
  host TEXT NOT NULL,
  process INTEGER NOT NULL,
  phase TEXT NOT NULL DEFAULT '',
  outcome TEXT,                        -- NULL, like the rest of the closing: going on, or dead
  error_reason TEXT,
  error_message TEXT,
  closed_at_ms INTEGER,
  deleted INTEGER,
  record TEXT,
  CHECK ((outcome IS NULL) = (closed_at_ms IS NULL))
) STRICT;

CREATE TABLE holdfast_run_slice (
  run_id INTEGER NOT NULL REFERENCES holdfast_run (id),
  number INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  tally TEXT NOT NULL,
  hold_version INTEGER NOT NULL,
  hold_digest TEXT NOT NULL,
  keys BLOB NOT NULL,                  -- last: reading the rest does not walk through it
  PRIMARY KEY (run_id, number)
) STRICT;

CREATE TABLE holdfast_clock (
  id INTEGER PRIMARY KEY,
  system_now_ms INTEGER NOT NULL,
  as_of_ms INTEGER NOT NULL,
  source TEXT NOT NULL
) STRICT;

CREATE TABLE holdfast_policy (
  version INTEGER PRIMARY KEY,
  in_force_from_ms INTEGER NOT NULL,
  digest TEXT NOT NULL,
  document TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  source TEXT NOT NULL
) STRICT;

CREATE TABLE holdfast_hold (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  matter TEXT NOT NULL,
  reason TEXT NOT NULL,
  basis TEXT NOT NULL,
  kind TEXT NOT NULL,
  locked INTEGER NOT NULL CHECK (locked IN (0, 1)),
  everything INTEGER NOT NULL CHECK (everything IN (0, 1)),
  from_ms INTEGER,
  until_ms INTEGER,
  placed_by TEXT NOT NULL,
  placed_at_ms INTEGER NOT NULL,
  review_by_ms INTEGER,
  reviewed_by TEXT NOT NULL DEFAULT '',
  reviewed_at_ms INTEGER,
  review_reason TEXT NOT NULL DEFAULT '',
  released_at_ms INTEGER,
  released_by TEXT NOT NULL DEFAULT '',
  release_reason TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE holdfast_hold_term (
  hold_id INTEGER NOT NULL REFERENCES holdfast_hold (id),
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (hold_id, kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE holdfast_plan (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest TEXT NOT NULL UNIQUE,
  saved_at_ms INTEGER NOT NULL,
  as_of_ms INTEGER NOT NULL,
  policy_digest TEXT NOT NULL,
  hold_digest TEXT NOT NULL,
  rows_planned INTEGER NOT NULL,
  figures TEXT NOT NULL,
  keys BLOB                            -- integer keys; NULL: they stand in holdfast_plan_key
) STRICT;

CREATE TABLE holdfast_plan_key (
  plan_id INTEGER NOT NULL REFERENCES holdfast_plan (id),
  seq INTEGER NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (plan_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE holdfast_approval (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  plan_id INTEGER NOT NULL REFERENCES holdfast_plan (id),
  approved_by TEXT NOT NULL,
  approved_at_ms INTEGER NOT NULL,
  last_used_at_ms INTEGER NOT NULL,
  spent_at_ms INTEGER
) STRICT;

CREATE TABLE holdfast_first_seen (
  key BLOB NOT NULL PRIMARY KEY,
  stored_time ANY,
  code TEXT,
  seen_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE holdfast_bookmark (
  name TEXT NOT NULL PRIMARY KEY,
  event_id INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  set_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE holdfast_journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;

CREATE TABLE holdfast_event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  occurred_at INTEGER NOT NULL,        -- UTC milliseconds
  tenant TEXT,
  code TEXT NOT NULL,
  severity TEXT,
  actor TEXT,
  subject TEXT,
  retain_until INTEGER,                -- UTC milliseconds, the row's own stamp
  metadata TEXT                        -- JSON
) STRICT;

-- Whoever changes the register, with whatever program, moves its version in the same transaction.
CREATE TRIGGER holdfast_hold_inserted AFTER INSERT ON holdfast_hold BEGIN
  UPDATE holdfast_meta SET value = value + 1 WHERE key = 'hold_version';
END;
CREATE TRIGGER holdfast_hold_updated AFTER UPDATE ON holdfast_hold BEGIN
  UPDATE holdfast_meta SET value = value + 1 WHERE key = 'hold_version';
END;
CREATE TRIGGER holdfast_hold_deleted AFTER DELETE ON holdfast_hold BEGIN
  UPDATE holdfast_meta SET value = value + 1 WHERE key = 'hold_version';
END;
CREATE TRIGGER holdfast_hold_term_inserted AFTER INSERT ON holdfast_hold_term BEGIN
  UPDATE holdfast_meta SET value = value + 1 WHERE key = 'hold_version';
END;
CREATE TRIGGER holdfast_hold_term_updated AFTER UPDATE ON holdfast_hold_term BEGIN
  UPDATE holdfast_meta SET value = value + 1 WHERE key = 'hold_version';
END;
CREATE TRIGGER holdfast_hold_term_deleted AFTER DELETE ON holdfast_hold_term BEGIN
  UPDATE holdfast_meta SET value = value + 1 WHERE key = 'hold_version';
END;
)sql";

// Erasure. One open request per person and tenant, whoever writes the line; NULL and empty text are
// the same tenant. The receipt stands beside the request, so that listing requests does not walk
// through the keys.
constexpr const char* kErasureSchema = R"sql(
CREATE TABLE holdfast_erasure (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT,
  subject TEXT NOT NULL,               -- from completion on the token that stands for the person
  state TEXT NOT NULL
    CHECK (state IN ('requested', 'approved', 'completed', 'rejected', 'cancelled')),
  requested_by TEXT NOT NULL,
  requested_at_ms INTEGER NOT NULL,
  deadline_ms INTEGER NOT NULL,
  extended INTEGER NOT NULL CHECK (extended IN (0, 1)),
  approved_by TEXT NOT NULL,
  approved_at_ms INTEGER,
  cooloff_until_ms INTEGER,
  confirmed_by TEXT NOT NULL,
  confirmed_at_ms INTEGER,
  ended_by TEXT NOT NULL,
  ended_at_ms INTEGER,
  end_reason TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX holdfast_erasure_open ON holdfast_erasure (coalesce(tenant, ''), subject)
  WHERE state IN ('requested', 'approved');
CREATE INDEX holdfast_erasure_subject ON holdfast_erasure (subject);

CREATE TABLE holdfast_erasure_attempt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  erasure_id INTEGER NOT NULL REFERENCES holdfast_erasure (id),
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  deed TEXT NOT NULL,
  outcome TEXT NOT NULL,
  hold_digest TEXT NOT NULL,
  report TEXT NOT NULL
) STRICT;
CREATE INDEX holdfast_erasure_attempt_erasure ON holdfast_erasure_attempt (erasure_id);

CREATE TABLE holdfast_erasure_receipt (
  erasure_id INTEGER PRIMARY KEY REFERENCES holdfast_erasure (id),
  receipt TEXT NOT NULL,
  deleted_keys BLOB NOT NULL           -- of the log's rows, as in holdfast_run_slice
) STRICT;

CREATE TABLE holdfast_erasure_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT,
  made_at_ms INTEGER NOT NULL,
  key_check TEXT NOT NULL,
  forgotten_at_ms INTEGER,
  forgotten_by TEXT NOT NULL DEFAULT '',
  forget_reason TEXT NOT NULL DEFAULT ''
) STRICT;
)sql";

// Evidence. Runs and slices from before this step have no hash and no digest: the chain starts with
// the first run after it. holdfast_witness is the outbox of the witness file: a line is written in
// the transaction that it speaks of, and appended to the file after the commit.
constexpr const char* kEvidenceSchema = R"sql(
ALTER TABLE holdfast_run ADD COLUMN salt BLOB;           -- 32 bytes; NULL: destroyed, or none drawn
ALTER TABLE holdfast_run ADD COLUMN run_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE holdfast_run ADD COLUMN previous_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE holdfast_run_slice ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE holdfast_run_slice ADD COLUMN archive_end INTEGER;  -- bytes of the archive after it

CREATE TABLE holdfast_witness (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  line TEXT NOT NULL,                  -- as it stands in the file
  hash TEXT NOT NULL
) STRICT;

CREATE TABLE holdfast_restored (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key BLOB NOT NULL,
  run_id INTEGER NOT NULL,
  restored_at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1))  -- deleted once more since
) STRICT;
CREATE INDEX holdfast_restored_key ON holdfast_restored (key) WHERE gone = 0;
)sql";

// Exports. One request per person and tenant that is still to be made, whoever writes the line. Of
// the file the line keeps the name, size and SHA-256, so that no other file is ever handed out.
constexpr const char* kExportSchema = R"sql(
CREATE TABLE holdfast_export (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT,
  subject TEXT NOT NULL,               -- from an erasure on the token that stands for the person
  state TEXT NOT NULL CHECK (state IN ('requested', 'ready', 'destroyed')),
  requested_by TEXT NOT NULL,
  requested_at_ms INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  made_at_ms INTEGER,
  expires_at_ms INTEGER,
  file TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  rows_exported INTEGER NOT NULL,
  downloads INTEGER NOT NULL,
  downloaded_at_ms INTEGER,
  ended_by TEXT NOT NULL,
  ended_at_ms INTEGER,
  end_reason TEXT NOT NULL CHECK (end_reason IN ('', 'command', 'expired', 'erased'))
) STRICT;
CREATE UNIQUE INDEX holdfast_export_open ON holdfast_export (coalesce(tenant, ''), subject)
  WHERE state = 'requested';
CREATE INDEX holdfast_export_subject ON holdfast_export (subject);
)sql";

constexpr std::array<MigrationStep, 4> kSteps = {{{.version = 1, .sql = kFirstSchema},
                                                  {.version = 2, .sql = kErasureSchema},
                                                  {.version = 3, .sql = kEvidenceSchema},
                                                  {.version = 4, .sql = kExportSchema}}};

}  // namespace

std::span<const MigrationStep> migration_steps() {
  return kSteps;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/sqlite_first_seen.h"

namespace holdfast {
namespace {

// The numbers of holdfast_met have no gaps, so what is left is a difference. How far the recording
// came stands in a table and not in memory, so that a rollback takes it back too.
constexpr const char* kMakeMet = R"sql(
CREATE TABLE IF NOT EXISTS temp.holdfast_met (
  seq INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  stored_time,
  code
);
CREATE TABLE IF NOT EXISTS temp.holdfast_met_recorded (seq INTEGER NOT NULL);
)sql";

constexpr const char* kForgetMet = R"sql(
DELETE FROM temp.holdfast_met;
DELETE FROM temp.holdfast_met_recorded;
INSERT INTO temp.holdfast_met_recorded (seq) VALUES (0);
)sql";

// IS takes 5 and 5.0 for one value, so the storage class is compared as well.
constexpr const char* kFind = R"sql(
SELECT seen_at_ms FROM holdfast_first_seen
WHERE key = ?1 AND stored_time IS ?2 AND typeof(stored_time) = typeof(?2) AND code IS ?3
)sql";

constexpr const char* kMeet = R"sql(
INSERT INTO temp.holdfast_met (key, stored_time, code) VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE SET stored_time = excluded.stored_time, code = excluded.code
)sql";

constexpr const char* kSelectProgress = R"sql(
SELECT (SELECT seq FROM temp.holdfast_met_recorded),
       (SELECT coalesce(max(seq), 0) FROM temp.holdfast_met)
)sql";

constexpr const char* kRecord = R"sql(
INSERT INTO holdfast_first_seen (key, stored_time, code, seen_at_ms)
SELECT key, stored_time, code, ?1 FROM temp.holdfast_met WHERE seq > ?2 AND seq <= ?3 ORDER BY seq
ON CONFLICT (key) DO UPDATE SET
  seen_at_ms = CASE
    WHEN stored_time IS excluded.stored_time
     AND typeof(stored_time) = typeof(excluded.stored_time)
     AND code IS excluded.code
    THEN min(seen_at_ms, excluded.seen_at_ms)
    ELSE excluded.seen_at_ms END,
  stored_time = excluded.stored_time,
  code = excluded.code
)sql";

constexpr const char* kSetRecorded = R"sql(
UPDATE temp.holdfast_met_recorded SET seq = ?1
)sql";

constexpr const char* kDropUnmet = R"sql(
DELETE FROM holdfast_first_seen
WHERE NOT EXISTS (SELECT 1 FROM temp.holdfast_met AS met WHERE met.key = holdfast_first_seen.key)
)sql";

constexpr const char* kDrop = R"sql(
DELETE FROM holdfast_first_seen WHERE key = ?1
)sql";

}  // namespace

SqliteFirstSeen::SqliteFirstSeen(const RegisterHome& home)
    : home_(home),
      find_(home, kFind),
      // What is met is remembered before `init` as well: a plan works there.
      meet_({.connection = home.connection, .set_up = true}, kMeet),
      drop_(home, kDrop) {
  home_.connection.db().exec(kMakeMet);
  forget_met();
}

std::optional<Instant> SqliteFirstSeen::find(const RowFacts& row) {
  if (!home_.set_up) {
    return std::nullopt;
  }
  const std::string key = row.key->bytes();
  const QueryUse use{find_};
  if (!find_.with(BlobView{key}, row.time, row.code).next()) {
    return std::nullopt;
  }
  return find_.instant(0);
}

void SqliteFirstSeen::meet(const RowFacts& row) {
  const std::string key = row.key->bytes();
  meet_.with(BlobView{key}, row.time, row.code).run();
}

void SqliteFirstSeen::forget_met() {
  home_.connection.db().exec(kForgetMet);
}

std::int64_t SqliteFirstSeen::record_met(Instant seen_at, std::int64_t most) {
  RegisterQuery progress(home_, kSelectProgress);
  if (!progress.with().next()) {
    return 0;
  }
  const std::int64_t recorded = progress.integer(0);
  const std::int64_t met = progress.integer(1);
  progress.reset();
  const std::int64_t upto = most < met - recorded ? recorded + most : met;
  RegisterQuery(home_, kRecord).with(seen_at, recorded, upto).run();
  RegisterQuery(home_, kSetRecorded).with(upto).run_one("how many first-seen rows are recorded");
  return met - upto;
}

void SqliteFirstSeen::drop_unmet() {
  RegisterQuery(home_, kDropUnmet).with().run();
}

void SqliteFirstSeen::drop(const RowKey& key) {
  const std::string bytes = key.bytes();
  drop_.with(BlobView{bytes}).run();
}

}  // namespace holdfast

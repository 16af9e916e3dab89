// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/sql_run_ledger.h"

#include <algorithm>

#include "storage/registers/integer_keys.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kOpen = R"sql(
INSERT INTO holdfast_run (id, opened_at_ms, as_of_ms, started_by, host, process, salt)
SELECT coalesce(max(id), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6 FROM holdfast_run
RETURNING id
)sql";

constexpr const char* kEnterPhase = R"sql(
UPDATE holdfast_run SET phase = ?2 WHERE id = ?1 AND outcome IS NULL
)sql";

constexpr const char* kAddSlice = R"sql(
INSERT INTO holdfast_run_slice
  (run_id, number, deleted, tally, hold_version, hold_digest, digest, archive_end, keys)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
)sql";

constexpr const char* kClose = R"sql(
UPDATE holdfast_run
SET outcome = ?2, error_reason = ?3, error_message = ?4, closed_at_ms = ?5, deleted = ?6,
    record = ?7, run_hash = ?8, previous_hash = ?9
WHERE id = ?1 AND outcome IS NULL
)sql";

constexpr const char* kSelectLeftOpen = R"sql(
SELECT id, opened_at_ms, as_of_ms, started_by, host, process, phase, outcome, error_reason,
       error_message, closed_at_ms, deleted, record, run_hash, previous_hash
FROM holdfast_run WHERE outcome IS NULL ORDER BY id
)sql";

constexpr const char* kSelectRun = R"sql(
SELECT id, opened_at_ms, as_of_ms, started_by, host, process, phase, outcome, error_reason,
       error_message, closed_at_ms, deleted, record, run_hash, previous_hash
FROM holdfast_run WHERE id = ?1
)sql";

constexpr const char* kSelectLast = R"sql(
SELECT id, opened_at_ms, as_of_ms, started_by, host, process, phase, outcome, error_reason,
       error_message, closed_at_ms, deleted, record, run_hash, previous_hash
FROM holdfast_run ORDER BY id DESC LIMIT 1
)sql";

constexpr const char* kSelectNewest = R"sql(
SELECT id, opened_at_ms, as_of_ms, started_by, host, process, phase, outcome, error_reason,
       error_message, closed_at_ms, deleted, '', run_hash, previous_hash
FROM holdfast_run ORDER BY id DESC LIMIT ?1
)sql";

constexpr const char* kSelectLastSuccess = R"sql(
SELECT id, opened_at_ms, as_of_ms, started_by, host, process, phase, outcome, error_reason,
       error_message, closed_at_ms, deleted, record, run_hash, previous_hash
FROM holdfast_run WHERE outcome IN ('completed', 'partial', 'limited') ORDER BY id DESC LIMIT 1
)sql";

constexpr const char* kSelectSlices = R"sql(
SELECT run_id, number, deleted, tally, hold_version, hold_digest, digest, archive_end
FROM holdfast_run_slice WHERE run_id = ?1 ORDER BY number
)sql";

// The last slice of a run has the size of the whole archive; the others need not be read.
constexpr const char* kSelectArchivedRuns = R"sql(
SELECT run.id FROM holdfast_run AS run
JOIN holdfast_run_slice AS slice
  ON slice.run_id = run.id
 AND slice.number = (SELECT max(number) FROM holdfast_run_slice WHERE run_id = run.id)
WHERE slice.archive_end > 0 ORDER BY run.id
)sql";

constexpr const char* kSelectSlicesNewestFirst = R"sql(
SELECT run_id, number, deleted, tally, hold_version, hold_digest, digest, archive_end, keys
FROM holdfast_run_slice ORDER BY run_id DESC, number DESC
)sql";

constexpr const char* kSelectKeys = R"sql(
SELECT keys FROM holdfast_run_slice WHERE run_id = ?1 AND number = ?2
)sql";

constexpr const char* kSelectLastHash = R"sql(
SELECT run_hash FROM holdfast_run WHERE run_hash <> '' ORDER BY id DESC LIMIT 1
)sql";

constexpr const char* kSelectSalt = R"sql(
SELECT salt FROM holdfast_run WHERE id = ?1 AND salt IS NOT NULL
)sql";

constexpr const char* kDestroySalts = R"sql(
UPDATE holdfast_run SET salt = NULL WHERE salt IS NOT NULL AND opened_at_ms < ?1
)sql";

constexpr const char* kDestroySalt = R"sql(
UPDATE holdfast_run SET salt = NULL WHERE id = ?1 AND salt IS NOT NULL
)sql";

constexpr const char* kAddLost = R"sql(
INSERT INTO holdfast_run
  (id, opened_at_ms, as_of_ms, started_by, host, process, phase, outcome, error_reason,
   error_message, closed_at_ms, deleted, record, run_hash, previous_hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
)sql";

constexpr const char* kSelectLastClock = R"sql(
SELECT system_now_ms, as_of_ms FROM holdfast_clock ORDER BY id DESC LIMIT 1
)sql";

constexpr const char* kStoreClock = R"sql(
INSERT INTO holdfast_clock (system_now_ms, as_of_ms, source) VALUES (?1, ?2, ?3)
)sql";

RunClosing read_closing(const RegisterQuery& row) {
  return {.outcome = row.text(7),
          .error_reason = row.text(8),
          .error_message = row.text(9),
          .closed_at = row.instant(10),
          .deleted = row.integer(11),
          .record = row.text(12),
          .run_hash = row.text(13),
          .previous_hash = row.text(14)};
}

RunLine read_line(const RegisterQuery& row) {
  RunLine line{.id = row.integer(0),
               .opening = {.opened_at = row.instant(1),
                           .as_of = row.instant(2),
                           .started_by = row.text(3),
                           .host = row.text(4),
                           .process = row.integer(5)},
               .phase = row.text(6)};
  if (!row.is_null(7)) {
    line.closing = read_closing(row);
  }
  return line;
}

RunSlice read_slice(const RegisterQuery& row) {
  return {.run = row.integer(0),
          .number = row.integer(1),
          .deleted = row.integer(2),
          .tally = row.text(3),
          .hold_version = row.integer(4),
          .hold_digest = row.text(5),
          .digest = row.text(6),
          .archive_end = row.is_null(7) ? std::nullopt : std::optional{row.integer(7)}};
}

template <typename... Values>
std::vector<RunLine> read_lines(const RegisterHome& home,
                                const RegisterSql& sql,
                                const Values&... values) {
  std::vector<RunLine> lines;
  if (home.set_up) {
    RegisterQuery rows(home, sql);
    rows.with(values...);
    while (rows.next()) {
      lines.push_back(read_line(rows));
    }
  }
  return lines;
}

template <typename... Values>
std::optional<RunLine> read_one(const RegisterHome& home,
                                const RegisterSql& sql,
                                const Values&... values) {
  std::vector<RunLine> lines = read_lines(home, sql, values...);
  return lines.empty() ? std::nullopt : std::optional{std::move(lines.front())};
}

}  // namespace

SqlRunLedger::SqlRunLedger(const RegisterHome& home) : home_(home), add_slice_(home, kAddSlice) {}

std::int64_t SqlRunLedger::open(const RunOpening& opening) {
  RegisterQuery insert(home_, kOpen);
  const std::int64_t run = insert
                               .with(opening.opened_at,
                                     opening.as_of,
                                     opening.started_by,
                                     opening.host,
                                     opening.process,
                                     BlobView{opening.salt})
                               .add_one("opening a run");
  home_.connection.forget_guarded_terms();
  return run;
}

void SqlRunLedger::enter_phase(std::int64_t run, const std::string& phase) {
  RegisterQuery(home_, kEnterPhase).with(run, phase).run_one("the phase of a run");
}

void SqlRunLedger::add_slice(const RunSlice& slice) {
  add_slice_
      .with(slice.run,
            slice.number,
            slice.deleted,
            slice.tally,
            slice.hold_version,
            slice.hold_digest,
            slice.digest,
            slice.archive_end,
            BlobView{slice.keys})
      .run_one("a slice of a run");
}

void SqlRunLedger::close(std::int64_t run, const RunClosing& closing) {
  RegisterQuery(home_, kClose)
      .with(run,
            closing.outcome,
            closing.error_reason,
            closing.error_message,
            closing.closed_at,
            closing.deleted,
            closing.record,
            closing.run_hash,
            closing.previous_hash)
      .run_one("closing a run");
}

std::vector<RunLine> SqlRunLedger::left_open() {
  return read_lines(home_, kSelectLeftOpen);
}

std::optional<RunLine> SqlRunLedger::find(std::int64_t run) {
  return read_one(home_, kSelectRun, run);
}

std::optional<RunLine> SqlRunLedger::last() {
  return read_one(home_, kSelectLast);
}

std::vector<RunLine> SqlRunLedger::newest(std::int64_t most) {
  return read_lines(home_, kSelectNewest, most);
}

std::optional<RunLine> SqlRunLedger::last_success() {
  return read_one(home_, kSelectLastSuccess);
}

std::vector<RunSlice> SqlRunLedger::slices(std::int64_t run) {
  std::vector<RunSlice> slices;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectSlices);
    rows.with(run);
    while (rows.next()) {
      slices.push_back(read_slice(rows));
    }
  }
  return slices;
}

std::vector<std::int64_t> SqlRunLedger::archived_runs() {
  std::vector<std::int64_t> runs;
  if (home_.set_up) {
    RegisterQuery rows(home_, kSelectArchivedRuns);
    rows.with();
    while (rows.next()) {
      runs.push_back(rows.integer(0));
    }
  }
  return runs;
}

std::vector<RowKey> SqlRunLedger::slice_keys(std::int64_t run, std::int64_t number) {
  RegisterQuery row(home_, kSelectKeys);
  return home_.set_up && row.with(run, number).next() ? decode_keys(row.bytes(0))
                                                      : std::vector<RowKey>{};
}

std::string SqlRunLedger::stored_keys(std::int64_t run, std::int64_t number) {
  RegisterQuery row(home_, kSelectKeys);
  return home_.set_up && row.with(run, number).next() ? std::string{row.bytes(0)} : "";
}

std::optional<RunSlice> SqlRunLedger::slice_that_deleted(const RowKey& key) {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery rows(home_, kSelectSlicesNewestFirst, RegisterRows::many);
  rows.with();
  while (rows.next()) {
    if (encoded_contains(rows.bytes(8), key)) {
      RunSlice slice = read_slice(rows);
      slice.keys = rows.bytes(8);
      return slice;
    }
  }
  return std::nullopt;
}

std::optional<RunSlice> SqlRunLedger::slice_that_deleted(const std::string& typed) {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery rows(home_, kSelectSlicesNewestFirst, RegisterRows::many);
  rows.with();
  while (rows.next()) {
    const std::vector<RowKey> keys = decode_keys(rows.bytes(8));
    if (std::any_of(keys.begin(), keys.end(), [&typed](const RowKey& key) {
          return key.display() == typed;
        })) {
      RunSlice slice = read_slice(rows);
      slice.keys = rows.bytes(8);
      return slice;
    }
  }
  return std::nullopt;
}

std::string SqlRunLedger::last_hash() {
  RegisterQuery row(home_, kSelectLastHash);
  return home_.set_up && row.with().next() ? row.text(0) : "";
}

std::string SqlRunLedger::salt(std::int64_t run) {
  RegisterQuery row(home_, kSelectSalt);
  return home_.set_up && row.with(run).next() ? std::string{row.bytes(0)} : "";
}

std::int64_t SqlRunLedger::destroy_salts(Instant opened_before) {
  return RegisterQuery(home_, kDestroySalts).with(opened_before).run();
}

void SqlRunLedger::destroy_salt(std::int64_t run) {
  RegisterQuery(home_, kDestroySalt).with(run).run();
}

void SqlRunLedger::add_lost(const RunLine& line) {
  const RunClosing closing = line.closing.value_or(RunClosing{});
  RegisterQuery(home_, kAddLost)
      .with(line.id,
            line.opening.opened_at,
            line.opening.as_of,
            line.opening.started_by,
            line.opening.host,
            line.opening.process,
            line.phase,
            closing.outcome,
            closing.error_reason,
            closing.error_message,
            closing.closed_at,
            closing.deleted,
            closing.record,
            closing.run_hash,
            closing.previous_hash)
      .run_one("a run that a restored backup has forgotten");
}

std::optional<RunClock> SqlRunLedger::last_clock() {
  if (!home_.set_up) {
    return std::nullopt;
  }
  RegisterQuery row(home_, kSelectLastClock);
  if (!row.with().next()) {
    return std::nullopt;
  }
  return RunClock{.system_now = row.instant(0), .as_of = row.instant(1)};
}

void SqlRunLedger::store_clock(const RunClock& clock, const std::string& source) {
  RegisterQuery(home_, kStoreClock)
      .with(clock.system_now, clock.as_of, source)
      .run_one("storing the clock");
}

}  // namespace holdfast

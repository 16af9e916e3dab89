// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"
#include "policy/row_key.h"
#include "policy/run_clock.h"

namespace holdfast {

/// What is known when a run starts.
struct RunOpening {
  Instant opened_at;  ///< system clock
  Instant as_of;      ///< run clock
  std::string started_by;
  std::string host;
  std::int64_t process = 0;
  std::string salt;  ///< random bytes that the digests of its rows are keyed with
};

/// One committed slice of a run, written in the transaction of its deletes.
struct RunSlice {
  std::int64_t run = 0;
  std::int64_t number = 0;
  std::int64_t deleted = 0;
  std::string tally;  ///< JSON
  std::string keys;   ///< encode_keys() of the keys it deleted
  std::int64_t hold_version = 0;
  std::string hold_digest;
  std::string digest;                       ///< of the deleted rows, in hex; empty: none was made
  std::optional<std::int64_t> archive_end;  ///< bytes of the run's archive after this slice
};

/// How a run ended.
struct RunClosing {
  std::string outcome;
  std::string error_reason;
  std::string error_message;
  Instant closed_at;
  std::int64_t deleted = 0;
  std::string record;         ///< the whole report as JSON, in its canonical form
  std::string run_hash;       ///< of the record without itself; empty: from before the chain
  std::string previous_hash;  ///< the one that the record follows
};

/// One line of the ledger.
struct RunLine {
  std::int64_t id = 0;
  RunOpening opening;
  std::string phase;                  ///< the last step it is known to have entered
  std::optional<RunClosing> closing;  ///< none: still going, or dead
};

/// The ledger of runs: a line per run without gaps, a line per slice, and the clocks.
class RunLedger {
 public:
  RunLedger() = default;
  RunLedger(const RunLedger&) = delete;
  RunLedger& operator=(const RunLedger&) = delete;
  RunLedger(RunLedger&&) = delete;
  RunLedger& operator=(RunLedger&&) = delete;
  virtual ~RunLedger() = default;

  /// Adds a line and returns its number, one above the last.
  virtual std::int64_t open(const RunOpening& opening) = 0;
  virtual void enter_phase(std::int64_t run, const std::string& phase) = 0;
  virtual void add_slice(const RunSlice& slice) = 0;
  virtual void close(std::int64_t run, const RunClosing& closing) = 0;

  /// Lines without a closing, ascending.
  [[nodiscard]] virtual std::vector<RunLine> left_open() = 0;
  [[nodiscard]] virtual std::optional<RunLine> find(std::int64_t run) = 0;
  [[nodiscard]] virtual std::optional<RunLine> last() = 0;
  /// The newest `most` lines, newest first, without their records.
  [[nodiscard]] virtual std::vector<RunLine> newest(std::int64_t most) = 0;
  /// The newest line with one of the outcomes that did the job: completed, partial or limited.
  [[nodiscard]] virtual std::optional<RunLine> last_success() = 0;
  /// The slices of a run, ascending; without their keys.
  [[nodiscard]] virtual std::vector<RunSlice> slices(std::int64_t run) = 0;
  /// The runs whose rows went into an archive, ascending, the one going on among them.
  [[nodiscard]] virtual std::vector<std::int64_t> archived_runs() = 0;
  /// The keys that one slice deleted, in the order of deletion.
  [[nodiscard]] virtual std::vector<RowKey> slice_keys(std::int64_t run, std::int64_t number) = 0;
  /// The same as they are stored, for a digest; "" where there is no such slice.
  [[nodiscard]] virtual std::string stored_keys(std::int64_t run, std::int64_t number) = 0;
  /// The run and slice that deleted this row, none where no slice says so.
  [[nodiscard]] virtual std::optional<RunSlice> slice_that_deleted(const RowKey& key) = 0;
  /// The same for a key as a person types it: RowKey::display() of the row.
  [[nodiscard]] virtual std::optional<RunSlice> slice_that_deleted(const std::string& typed) = 0;

  /// The hash of the newest closed line, "" where no line has one: what the next record follows.
  [[nodiscard]] virtual std::string last_hash() = 0;
  /// The salt of a run, "" where it is destroyed or was never drawn.
  [[nodiscard]] virtual std::string salt(std::int64_t run) = 0;
  /// Destroys the salts of runs that were opened before this; returns how many there were.
  virtual std::int64_t destroy_salts(Instant opened_before) = 0;
  /// Destroys the salt of one run, where it has one.
  virtual void destroy_salt(std::int64_t run) = 0;
  /// Adds a closed line under its own number: a run that a restored backup has forgotten.
  virtual void add_lost(const RunLine& line) = 0;

  /// The clock that the next run starts from; none before the first.
  [[nodiscard]] virtual std::optional<RunClock> last_clock() = 0;
  virtual void store_clock(const RunClock& clock, const std::string& source) = 0;
};

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/decision_context.h"
#include "jobs/slice_part.h"
#include "storage/database.h"

namespace holdfast {

/// A part of a slice that was decided before the slice took the write lock.
struct DecidedPart {
  SlicePart rows;                     ///< without sums
  std::optional<SliceDigest> digest;  ///< of the slice up to the end of this part
};

/// All parts of a slice.
struct DecidedRows {
  std::vector<DecidedPart> parts;
  SumsByPart counted;
  SliceSums sums;  ///< of all parts, so that nobody has to add them up under the write lock

  /// How many keys the parts are about.
  [[nodiscard]] std::int64_t handled() const;
};

/// Reads and decides the rows of the next slice while the one before it is being written, in a
/// thread and on a connection of its own.
///
/// What it found is what is there as long as nobody but this run has committed since start() was
/// called inside a write transaction: a run deletes the rows of its slices and changes no others.
/// Whoever uses it asks Database::foreign_commits() inside both write transactions, and forgets
/// what was read where the two differ.
class ReadAhead {
 public:
  /// `salt` as in SliceRunner::Job. `context` outlives this, and changes only while nothing is
  /// being read.
  ReadAhead(std::unique_ptr<Database> reader, const DecisionContext& context, std::string salt);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ReadAhead(ReadAhead&&) = delete;
  ReadAhead& operator=(ReadAhead&&) = delete;
  ~ReadAhead();

  /// Begins with these keys. Only while nothing is being read. Errors: std::system_error where the
  /// system has no thread to give.
  void start(std::vector<RowKey> keys);
  /// Returns true once take() would not have to wait.
  [[nodiscard]] bool wait(std::chrono::milliseconds most) const;
  /// What start() asked for, once it has been read; nothing where it was not asked or could not be
  /// read. Does not say why: the rows are then read under the lock, where the same trouble counts.
  [[nodiscard]] DecidedRows take();
  /// Ends the reading and forgets it.
  void forget();
  /// Tells the reading to end, and does not wait for it: forget() is to follow.
  void give_up() { unwanted_ = true; }

  /// Whether rows of this log, which is now being worked on, may be read ahead on `reader`.
  [[nodiscard]] static bool suits(Database& database, const DecisionContext& context);

 private:
  [[nodiscard]] DecidedRows read(const std::vector<RowKey>& keys);

  std::unique_ptr<Database> reader_;
  PartReader rows_;
  std::string salt_;
  std::future<DecidedRows> reading_;
  std::atomic<bool> unwanted_{false};
};

}  // namespace holdfast

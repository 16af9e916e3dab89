// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"
#include "storage/audit_log.h"
#include "storage/storage_error.h"

namespace holdfast {

/// A part of the audit log that is a table of its own.
struct LogPartition {
  std::string name;             ///< as messages call it
  std::uint32_t table = 0;      ///< its number in the database
  std::optional<Instant> ends;  ///< no row with a time at or after it may come into it
  std::string objection;        ///< why its rows go one by one only; empty: it may go as a whole

  [[nodiscard]] bool operator==(const LogPartition&) const = default;
};

/// A partition cannot go as a whole. All that was begun is taken back, and its rows can still go
/// one by one.
class PartitionRefused : public StorageError {
 public:
  explicit PartitionRefused(const std::string& why) : StorageError(StorageTrouble::busy, why) {}
};

/// How long the end of a PartitionDrop made others wait.
struct PartitionLocks {
  std::chrono::microseconds writers{0};    ///< who writes to the rows of the partition
  std::chrono::microseconds everybody{0};  ///< who reads or writes the log
};

/// One partition on its way out, in one transaction: leaving the scope without drop() takes
/// everything back. Call in this order: read() until it is over, keep_rows(), take_write_lock(),
/// drop(). What is written to Holdfast's own tables in between belongs to the same transaction.
/// Errors: PartitionRefused from each of them; StorageError where row by row would fail as well.
class PartitionDrop {
 public:
  using Visit = std::function<bool(const RowFacts&, const RowContent&)>;

  PartitionDrop() = default;
  PartitionDrop(const PartitionDrop&) = delete;
  PartitionDrop& operator=(const PartitionDrop&) = delete;
  PartitionDrop(PartitionDrop&&) = delete;
  PartitionDrop& operator=(PartitionDrop&&) = delete;
  virtual ~PartitionDrop() = default;

  /// Visits up to `most` further rows, those with integer keys in ascending order, all of them as
  /// they were when the first was read; a visit that returns false is the last. Returns how many
  /// were visited: fewer than `most` where there are no more. Nobody else waits for this.
  [[nodiscard]] virtual std::int64_t read(std::int64_t most, const Visit& visit) = 0;

  /// Lets nobody change the rows of the partition any more, and makes sure that nobody has since
  /// they were read, and that it still may go as a whole.
  virtual void keep_rows() = 0;

  /// From here on as inside a write: holds that come wait until this is over.
  virtual void take_write_lock() = 0;

  /// Takes the table out of the log with all of its rows, and commits. Waits for readers no longer
  /// than `longest_wait` at a time, because whoever comes behind waits for both.
  virtual void drop(std::chrono::milliseconds longest_wait) = 0;

  [[nodiscard]] virtual PartitionLocks locks() const = 0;
};

/// The partitions of the audit log.
class PartitionStore {
 public:
  PartitionStore() = default;
  PartitionStore(const PartitionStore&) = delete;
  PartitionStore& operator=(const PartitionStore&) = delete;
  PartitionStore(PartitionStore&&) = delete;
  PartitionStore& operator=(PartitionStore&&) = delete;
  virtual ~PartitionStore() = default;

  /// All that hold rows themselves, by the end of their times and then by name.
  [[nodiscard]] virtual std::vector<LogPartition> all() = 0;

  /// Begins the transaction in which one of them may go.
  [[nodiscard]] virtual std::unique_ptr<PartitionDrop> begin_drop(
      const LogPartition& partition) = 0;
};

}  // namespace holdfast

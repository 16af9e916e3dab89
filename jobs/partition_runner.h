// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/clock.h"
#include "jobs/decision_context.h"
#include "jobs/slice_job.h"
#include "jobs/slice_part.h"
#include "storage/database.h"

namespace holdfast {

/// The partitions in which no row is inside the longest-reaching cut-off any more, so that they may
/// be wholly due; whether they are is known when they have been read.
[[nodiscard]] std::vector<LogPartition> partitions_past_windows(Database& database,
                                                                const RuleBook& rules);

/// Takes partitions whose rows are all due out of the log as tables. Each row is read, decided,
/// digested and archived as in a slice, and the ledger gets slices with their keys, in the one
/// transaction in which the table goes. A partition with one row that stays, or that was not
/// planned, or that cannot go for any other reason is left as it is: its rows go one by one.
///
/// Reading it makes nobody wait, so a hold may come meanwhile. Then it is found in the end, when no
/// other can come any more, and the partition stays.
class PartitionRunner {
 public:
  /// `totals` are those of the run before its first slice. All of them outlive the runner.
  PartitionRunner(Database& database,
                  DecisionContext& context,
                  const SliceJob& job,
                  bool any_restored,
                  SliceTotals& totals);

  /// Returns the planned keys whose rows are gone; null where there are none, or no others.
  /// Errors: StorageError, JobError; the partition under way is left as it is.
  [[nodiscard]] std::unique_ptr<KeySet> run(KeySet& keys);

 private:
  /// What one partition came to so far.
  struct Attempt {
    SliceSums sums;
    std::int64_t rows = 0;
    std::int64_t slices = 0;
    Stopwatch since_start;
    bool nothing_due = false;  ///< as far as it was read
    std::string why;           ///< it does not go as a whole; empty: nothing is against it
  };

  [[nodiscard]] bool may_go_on() const;
  void take(const LogPartition& partition, KeySet& keys);
  void look_at(PartitionDrop& drop, KeySet& keys, Attempt& attempt);
  [[nodiscard]] bool read_slice(PartitionDrop& drop, KeySet& keys, Attempt& attempt);
  void write_slice(SlicePart& part, SliceDigest* digest, Attempt& attempt);
  [[nodiscard]] std::string why_not_further(const Attempt& attempt, bool more) const;
  void drop(PartitionDrop& drop);
  void learn(const LogPartition& partition, Attempt& attempt, const PartitionLocks& locks);
  void leave(const LogPartition& partition, const Attempt& attempt);
  void tell_objections();
  [[nodiscard]] std::unique_ptr<KeySet> keys_that_are_gone();
  void note(const std::string& line) const;

  Database& database_;
  DecisionContext& context_;
  const SliceJob& job_;
  bool any_restored_;
  SliceTotals& totals_;
  PartReader rows_;
  std::int64_t planned_ = 0;
  Stopwatch since_start_;
  std::chrono::microseconds in_vain_{0};  // for partitions that stayed
  // Why to the first partition of which it is told, and how many others there are.
  std::map<std::string, std::pair<std::string, std::int64_t>> objections_;
};

}  // namespace holdfast

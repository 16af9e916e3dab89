// SPDX-License-Identifier: Apache-2.0
#include "jobs/partition_runner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

// Rows of one line of the ledger: its keys are in memory, and its archive frame is read back.
constexpr std::int64_t kRowsPerSlice = 32'768;
// Of the time of a run, how much may go into reading partitions that stay after all: one by one is
// slower, and always gets somewhere.
constexpr int kShareInVain = 4;

std::string reason_that_stays(const Tally& tally) {
  const ReasonCounts totals = tally.totals();
  const auto* const found =
      std::find_if(kAllReasons.begin(), kAllReasons.end(), [&](Reason reason) {
        return reason != Reason::expired && totals[reason] > 0;
      });
  return found == kAllReasons.end() ? "" : std::string{to_token(*found)};
}

}  // namespace

std::vector<LogPartition> partitions_past_windows(Database& database, const RuleBook& rules) {
  if (database.partitions() == nullptr) {
    return {};
  }
  std::vector<LogPartition> partitions = database.partitions()->all();
  const Instant latest = rules.latest_cutoff();
  std::erase_if(partitions, [&](const LogPartition& partition) {
    return !partition.ends || latest < *partition.ends;
  });
  return partitions;
}

PartitionRunner::PartitionRunner(Database& database,
                                 DecisionContext& context,
                                 const SliceJob& job,
                                 bool any_restored,
                                 SliceTotals& totals)
    : database_(database),
      context_(context),
      job_(job),
      any_restored_(any_restored),
      totals_(totals),
      rows_(database, context) {}

std::unique_ptr<KeySet> PartitionRunner::run(KeySet& keys) {
  planned_ = keys.size();
  for (const LogPartition& partition : partitions_past_windows(database_, context_.rules())) {
    if (!may_go_on()) {
      break;
    }
    if (partition.objection.empty()) {
      take(partition, keys);
    } else {
      auto& [first, others] = objections_[partition.objection];
      others += first.empty() ? 0 : 1;
      first = first.empty() ? partition.name : first;
    }
  }
  tell_objections();
  return totals_.deleted == 0 || totals_.handled == planned_ ? nullptr : keys_that_are_gone();
}

bool PartitionRunner::may_go_on() const {
  const bool rows_left = job_.budget.max_rows == 0 || totals_.deleted < job_.budget.max_rows;
  return totals_.handled < planned_ && rows_left &&
         !(job_.stop != nullptr && job_.stop->raised()) &&
         in_vain_ < job_.budget.max_time / kShareInVain &&
         job_.spent + since_start_.elapsed() < job_.budget.max_time;
}

void PartitionRunner::take(const LogPartition& partition, KeySet& keys) {
  Attempt attempt;
  PartitionLocks locks;
  try {
    totals_.hold_changes += context_.refresh_holds() ? 1 : 0;
    const auto drop = database_.partitions()->begin_drop(partition);
    look_at(*drop, keys, attempt);
    if (attempt.why.empty() && attempt.rows > 0) {
      this->drop(*drop);
      locks = drop->locks();
    }
  } catch (const StorageError& error) {
    if (error.trouble() != StorageTrouble::busy) {
      throw;
    }
    attempt.why = error.what();
  }
  if (attempt.why.empty() && attempt.rows > 0) {
    learn(partition, attempt, locks);
  } else {
    leave(partition, attempt);
  }
}

void PartitionRunner::look_at(PartitionDrop& drop, KeySet& keys, Attempt& attempt) {
  bool more = true;
  while (attempt.why.empty() && more) {
    more = read_slice(drop, keys, attempt);
    if (attempt.why.empty()) {
      attempt.why = why_not_further(attempt, more);
    }
  }
}

/// Returns true where there may be more rows.
bool PartitionRunner::read_slice(PartitionDrop& drop, KeySet& keys, Attempt& attempt) {
  SlicePart part;
  std::optional<SliceDigest> digest;
  if (!job_.salt.empty()) {
    digest.emplace(job_.salt);
  }
  if (job_.archive != nullptr) {
    job_.archive->start_slice(totals_.slices + attempt.slices + 1);
  }
  const Attestation attested{.digest = digest ? &*digest : nullptr, .archive = job_.archive};
  const std::int64_t read =
      drop.read(kRowsPerSlice, [&](const RowFacts& row, const RowContent& content) {
        if (!rows_.take(row, content, part, attested)) {
          attempt.why = "a row of it stays (" + reason_that_stays(part.sums.tally) + ")";
          attempt.nothing_due = attempt.rows == 0 && part.going.empty();
        } else if (!keys.contains(*row.key)) {
          attempt.why = "a row of it is not among those that were planned";
        }
        return attempt.why.empty();
      });
  if (attempt.why.empty() && read > 0) {
    write_slice(part, attested.digest, attempt);
  }
  return read == kRowsPerSlice;
}

void PartitionRunner::write_slice(SlicePart& part, SliceDigest* digest, Attempt& attempt) {
  for (const RowKey& key : part.met) {
    database_.first_seen().drop(key);
  }
  if (any_restored_) {
    for (const RowKey& key : part.going) {
      database_.restored_rows().drop(key);
    }
  }
  const auto archive_end =
      job_.archive == nullptr ? std::nullopt : std::optional{job_.archive->finish_slice()};
  ++attempt.slices;
  database_.ledger().add_slice({.run = job_.run,
                                .number = totals_.slices + attempt.slices,
                                .deleted = static_cast<std::int64_t>(part.going.size()),
                                .tally = slice_tally(part.sums.tally, {}),
                                .keys = encode_keys(part.going),
                                .hold_version = context_.hold_version(),
                                .hold_digest = context_.hold_digest(),
                                .digest = digest == nullptr ? std::string{} : digest->hex(),
                                .archive_end = archive_end});
  attempt.rows += static_cast<std::int64_t>(part.going.size());
  attempt.sums.add(std::move(part.sums));
  if (job_.observer != nullptr) {
    job_.observer->progress(
        {.phase = "deleting", .done = totals_.handled + attempt.rows, .total = planned_});
  }
}

std::string PartitionRunner::why_not_further(const Attempt& attempt, bool more) const {
  if (job_.stop != nullptr && job_.stop->raised()) {
    return "the run was told to stop";
  }
  if (job_.budget.max_rows > 0 && totals_.deleted + attempt.rows > job_.budget.max_rows) {
    return "it has more rows than [run].max_rows leaves";
  }
  if (more && (job_.spent + since_start_.elapsed() >= job_.budget.max_time ||
               in_vain_ + attempt.since_start.elapsed() >= job_.budget.max_time / kShareInVain)) {
    return "it could not be read within its share of [run].max_time";
  }
  return {};
}

/// From the write lock on no hold can come; one that has come since the first row was read makes
/// what was decided worth nothing.
void PartitionRunner::drop(PartitionDrop& drop) {
  drop.keep_rows();
  drop.take_write_lock();
  database_.require_same_schema();
  if (context_.refresh_holds()) {
    ++totals_.hold_changes;
    throw PartitionRefused("a hold or a bookmark changed while it was read");
  }
  drop.drop(job_.budget.max_lock);
}

void PartitionRunner::learn(const LogPartition& partition,
                            Attempt& attempt,
                            const PartitionLocks& locks) {
  totals_.slices += attempt.slices;
  totals_.tally.add(std::move(attempt.sums.tally));
  note_newest(totals_.newest_deleted, std::move(attempt.sums.newest_deleted));
  totals_.deleted += attempt.rows;
  totals_.handled += attempt.rows;
  PartitionTotals& partitions = totals_.partitions;
  partitions.everybody = std::max(partitions.everybody, locks.everybody);
  partitions.writers = std::max(partitions.writers, locks.writers);
  partitions.lines.push_back({.name = partition.name, .rows = attempt.rows});
  note("partition=" + partition.name + " rows=" + std::to_string(attempt.rows) + " dropped");
}

/// A partition in which nothing is due, as it is with most old ones, is not worth a word.
void PartitionRunner::leave(const LogPartition& partition, const Attempt& attempt) {
  in_vain_ += attempt.since_start.elapsed();
  if (job_.archive != nullptr) {
    job_.archive->start_slice(totals_.slices + 1);
  }
  if (attempt.why.empty() || attempt.nothing_due) {
    return;
  }
  totals_.partitions.lines.push_back({.name = partition.name, .why = attempt.why});
  note("partition=" + partition.name + " row by row: " + attempt.why);
}

void PartitionRunner::tell_objections() {
  for (const auto& [why, partitions] : objections_) {
    const auto& [first, others] = partitions;
    const std::string all =
        others == 0 ? why : why + " (so it is with " + std::to_string(others) + " others)";
    totals_.partitions.lines.push_back({.name = first, .why = all});
    note("partition=" + first + " row by row: " + all);
  }
}

/// Only partitions have written slices so far.
std::unique_ptr<KeySet> PartitionRunner::keys_that_are_gone() {
  auto gone = database_.new_key_set();
  for (std::int64_t number = 1; number <= totals_.slices; ++number) {
    for (const RowKey& key : database_.ledger().slice_keys(job_.run, number)) {
      gone->add(key);
    }
  }
  return gone;
}

void PartitionRunner::note(const std::string& line) const {
  if (job_.observer != nullptr) {
    job_.observer->note("run=" + std::to_string(job_.run) + " " + line);
  }
}

}  // namespace holdfast

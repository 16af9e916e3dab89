// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "jobs/decision_context.h"
#include "jobs/row_archive.h"
#include "jobs/slice_digest.h"
#include "jobs/slice_sums.h"
#include "storage/database.h"

namespace holdfast {

/// Rows that were read and decided, and what is to become of them.
struct SlicePart {
  SliceSums sums;
  SumsByPart* counted = nullptr;  ///< where rows are counted instead; null: in `sums`
  std::vector<RowKey> going;      ///< rows to delete, in the order of the keys
  std::vector<RowKey> met;        ///< of those, with a time that made a run note when it met them
  std::int64_t handled = 0;       ///< keys that were asked for
  std::int64_t vanished = 0;      ///< keys without a row

  /// Adds the keys of another part, without its sums.
  void add_keys(SlicePart&& other);
};

/// Where rows that go are attested, in their order; null: nowhere.
struct Attestation {
  SliceDigest* digest = nullptr;
  RowArchive* archive = nullptr;
};

/// Reads rows and decides on what is really there: under the write lock, or ahead of it on a
/// connection of its own.
class PartReader {
 public:
  /// `database` is where the rows are read. Both outlive the reader.
  PartReader(Database& database, const DecisionContext& context)
      : database_(database), context_(context) {}

  /// Adds what becomes of the rows of these keys to `part`. Errors: StorageError, JobError.
  void read(std::span<const RowKey> keys, SlicePart& part, const Attestation& attested);

  /// Adds what becomes of a row that somebody else has read. Returns true where it goes.
  bool take(const RowFacts& row,
            const RowContent& content,
            SlicePart& part,
            const Attestation& attested);

 private:
  [[nodiscard]] bool decide(const RowFacts& row, SlicePart& part);
  void attest(const RowKey& key, const RowContent& content, const Attestation& attested);

  Database& database_;
  const DecisionContext& context_;
  std::string content_;  // of the row at hand; kept for its memory
};

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/digest.h"
#include "storage/run_ledger.h"

namespace holdfast {

inline constexpr std::size_t kSaltBytes = 32;

/// The digest of the rows that one slice deleted: HMAC-SHA-256 under the run's salt, over the
/// length (u64, big-endian) and the canonical bytes of each row in the order of deletion.
/// Source: jobs/README.md, "The chain of runs".
class SliceDigest {
 public:
  explicit SliceDigest(std::string_view salt) : mac_(salt) {}
  void add(std::string_view content);
  /// Lower-case hex; the object is used up.
  [[nodiscard]] std::string hex() { return mac_.hex(); }

 private:
  HmacSha256 mac_;
};

/// The digest of all rows of a run: SHA-256 over the slices' digests in their order, as bytes.
class RowsDigest {
 public:
  /// `slice_digest` in hex. Errors: std::invalid_argument for anything else.
  void add(const std::string& slice_digest);
  [[nodiscard]] std::string hex() { return all_.hex(); }

 private:
  Sha256 all_;
};

/// What binds the slices of a run to its record: SHA-256 over each slice's number, count, tally,
/// hold set, digest, end of archive, and keys as they are stored.
[[nodiscard]] std::string slices_digest(RunLedger& ledger, std::int64_t run);

}  // namespace holdfast

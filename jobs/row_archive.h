// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "policy/row_key.h"

namespace holdfast {

/// Where the deleted rows of one run go before they are gone. A slice is started, given its rows,
/// and finished inside the transaction that deletes them: only then may that commit.
class RowArchive {
 public:
  RowArchive() = default;
  RowArchive(const RowArchive&) = delete;
  RowArchive& operator=(const RowArchive&) = delete;
  RowArchive(RowArchive&&) = delete;
  RowArchive& operator=(RowArchive&&) = delete;
  virtual ~RowArchive() = default;

  /// Drops whatever an earlier slice left unfinished.
  virtual void start_slice(std::int64_t number) = 0;
  /// `content` as RowContent gives it.
  virtual void add(const RowKey& key, std::string_view content) = 0;
  /// Writes, syncs and reads back what was added. Returns the size of the archive in bytes.
  /// Errors: JobError where the rows are not safely there; the slice is to be taken back then.
  [[nodiscard]] virtual std::int64_t finish_slice() = 0;
};

}  // namespace holdfast

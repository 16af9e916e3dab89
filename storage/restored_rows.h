// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "policy/instant.h"
#include "policy/row_key.h"

namespace holdfast {

/// A row that `archive restore` put back into the log.
struct RestoredRow {
  std::int64_t id = 0;  ///< ascending; given by add()
  RowKey key;
  std::int64_t run = 0;  ///< the one that had deleted it
  Instant at;
  std::string who;
  bool gone = false;  ///< it was deleted once more since
};

/// Which rows of the log were deleted once and put back by a person.
class RestoredRows {
 public:
  RestoredRows() = default;
  RestoredRows(const RestoredRows&) = delete;
  RestoredRows& operator=(const RestoredRows&) = delete;
  RestoredRows(RestoredRows&&) = delete;
  RestoredRows& operator=(RestoredRows&&) = delete;
  virtual ~RestoredRows() = default;

  /// Records one; `id` and `gone` are ignored. Call inside a write.
  virtual void add(const RestoredRow& row) = 0;
  /// Marks the row as gone when it is deleted again. Call inside a write.
  virtual void drop(const RowKey& key) = 0;
  /// Every line, ascending, also of rows that are gone.
  virtual void for_each(const std::function<void(const RestoredRow&)>& visit) = 0;
};

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/postgres/postgres_log_layout.h"

namespace holdfast {

/// Counts the rows that go from the log over this session, whoever deletes them: triggers too. The
/// server keeps that count while track_counts is on, which probe_postgres_log() has made sure of.
class PostgresDeletionWatch {
 public:
  /// Both have to outlive the watch. It asks nothing where the log has no triggers.
  PostgresDeletionWatch(PostgresConnection& connection, const PostgresLogLayout& layout)
      : connection_(connection), layout_(layout) {}

  /// Counts from zero again.
  void restart();
  /// Throws StorageError where more than `wanted` rows have gone since restart(). `doing` says what
  /// Holdfast was at: "deleting row 7".
  void require_at_most(std::int64_t wanted, const std::string& doing);

 private:
  [[nodiscard]] std::int64_t gone() const;

  PostgresConnection& connection_;
  const PostgresLogLayout& layout_;
  std::int64_t before_ = 0;
};

}  // namespace holdfast

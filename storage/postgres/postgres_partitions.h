// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/partition_store.h"
#include "storage/postgres/postgres_connection.h"
#include "storage/postgres/postgres_log_layout.h"

namespace holdfast {

/// What the catalogue says of one partition that holds rows itself.
struct PostgresPartition {
  LogPartition told;
  std::string table;     ///< quoted, with its schema
  std::string parent;    ///< what it is a partition of, in the same way
  std::string default_;  ///< the default partition of the parent; empty: there is none

  [[nodiscard]] bool operator==(const PostgresPartition&) const = default;
};

/// The partitions of the log that hold rows themselves, or the one with this number.
[[nodiscard]] std::vector<PostgresPartition> read_postgres_partitions(
    PostgresConnection& connection, const PostgresLogLayout& layout, std::uint32_t only = 0);

/// The partitions of the log as the catalogue has them.
class PostgresPartitions final : public PartitionStore {
 public:
  /// Both have to outlive the store.
  PostgresPartitions(PostgresConnection& connection, const PostgresLogLayout& layout)
      : connection_(connection), layout_(layout) {}

  [[nodiscard]] std::vector<LogPartition> all() override;
  [[nodiscard]] std::unique_ptr<PartitionDrop> begin_drop(const LogPartition& partition) override;

 private:
  PostgresConnection& connection_;
  const PostgresLogLayout& layout_;
};

}  // namespace holdfast

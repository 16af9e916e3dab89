// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/partition_store.h"
#include "storage/postgres/postgres_partitions.h"
#include "storage/postgres/postgres_row_reader.h"
#include "storage/postgres/postgres_scopes.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {

/// A partition is read in one snapshot, without a lock that anybody waits for. Only then are its
/// writers locked out, for as long as the server needs to see that each row is still the one that
/// was read: none has come, none is gone, and none was written since. Then the write lock, and at
/// the very end the parent, for as long as dropping a table takes.
class PostgresPartitionDrop final : public PartitionDrop {
 public:
  PostgresPartitionDrop(PostgresConnection& connection,
                        const PostgresLogLayout& layout,
                        const LogPartition& partition);
  PostgresPartitionDrop(const PostgresPartitionDrop&) = delete;
  PostgresPartitionDrop& operator=(const PostgresPartitionDrop&) = delete;
  PostgresPartitionDrop(PostgresPartitionDrop&&) = delete;
  PostgresPartitionDrop& operator=(PostgresPartitionDrop&&) = delete;
  ~PostgresPartitionDrop() override;

  [[nodiscard]] std::int64_t read(std::int64_t most, const Visit& visit) override;
  void keep_rows() override;
  void take_write_lock() override;
  void drop(std::chrono::milliseconds longest_wait) override;
  [[nodiscard]] PartitionLocks locks() const override { return locks_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void find_partition();
  void begin_reading();
  void require_same_rows();
  void require_lock(const std::string& mode);
  void give_way_to_writers();
  [[nodiscard]] bool lock_everybody_out(std::chrono::milliseconds longest_wait);

  PostgresConnection& connection_;
  const PostgresLogLayout& layout_;
  LogPartition wanted_;
  PostgresPartition partition_;
  PostgresWriteScope write_;
  PostgresRowReader reader_;
  WholeColumns whole_columns_;
  std::optional<PostgresStatement> rows_;
  std::int64_t oldest_open_ = 0;  // no transaction before this one was open when reading began
  std::int64_t rows_read_ = 0;
  Time writers_out_;
  PartitionLocks locks_;
};

}  // namespace holdfast

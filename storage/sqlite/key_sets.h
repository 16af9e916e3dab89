// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/key_set.h"
#include "storage/registers/integer_keys.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// Keys of any kind in a temporary table, which spills to disk. Make, fill and drop it outside of
/// write transactions: taking one back takes back what happened to the table in it.
class SpilledKeySet final : public KeySet {
 public:
  explicit SpilledKeySet(SQLite::Database& db);
  SpilledKeySet(const SpilledKeySet&) = delete;
  SpilledKeySet& operator=(const SpilledKeySet&) = delete;
  SpilledKeySet(SpilledKeySet&&) = delete;
  SpilledKeySet& operator=(SpilledKeySet&&) = delete;
  ~SpilledKeySet() override;

  void add(const RowKey& key) override;
  /// A key by its bytes.
  void add_bytes(std::string_view key);
  [[nodiscard]] bool contains(const RowKey& key) override;
  [[nodiscard]] std::int64_t size() override;
  void rewind() override;
  [[nodiscard]] std::vector<RowKey> next(std::size_t most) override;
  [[nodiscard]] bool shareable() const override { return false; }
  /// By ascending bytes, as IntegerKeySet gives them for the same keys.
  void for_each_bytes(const std::function<void(std::string_view)>& visit) override;

 private:
  SQLite::Database& db_;
  std::string table_;
  Statement insert_;
  Statement find_;
  Statement count_;
  Statement read_;
  std::string read_to_;  // the bytes of the last key that was given
};

}  // namespace holdfast

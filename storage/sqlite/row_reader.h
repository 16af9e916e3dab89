// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/row_facts.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// A stored value as text, for comparing it with what people wrote: text as it is, integers in
/// decimal, reals with 17 digits, bytes as lower-case hex; none for NULL.
class TextForm {
 public:
  /// The view lives until the next call, and as long as the value that it was made from.
  [[nodiscard]] std::optional<std::string_view> of(const StoredView& value);

 private:
  std::array<char, 24> digits_{};  // the longest int64 has 20
  std::string other_;
};

/// Makes RowFacts of the rows of the audit log. The statement selects key_columns(layout) first.
class RowReader {
 public:
  RowReader(const LogLayout& layout, std::string table_name);

  /// What a SELECT has to list for read(): the key, then the facts.
  [[nodiscard]] static std::string columns(const LogLayout& layout);

  /// The key columns alone, comma-separated.
  [[nodiscard]] static std::string key_columns(const LogLayout& layout);

  /// The key of the current row. Lives until the next call.
  /// Errors: StorageError where a column of the key is NULL.
  [[nodiscard]] const RowKey& read_key(const Statement& row);

  /// The facts of the current row; first_seen, newest_reusable and plan are left at their defaults.
  /// Lives until the next call. Errors: as read_key.
  [[nodiscard]] RowFacts& read(const Statement& row);

 private:
  std::string table_name_;
  std::size_t key_width_;
  RowKey key_;
  std::vector<StoredView> key_values_;
  TextForm code_;
  TextForm tenant_;
  TextForm actor_;
  TextForm subject_;
  TextForm category_;
  RowFacts facts_;
};

/// The values of a key in the order of the key's columns. Views live as long as `bytes`, which has
/// to be key.bytes(). Errors: StorageError where the key is not one of `width` columns.
[[nodiscard]] std::vector<StoredView> key_values(std::string_view bytes, std::size_t width);

/// Text or integer, as a code has to be: anything else is no code.
[[nodiscard]] bool can_be_code(const StoredView& value);

}  // namespace holdfast

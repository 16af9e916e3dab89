// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/row_facts.h"
#include "policy/row_key.h"
#include "storage/storage_error.h"
#include "storage/value_form.h"

namespace holdfast {

/// Makes RowFacts of the current row of any kind of statement: one that has column(index), from 0
/// on. The columns of the key come first, then time, code, tenant, actor, subject, category and the
/// row's stamp.
class FactsReader {
 public:
  FactsReader(std::size_t key_width, std::string table_name)
      : table_name_(std::move(table_name)), key_width_(key_width) {}

  /// How many columns read() looks at after those of the key.
  static constexpr std::size_t kFacts = 7;

  /// The key of the current row. Lives until the next call.
  /// Errors: StorageError where a column of the key is NULL.
  template <typename Row>
  [[nodiscard]] const RowKey& read_key(const Row& row);

  /// The facts of the current row; first_seen, newest_reusable and plan are left at their defaults.
  /// Lives until the next call. Errors: as read_key.
  template <typename Row>
  [[nodiscard]] RowFacts& read(const Row& row);

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

template <typename Row>
const RowKey& FactsReader::read_key(const Row& row) {
  key_values_.clear();
  for (std::size_t i = 0; i < key_width_; ++i) {
    key_values_.push_back(row.column(static_cast<int>(i)));
    if (std::holds_alternative<std::monostate>(key_values_.back())) {
      throw StorageError(StorageTrouble::mapping,
                         table_name_ +
                             ": a row has NULL in its key, so it cannot be told from "
                             "others: give it a key, or name another one in [events].id");
    }
  }
  const auto* const integer = std::get_if<std::int64_t>(&key_values_.front());
  key_ = key_width_ == 1 && integer != nullptr ? RowKey::integer(*integer)
                                               : RowKey::composite(key_values_);
  return key_;
}

template <typename Row>
RowFacts& FactsReader::read(const Row& row) {
  facts_ = RowFacts{};
  facts_.key = &read_key(row);
  int next = static_cast<int>(key_width_);
  facts_.time = row.column(next++);
  const StoredView code = row.column(next++);
  if (can_be_code(code)) {
    facts_.code = code_.of(code);
  }
  facts_.tenant = tenant_.of(row.column(next++));
  facts_.actor = actor_.of(row.column(next++));
  facts_.subject = subject_.of(row.column(next++));
  facts_.stored_category = category_.of(row.column(next++));
  facts_.retain_until = row.column(next);
  return facts_;
}

}  // namespace holdfast

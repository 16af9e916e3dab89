// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/row_reader.h"

#include <charconv>
#include <utility>
#include <variant>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += text.empty() ? "" : ", ";
    text += part;
  }
  return text;
}

}  // namespace

std::optional<std::string_view> TextForm::of(const StoredView& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return *text;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    char* const begin = digits_.data();
    const auto written = std::to_chars(begin, begin + digits_.size(), *number);
    return std::string_view{begin, static_cast<std::size_t>(written.ptr - begin)};
  }
  if (std::holds_alternative<std::monostate>(value)) {
    return std::nullopt;
  }
  other_ = to_display(value);
  return other_;
}

RowReader::RowReader(const LogLayout& layout, std::string table_name)
    : table_name_(std::move(table_name)), key_width_(layout.key_columns.size()) {}

std::string RowReader::key_columns(const LogLayout& layout) {
  return joined(layout.key_columns);
}

std::string RowReader::columns(const LogLayout& layout) {
  return joined({key_columns(layout),
                 layout.time,
                 layout.code,
                 layout.tenant,
                 layout.actor,
                 layout.subject,
                 layout.category,
                 layout.retain_until});
}

const RowKey& RowReader::read_key(const Statement& row) {
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

RowFacts& RowReader::read(const Statement& row) {
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

std::vector<StoredView> key_values(std::string_view bytes, std::size_t width) {
  auto values = split_canonical(bytes);
  if (!values || values->size() != width) {
    throw StorageError(StorageTrouble::other,
                       "a row key does not have the " + std::to_string(width) +
                           " columns of [events].id: it comes from another mapping");
  }
  return *std::move(values);
}

bool can_be_code(const StoredView& value) {
  return std::holds_alternative<std::string_view>(value) ||
         std::holds_alternative<std::int64_t>(value);
}

}  // namespace holdfast

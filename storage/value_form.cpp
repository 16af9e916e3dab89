// SPDX-License-Identifier: Apache-2.0
#include "storage/value_form.h"

#include <charconv>
#include <utility>
#include <variant>

#include "policy/row_key.h"
#include "storage/storage_error.h"

namespace holdfast {

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
  const auto* const real = std::get_if<double>(&value);
  // A zero with a sign is the same number, and to a server that groups rows by it the same group.
  other_ = to_display(real != nullptr ? StoredView{*real + 0.0} : value);
  return other_;
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

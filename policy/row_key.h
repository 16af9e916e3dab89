// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/stored_value.h"

namespace holdfast {

/// The declared key of one row: one integer, or the canonical bytes of any other key (text, blob,
/// or several columns). Never a bare rowid, which VACUUM renumbers.
class RowKey {
 public:
  RowKey() = default;
  RowKey(const RowKey& other)
      : integer_(other.integer_), bytes_(other.bytes_ ? box(*other.bytes_) : nullptr) {}
  RowKey(RowKey&&) noexcept = default;
  RowKey& operator=(const RowKey& other) { return *this = RowKey(other); }
  RowKey& operator=(RowKey&&) noexcept = default;
  ~RowKey() = default;
  /// A key of one integer column.
  [[nodiscard]] static RowKey integer(std::int64_t value);
  /// Any other key, from its values in the order of the key's columns.
  [[nodiscard]] static RowKey composite(std::span<const StoredView> values);
  /// The key that bytes() came from. Errors: none for bytes that are no key.
  [[nodiscard]] static std::optional<RowKey> from_bytes(std::string_view bytes);

  [[nodiscard]] bool is_integer() const { return bytes_ == nullptr; }
  /// The value of an integer key; 0 for others.
  [[nodiscard]] std::int64_t as_integer() const { return integer_; }
  /// The canonical bytes of the key's values, one after the other.
  [[nodiscard]] std::string bytes() const;
  /// As a person types it: "4711", "6f1c…", or the columns joined by ",".
  [[nodiscard]] std::string display() const;

  /// Integers by their value; of any other keys by their bytes.
  [[nodiscard]] bool operator==(const RowKey& other) const {
    return integer_ == other.integer_ && inner_bytes() == other.inner_bytes();
  }
  [[nodiscard]] std::strong_ordering operator<=>(const RowKey& other) const {
    const auto order = integer_ <=> other.integer_;
    return order != std::strong_ordering::equal ? order : inner_bytes() <=> other.inner_bytes();
  }

 private:
  using Boxed = std::unique_ptr<const std::string>;
  [[nodiscard]] static Boxed box(std::string bytes) {
    return bytes.empty() ? nullptr : std::make_unique<const std::string>(std::move(bytes));
  }
  [[nodiscard]] std::string_view inner_bytes() const {
    return bytes_ ? std::string_view{*bytes_} : std::string_view{};
  }

  // A run has hundreds of thousands of integer keys in memory: no room for bytes in each of them.
  std::int64_t integer_ = 0;
  Boxed bytes_;
};

/// The values inside canonical bytes, as views into them. Errors: none where the bytes are not
/// whole.
[[nodiscard]] std::optional<std::vector<StoredView>> split_canonical(std::string_view bytes);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/stored_value.h"

namespace holdfast {

/// The declared key of one row: one integer, or the canonical bytes of any other key (text, blob,
/// or several columns). Never a bare rowid, which VACUUM renumbers.
class RowKey {
 public:
  RowKey() = default;
  /// A key of one integer column.
  [[nodiscard]] static RowKey integer(std::int64_t value);
  /// Any other key, from its values in the order of the key's columns.
  [[nodiscard]] static RowKey composite(std::span<const StoredView> values);
  /// The key that bytes() came from. Errors: none for bytes that are no key.
  [[nodiscard]] static std::optional<RowKey> from_bytes(std::string_view bytes);

  [[nodiscard]] bool is_integer() const { return bytes_.empty(); }
  /// The value of an integer key; 0 for others.
  [[nodiscard]] std::int64_t as_integer() const { return integer_; }
  /// The canonical bytes of the key's values, one after the other.
  [[nodiscard]] std::string bytes() const;
  /// As a person types it: "4711", "6f1c…", or the columns joined by ",".
  [[nodiscard]] std::string display() const;

  [[nodiscard]] bool operator==(const RowKey&) const = default;
  [[nodiscard]] auto operator<=>(const RowKey&) const = default;

 private:
  std::int64_t integer_ = 0;
  std::string bytes_;
};

/// The values inside canonical bytes, as views into them. Errors: none where the bytes are not
/// whole.
[[nodiscard]] std::optional<std::vector<StoredView>> split_canonical(std::string_view bytes);

}  // namespace holdfast

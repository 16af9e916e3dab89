// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast {

/// Bytes that are not text.
struct BlobView {
  std::string_view bytes;
  [[nodiscard]] bool operator==(const BlobView&) const = default;
};

/// One value as the database stores it: nothing, integer, real, text or bytes. The declared type of
/// a column is never trusted, only this. Views live as long as the row that they were read from.
using StoredView = std::variant<std::monostate, std::int64_t, double, std::string_view, BlobView>;

/// The canonical bytes of one value: type letter (n i r t b), big-endian u64 length, bytes;
/// integers as 8 bytes two's complement, reals as IEEE 754, both big-endian. Equal bytes mean an
/// equal value.
void append_canonical(std::string& out, const StoredView& value);

/// A value as a person may type it: the integer in decimal, the text itself, bytes as lower-case
/// hex, a real with 17 digits, "" for nothing.
[[nodiscard]] std::string to_display(const StoredView& value);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/stored_value.h"

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

/// The values of a key in the order of the key's columns. Views live as long as `bytes`, which has
/// to be key.bytes(). Errors: StorageError where the key is not one of `width` columns.
[[nodiscard]] std::vector<StoredView> key_values(std::string_view bytes, std::size_t width);

/// Text or integer, as a code has to be: anything else is no code.
[[nodiscard]] bool can_be_code(const StoredView& value);

}  // namespace holdfast

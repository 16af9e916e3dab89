// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace holdfast {

/// How many columns the terminal behind a descriptor has; none where it is no terminal.
[[nodiscard]] std::optional<std::size_t> terminal_columns(int descriptor);

/// How many columns a text takes: continuation bytes of UTF-8 take none.
[[nodiscard]] std::size_t columns_of(const std::string& text);

/// Columns that line up: the first row is the header, numbers stand to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  /// As wide as it has to be, or on a terminal no wider than that.
  [[nodiscard]] std::string text() const;
  /// No wider than this where words allow it: the widest columns of text go on in further lines.
  /// Numbers are never broken, nor is a column made narrower than 12. 0: as wide as it has to be.
  [[nodiscard]] std::string text(std::size_t width) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace holdfast

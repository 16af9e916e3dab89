// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/value_match.h"

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "policy/stored_value.h"

namespace holdfast {
namespace {

constexpr int kHexBase = 16;

/// The number that prints as exactly this text; none for "007", "1.0" and every other spelling.
template <typename Number>
std::optional<Number> number_of(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == end;
  return whole && to_display(number) == text ? std::optional{number} : std::nullopt;
}

/// The bytes whose lower-case hex the text is.
std::optional<std::string> bytes_of_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    const char* const end = text.data() + i + 2;
    if (std::from_chars(text.data() + i, end, byte, kHexBase).ptr != end) {
      return std::nullopt;
    }
    bytes += static_cast<char>(static_cast<unsigned char>(byte));
  }
  // Capitals and an odd letter at the end come out otherwise.
  return to_display(BlobView{bytes}) == text ? std::optional{bytes} : std::nullopt;
}

template <typename Value>
StoredView or_null(const std::optional<Value>& value) {
  return value ? StoredView{*value} : StoredView{};
}

std::string parameter(int index) {
  std::string name = "?";
  return name += std::to_string(index);
}

/// Without "+" the affinity of the column would make a number of "007", and without the collation
/// "ANN" would equal "ann".
std::string plain(const std::string& column) {
  return "(+" + column + ") COLLATE BINARY";
}

/// What an index can find: all rows that match, and maybe others.
std::string candidate(const std::string& column, int first) {
  return column + " IN (" + parameter(first) + ", " + parameter(first + 1) + ", " +
         parameter(first + 2) + ", " + parameter(first + 3) + ")";
}

std::string exact(const std::string& column, int first) {
  const std::string value = plain(column);
  return "CASE typeof(" + column + ") WHEN 'text' THEN " + value + " = " + parameter(first) +
         " WHEN 'integer' THEN " + value + " = " + parameter(first + 1) + " WHEN 'real' THEN " +
         value + " = " + parameter(first + 2) + " WHEN 'blob' THEN " + value + " = " +
         parameter(first + 3) + " END";
}

std::string empty_match(const std::string& column, TenantIndex index) {
  const std::string value = plain(column);
  switch (index) {
    case TenantIndex::unused:
      return "(+" + column + " IS NULL OR " + value + " IN ('', x''))";
    case TenantIndex::leads:
      return "(" + column + " IS NULL OR (" + column + " IN ('', x'') AND " + value +
             " IN ('', x'')))";
  }
  return {};
}

}  // namespace

ValueForms::ValueForms(std::string text)
    : text_(std::move(text)),
      integer_(number_of<std::int64_t>(text_)),
      real_(number_of<double>(text_)),
      bytes_(bytes_of_hex(text_)) {}

void ValueForms::bind(Statement& statement, int first) const {
  statement.bind(first, std::string_view{text_});
  statement.bind(first + 1, or_null(integer_));
  statement.bind(first + 2, or_null(real_));
  statement.bind(first + 3, bytes_ ? StoredView{BlobView{*bytes_}} : StoredView{});
}

std::string value_match(const std::string& quoted_column, int first) {
  return candidate(quoted_column, first) + " AND " + exact(quoted_column, first);
}

std::string tenant_match(const std::string& quoted_column,
                         const ValueForms& tenant,
                         int first,
                         TenantIndex index) {
  if (tenant.empty()) {
    return empty_match(quoted_column, index);
  }
  return index == TenantIndex::leads ? value_match(quoted_column, first)
                                     : exact(quoted_column, first);
}

}  // namespace holdfast

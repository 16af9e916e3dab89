// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/sqlite/statement.h"

namespace holdfast {

/// A text, and every other value that TextForm turns into exactly this text: an integer, a real,
/// bytes. A person or tenant is one of them, whatever the column was declared as.
class ValueForms {
 public:
  explicit ValueForms(std::string text);

  [[nodiscard]] bool empty() const { return text_.empty(); }
  /// Binds the forms to four parameters from ?first on; those that there are not become NULL.
  void bind(Statement& statement, int first) const;

  static constexpr int kParameters = 4;

 private:
  std::string text_;
  std::optional<std::int64_t> integer_;
  std::optional<double> real_;
  std::optional<std::string> bytes_;
};

/// SQL that is true where the column holds one of the forms bound from ?first on: by storage class
/// and byte for byte, whatever collation or affinity the column has. An index on it is used.
[[nodiscard]] std::string value_match(const std::string& quoted_column, int first);

/// Whether a condition on the tenant shall find rows by an index that begins with it.
enum class TenantIndex { unused, leads };

/// The same for a tenant. NULL and empty values are the empty tenant.
[[nodiscard]] std::string tenant_match(const std::string& quoted_column,
                                       const ValueForms& tenant,
                                       int first,
                                       TenantIndex index);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "storage/audit_log.h"

namespace holdfast {

/// One stored code that the log has rows of; owns its texts.
struct CodeRows {
  std::variant<std::monostate, std::int64_t, double, std::string> stored;
  bool blob = false;  ///< the text in `stored` is bytes
  std::optional<std::string> code;
  std::set<std::string_view> categories;  ///< that the policy has for its rows; the policy's texts
};

/// By the canonical bytes of the stored code.
using CodeRowsByName = std::map<std::string, CodeRows>;

/// The code of these rows, put in where it is new.
[[nodiscard]] CodeRows& code_rows_at(CodeRowsByName& codes, const LogGroup& group);

/// The code as it stands in the column; lives as long as `rows`.
[[nodiscard]] StoredView stored_code(const CodeRows& rows);

}  // namespace holdfast

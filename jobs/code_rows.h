// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/audit_log.h"

namespace holdfast {

/// All rows of one stored code, counted by tenant and own category; owns its texts.
struct CodeRows {
  struct Group {
    std::optional<std::string> tenant;
    std::optional<std::string> category;
    std::int64_t rows = 0;
  };
  std::variant<std::monostate, std::int64_t, double, std::string> stored;
  bool blob = false;  ///< the text in `stored` is bytes
  std::optional<std::string> code;
  std::vector<Group> groups;
};

/// By the canonical bytes of the stored code.
using CodeRowsByName = std::map<std::string, CodeRows>;

/// Counts the rows of the log. Only with a code_time_index. Errors: what `pulse` throws.
[[nodiscard]] CodeRowsByName read_code_rows(AuditLog& log,
                                            std::optional<std::int64_t> up_to,
                                            const Pulse& pulse);

/// The code as it stands in the column; lives as long as `rows`.
[[nodiscard]] StoredView stored_code(const CodeRows& rows);

[[nodiscard]] std::optional<std::string> owned_text(const std::optional<std::string_view>& text);

}  // namespace holdfast

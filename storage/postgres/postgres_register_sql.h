// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

/// A statement of the registers in PostgreSQL's words: ?1 becomes $1, a table of Holdfast's own
/// gets its schema in front, so that no search path decides which table is meant, and temp.X is a
/// table of this session. Literals and comments stay as they are.
[[nodiscard]] std::string postgres_register_sql(std::string_view sql, const std::string& schema);

}  // namespace holdfast

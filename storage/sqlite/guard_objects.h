// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"

namespace holdfast {

/// One table, view or trigger of the guards, with the text that makes it.
struct GuardObject {
  std::string type;  ///< as sqlite_schema has it
  std::string name;
  std::string sql;  ///< as sqlite_schema keeps it
};

/// The guards of a log with this layout, in the order in which they can be made.
[[nodiscard]] std::vector<GuardObject> guard_objects(Connection& connection,
                                                     const LogLayout& layout);

/// A sentence about a unique index of the log past which a REPLACE can take rows away; empty where
/// there is none.
[[nodiscard]] std::string unguarded_index(Connection& connection, const LogLayout& layout);

/// The names of everything in the schema that has the name of a guard, whatever it is.
[[nodiscard]] std::vector<GuardObject> found_guards(Connection& connection);

/// True where a trigger is one of the guards, in every letter.
[[nodiscard]] bool is_guard(const std::vector<GuardObject>& guards,
                            const std::string& name,
                            const std::string& sql);

}  // namespace holdfast

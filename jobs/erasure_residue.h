// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "jobs/settings.h"
#include "storage/database.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What an erasure leaves as it is in the rows of one table that stay: nobody has said what it
/// means, so it is neither looked at nor changed.
struct LeftAsItIs {
  std::string module;                ///< of [[erasure.module]]; empty for the log and its children
  std::string table;                 ///< as the database calls it
  std::vector<std::string> columns;  ///< by their own names; empty: all of the table
  std::string trigger = {};          ///< of the table: what it writes elsewhere; empty: no trigger
};

/// Columns of the log that [events] does not map, the same that a copy of a person's data withholds
/// or has listed; its triggers of others, which may keep what it said; then the tables of
/// [events].children; then, of tables that are redacted, the columns that their module does not
/// name. Errors: StorageError.
[[nodiscard]] std::vector<LeftAsItIs> left_as_it_is(Database& database, const Settings& settings);

/// A list of {"module", "table", "columns"}, null where there is no module and for all columns;
/// with "trigger" where it is about what a trigger writes.
[[nodiscard]] nlohmann::json left_json(const std::vector<LeftAsItIs>& left);

}  // namespace holdfast

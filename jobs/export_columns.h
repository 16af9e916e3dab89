// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "jobs/export_contents.h"
#include "jobs/said_words.h"
#include "jobs/settings.h"
#include "storage/database.h"

namespace holdfast {

/// What becomes of the columns of the log that [events] does not map. Nobody but the operator knows
/// whether such a column names other persons, so only those of [export].columns are in a copy.
struct ExportColumns {
  std::vector<std::size_t> positions;  ///< of those in a copy, in SubjectStore::unmapped_columns()
  std::vector<std::string> names;      ///< of the same columns
  std::vector<std::string> withheld;
};

/// Those of the log. Errors: StorageError(mapping) where [export].columns names one that the log
/// does not have.
[[nodiscard]] ExportColumns export_columns(Database& database, const Settings& settings);

/// What the values of these columns say, for whoever asks which names are in them.
void take_said(const ExportColumns& columns, std::span<const StoredView> row, SaidWords& said);

/// One value of such a column: a name alone as its token, "[withheld]" where it says a name among
/// other things, also inside of JSON or bytes.
[[nodiscard]] nlohmann::json shown_column(const ThirdPersons& persons, const StoredView& value);

/// Which columns no copy has, and what to do about it, as a sentence for `check`; empty where there
/// are none or [export] is not set. Errors: as export_columns.
[[nodiscard]] std::string withheld_columns_doubt(Database& database, const Settings& settings);

}  // namespace holdfast

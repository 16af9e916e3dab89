// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "jobs/config_draft.h"
#include "storage/database_survey.h"

namespace holdfast {

/// An application whose audit log has a ready mapping: scripts/package/mappings/<name>/.
struct KnownLog {
  std::string_view name;
  std::string_view title;
  std::string_view table;
  std::span<const std::string_view> columns;  ///< which have to be there, among others
  std::string_view config;                    ///< holdfast.toml
  std::string_view codes;                     ///< codes.tsv
  SurveyKind kind = SurveyKind::sqlite;
};

[[nodiscard]] std::span<const KnownLog> known_logs();

/// The application that the table is of; null where it is of none.
[[nodiscard]] const KnownLog* find_known_log(const SurveyTable& table);
[[nodiscard]] const KnownLog* find_known_log(std::string_view name);

/// The ready configuration for a place, which has the file name of the list of codes.
[[nodiscard]] std::string fill_in(const KnownLog& known, const DraftPlace& place);

}  // namespace holdfast

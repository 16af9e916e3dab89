// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

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
};

[[nodiscard]] std::span<const KnownLog> known_logs();

/// The application that the table is of; null where it is of none.
[[nodiscard]] const KnownLog* find_known_log(const SurveyTable& table);
[[nodiscard]] const KnownLog* find_known_log(std::string_view name);

/// The ready configuration for a database, a list of codes and a person. `codes`: its file name.
[[nodiscard]] std::string fill_in(const KnownLog& known,
                                  const std::string& database,
                                  const std::string& codes,
                                  const std::string& administrator);

}  // namespace holdfast

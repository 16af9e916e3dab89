// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "jobs/cli/config_reader.h"
#include "jobs/settings.h"

namespace holdfast {

/// One function for each section of the configuration. Each takes what its section says over into
/// the settings and reports the rest; a section that the file lacks leaves the defaults.

void read_events(ConfigTable section, Settings& settings);

/// Whether codes that the file meant to bring are missing, so that an unknown name elsewhere may be
/// the fault of that.
enum class CatalogueState { complete, incomplete };

/// Relative paths start from `folder`.
[[nodiscard]] CatalogueState read_catalogue(ConfigTable section,
                                            const std::filesystem::path& folder,
                                            Settings& settings);

/// Needs the catalogue: codes may go by an alias. Whether the other names exist is for validate().
void read_retention(ConfigTable section, ConfigProblems& problems, Settings& settings);

/// Relative paths start from `folder`. Needs the catalogue, for the codes of keep_metadata; where
/// that is not complete, unknown codes are not told.
void read_erasure(ConfigTable section,
                  const std::filesystem::path& folder,
                  CatalogueState state,
                  Settings& settings);

void read_safety(ConfigTable section, SafetyPolicy& safety);
void read_run(ConfigTable section, RunBudget& run);

/// [witness], [evidence], [archive], [export] and [reports]. Relative paths start from `folder`.
/// Needs the path of the database.
void read_evidence_sections(ConfigTable& file,
                            const std::filesystem::path& folder,
                            Settings& settings);

/// [metrics], [webhook] and [log]. Relative paths start from `folder`.
void read_monitoring_sections(ConfigTable& file,
                              const std::filesystem::path& folder,
                              Settings& settings);

}  // namespace holdfast

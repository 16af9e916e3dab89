// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include "jobs/settings.h"
#include "storage/database.h"

namespace holdfast {

/// What can be saved of a configuration that is invalid as a whole: where the database is and how
/// the log is mapped, so that the failed run can be recorded. None where these two cannot be read,
/// or where the database is not there. Nothing else of the file is believed.
[[nodiscard]] std::optional<OpenOptions> salvage_database(const std::filesystem::path& config);

/// The same for who is told of the failure: each is there where its own section can be read.
struct SalvagedMonitoring {
  std::filesystem::path metrics_textfile;         ///< empty: none
  std::optional<WebhookSettings> webhook;         ///< none: nobody
  std::optional<std::filesystem::path> database;  ///< what the configuration names
  bool unread = false;  ///< the file speaks of one of the first two, and it could not be read
};
/// A file that is no TOML as a whole is cut at the headers of its sections; one that others may
/// have written says nothing.
[[nodiscard]] SalvagedMonitoring salvage_monitoring(const std::filesystem::path& config);

}  // namespace holdfast

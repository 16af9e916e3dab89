// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "jobs/clock.h"
#include "jobs/run_observer.h"
#include "jobs/run_report.h"
#include "storage/database.h"

namespace holdfast {

/// A run that has ended, and where its metrics go.
struct MetricsOfRun {
  std::filesystem::path textfile;
  std::optional<std::string> database_path;  ///< none where the configuration could not say
  Database* database = nullptr;              ///< null where it could not be opened
  const RunReport& report;
};

/// After a run, however it ended: puts the file of its metrics in place in one step, 0644, because
/// the exporter that reads it is another user. Where the ledger cannot be read, the last success is
/// what the old file says. A failure is warned about and changes nothing else: the next run writes
/// the file. Never throws.
void write_metrics(const MetricsOfRun& run, const Clock& clock, RunObserver& observer);

}  // namespace holdfast

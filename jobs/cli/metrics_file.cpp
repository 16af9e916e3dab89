// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/metrics_file.h"

#include <algorithm>

#include "jobs/cli/earlier_metrics.h"
#include "jobs/cli/file_bytes.h"
#include "jobs/cli/metrics_text.h"
#include "jobs/cli/written_file.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

/// What the file says that is there already: nothing where there is none yet, none that can be
/// read, or that of another database.
EarlierMetrics earlier_metrics(const MetricsOfRun& run, Instant now, RunObserver& observer) {
  const auto read = read_file_bytes(run.textfile);
  EarlierMetrics earlier = read ? parse_earlier_metrics(read->bytes, now) : EarlierMetrics{};
  // The label has what is no UTF-8 in the shape that text gives it.
  if (run.database_path && earlier.database && *earlier.database != utf8_text(*run.database_path)) {
    observer.warn("metrics_of_another_database: " + run.textfile.string() + " had those of " +
                  *earlier.database +
                  ", which are replaced: each database needs a [metrics] "
                  "textfile of its own");
    earlier = {};
  }
  return earlier;
}

std::string text_of(const MetricsOfRun& run, const Clock& clock, RunObserver& observer) {
  const LatestRun latest{
      .id = run.report.run_id, .outcome = run.report.outcome, .began = run.report.clock.system_now};
  MonitorFigures figures;
  if (run.database != nullptr) {
    figures = read_monitor_figures(
        *run.database, latest, clock.now(), [&observer](const std::string& why) {
          observer.warn(why);
        });
  }
  const EarlierMetrics earlier = earlier_metrics(run, clock.now(), observer);
  if (!figures.streak && earlier.streak) {
    figures.streak = continued(*earlier.streak, latest);
  } else if (figures.streak && earlier.streak && !run.report.recorded) {
    // The ledger lacks this run, so it may lack those before it too.
    const RunStreak told = continued(*earlier.streak, latest);
    figures.streak->failed = std::max(figures.streak->failed, told.failed);
  }
  return metrics_text({.database = run.database_path.value_or(earlier.database.value_or("")),
                       .version = HOLDFAST_VERSION},
                      run.report,
                      figures);
}

}  // namespace

void write_metrics(const MetricsOfRun& run, const Clock& clock, RunObserver& observer) {
  try {
    replace_file(run.textfile, text_of(run, clock, observer), Readers::everybody);
  } catch (const std::exception& error) {
    observer.warn(std::string("metrics_not_written: ") + error.what() +
                  ": what the run did stands in the ledger, and the next run writes them");
  }
}

}  // namespace holdfast

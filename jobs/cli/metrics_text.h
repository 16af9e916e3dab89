// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/monitor_figures.h"
#include "jobs/run_report.h"

namespace holdfast {

/// How many categories have lines of their own; those with the fewest rows waiting share the
/// category "(other)", so that no catalogue makes the file grow without end.
inline constexpr std::size_t kMostCategories = 64;

/// The label that tells two installations on one host apart: the path of the database, "" where the
/// configuration did not say.
struct MetricsOrigin {
  std::string database;
  std::string version;
};

/// The metrics of a run that has ended, in the text format of Prometheus: every one a gauge with
/// HELP and TYPE, in seconds and rows, with the label "database". Shapes: what the run did not come
/// to know has no line; tenants, persons and matters are in none. The same input gives the same
/// bytes. Source: https://prometheus.io/docs/instrumenting/exposition_formats/.
[[nodiscard]] std::string metrics_text(const MetricsOrigin& origin,
                                       const RunReport& report,
                                       const MonitorFigures& figures);

}  // namespace holdfast

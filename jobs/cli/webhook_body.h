// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/run_report.h"

namespace holdfast {

/// Where a run took place, as a webhook says it.
struct RunPlace {
  std::string host;
  std::string database;  ///< its path, "" where the configuration could not say
  std::string version;   ///< of the program
  std::string delivery;  ///< a number of chance, the same in every try
};

/// What a webhook is sent about a run that has ended, as one JSON object: event, outcome, exit
/// status, run id, when it began, host, database, reason, message, what to do, run hash, version,
/// delivery.
/// No person, row or tenant is in it: messages that may quote the configuration, a program's answer
/// or a login stand as a sentence of their own, and the log has the rest. Fields are added, never
/// renamed.
[[nodiscard]] std::string webhook_body(const RunPlace& place, const RunReport& report);

}  // namespace holdfast

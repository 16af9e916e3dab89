// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What is wrong or doubtful about configuration, mapping and data, as findings with a weight
/// ("wrong", "doubtful", "good to know"). Reads only; works before `init`.
[[nodiscard]] nlohmann::json check_everything(const Desk& desk);

/// Last success and its age, runs in a row that were partial or failed, rows waiting, oldest row
/// per category and by how much what waits is overdue, holds past review, erasures, clocks.
/// status_report.cpp.
[[nodiscard]] nlohmann::json status_now(const Desk& desk);

/// One line of the ledger, without its record.
[[nodiscard]] nlohmann::json run_line_json(const RunLine& line);

/// One run as it was recorded; the last one where `run` is 0.
[[nodiscard]] nlohmann::json run_record(const Desk& desk, std::int64_t run);

/// Every register in one document: holds, bookmarks, runs with their records, policy versions,
/// journal.
[[nodiscard]] nlohmann::json export_registers(const Desk& desk);

/// The newest runs of the ledger, newest first.
[[nodiscard]] nlohmann::json list_runs(const Desk& desk);

}  // namespace holdfast

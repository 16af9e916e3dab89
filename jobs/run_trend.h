// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// How many of the newest runs are looked at with their records, for what a line of the ledger does
/// not say.
inline constexpr std::int64_t kTrendRecords = 90;
/// How many nights a forecast looks ahead.
inline constexpr std::int64_t kForecastNights = 90;

/// What becomes due by its window and floors alone in the coming nights, from the policy as it is
/// configured: {nights: [{night, rows}] with every night once, due_now, rows, from, until}. Holds,
/// row stamps, bookmarks and limits are not looked at, so it is the most that can go. One pass over
/// the log.
[[nodiscard]] nlohmann::json forecast_nights(const Desk& desk);

/// What spans runs: {database_id, runs: [{run, opened_at, outcome, deleted, error}] newest first,
/// nights: [{run, opened_at, deleted, rows_after, file_bytes, kept_by_reason}] oldest first for the
/// newest kTrendRecords, oldest: [{category, window, disposition_cutoff, oldest}] of the last run
/// that decided, forecast}. Shapes: forecast as forecast_nights() gives it, or {why} where none was
/// made.
[[nodiscard]] nlohmann::json run_trend(const Desk& desk, const nlohmann::json& forecast);

}  // namespace holdfast

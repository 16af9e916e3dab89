// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "jobs/desk.h"
#include "jobs/run_plan.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What `plan` is asked for.
struct PlanRequest {
  std::optional<Instant> as_of;  ///< look ahead; cannot be saved
  bool save = false;
  std::optional<std::filesystem::path> rows;  ///< a new file: each row's reason, one JSON a line
};

/// The dry run: what the next run would delete once approved, and what it would keep and why. Same
/// code as the run, same figures. Errors: JobError, StorageError.
[[nodiscard]] nlohmann::json show_plan(const Desk& desk, const PlanRequest& request);

/// Lets a saved plan past the safety limits. `digest`: at least 8 letters of it.
[[nodiscard]] nlohmann::json approve_plan(const Desk& desk, const std::string& digest);

/// Sets the run clock to the system clock, in either direction; Holdfast's own later instants are
/// lowered to it and listed.
[[nodiscard]] nlohmann::json approve_clock(const Desk& desk);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// The effective windows, floors and caps with their basis, and which versions are in force.
[[nodiscard]] nlohmann::json show_policy(const Desk& desk);

/// What another configuration would change, and per tenant and category how many rows it would
/// newly delete once its delay is over. Changes nothing.
[[nodiscard]] nlohmann::json diff_policy(const Desk& desk, const Settings& changed);

/// Records the changed configuration as a new version with who and why, and starts its delay. The
/// caller puts the file in place. Errors: JobError where a lock is not respected or nothing
/// changes.
[[nodiscard]] nlohmann::json apply_policy(const Desk& desk,
                                          const Settings& changed,
                                          const std::string& reason);

/// Every regulation preset with its citation.
[[nodiscard]] nlohmann::json list_presets();

/// The audit codes with category, severity and effective retention.
[[nodiscard]] nlohmann::json show_catalogue(const Settings& settings);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "jobs/desk.h"
#include "jobs/export_workflow.h"

#include <nlohmann/json.hpp>

namespace holdfast {

// What `export` does, as JSON: {outcome: done | unchanged, export, why, message, events}. Errors:
// JobError(refused) with one sentence where the person may not, or the state does not allow it;
// JobError(invalid) where there is no such export.

/// Asks for a copy of the subject's data. Nothing is read yet.
[[nodiscard]] nlohmann::json request_export(const Desk& desk, const Subject& subject);
/// Makes it. The caller holds the RunLock.
[[nodiscard]] nlohmann::json make_export(const Desk& desk, std::int64_t id);
/// Writes it to a path where nothing is yet.
[[nodiscard]] nlohmann::json download_export(const Desk& desk,
                                             std::int64_t id,
                                             const std::string& to);
[[nodiscard]] nlohmann::json destroy_export(const Desk& desk, std::int64_t id);

/// By ascending id: those that are not destroyed, or all.
[[nodiscard]] nlohmann::json list_exports(const Desk& desk, bool ended_too);
[[nodiscard]] nlohmann::json show_export(const Desk& desk, std::int64_t id);

}  // namespace holdfast

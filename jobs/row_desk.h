// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// One row: every test of the decision with its figures, the holds that match, the earliest date it
/// can go; or, if it is gone, which run and slice deleted it. Errors: JobError(invalid) where
/// neither is so.
[[nodiscard]] nlohmann::json explain_id(const Desk& desk, const std::string& id);

/// How far a consumer of the log has read: rows above the lowest bookmark stay.
[[nodiscard]] nlohmann::json set_bookmark(const Desk& desk,
                                          const std::string& name,
                                          std::int64_t event_id);
[[nodiscard]] nlohmann::json drop_bookmark(const Desk& desk, const std::string& name);
[[nodiscard]] nlohmann::json list_bookmarks(const Desk& desk);

}  // namespace holdfast

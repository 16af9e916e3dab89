// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace holdfast {

// The answers of `archive` as text for people.
[[nodiscard]] std::string render_archives(const nlohmann::json& list);
[[nodiscard]] std::string render_archive_check(const nlohmann::json& result);
[[nodiscard]] std::string render_restored(const nlohmann::json& result);
[[nodiscard]] std::string render_destroyed_archive(const nlohmann::json& result);

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace holdfast {

// Each turns the answer of a verb, the same JSON that --json prints, into text for people.
[[nodiscard]] std::string render_plan(const nlohmann::json& plan);
[[nodiscard]] std::string render_run(const nlohmann::json& report);
[[nodiscard]] std::string render_approval(const nlohmann::json& approval);
[[nodiscard]] std::string render_check(const nlohmann::json& check);
[[nodiscard]] std::string render_explain(const nlohmann::json& explanation);
[[nodiscard]] std::string render_hold(const nlohmann::json& hold);
[[nodiscard]] std::string render_holds(const nlohmann::json& list);
[[nodiscard]] std::string render_policy(const nlohmann::json& policy);
[[nodiscard]] std::string render_policy_diff(const nlohmann::json& diff);
[[nodiscard]] std::string render_presets(const nlohmann::json& list);
[[nodiscard]] std::string render_catalogue(const nlohmann::json& list);
[[nodiscard]] std::string render_bookmarks(const nlohmann::json& list);
[[nodiscard]] std::string render_status(const nlohmann::json& status);
[[nodiscard]] std::string render_runs(const nlohmann::json& list);
[[nodiscard]] std::string render_erasure_result(const nlohmann::json& result);
[[nodiscard]] std::string render_erasure(const nlohmann::json& erasure);
[[nodiscard]] std::string render_erasures(const nlohmann::json& list);
[[nodiscard]] std::string render_reapplied(const nlohmann::json& result);
[[nodiscard]] std::string render_forgotten_key(const nlohmann::json& result);
[[nodiscard]] std::string render_export(const nlohmann::json& result);
[[nodiscard]] std::string render_exports(const nlohmann::json& list);
[[nodiscard]] std::string render_recovery(const nlohmann::json& result);

[[nodiscard]] std::string render_verify(const nlohmann::json& findings);
[[nodiscard]] std::string render_vacuum(const nlohmann::json& result);

/// The one line that a run leaves where nobody reads more.
[[nodiscard]] std::string render_run_line(const nlohmann::json& report);

/// A value as it stands in a table: text as it is, null as `nothing`.
[[nodiscard]] std::string cell(const nlohmann::json& value, const std::string& nothing = "-");

}  // namespace holdfast

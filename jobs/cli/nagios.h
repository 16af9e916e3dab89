// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/health.h"

namespace holdfast {

/// The exit statuses of a monitoring plugin.
/// Source: https://www.monitoring-plugins.org/doc/guidelines.html.
enum class PluginStatus { ok = 0, warning = 1, critical = 2, unknown = 3 };

/// One line: state, sentences, and behind a bar the figures. Nothing in it ends the line or makes a
/// second bar.
[[nodiscard]] std::string plugin_line(const Health& health);
[[nodiscard]] PluginStatus plugin_status(const Health& health);

/// The line where nothing could be judged.
[[nodiscard]] std::string unknown_line(const std::string& why);

}  // namespace holdfast

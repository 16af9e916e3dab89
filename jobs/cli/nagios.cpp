// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/nagios.h"

#include <algorithm>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

const char* word(HealthState state) {
  switch (state) {
    case HealthState::ok:
      return "OK";
    case HealthState::warning:
      return "WARNING";
    case HealthState::critical:
      break;
  }
  return "CRITICAL";
}

/// What stands before the bar.
std::string before_bar(const std::string& text) {
  std::string line = one_line(text);
  std::replace(line.begin(), line.end(), '|', '/');
  return line;
}

std::string figure_text(const HealthFigure& figure) {
  std::string text = figure.label + "=" + std::to_string(figure.value) + figure.unit;
  if (!figure.warning.empty() || !figure.critical.empty()) {
    text += ";" + figure.warning;
  }
  return figure.critical.empty() ? text : text + ";" + figure.critical;
}

}  // namespace

std::string plugin_line(const Health& health) {
  std::string said;
  for (const std::string& finding : health.findings) {
    said += finding + ", ";
  }
  std::string line = std::string("HOLDFAST ") + word(health.state) + " - " +
                     before_bar(said + health.summary) + " |";
  for (const HealthFigure& figure : health.figures) {
    line += " " + figure_text(figure);
  }
  return line;
}

PluginStatus plugin_status(const Health& health) {
  switch (health.state) {
    case HealthState::ok:
      return PluginStatus::ok;
    case HealthState::warning:
      return PluginStatus::warning;
    case HealthState::critical:
      break;
  }
  return PluginStatus::critical;
}

std::string unknown_line(const std::string& why) {
  return "HOLDFAST UNKNOWN - " + before_bar(why);
}

}  // namespace holdfast

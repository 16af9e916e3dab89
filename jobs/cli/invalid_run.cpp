// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/invalid_run.h"

#include <toml++/toml.h>

#include <sstream>

#include "jobs/cli/config_file.h"
#include "jobs/cli/session.h"
#include "jobs/cli/trusted_path.h"

namespace holdfast {

namespace {

/// Some sections of the file, as TOML again.
std::string sections_of(const std::filesystem::path& config,
                        std::initializer_list<const char*> sections) {
  const toml::table whole = toml::parse_file(config.string());
  toml::table kept;
  for (const char* section : sections) {
    if (const toml::table* table = whole[section].as_table()) {
      kept.insert(section, *table);
    }
  }
  std::ostringstream text;
  text << kept << "\n";
  return text.str();
}

/// The settings of one section that needs no other; none where it cannot be read.
std::optional<Settings> section_alone(const std::filesystem::path& config, const char* section) {
  try {
    return parse_config(sections_of(config, {section}) + "[database]\npath = \"unknown\"\n",
                        config);
  } catch (const std::exception&) {
    return std::nullopt;  // the caller reports why the configuration is invalid anyway
  }
}

}  // namespace

std::optional<OpenOptions> salvage_database(const std::filesystem::path& config) {
  // What others may have written must not choose a database to write to.
  if (why_not_trust(config)) {
    return std::nullopt;
  }
  try {
    const Settings settings = parse_config(sections_of(config, {"database", "events"}), config);
    if (!std::filesystem::exists(settings.database)) {
      return std::nullopt;
    }
    return open_options(settings);
  } catch (const std::exception&) {
    return std::nullopt;  // the caller reports why the configuration is invalid anyway
  }
}

SalvagedMonitoring salvage_monitoring(const std::filesystem::path& config) {
  SalvagedMonitoring found;
  // Nor must it choose a file to write to, or whom to tell.
  if (why_not_trust(config)) {
    return found;
  }
  if (const auto metrics = section_alone(config, "metrics")) {
    found.metrics_textfile = metrics->metrics_textfile;
  }
  if (auto webhook = section_alone(config, "webhook")) {
    found.webhook = std::move(webhook->webhook);
  }
  try {
    found.database = parse_config(sections_of(config, {"database"}), config).database;
  } catch (const std::exception&) {
    found.database.reset();
  }
  return found;
}

}  // namespace holdfast

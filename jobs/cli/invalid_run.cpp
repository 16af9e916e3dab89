// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/invalid_run.h"

#include <toml++/toml.h>

#include <sstream>

#include "jobs/cli/config_file.h"
#include "jobs/cli/session.h"
#include "jobs/cli/trusted_path.h"

namespace holdfast {

namespace {

/// The two sections that say where the log is, as TOML again.
std::string where_the_log_is(const std::filesystem::path& config) {
  const toml::table whole = toml::parse_file(config.string());
  toml::table kept;
  for (const char* section : {"database", "events"}) {
    if (const toml::table* table = whole[section].as_table()) {
      kept.insert(section, *table);
    }
  }
  std::ostringstream text;
  text << kept;
  return text.str();
}

}  // namespace

std::optional<OpenOptions> salvage_database(const std::filesystem::path& config) {
  // What others may have written must not choose a database to write to.
  if (why_not_trust(config)) {
    return std::nullopt;
  }
  try {
    const Settings settings = parse_config(where_the_log_is(config), config);
    if (!std::filesystem::exists(settings.database)) {
      return std::nullopt;
    }
    return open_options(settings);
  } catch (const std::exception&) {
    return std::nullopt;  // the caller reports why the configuration is invalid anyway
  }
}

}  // namespace holdfast

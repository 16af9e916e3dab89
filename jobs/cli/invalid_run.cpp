// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/invalid_run.h"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "jobs/cli/config_file.h"
#include "jobs/cli/file_bytes.h"
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

/// Whether a line is the header of this section.
bool is_header_of(std::string_view line, const std::string& section) {
  const std::string header = "[" + section + "]";
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with(header)) {
    return false;
  }
  line.remove_prefix(header.size());
  const std::size_t next = line.find_first_not_of(" \t\r");
  return next == std::string_view::npos || line[next] == '#';
}

/// From the header of a section to the next header, and how many headers it has.
struct CutSection {
  std::string text;
  int headers = 0;
};

CutSection cut_out(const std::string& whole, const std::string& section) {
  CutSection cut;
  bool inside = false;
  std::istringstream lines(whole);
  for (std::string line; std::getline(lines, line);) {
    if (is_header_of(line, section)) {
      inside = true;
      ++cut.headers;
    } else if (const std::size_t first = line.find_first_not_of(" \t");
               first != std::string::npos && line[first] == '[') {
      inside = false;
    }
    if (inside) {
      cut.text += line + "\n";
    }
  }
  return cut;
}

std::string text_of(const std::filesystem::path& config) {
  const auto read = read_file_bytes(config);
  return read ? read->bytes : std::string{};
}

/// One section as TOML. In a file that is none, what stands between two headers is taken for it,
/// unless a text of several lines might look like a header.
std::string section_text(const std::filesystem::path& config, const char* section) {
  try {
    return sections_of(config, {section});
  } catch (const toml::parse_error&) {
    const std::string whole = text_of(config);
    const CutSection cut = cut_out(whole, section);
    if (cut.headers != 1 || whole.find("\"\"\"") != std::string::npos ||
        whole.find("'''") != std::string::npos) {
      throw;
    }
    return cut.text;
  }
}

/// The settings of one section that needs no other; none where it cannot be read.
std::optional<Settings> section_alone(const std::filesystem::path& config, const char* section) {
  try {
    return parse_config(section_text(config, section) + "[database]\npath = \"unknown\"\n", config);
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
    std::error_code unknown;
    if (settings.database_url.empty() && !std::filesystem::exists(settings.database, unknown)) {
      return std::nullopt;
    }
    require_state_directory(settings);
    return open_options(settings);
  } catch (const std::exception&) {
    return std::nullopt;  // the caller reports why the configuration is invalid anyway
  }
}

SalvagedMonitoring salvage_monitoring(const std::filesystem::path& config) {
  SalvagedMonitoring found;
  const std::string whole = text_of(config);
  const bool has_metrics = cut_out(whole, "metrics").headers > 0;
  const bool has_webhook = cut_out(whole, "webhook").headers > 0;
  // Nor must it choose a file to write to, or whom to tell.
  if (why_not_trust(config)) {
    found.unread = has_metrics || has_webhook;
    return found;
  }
  if (const auto metrics = section_alone(config, "metrics")) {
    found.metrics_textfile = metrics->metrics_textfile;
  } else {
    found.unread = has_metrics;
  }
  if (auto webhook = section_alone(config, "webhook")) {
    found.webhook = std::move(webhook->webhook);
  } else {
    found.unread = found.unread || has_webhook;
  }
  try {
    found.database =
        database_label(open_options(parse_config(section_text(config, "database"), config)));
  } catch (const std::exception&) {
    found.database.reset();
  }
  return found;
}

}  // namespace holdfast

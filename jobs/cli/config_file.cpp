// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_file.h"

#include <toml++/toml.h>

#include <array>
#include <utility>

#include "jobs/cli/config_reader.h"
#include "jobs/cli/config_sections.h"
#include "jobs/cli/file_bytes.h"
#include "jobs/cli/trusted_path.h"
#include "jobs/digest.h"
#include "storage/database.h"

namespace holdfast {
namespace {

constexpr const char* kInstalledConfig = "/etc/holdfast/holdfast.toml";  // of the package

toml::table parse_toml(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& fault) {
    const toml::source_position at = fault.source().begin;
    throw ConfigError{file + ':' + std::to_string(at.line) + ':' + std::to_string(at.column) +
                      ": not valid TOML: " + std::string{fault.description()}};
  }
}

/// With a url `database` is where the files lie that SQLite has beside its own.
void read_database_url(ConfigTable& section,
                       const std::filesystem::path& folder,
                       Settings& settings) {
  const char* const example = R"("postgresql://holdfast@db.example.org/app")";
  const auto url = section.text("url", example);
  const auto state = section.text("state_directory", R"("/var/lib/holdfast")");
  if (!section.has("url")) {
    if (state) {
      section.refuse("state_directory",
                     "goes with database.url; beside a SQLite file nothing else "
                     "is needed");
    }
    return;
  }
  section.require("state_directory", R"("/var/lib/holdfast")");
  if (url) {
    if (const auto problem = postgres_url_problem(*url)) {
      section.refuse("url", *problem);
    }
    settings.database_url = *url;
  }
  if (state) {
    settings.database = (folder / *state / "holdfast").lexically_normal();
  }
}

void read_database(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  const bool url = section.has("url");
  if (!url) {
    section.require("path", R"("audit.db")");
  }
  if (const auto written = section.text("path", R"("audit.db")")) {
    settings.database = (folder / *written).lexically_normal();
    if (url) {
      section.refuse("url", "and database.path name two databases: keep one of the two");
    }
  }
  read_database_url(section, folder, settings);
  section.refuse_unknown();
}

std::set<std::string> read_names(ConfigTable& section, std::string_view key) {
  std::set<std::string> names;
  for (ConfigText& name : section.texts(key)) {
    names.insert(std::move(name.text));
  }
  return names;
}

void read_administrators(ConfigTable section, std::set<std::string>& administrators) {
  administrators = read_names(section, "principals");
  section.refuse_unknown();
}

void read_identity(ConfigTable section, Settings& settings) {
  assign(settings.identity_by_flag, section.flag("trust_flag"));
  settings.trusted_services = read_names(section, "services");
  section.refuse_unknown();
}

/// What validate() looks at; the mapping of columns is not among it.
PolicySnapshot snapshot_to_check(const Settings& settings) {
  PolicySnapshot snapshot{.retention = settings.retention,
                          .safety = settings.safety,
                          .administrators = settings.administrators,
                          .identity_by_flag = settings.identity_by_flag};
  copy_catalogue(settings.catalogue, snapshot);
  return snapshot;
}

void report_refusals(const Settings& settings, ConfigProblems& problems) {
  for (PolicyProblem& problem : validate(snapshot_to_check(settings))) {
    if (problem.weight == PolicyProblem::Weight::refused) {
      const ConfigLine line = problems.line_of(problem.where);
      problems.add(line, std::move(problem.where), std::move(problem.message));
    }
  }
}

void read_sections(ConfigTable& file, ConfigProblems& problems, Settings& settings) {
  const std::filesystem::path folder = settings.source.path.parent_path();
  if (!file.has("database")) {
    problems.add(0, "database.path", R"(is missing: write path = "audit.db" under [database])");
  }
  read_database(file.table("database", "a [database] section"), folder, settings);
  read_events(file.table("events", "an [events] section"), settings);
  const CatalogueState catalogue =
      read_catalogue(file.table("catalogue", "a [catalogue] section"), folder, settings);
  read_retention(file.table("retention", "a [retention] section"), problems, settings);
  read_administrators(file.table("admins", "an [admins] section"), settings.administrators);
  read_identity(file.table("identity", "an [identity] section"), settings);
  read_erasure(file.table("erasure", "an [erasure] section"), folder, catalogue, settings);
  read_safety(file.table("safety", "a [safety] section"), settings.safety);
  read_run(file.table("run", "a [run] section"), settings.run);
  if (settings.run.drop_partitions && settings.database_url.empty()) {
    constexpr std::string_view kKey = "run.drop_partitions";
    problems.add(problems.line_of(std::string{kKey}),
                 std::string{kKey},
                 "goes with database.url: a SQLite table has no partitions");
  }
  read_evidence_sections(file, folder, settings);
  read_monitoring_sections(file, folder, settings);
  file.refuse_unknown();
  // Without the codes that the file meant to bring, every second name would seem unknown.
  if (catalogue == CatalogueState::complete) {
    report_refusals(settings, problems);
  }
}

}  // namespace

Settings parse_config(const std::string& text, const std::filesystem::path& path) {
  const toml::table table = parse_toml(text, path.string());
  Settings settings;
  settings.source.path = std::filesystem::absolute(path).lexically_normal();
  settings.source.sha256 = sha256_hex(text);
  ConfigProblems problems;
  ConfigTable file{&table, "", problems};
  read_sections(file, problems, settings);
  if (!problems.empty()) {
    throw ConfigError{problems.text(path.string())};
  }
  return settings;
}

namespace {

std::string way_to_a_config(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path != kInstalledConfig && std::filesystem::exists(kInstalledConfig, ignored)) {
    return std::string("there is ") + kInstalledConfig +
           ": name it with --config, or in $HOLDFAST_CONFIG";
  }
  return "write one with \"holdfast init\", or name yours with --config";
}

}  // namespace

Settings load_config(const std::filesystem::path& path) {
  auto read = read_file_bytes(path);
  if (!read && read.error().missing) {
    throw ConfigError{path.string() + ": no such file: " + way_to_a_config(path)};
  }
  if (!read) {
    throw ConfigError{path.string() + ": " + read.error().sentence +
                      ": name a file that can be read with --config"};
  }
  if (const auto refusal = why_not_trust(path)) {
    throw ConfigError{
        path.string() +
        ": is not used, because who can change it decides what is deleted: " + *refusal};
  }
  Settings settings = parse_config(read->bytes, path);
  settings.source.owner = std::move(read->owner);
  settings.source.modified_at = read->modified_at;
  return settings;
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
// The sections of the configuration that say what a run leaves beside the database, and where.
#include <filesystem>
#include <string>

#include "jobs/cli/config_sections.h"

namespace holdfast {
namespace {

std::filesystem::path place(const std::filesystem::path& folder, const std::string& written) {
  return (folder / written).lexically_normal();
}

void read_witness(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  if (const auto file = section.text("file", R"("/var/lib/holdfast/witness")")) {
    settings.witness_file = place(folder, *file);
    settings.witness_beside_database = false;
  } else {
    settings.witness_file = settings.database;
    settings.witness_file += ".witness";
  }
  section.refuse_unknown();
}

void read_evidence(ConfigTable section, EvidenceSettings& evidence) {
  assign(evidence.row_digest, section.flag("row_digest"));
  assign(evidence.keep_salts, section.window("keep_salts"));
  section.refuse_unknown();
}

void read_archive(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  section.require("directory", R"("/var/lib/holdfast/archive")");
  section.require("keep", R"("13 months" or another window)");
  const auto directory = section.text("directory", R"("/var/lib/holdfast/archive")");
  const auto keep = section.window("keep");
  if (section.present()) {
    settings.archive = ArchiveSettings{.directory = place(folder, directory.value_or("")),
                                       .keep = keep.value_or(RetentionWindow{})};
  }
  section.refuse_unknown();
}

void read_export(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  section.require("directory", R"("/var/lib/holdfast/export")");
  const auto directory = section.text("directory", R"("/var/lib/holdfast/export")");
  const auto columns = section.texts("columns");
  if (section.present()) {
    settings.exports = ExportSettings{.directory = place(folder, directory.value_or(""))};
    assign(settings.exports->keep, section.window("keep"));
    for (const ConfigText& column : columns) {
      settings.exports->columns.push_back(column.text);
    }
  }
  section.refuse_unknown();
}

void read_reports(ConfigTable section, const std::filesystem::path& folder, Settings& settings) {
  if (const auto directory = section.text("directory", R"("/var/lib/holdfast/reports")")) {
    settings.reports = place(folder, *directory);
  }
  section.refuse_unknown();
}

}  // namespace

void read_evidence_sections(ConfigTable& file,
                            const std::filesystem::path& folder,
                            Settings& settings) {
  read_witness(file.table("witness", "a [witness] section"), folder, settings);
  read_evidence(file.table("evidence", "an [evidence] section"), settings.evidence);
  read_archive(file.table("archive", "an [archive] section"), folder, settings);
  read_export(file.table("export", "an [export] section"), folder, settings);
  read_reports(file.table("reports", "a [reports] section"), folder, settings);
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/report_folder.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "jobs/cli/html_index.h"
#include "jobs/cli/html_report.h"
#include "jobs/cli/written_file.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/run_trend.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::string_view kPagePrefix = "run-";
constexpr std::string_view kPageSuffix = ".html";

std::filesystem::path run_file(const std::filesystem::path& folder,
                               std::int64_t run,
                               std::string_view suffix) {
  return folder / (std::string(kPagePrefix) + std::to_string(run) + std::string(suffix));
}

/// The runs whose pages lie in the folder.
std::set<std::int64_t> runs_with_page(const std::filesystem::path& folder) {
  std::set<std::int64_t> runs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPagePrefix) || !name.ends_with(kPageSuffix)) {
      continue;
    }
    std::int64_t run = 0;
    const char* const end = name.data() + name.size() - kPageSuffix.size();
    const auto [parsed, problem] = std::from_chars(name.data() + kPagePrefix.size(), end, run);
    if (problem == std::errc{} && parsed == end) {
      runs.insert(run);
    }
  }
  return runs;
}

/// By its number in a record; empty where that cannot be told.
std::string database_of(const std::filesystem::path& record_file) {
  std::ifstream file(record_file);
  const json record = json::parse(file, nullptr, /*allow_exceptions=*/false);
  const json identity = record.is_object() ? record.value("identity", json()) : json();
  const json id = identity.is_object() ? identity.value("database_id", json()) : json();
  return id.is_string() ? id.get<std::string>() : std::string{};
}

/// Runs of another database have the same numbers: one's pages would take the place of the other's.
void require_own_folder(const Desk& desk) {
  const std::filesystem::path& folder = desk.settings.reports;
  std::set<std::int64_t> looked_at;
  const std::set<std::int64_t> there = runs_with_page(folder);
  if (!there.empty()) {
    looked_at.insert(*there.begin());
  }
  if (const auto last = desk.database.ledger().last()) {
    looked_at.insert(last->id);
  }
  for (const std::int64_t run : looked_at) {
    const std::filesystem::path file = run_file(folder, run, ".json");
    const std::string other = database_of(file);
    if (!other.empty() && other != desk.database.identity()) {
      throw JobError(ExitStatus::failed,
                     "[reports].directory: " + file.string() +
                         " is of another database, and its pages would be replaced: give each "
                         "database a folder of its own");
    }
  }
}

void write_run(const Desk& desk, std::int64_t run) {
  const auto line = desk.database.ledger().find(run);
  const std::string text = line && line->closing ? line->closing->record : std::string{};
  const json record = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) {
    return;  // lost with a backup: its line has no record to show
  }
  const std::filesystem::path& folder = desk.settings.reports;
  replace_file(run_file(folder, run, ".json"), text + "\n");
  replace_file(run_file(folder, run, kPageSuffix),
               html_report(record, {.catalogue_url = desk.settings.catalogue_url}));
}

/// The last run's page is always written anew, because a database from a backup may have given its
/// number out again.
void write_runs(const Desk& desk) {
  const std::set<std::int64_t> there = runs_with_page(desk.settings.reports);
  bool last = true;
  for (const RunLine& line : desk.database.ledger().newest(kTrendRecords)) {
    if (line.closing && (last || !there.contains(line.id))) {
      write_run(desk, line.id);
    }
    last = false;
  }
}

json forecast_or_why(const Desk& desk) {
  const auto last = desk.database.ledger().last();
  if (last && last->closing && last->closing->outcome == "interrupted") {
    return {{"why", "the run was interrupted"}};
  }
  try {
    return forecast_nights(desk);
  } catch (const std::exception& error) {
    return {{"why", utf8_text(error.what())}};
  }
}

}  // namespace

void write_reports(Session& session, Database& database) {
  try {
    const Settings& settings = session.settings();
    if (settings.reports.empty()) {
      return;
    }
    const Desk desk{.database = database,
                    .settings = settings,
                    .now = session.clock().now(),
                    .who = {},
                    .observer = session.observer()};
    require_folder(settings.reports);
    require_own_folder(desk);
    write_runs(desk);
    const json trend = run_trend(desk, forecast_or_why(desk));
    replace_file(settings.reports / "index.html",
                 html_index(trend, runs_with_page(settings.reports)));
  } catch (const std::exception& error) {
    // The outcome stands in the ledger already; the pages come with the next run.
    session.observer().warn(std::string("the reports could not be written: ") + error.what());
  }
}

}  // namespace holdfast

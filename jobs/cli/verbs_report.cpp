// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>
#include <vector>

#include "jobs/cli/csv_text.h"
#include "jobs/cli/evidence_pack.h"
#include "jobs/cli/html_index.h"
#include "jobs/cli/html_report.h"
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/cli/written_file.h"
#include "jobs/evidence_documents.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/overview.h"
#include "jobs/policy_desk.h"
#include "jobs/run_trend.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// What `report` was asked for.
struct ReportWish {
  std::string run;  ///< a number, "list", or empty for the last
  std::string format = "text";
  std::string out;  ///< a new file; empty: stdout
};

bool is_open(const json& record) {
  return record.at("outcome") == "open";
}

std::string render_record(const json& record) {
  if (record.contains("record_lost")) {
    return "run " + record.at("run").dump() + " ended as " + cell(record.at("outcome")) +
           " and deleted " + record.at("deleted").dump() +
           " rows; a restored backup has forgotten its record\n";
  }
  return is_open(record)
             ? "run " + record.at("run").dump() + " is open, in phase " + cell(record.at("phase")) +
                   ": still going, or dead; the next run will tell\n"
             : render_run(record);
}

void require_closed(const json& record) {
  if (is_open(record)) {
    throw JobError(ExitStatus::failed,
                   "run " + record.at("run").dump() +
                       " is open: still going, or dead; its record is there when it is closed");
  }
}

std::string list_text(const Desk& desk, const std::string& format) {
  if (format == "html") {
    return html_index(run_trend(desk, forecast_nights(desk)), {});
  }
  const json list = list_runs(desk);
  if (format == "json") {
    return list.dump(2) + "\n";
  }
  return format == "csv" ? csv_runs(list) : render_runs(list);
}

std::int64_t run_number(const std::string& word) {
  std::int64_t run = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), run);
  if (problem != std::errc{} || end != word.data() + word.size() || run <= 0) {
    throw JobError(ExitStatus::invalid, "report takes the number of a run, or \"list\": " + word);
  }
  return run;
}

std::string record_text(const Desk& desk, const ReportWish& wish) {
  const json record = run_record(desk, wish.run.empty() ? 0 : run_number(wish.run));
  if (wish.format == "json") {
    return record.dump(2) + "\n";
  }
  if (wish.format == "text") {
    return render_record(record);
  }
  require_closed(record);
  return wish.format == "csv" ? csv_report(record)
                              : html_report(record, {.catalogue_url = desk.settings.catalogue_url});
}

ExitStatus report(Session& session, ReportWish wish) {
  if (session.console().json()) {
    if (wish.format != "text" && wish.format != "json") {
      throw JobError(ExitStatus::invalid,
                     "--json and --format " + wish.format + " exclude each other");
    }
    wish.format = "json";
  }
  const Desk desk = session.desk(Access::read_only);
  const std::string text =
      wish.run == "list" ? list_text(desk, wish.format) : record_text(desk, wish);
  if (wish.out.empty()) {
    Console::print(text);
  } else {
    write_fresh_file(wish.out, text);
  }
  return ExitStatus::done;
}

/// What `evidence` was asked for.
struct EvidenceWish {
  std::string from;
  std::string until;
  std::string out;
};

Instant instant_of(const char* option, const std::string& word) {
  const auto instant = parse_rfc3339(word);
  if (!instant) {
    throw JobError(ExitStatus::invalid, std::string(option) + " " + word + ": " + instant.error());
  }
  return *instant;
}

/// A date at the end is meant with its whole day.
EvidencePeriod period_of(const EvidenceWish& wish) {
  EvidencePeriod period{.from = instant_of("--from", wish.from),
                        .until = instant_of("--to", wish.until)};
  if (parse_day(wish.until)) {
    period.until += date::days{1};
  }
  if (period.until <= period.from) {
    throw JobError(ExitStatus::invalid, "--to " + wish.until + " is not after --from " + wish.from);
  }
  return period;
}

void require_empty(const std::filesystem::path& folder) {
  require_folder(folder);
  if (!std::filesystem::is_empty(folder)) {
    throw JobError(ExitStatus::invalid,
                   folder.string() + ": is not empty: --out takes a new or an empty folder");
  }
}

EvidenceDocuments documents_of(const Desk& desk, const EvidencePeriod& period) {
  EvidenceDocuments documents;
  documents.runs = period_runs(desk, period);
  documents.certificate = disposition_certificate(desk, period, documents.runs);
  documents.certificate["program"] = std::string("holdfast ") + HOLDFAST_VERSION;
  documents.policies = policy_register_document(desk, period);
  documents.catalogue = show_catalogue(desk.settings);
  documents.holds = hold_register_document(desk, period);
  documents.erasures = erasure_register_document(desk, period);
  documents.exports = export_register_document(desk, period);
  documents.exceptions = exceptions_document(documents.runs);
  documents.catalogue_url = desk.settings.catalogue_url;
  return documents;
}

/// All of the files or none: half a pack would be taken for one, and be in the way of the next try.
void write_pack(const std::filesystem::path& folder,
                const std::map<std::string, std::string>& files) {
  const bool ours = !std::filesystem::exists(folder);
  require_empty(folder);
  std::vector<std::filesystem::path> written;
  try {
    require_folder(folder / "runs");
    for (const auto& [name, bytes] : files) {
      write_fresh_file(folder / name, bytes);
      written.push_back(folder / name);
    }
    sync_folder(folder / "runs");
    sync_folder(folder);
  } catch (...) {
    std::error_code ignored;  // the failure that is told is the one that came first
    for (const std::filesystem::path& file : written) {
      std::filesystem::remove(file, ignored);
    }
    std::filesystem::remove(folder / "runs", ignored);
    if (ours) {
      std::filesystem::remove(folder, ignored);
    }
    throw;
  }
}

ExitStatus evidence(Session& session, const EvidenceWish& wish) {
  const EvidencePeriod period = period_of(wish);
  const Desk desk = session.personal_desk(Access::read_only);
  const auto files = evidence_files(documents_of(desk, period));
  const std::filesystem::path folder = wish.out;
  write_pack(folder, files);
  answer(session,
         {{"folder", utf8_text(folder.string())},
          {"files", files.size()},
          {"from", to_rfc3339(period.from)},
          {"until", to_rfc3339(period.until)}},
         [](const json& result) {
           return "wrote " + result.at("files").dump() + " files into " +
                  cell(result.at("folder")) + "\nnext: sha256sum --check MANIFEST, in there\n";
         });
  return ExitStatus::done;
}

void add_evidence(CLI::App& app, ChosenVerb& chosen) {
  const auto wish = std::make_shared<EvidenceWish>();
  CLI::App* verb =
      add_verb(app,
               "evidence",
               "the evidence pack for an auditor: certificate, runs, registers, hashes",
               "  holdfast evidence --from 2026-01-01 --to 2026-12-31 --out pack-2026",
               chosen);
  verb->add_option("--from", wish->from, "the first day, or an RFC 3339 instant")->required();
  verb->add_option("--to", wish->until, "the last day, or the instant before which it ends")
      ->required();
  verb->add_option("--out", wish->out, "a new or an empty folder")->required();
  verb->callback([&chosen, wish] {
    chosen.carry_out = [wish](Session& session) {
      return evidence(session, *wish);
    };
  });
}

}  // namespace

void add_report_verbs(CLI::App& app, ChosenVerb& chosen) {
  const auto wish = std::make_shared<ReportWish>();
  CLI::App* verb = add_verb(app,
                            "report",
                            "one run as it was recorded: the last one, or the one named",
                            "  holdfast report\n  holdfast report 12 --json\n"
                            "  holdfast report 12 --format html --out run-12.html\n"
                            "  holdfast report list",
                            chosen);
  verb->add_option("run", wish->run, "the number of a run, or \"list\"");
  verb->add_option("--format", wish->format, "text, json, csv, or html to read and to print")
      ->check(CLI::IsMember({"text", "json", "csv", "html"}));
  verb->add_option("--out", wish->out, "write it to this new file");
  verb->callback([&chosen, wish] {
    chosen.carry_out = [wish](Session& session) {
      return report(session, *wish);
    };
  });
  add_evidence(app, chosen);
}

}  // namespace holdfast

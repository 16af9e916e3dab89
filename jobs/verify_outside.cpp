// SPDX-License-Identifier: Apache-2.0
// What lies outside the database: the witness file, the archives and copies of persons' data.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "jobs/archive_check.h"
#include "jobs/archive_presence.h"
#include "jobs/export_upkeep.h"
#include "jobs/json_text.h"
#include "jobs/verify_parts.h"
#include "jobs/witness.h"

namespace holdfast {
namespace {

using nlohmann::json;

void say(VerifyFindings& findings,
         const char* part,
         const std::string& reason,
         const std::string& message) {
  findings.problems.push_back({.part = part, .reason = reason, .message = message});
}

/// A run as one line of the witness has it.
struct WitnessedHash {
  std::int64_t run = 0;
  std::string hash;
};

/// What the witness says of runs against the ledger.
class RunsOfWitness {
 public:
  RunsOfWitness(RunLedger& ledger, VerifyFindings& findings)
      : ledger_(ledger), findings_(findings) {}

  void take(const WitnessLine& line) {
    if (line.kind == "run") {
      const json body = witness_body(line);
      runs_.push_back({.run = body.value("run_id", std::int64_t{0}),
                       .hash = body.value("run_hash", std::string{})});
      ++count_;
    } else if (line.kind == "recovered") {
      for (const json& run : witness_body(line).value("numbers_taken", json::array())) {
        give_up(whole_number(run), line.at);
      }
    }
  }

  void compare() {
    for (const WitnessedHash& run : runs_) {
      const std::string hash = hash_in_ledger(run.run).value_or(kNone);
      const std::string name = "run " + std::to_string(run.run);
      if (hash == kNone) {
        say(findings_,
            "witness",
            "run_missing",
            name +
                " is known to the witness and missing from the ledger: somebody removed it, or "
                "restored a backup");
      } else if (hash != run.hash) {
        say(findings_,
            "witness",
            "run_differs",
            name +
                " has another hash in the ledger than the witness has: the ledger was "
                "rewritten");
      }
    }
  }

  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  inline static const std::string kNone = "none";

  [[nodiscard]] std::optional<std::string> hash_in_ledger(std::int64_t run) {
    const auto line = ledger_.find(run);
    return line && line->closing ? std::optional{line->closing->run_hash} : std::nullopt;
  }

  /// `recover` has noted that the ledger could not take this one in.
  void give_up(std::int64_t run, Instant at) {
    const auto in_ledger = hash_in_ledger(run);
    const auto given_up = std::remove_if(runs_.begin(), runs_.end(), [&](const auto& known) {
      return known.run == run && known.hash != in_ledger;
    });
    if (given_up != runs_.end()) {
      findings_.notes.push_back(
          "run " + std::to_string(run) +
          " is two runs: one that a restored backup had forgotten, which only the witness knows, "
          "and one that took its number before \"holdfast recover\" on " +
          to_rfc3339(at));
    }
    runs_.erase(given_up, runs_.end());
  }

  RunLedger& ledger_;
  VerifyFindings& findings_;
  std::vector<WitnessedHash> runs_;
  std::int64_t count_ = 0;
};

/// The outbox against the file, and the ledger against the lines that the file has of its runs, or
/// is still to get. Returns how many such lines there are.
std::int64_t compare_lines(const Desk& desk,
                           const WitnessComparison& comparison,
                           VerifyFindings& findings) {
  WitnessOutbox& outbox = desk.database.witness_outbox();
  RunsOfWitness runs(desk.database.ledger(), findings);
  for (const WitnessLine& line : comparison.lines) {
    runs.take(line);
  }
  const std::int64_t rewritten = first_rewritten_line(outbox, comparison.lines);
  if (rewritten == 0) {
    for (const WitnessLine& line : outbox.since(comparison.in_file)) {
      runs.take(line);
    }
  } else if (comparison.state != WitnessState::differs) {
    say(findings,
        "witness",
        std::string(to_token(WitnessState::differs)),
        desk.witness->name() + ", line " + std::to_string(rewritten) +
            ": what the database has of it in holdfast_witness was changed or removed");
  }
  runs.compare();
  return runs.count();
}

}  // namespace

void verify_witness(const Desk& desk, VerifyFindings& findings) {
  if (desk.witness == nullptr || !desk.database.is_set_up()) {
    findings.notes.emplace_back("there is no witness file to compare with");
    return;
  }
  const WitnessComparison comparison = compare_witness(desk.database, *desk.witness);
  if (!comparison.agrees()) {
    say(findings, "witness", std::string(to_token(comparison.state)), comparison.sentence);
  }
  const std::int64_t runs = comparison.state == WitnessState::another_database
                                ? 0
                                : compare_lines(desk, comparison, findings);
  if (comparison.agrees()) {
    verify_holds(desk.database, comparison, findings);
    verify_words(desk.database, comparison, findings);
  }
  findings.checked["witness"] = {{"file", desk.witness->name()},
                                 {"state", to_token(comparison.state)},
                                 {"lines", comparison.in_file},
                                 {"runs", runs}};
}

void verify_archives(const Desk& desk, VerifyFindings& findings) {
  if (desk.archives == nullptr) {
    const auto elsewhere = archives_not_there(desk.database, nullptr);
    if (!elsewhere.empty()) {
      say(findings, "archive", "archive_not_there", not_there_sentence(elsewhere, nullptr));
    }
    return;
  }
  std::int64_t archives = 0;
  std::int64_t rows = 0;
  std::int64_t with_digests = 0;
  try {
    for (const ArchiveFinding& found :
         check_archives({.store = *desk.archives, .database = desk.database})) {
      ++archives;
      rows += found.rows;
      with_digests += found.digests ? 1 : 0;
      if (!found.problem.empty()) {
        say(findings, "archive", "archive_differs", found.problem);
      }
    }
  } catch (const ArchiveError& error) {
    say(findings, "archive", "archive_unreadable", error.what());
  }
  findings.checked["archive"] = {
      {"archives", archives}, {"rows", rows}, {"with_digests", with_digests}};
}

void verify_exports(const Desk& desk, VerifyFindings& findings) {
  std::int64_t ready = 0;
  for (const ExportRequest& request : desk.database.exports().kept()) {
    const std::string fault = export_fault(request, desk.exports);
    if (!fault.empty()) {
      say(findings,
          "export",
          "export_not_there",
          "export " + std::to_string(request.id) + ": " + fault);
    }
    ready += request.state == ExportState::ready ? 1 : 0;
  }
  findings.checked["export"] = {{"ready", ready}};
}

}  // namespace holdfast

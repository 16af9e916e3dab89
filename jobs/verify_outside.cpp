// SPDX-License-Identifier: Apache-2.0
// What lies outside the database: the witness file and the archives.

#include <string>

#include "jobs/archive_check.h"
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

/// The ledger against the lines that the witness has of its runs. Returns how many there are.
std::int64_t compare_runs(Database& database, VerifyFindings& findings) {
  std::int64_t runs = 0;
  for (const WitnessLine& line : database.witness_outbox().since(0)) {
    if (line.kind != "run") {
      continue;
    }
    const json body = witness_body(line);
    if (!body.is_object() || !body.contains("run_id")) {
      continue;
    }
    ++runs;
    const auto id = body.at("run_id").get<std::int64_t>();
    const auto run = database.ledger().find(id);
    const std::string name = "run " + std::to_string(id);
    if (!run || !run->closing) {
      say(findings,
          "witness",
          "run_missing",
          name + " is known to the witness and missing from the ledger: somebody removed it");
    } else if (run->closing->run_hash != body.value("run_hash", "")) {
      say(findings,
          "witness",
          "run_differs",
          name + " has another hash in the ledger than the witness has: the ledger was rewritten");
    }
  }
  return runs;
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
  findings.checked["witness"] = {{"file", desk.witness->name()},
                                 {"state", to_token(comparison.state)},
                                 {"lines", comparison.in_file},
                                 {"runs", compare_runs(desk.database, findings)}};
}

void verify_archives(const Desk& desk, VerifyFindings& findings) {
  if (desk.archives == nullptr) {
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

}  // namespace holdfast

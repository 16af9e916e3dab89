// SPDX-License-Identifier: Apache-2.0
#include "jobs/verify.h"

#include "jobs/json_text.h"
#include "jobs/verify_parts.h"

namespace holdfast {

using nlohmann::json;

namespace {

/// One part; what it throws is a finding, and the parts after it are looked at all the same.
template <typename Part>
void guarded(const char* part, VerifyFindings& findings, const Part& verify) {
  try {
    verify();
  } catch (const std::exception& error) {
    findings.problems.push_back(
        {.part = part,
         .reason = "unreadable",
         .message = std::string("what this part is to compare cannot be read: ") + error.what()});
  }
}

}  // namespace

VerifyFindings verify_everything(const Desk& desk, const VerifyWishes& wishes) {
  VerifyFindings findings;
  guarded("chain", findings, [&] { verify_chain(desk.database, findings); });
  guarded("witness", findings, [&] { verify_witness(desk, findings); });
  guarded("ledger", findings, [&] { verify_ledger(desk.database, findings); });
  guarded("policy", findings, [&] { verify_policies(desk.database, findings); });
  guarded("archive", findings, [&] { verify_archives(desk, findings); });
  guarded("export", findings, [&] { verify_exports(desk, findings); });
  guarded("database", findings, [&] { verify_log(desk.database, wishes.since, findings); });
  if (wishes.backup != nullptr) {
    guarded("backup", findings, [&] { verify_backup(desk.database, *wishes.backup, findings); });
  }
  return findings;
}

json findings_json(const VerifyFindings& findings) {
  json problems = json::array();
  for (const VerifyProblem& problem : findings.problems) {
    problems.push_back({{"part", problem.part},
                        {"reason", problem.reason},
                        {"message", utf8_text(problem.message)}});
  }
  json notes = json::array();
  for (const std::string& note : findings.notes) {
    notes.push_back(utf8_text(note));
  }
  const bool ok = findings.problems.empty();
  return {{"ok", ok},
          {"problem", ok ? json(nullptr) : problems.front()},
          {"problems", problems},
          {"checked", findings.checked},
          {"notes", notes}};
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "jobs/verify.h"

#include "jobs/json_text.h"
#include "jobs/verify_parts.h"

namespace holdfast {

using nlohmann::json;

VerifyFindings verify_everything(const Desk& desk, const VerifyWishes& wishes) {
  VerifyFindings findings;
  verify_chain(desk.database, findings);
  verify_witness(desk, findings);
  verify_ledger(desk.database, findings);
  verify_archives(desk, findings);
  verify_log(desk.database, wishes.since, findings);
  if (wishes.backup != nullptr) {
    verify_backup(desk.database, *wishes.backup, findings);
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

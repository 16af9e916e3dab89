// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/render.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::string holds_text(const json& result) {
  std::string text;
  for (const json& hold : result.at("holds_put_back")) {
    text += "hold " + hold.at("hold").dump() + " of matter " + cell(hold.at("matter")) +
            " is active again (it was hold " + hold.at("had_number").dump() + ")\n";
  }
  for (const json& hold : result.at("holds_released_since")) {
    text += "hold " + hold.at("hold").dump() + " was released on " + cell(hold.at("released_at")) +
            " by " + cell(hold.at("released_by")) +
            ", after the backup: it stays active until somebody releases it again\n";
  }
  return text;
}

std::string erasures_text(const json& result) {
  std::string text;
  if (const std::size_t versions = result.at("policies_put_back").size(); versions > 0) {
    text += (versions == 1 ? std::string{"a version of the policy is"}
                           : std::to_string(versions) + " versions of the policy are") +
            " in the register again: what was changed waits as it did\n";
  }
  for (const json& line : result.at("erased_again")) {
    text +=
        "erased again: " + cell(line.at("token")) + " of tenant " + cell(line.at("tenant")) + "\n";
  }
  for (const json& line : result.at("erasures_held")) {
    text += "NOT erased again (" + cell(line.at("why")) + "): " + cell(line.at("token")) +
            " of tenant " + cell(line.at("tenant")) + "\n";
  }
  for (const json& line : result.at("erasures_unmatched")) {
    text += "the key of tenant " + line.at("tenant").dump() + " is gone, so nobody can tell who " +
            cell(line.at("token")) + ", erased " + cell(line.at("completed_at")) +
            ", was: look for their data by hand\n";
  }
  for (const json& line : result.at("keys_forgotten")) {
    text += "key " + line.at("key").dump() + " of tenant " + line.at("tenant").dump() +
            " was destroyed before and is destroyed now\n";
  }
  return text;
}

std::string runs_text(const json& result) {
  std::string text;
  for (const json& run : result.at("runs_lost")) {
    text += "run " + run.at("run_id").dump() + " (" + cell(run.at("outcome")) + ") had deleted " +
            run.at("deleted").dump() + " rows, " + run.at("rows_back").dump() +
            " of them are in the log again" +
            (run.at("number_taken") == true ? "; another run has its number in the ledger" : "") +
            "\n";
  }
  for (const json& plan : result.at("approvals_lost")) {
    text += "the approval of plan " + cell(plan) + " is lost: save and approve a new plan\n";
  }
  return text;
}

}  // namespace

std::string render_recovery(const json& result) {
  if (result.at("outcome") == "nothing_lost") {
    return "the database knows everything that the witness file knows: nothing to recover\n";
  }
  std::string text = "recovered (" + cell(result.at("state")) +
                     "): " + result.at("lines_lost").dump() + " entries since " +
                     cell(result.at("lost_since")) + " had been forgotten\n";
  text += holds_text(result) + erasures_text(result) + runs_text(result);
  if (!result.at("run_clock").is_null()) {
    text += "run clock: " + cell(result.at("run_clock")) + ", before " +
            cell(result.at("run_clock_before")) + "\n";
  }
  if (!result.at("new_witness").is_null()) {
    text += "began a new witness file " + cell(result.at("new_witness")) +
            "; the old one: " + cell(result.at("old_witness"), "there was none") + "\n";
  }
  return text;
}

}  // namespace holdfast

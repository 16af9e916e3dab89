// SPDX-License-Identifier: Apache-2.0
// What the registers say that people and runs have decided, against what the witness and the
// records noted when they did: approvals, the run clock, versions of the policy.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "jobs/digest.h"
#include "jobs/json_text.h"
#include "jobs/verify_parts.h"
#include "jobs/witness.h"

namespace holdfast {
namespace {

using nlohmann::json;

using ApprovalName = std::tuple<std::string, std::string, std::int64_t>;  // plan, who, when in ms

/// What the witness says of words that let more rows go.
struct WitnessedWords {
  std::set<ApprovalName> approvals;
  Instant knows_from = kEndOfTime;  ///< its first line, or the last `recover`: before it, nothing
  std::optional<json> clock;        ///< after its last line that tells; none: it cannot be told
};

void take(const WitnessLine& line, WitnessedWords& words) {
  if (words.knows_from == kEndOfTime || line.kind == "recovered") {
    words.knows_from = line.at;
  }
  if (line.kind == "approval") {
    const json body = witness_body(line);
    words.approvals.emplace(body.value("plan", std::string{}),
                            body.value("approved_by", std::string{}),
                            to_unix_ms(line.at));
  } else if (line.kind == "clock") {
    const json body = witness_body(line);
    words.clock = json{{"as_of", body.value("as_of", json(nullptr))},
                       {"system_now", body.value("system_now", json(nullptr))}};
  } else if (line.kind == "run") {
    const json body = witness_body(line);
    words.clock = body.contains("clock") && body.at("clock").is_object()
                      ? std::optional<json>{body.at("clock")}
                      : std::nullopt;
  } else if (line.kind == "recovered") {
    words.clock.reset();
  }
}

std::size_t compare_approvals(Database& database,
                              const WitnessedWords& words,
                              VerifyFindings& findings) {
  std::size_t compared = 0;
  for (const Approval& approval : database.plans().approvals()) {
    if (approval.approved_at < words.knows_from) {
      continue;
    }
    ++compared;
    const ApprovalName name{
        approval.plan.digest, utf8_text(approval.approved_by), to_unix_ms(approval.approved_at)};
    if (!words.approvals.contains(name)) {
      findings.problems.push_back(
          {.part = "witness",
           .reason = "approval_unknown",
           .message = "approval " + std::to_string(approval.id) + " of plan " +
                      approval.plan.digest.substr(0, 12) + " in the name of " +
                      utf8_text(approval.approved_by) + ", " + to_rfc3339(approval.approved_at) +
                      ", is not one that the witness knows: somebody wrote it into the register, "
                      "or changed it there"});
    }
  }
  return compared;
}

/// A run that died has stored its clock and told nobody: the next one does.
void compare_clock(Database& database, const WitnessedWords& words, VerifyFindings& findings) {
  const auto now = database.ledger().last_clock();
  if (!words.clock || !database.ledger().left_open().empty()) {
    return;
  }
  const json stored =
      now ? json{{"as_of", to_rfc3339(now->as_of)}, {"system_now", to_rfc3339(now->system_now)}}
          : json(nullptr);
  if (stored != *words.clock) {
    findings.problems.push_back(
        {.part = "witness",
         .reason = "clock_differs",
         .message = "the run clock is " + compact(stored) + " and the witness knows " +
                    compact(*words.clock) +
                    ": somebody wrote to the clocks; \"holdfast approve --clock\" sets it right"});
  }
}

}  // namespace

void verify_words(Database& database, const WitnessComparison& witness, VerifyFindings& findings) {
  WitnessedWords words;
  for (const WitnessLine& line : witness.lines) {
    take(line, words);
  }
  for (const WitnessLine& line : database.witness_outbox().since(witness.in_file)) {
    take(line, words);
  }
  findings.checked["approvals"] = {{"compared", compare_approvals(database, words, findings)}};
  compare_clock(database, words, findings);
}

void verify_policies(Database& database, VerifyFindings& findings) {
  std::map<std::int64_t, std::string> digests;
  for (const StoredPolicy& policy : database.policies().versions()) {
    digests[policy.version] = sha256_hex(policy.document);
  }
  std::set<std::int64_t> told;
  std::int64_t compared = 0;
  const auto last = database.ledger().last();
  for (std::int64_t run = 1; last && run <= last->id; ++run) {
    const auto line = database.ledger().find(run);
    const json record =
        line && line->closing ? json::parse(line->closing->record, nullptr, false) : json(nullptr);
    const json policy = record.is_object() ? record.value("policy", json(nullptr)) : json(nullptr);
    if (!policy.is_object() || policy.value("version", std::int64_t{0}) == 0) {
      continue;
    }
    ++compared;
    const auto version = policy.at("version").get<std::int64_t>();
    const auto stored = digests.find(version);
    if ((stored == digests.end() || stored->second != policy.value("digest", std::string{})) &&
        told.insert(version).second) {
      findings.problems.push_back(
          {.part = "ledger",
           .reason = stored == digests.end() ? "policy_missing" : "policy_differs",
           .message = "version " + std::to_string(version) + " of the policy, which run " +
                      std::to_string(run) + " went by, " +
                      (stored == digests.end() ? "is not in the register any more"
                                               : "is another one in the register now") +
                      ": somebody wrote to the register"});
    }
  }
  findings.checked["policies"] = {{"versions", digests.size()}, {"runs", compared}};
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
// What the registers say that people and runs have decided, against what the witness and the
// records noted when they did: approvals, the run clock, versions of the policy.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "jobs/digest.h"
#include "jobs/json_text.h"
#include "jobs/verify_parts.h"
#include "jobs/witness.h"

namespace holdfast {
namespace {

using nlohmann::json;

using ApprovalName = std::pair<std::string, std::string>;  // plan, who

/// What the witness says of words that let more rows go.
struct WitnessedWords {
  std::multimap<ApprovalName, Instant> approvals;
  /// Those before a clock that was set, which lowers times that lie ahead of it.
  std::multimap<ApprovalName, Instant> lowered;
  Instant knows_from = kEndOfTime;  ///< its first line, or the last `recover`: before it, nothing
  bool recovered = false;
  std::int64_t last_run = 0;
  std::optional<json> clock;  ///< after its last line that tells; none: it cannot be told
};

void take(const WitnessLine& line, WitnessedWords& words) {
  if (words.knows_from == kEndOfTime || line.kind == "recovered") {
    words.knows_from = line.at;
    words.recovered = line.kind == "recovered";
  }
  if (line.kind == "approval") {
    const json body = witness_body(line);
    words.approvals.emplace(
        ApprovalName{body.value("plan", std::string{}), body.value("approved_by", std::string{})},
        line.at);
  } else if (line.kind == "clock") {
    const json body = witness_body(line);
    words.lowered = words.approvals;
    words.clock = json{{"as_of", body.value("as_of", json(nullptr))},
                       {"system_now", body.value("system_now", json(nullptr))}};
  } else if (line.kind == "run") {
    const json body = witness_body(line);
    words.last_run = body.value("run_id", std::int64_t{0});
    words.clock = body.contains("clock") && body.at("clock").is_object()
                      ? std::optional<json>{body.at("clock")}
                      : std::nullopt;
  } else if (line.kind == "recovered") {
    words.clock.reset();
  }
}

bool is_known(const Approval& approval, const WitnessedWords& words) {
  const ApprovalName name{approval.plan.digest, utf8_text(approval.approved_by)};
  const auto any_in = [&name](const auto& known, const auto& fits) {
    const auto [first, last] = known.equal_range(name);
    return std::any_of(first, last, [&fits](const auto& each) { return fits(each.second); });
  };
  return any_in(words.approvals, [&](Instant at) { return at == approval.approved_at; }) ||
         any_in(words.lowered, [&](Instant at) { return at > approval.approved_at; });
}

/// The command that gives an approval begins the witness file too, so one from before its first
/// line was dated back, unless the file was begun anew.
bool may_be_older(const Approval& approval, const WitnessedWords& words) {
  return approval.approved_at < words.knows_from &&
         (words.recovered || approval.last_used_at < words.knows_from);
}

std::size_t compare_approvals(Database& database,
                              const WitnessedWords& words,
                              VerifyFindings& findings) {
  std::size_t compared = 0;
  for (const Approval& approval : database.plans().approvals()) {
    if (may_be_older(approval, words)) {
      continue;
    }
    ++compared;
    if (!is_known(approval, words)) {
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

/// A run that died, or one whose configuration was invalid, has told nobody: the next one does.
void compare_clock(Database& database, const WitnessedWords& words, VerifyFindings& findings) {
  const auto now = database.ledger().last_clock();
  const auto last = database.ledger().last();
  if (!words.clock || !last || last->id != words.last_run) {
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
    // A run that a lock refused has put no version on record.
    if (!policy.is_object() || policy.value("version", std::int64_t{0}) == 0 ||
        line->closing->error_reason == "policy_locked") {
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

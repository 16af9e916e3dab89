// SPDX-License-Identifier: Apache-2.0
// The register of holds against what the witness noted when each was placed.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "jobs/json_text.h"
#include "jobs/verify_parts.h"
#include "jobs/witness.h"
#include "jobs/witness_hold.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// A hold that was placed by a command, and whether a command released it.
struct WitnessedHold {
  LegalHold placed;
  bool released = false;
};
using WitnessedHolds = std::map<std::int64_t, WitnessedHold>;

void take(const WitnessLine& line, WitnessedHolds& holds) {
  const json body = line.kind == "hold" ? witness_body(line) : json::object();
  const std::string deed = body.value("deed", std::string{});
  if (deed != "placed" && deed != "released") {
    return;  // what another program wrote was never seen to be right
  }
  LegalHold hold = hold_of_witness(body.at("hold"));
  const std::int64_t id = hold.id;
  if (deed == "placed") {
    holds.try_emplace(id, WitnessedHold{.placed = std::move(hold)});
  } else if (const auto known = holds.find(id); known != holds.end()) {
    known->second.released = true;
  }
}

std::string name_of(const LegalHold& hold) {
  return "hold " + std::to_string(hold.id) + " of matter \"" + utf8_text(hold.matter) + "\"";
}

/// The register by ascending number. A hold that `recover` put back has another number than it had.
class Register {
 public:
  explicit Register(Database& database) : holds_(database.holds().all()) {}

  [[nodiscard]] const LegalHold* numbered(std::int64_t id) const {
    const auto found = std::lower_bound(
        holds_.begin(), holds_.end(), id, [](const LegalHold& hold, std::int64_t wanted) {
          return hold.id < wanted;
        });
    return found != holds_.end() && found->id == id ? &*found : nullptr;
  }
  [[nodiscard]] bool stands_for(const LegalHold& placed) const {
    return std::any_of(holds_.begin(), holds_.end(), [&placed](const LegalHold& hold) {
      return placed_as_one(placed, hold);
    });
  }

 private:
  std::vector<LegalHold> holds_;
};

void compare(const LegalHold& placed, const Register& now, VerifyFindings& findings) {
  const LegalHold* const numbered = now.numbered(placed.id);
  if (numbered != nullptr && placed_as_one(placed, *numbered)) {
    if (!numbered->active()) {
      findings.notes.push_back(name_of(placed) +
                               " is released, and the witness knows of no command that did it");
    }
    return;
  }
  if (now.stands_for(placed)) {
    return;
  }
  findings.problems.push_back(
      {.part = "witness",
       .reason = numbered == nullptr ? "hold_missing" : "hold_differs",
       .message =
           name_of(placed) +
           (numbered == nullptr ? " was placed and is not in the register"
                                : " is something else in the register than what was placed") +
           ": somebody wrote to the register; the witness file has its terms, so that it can "
           "be placed again"});
}

}  // namespace

void verify_holds(Database& database, const WitnessComparison& witness, VerifyFindings& findings) {
  WitnessedHolds holds;
  for (const WitnessLine& line : witness.lines) {
    take(line, holds);
  }
  for (const WitnessLine& line : database.witness_outbox().since(witness.in_file)) {
    take(line, holds);
  }
  std::erase_if(holds, [](const auto& each) { return each.second.released; });
  findings.checked["holds"] = {{"compared", holds.size()}};
  try {
    const Register now(database);
    for (const auto& [id, hold] : holds) {
      compare(hold.placed, now, findings);
    }
  } catch (const StorageError& error) {
    findings.problems.push_back(
        {.part = "witness", .reason = "hold_unreadable", .message = error.what()});
  }
}

}  // namespace holdfast

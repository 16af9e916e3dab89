// SPDX-License-Identifier: Apache-2.0
// The holds that a restored backup has forgotten.

#include <algorithm>
#include <map>
#include <vector>

#include "jobs/json_text.h"
#include "jobs/recovery.h"
#include "jobs/witness_hold.h"

namespace holdfast {
namespace {

using nlohmann::json;
using HoldsByNumber = std::map<std::int64_t, LegalHold>;

/// The holds of these lines, each as its last line has it, by the number it had.
HoldsByNumber holds_of(const std::vector<WitnessLine>& lines) {
  HoldsByNumber holds;
  for (const WitnessLine& line : lines) {
    const json body = line.kind == "hold" ? witness_body(line) : json::object();
    if (!body.empty()) {
      LegalHold hold = hold_of_witness(body.at("hold"));
      holds[hold.id] = std::move(hold);
    }
  }
  return holds;
}

/// The hold of the register that is this lost one, by the lost one's number. Each stands for one:
/// holds of one matter that were placed together differ in nothing but what they cover.
HoldsByNumber still_there(Database& database, const HoldsByNumber& lost) {
  HoldsByNumber left;
  for (LegalHold& hold : database.holds().all()) {
    left.emplace(hold.id, std::move(hold));
  }
  HoldsByNumber found;
  for (const auto& [number, hold] : lost) {
    const auto same = left.find(number);
    if (same != left.end() && placed_as_one(hold, same->second)) {
      found.insert({number, same->second});
      left.erase(same);
    }
  }
  // Under another number it can only be there because a call that was killed has put it back, and
  // that was never noted.
  for (const auto& [number, hold] : holds_of(database.witness_outbox().since(0))) {
    left.erase(number);
  }
  for (const auto& [number, hold] : lost) {
    const LegalHold& wanted = hold;
    const auto same = std::find_if(left.begin(), left.end(), [&wanted](const auto& known) {
      return placed_as_one(wanted, known.second);
    });
    if (!found.contains(number) && same != left.end()) {
      found.insert({number, same->second});
      left.erase(same);
    }
  }
  return found;
}

json named(std::int64_t id, const LegalHold& hold) {
  return {{"hold", id}, {"matter", utf8_text(hold.matter)}, {"had_number", hold.id}};
}

std::int64_t place_again(const Desk& desk, const LegalHold& lost, WitnessState state) {
  const std::int64_t id = desk.database.holds().place(lost);
  note_in_journal(desk,
                  "hold_put_back",
                  compact({{"hold", id}, {"had_number", lost.id}}),
                  state == WitnessState::restored_backup
                      ? "a restored backup had forgotten it"
                      : "the old witness file knows it and the database does not");
  return id;
}

void review_again(const Desk& desk, const LegalHold& known, const LegalHold& lost) {
  if (lost.review_by && lost.review_by != known.review_by) {
    (void)desk.database.holds().review(
        known.id,
        *lost.review_by,
        {.who = desk.who, .at = desk.now, .reason = "as it was before a backup was restored"});
  }
}

void list_released(std::int64_t id, const LegalHold& lost, json& result) {
  json line = named(id, lost);
  line["released_at"] = to_rfc3339(lost.released_at.value_or(Instant{}));
  line["released_by"] = utf8_text(lost.released_by);
  line["release_reason"] = utf8_text(lost.release_reason);
  result["holds_released_since"].push_back(std::move(line));
}

}  // namespace

void put_back_holds(const Desk& desk, const WitnessComparison& found, json& result) {
  const auto write = desk.database.begin_write(Durability::full);
  const HoldsByNumber lost = holds_of(found.lost);
  const HoldsByNumber known = still_there(desk.database, lost);
  for (const auto& [number, hold] : lost) {
    const auto same = known.find(number);
    if (same != known.end() && !same->second.active()) {
      continue;  // released here too
    }
    std::int64_t id = 0;
    if (same == known.end()) {
      id = place_again(desk, hold, found.state);
      result["holds_put_back"].push_back(named(id, hold));
    } else {
      id = same->second.id;
      review_again(desk, same->second, hold);
    }
    if (hold.released_at) {
      list_released(id, hold, result);
    }
  }
  write->commit();
}

}  // namespace holdfast

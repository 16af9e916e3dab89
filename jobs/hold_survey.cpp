// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_survey.h"

#include <algorithm>
#include <cctype>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::size_t kMostNearMisses = 10;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char letter) {
    return static_cast<char>(letter < 0x80 ? std::tolower(letter) : letter);
  });
  return out;
}

/// Looks at the rows one after the other.
class SurveyPass {
 public:
  SurveyPass(const HoldScope& scope, const DecisionFrame& frame, HoldSurvey& found)
      : hold_({LegalHold{.scope = scope}}), frame_(frame), found_(found) {
    for (const auto* words :
         {&scope.tenants, &scope.persons, &scope.actors, &scope.subjects, &scope.codes}) {
      for (const std::string& word : *words) {
        wanted_.emplace(lower(word), word);
      }
    }
  }

  void take(const RowFacts& row) {
    hold_.for_each_match(as_hold_candidate(row, frame_), [this](const LegalHold&) {
      ++found_.rows;
      return false;
    });
    for (const auto& value : {row.tenant, row.actor, row.subject, row.code}) {
      if (value) {
        note(*value);
      }
    }
    if (row.tenant) {
      found_.tenants.emplace(*row.tenant);
    }
    if (row.code) {
      found_.codes.emplace(*row.code);
    }
  }

 private:
  void note(std::string_view value) {
    const auto wanted = wanted_.find(lower(value));
    if (wanted != wanted_.end() && wanted->second != value) {
      ++found_.near[std::string(value)];
    }
  }

  HoldIndex hold_;
  const DecisionFrame& frame_;
  HoldSurvey& found_;
  std::map<std::string, std::string> wanted_;  // lower case to what was typed
};

}  // namespace

nlohmann::json HoldSurvey::near_misses() const {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [value, count] : near) {
    if (list.size() < kMostNearMisses) {
      list.push_back({{"value", utf8_text(value)}, {"rows", count}});
    }
  }
  return list;
}

HoldSurvey survey(const Desk& desk, const HoldScope& scope) {
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const DecisionContext context(desk.database,
                                desk.settings,
                                policy,
                                {.system_now = desk.now, .as_of = desk.now},
                                DecisionContext::WithoutApproval{});
  HoldSurvey found;
  SurveyPass pass(scope, context.frame(), found);
  const auto view = desk.database.begin_read();
  desk.database.audit_log().scan_all(
      std::nullopt, desk.settings.run.max_lock, [&pass](const RowFacts& row) { pass.take(row); });
  return found;
}

}  // namespace holdfast

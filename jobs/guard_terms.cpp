// SPDX-License-Identifier: Apache-2.0
#include "jobs/guard_terms.h"

#include <algorithm>
#include <utility>

#include "policy/instant_shift.h"

namespace holdfast {
namespace {

bool any_wants_archive(const DecisionFrame& frame) {
  return frame.policy->snapshot().archive_wanted ||
         std::any_of(frame.older_policies.begin(),
                     frame.older_policies.end(),
                     [](const RuleBook* book) { return book->snapshot().archive_wanted; });
}

bool over_limit(const DecisionFrame& frame, std::string_view category) {
  return frame.limited != nullptr &&
         std::any_of(frame.limited->begin(), frame.limited->end(), [&](const TallyPlace& place) {
           return place.category == category;
         });
}

/// The earliest that any version in force has: a code that one of them does not know has none.
Instant earliest_of_all(const DecisionFrame& frame, const std::string& code) {
  Instant earliest = frame.policy->earliest_cutoff(code);
  for (const RuleBook* older : frame.older_policies) {
    earliest = std::min(earliest, older->earliest_cutoff(code));
  }
  return earliest;
}

void add_cutoff(const DecisionFrame& frame, const std::string& code, GuardTerms& terms) {
  const Rule rule = frame.policy->rule_for(std::nullopt, code, std::nullopt);
  const Instant before = earliest_of_all(frame, code);
  if (!rule.code_known || before <= frame.earliest_plausible || over_limit(frame, rule.category)) {
    return;
  }
  terms.cutoffs.push_back({.code = code,
                           .known_code = std::string(rule.known_code),
                           .category = std::string(rule.category),
                           .category_name = std::string(rule.category_name),
                           .before = before});
}

}  // namespace

GuardTerms guard_terms(const DecisionContext& context) {
  const DecisionFrame& frame = context.frame();
  GuardTerms terms{
      .earliest = frame.earliest_plausible,
      .stamps_before = frame.clock.guard_now(),
      .releases_before = earlier_by(frame.clock.guard_now(), frame.hold_release_grace)};
  if (context.approval() || frame.older_mapping_differs || any_wants_archive(frame)) {
    return terms;
  }
  const PolicySnapshot& policy = frame.policy->snapshot();
  for (const auto& [code, category] : policy.code_category) {
    add_cutoff(frame, code, terms);
  }
  for (const auto& [alias, code] : policy.aliases) {
    // What is a code of its own is no alias to the rules.
    if (!policy.code_category.contains(alias)) {
      add_cutoff(frame, alias, terms);
    }
  }
  return terms;
}

std::vector<std::string> tell_guards(Database& database, const DecisionContext& context) {
  std::vector<std::string> faults;
  if (!database.guard().present()) {
    return faults;
  }
  for (const std::string& fault : database.guard().faults()) {
    faults.push_back("guard_fault: " + fault + "; \"holdfast init --guard\" sets the guards anew");
  }
  const auto write = database.begin_write(Durability::normal);
  database.guard().set_terms(guard_terms(context));
  write->commit();
  return faults;
}

}  // namespace holdfast

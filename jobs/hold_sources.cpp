// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_sources.h"

#include <algorithm>
#include <set>

#include "jobs/digest.h"
#include "policy/decision.h"

namespace holdfast {
namespace {

bool listed(const std::vector<std::string>& words, const std::string& word) {
  return !word.empty() && std::find(words.begin(), words.end(), word) != words.end();
}

/// True where the hold's tenants, if it has any, include the subject's.
bool in_tenant(const HoldScope& scope, const Subject& subject) {
  const std::string tenant = subject.tenant.value_or(std::string{});  // "" is a tenant as well
  return scope.tenants.empty() ||
         std::find(scope.tenants.begin(), scope.tenants.end(), tenant) != scope.tenants.end();
}

/// A table that does not say whose rows it has gives up those of all tenants: then a hold of any
/// tenant that names the person is in the way.
bool reaches_all_tenants(const Settings& settings) {
  return std::any_of(settings.erasure.modules.begin(),
                     settings.erasure.modules.end(),
                     [](const ErasureModule& module) {
                       return std::any_of(
                           module.tables.begin(),
                           module.tables.end(),
                           [](const ModuleTable& table) { return !table.tenant.has_value(); });
                     });
}

bool names(const HoldScope& scope, const HoldQuestion& question) {
  for (const auto* words : {&scope.persons, &scope.actors, &scope.subjects}) {
    if (listed(*words, question.subject.person) || listed(*words, question.token)) {
      return true;
    }
  }
  return false;
}

ModuleReport register_report(const HoldQuestion& question) {
  ModuleReport report{.module = kOwnRegister, .status = HoldStatus::clear};
  for (const LegalHold* hold : holds_of_subject(question)) {
    report.status = HoldStatus::hold;
    report.holds.push_back({.id = std::to_string(hold->id),
                            .basis = hold->basis.empty() ? hold->matter : hold->basis,
                            .locked = hold->locked,
                            .review_by = hold->review_by});
  }
  return report;
}

ModuleReport query_report(const HoldQuestion& question, const ErasureModule& module) {
  ModuleReport report{.module = module.name};
  try {
    report.holds = question.database.subjects().query_holds(
        module.holds_sql, question.subject, module.time_limit);
    report.status = report.holds.empty() ? HoldStatus::clear : HoldStatus::hold;
  } catch (const StorageError& error) {
    // No answer is a hold: the erasure stays blocked, and this says by what.
    report.problem = error.what();
  }
  return report;
}

ModuleReport module_report(const HoldQuestion& question, const ErasureModule& module) {
  if (module.says_no_holds) {
    return {.module = module.name, .status = HoldStatus::clear};
  }
  if (!module.holds_sql.empty()) {
    return query_report(question, module);
  }
  const auto answer = std::find_if(
      question.programs.begin(), question.programs.end(), [&](const ModuleReport& report) {
        return report.module == module.name;
      });
  if (answer == question.programs.end()) {
    return {.module = module.name, .problem = "nobody asked its program"};
  }
  return *answer;
}

std::string waiting_problem() {
  return "its hold source was changed or taken out, and that waits policy_shorten_delay";
}

}  // namespace

std::vector<ModuleReport> ask_programs(const Settings& settings,
                                       HoldCommand& programs,
                                       const Subject& subject) {
  std::vector<ModuleReport> reports;
  for (const ErasureModule& module : settings.erasure.modules) {
    if (!module.holds_command.empty()) {
      reports.push_back(programs.ask(module, subject));
    }
  }
  return reports;
}

std::vector<const LegalHold*> holds_of_subject(const HoldQuestion& question) {
  std::set<std::int64_t> found;
  const HoldIndex& index = question.context.holds();
  const bool everywhere = reaches_all_tenants(question.settings);
  for (const LegalHold& hold : index.holds()) {
    const bool here = in_tenant(hold.scope, question.subject);
    if ((here && hold.scope.everything) || ((here || everywhere) && names(hold.scope, question))) {
      found.insert(hold.id);
    }
  }
  for (const RowKey& key : question.rows) {
    (void)question.database.audit_log().read_row(key, [&](const RowFacts& row) {
      index.for_each_match(as_hold_candidate(row, question.context.frame()),
                           [&found](const LegalHold& hold) {
                             found.insert(hold.id);
                             return true;
                           });
    });
  }
  std::vector<const LegalHold*> holds;
  for (const LegalHold& hold : index.holds()) {
    if (found.contains(hold.id)) {
      holds.push_back(&hold);
    }
  }
  return holds;
}

HoldAnswer ask_everybody(const HoldQuestion& question) {
  HoldAnswer answer;
  answer.reports.push_back(register_report(question));
  for (const ErasureModule& module : question.settings.erasure.modules) {
    answer.reports.push_back(module_report(question, module));
  }
  const auto in_force =
      versions_in_force(question.policy.versions, question.context.frame().clock.guard_now());
  for (const std::string& name : waiting_hold_sources(in_force)) {
    const auto report = std::find_if(
        answer.reports.begin(), answer.reports.end(), [&name](const ModuleReport& known) {
          return known.module == name;
        });
    ModuleReport waiting{.module = name, .problem = waiting_problem()};
    if (report == answer.reports.end()) {
      answer.reports.push_back(std::move(waiting));
    } else {
      *report = std::move(waiting);
    }
  }
  return answer;
}

std::string hold_answer_digest(std::int64_t request, const HoldAnswer& answer) {
  return sha256_hex("erasure " + std::to_string(request) + "\n" + canonical_bytes(answer));
}

}  // namespace holdfast

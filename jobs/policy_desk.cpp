// SPDX-License-Identifier: Apache-2.0
#include "jobs/policy_desk.h"

#include <algorithm>

#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/own_events.h"
#include "jobs/policy_document.h"
#include "jobs/run_plan.h"
#include "policy/presets.h"

namespace holdfast {
namespace {

using nlohmann::json;

json window_text(const std::optional<RetentionWindow>& window) {
  return window ? json(to_string(*window)) : json(nullptr);
}

void add_entries(json& list, const WindowEntries& entries, const char* kind, const json& tenant) {
  for (const auto& [name, entry] : entries) {
    list.push_back({{"tenant", tenant},
                    {kind, name},
                    {"window", window_text(entry.window)},
                    {"at_least", window_text(entry.at_least)},
                    {"locked", entry.locked},
                    {"basis", entry.basis}});
  }
}

json presets_json(const RetentionPolicy& policy) {
  json list = json::array();
  for (const PresetBinding& preset : policy.presets) {
    list.push_back({{"name", preset.name},
                    {"categories", preset.categories},
                    {"min", window_text(preset.min)},
                    {"max", window_text(preset.max)},
                    {"locked", preset.locked},
                    {"citation", preset.citation}});
  }
  return list;
}

json changes_json(const std::vector<PolicyChange>& changes) {
  json list = json::array();
  for (const PolicyChange& change : changes) {
    list.push_back({{"where", change.where}, {"from", change.from}, {"to", change.to}});
  }
  return list;
}

json floors_json(const Rule& rule) {
  json list = json::array();
  const auto add = [&list](const DatedWindow& floor) {
    list.push_back(to_string(floor.window) + " (" + floor.source + ")");
  };
  if (rule.floors != nullptr) {
    std::for_each(rule.floors->floors.begin(), rule.floors->floors.end(), add);
  }
  if (rule.code_floor != nullptr) {
    add(*rule.code_floor);
  }
  return list;
}

/// What a policy alone would let go at a time, with no older version in its delay.
Tally plan_with(const Desk& desk, const Settings& settings) {
  PolicyState state;
  state.versions.push_back(
      {.number = 1,
       .in_force_from = desk.now,
       .snapshot = make_snapshot(settings, desk.database.audit_log().shape())});
  DecisionContext context(desk.database,
                          settings,
                          state,
                          {.system_now = desk.now, .as_of = desk.now},
                          DecisionContext::WithoutApproval{});
  return plan_at(desk, context).figures.tally;
}

json newly_deleted(const Tally& before, const Tally& after) {
  json list = json::array();
  for (const auto* entry : after.places_in_order()) {
    const auto& [place, counts] = *entry;
    const auto had = before.places().find(place);
    const std::int64_t was = had == before.places().end() ? 0 : had->second.deleted();
    if (counts.deleted() != was) {
      list.push_back({{"tenant", json_or_null(place.tenant)},
                      {"category", place.category},
                      {"deleted_now", was},
                      {"deleted_then", counts.deleted()},
                      {"newly_deleted", counts.deleted() - was}});
    }
  }
  return list;
}

}  // namespace

json show_policy(const Desk& desk) {
  const PolicyState policy = read_policy_state(desk.database, desk.settings, desk.now);
  const auto in_force = versions_in_force(policy.versions, desk.now);
  const RetentionPolicy& retention = policy.current().snapshot.retention;
  json entries = json::array();
  add_entries(entries, retention.category, "category", nullptr);
  add_entries(entries, retention.code, "code", nullptr);
  for (const auto& [tenant, own] : retention.tenant) {
    add_entries(entries, own.category, "category", tenant);
    add_entries(entries, own.code, "code", tenant);
  }
  json versions = json::array();
  for (const PolicyVersion* version : in_force) {
    versions.push_back({{"version", version->number},
                        {"since", to_rfc3339(version->in_force_from)},
                        {"in_delay", version != in_force.front()}});
  }
  json problems = json::array();
  for (const PolicyProblem& problem : validate(policy.current().snapshot)) {
    problems.push_back(problem.where + ": " + problem.message);
  }
  return {{"digest", policy.digest},
          {"recorded", policy.recorded},
          {"entries", std::move(entries)},
          {"presets", presets_json(retention)},
          {"versions_in_force", std::move(versions)},
          {"pending", changes_json(policy.pending)},
          {"problems", std::move(problems)}};
}

json diff_policy(const Desk& desk, const Settings& changed) {
  const LogShape& shape = desk.database.audit_log().shape();
  const PolicySnapshot from = make_snapshot(desk.settings, shape);
  const PolicySnapshot to = make_snapshot(changed, shape);
  json violations = json::array();
  for (const PolicyProblem& problem : lock_violations(from, to)) {
    violations.push_back(problem.where + " " + problem.message);
  }
  return {{"changes", changes_json(changes(from, to))},
          {"rows", newly_deleted(plan_with(desk, desk.settings), plan_with(desk, changed))},
          {"locked", std::move(violations)},
          {"waits_days",
           std::chrono::duration_cast<std::chrono::hours>(
               std::max(from.safety.policy_shorten_delay, to.safety.policy_shorten_delay))
                   .count() /
               24}};
}

json apply_policy(const Desk& desk, const Settings& changed, const std::string& reason) {
  if (reason.empty()) {
    throw JobError(ExitStatus::invalid, "--reason may not be empty: an auditor will ask for it");
  }
  require_clock_not_behind(desk);
  json result = diff_policy(desk, changed);
  if (!result.at("locked").empty()) {
    throw JobError(ExitStatus::refused, result.at("locked").front().get<std::string>());
  }
  // The version that was in force so far has to be on record, or the new one would have nothing to
  // wait for.
  const PolicyState before = read_policy_state(desk.database, desk.settings, desk.now);
  WitnessNotes notes = witness_notes(desk);
  const auto write = desk.database.begin_write(Durability::full);
  const auto record = [&](const PolicyState& state, const ConfigSource& source, Instant since) {
    StoredPolicy version{.in_force_from = since,
                         .digest = state.digest,
                         .document = to_document(state.current().snapshot),
                         .changed_by = desk.who,
                         .reason = reason,
                         .source = source.path.string() + ", SHA-256 " + source.sha256};
    version.version = desk.database.policies().add(version);
    notes.note(desk.now, "policy", policy_witness_body(version));
    return version.version;
  };
  if (!before.recorded) {
    (void)record(before, desk.settings.source, before.current().in_force_from);
  }
  // Only now: where it is the version before that one once more, it is in force from today and not
  // since then, or the one in between would have had its delay already.
  const PolicyState after = read_policy_state(desk.database, changed, desk.now);
  const PolicySnapshot from = make_snapshot(desk.settings, desk.database.audit_log().shape());
  const auto differences = changes(from, after.current().snapshot);
  if (differences.empty()) {
    throw JobError(ExitStatus::invalid, "the two configurations amount to the same policy");
  }
  const std::int64_t version = record(after, changed.source, after.current().in_force_from);
  desk.database.audit_log().append(policy_event({.actor = desk.who,
                                                 .reason = reason,
                                                 .source = changed.source.path.string(),
                                                 .version = version,
                                                 .at = desk.now},
                                                differences));
  write->commit();
  notes.flush();
  result["version"] = version;
  result["applied_by"] = desk.who;
  return result;
}

json list_presets() {
  json list = json::array();
  for (const Preset& preset : presets()) {
    list.push_back(
        {{"name", preset.name},
         {"min", preset.needs_value ? json("organisation-defined") : window_text(preset.min)},
         {"max", window_text(preset.max)},
         {"names_logs", preset.names_logs},
         {"citation", preset.citation},
         {"note", preset.note}});
  }
  return {{"presets", std::move(list)}, {"notice", "not legal advice"}};
}

json show_catalogue(const Settings& settings) {
  PolicySnapshot snapshot;
  snapshot.retention = settings.retention;
  copy_catalogue(settings.catalogue, snapshot);
  const RuleBook rules(snapshot, Instant{});
  json list = json::array();
  for (const AuditCode& code : settings.catalogue.codes()) {
    const Rule rule = rules.rule_for(std::nullopt, code.code, std::nullopt);
    list.push_back(
        {{"code", utf8_text(code.code)},
         {"category", code.category},
         {"severity", to_token(code.severity)},
         {"description", utf8_text(code.description)},
         {"window", rule.window == nullptr ? json(nullptr) : json(to_string(rule.window->window))},
         {"floors", floors_json(rule)},
         {"url",
          settings.catalogue_url.empty()
              ? json(nullptr)
              : json(settings.catalogue_url + "#" + utf8_text(code.code))}});
  }
  return {{"codes", std::move(list)}};
}

}  // namespace holdfast

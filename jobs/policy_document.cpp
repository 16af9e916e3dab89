// SPDX-License-Identifier: Apache-2.0
#include "jobs/policy_document.h"

#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <utility>

#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// The largest that a configuration can say: a wait of 400 years, a share of all.
constexpr std::int64_t kLongestWait = milliseconds{std::chrono::hours{24} * 146'097}.count();
constexpr std::int64_t kWhole = 1'000'000;

json window_json(const std::optional<RetentionWindow>& window) {
  return window ? json(to_string(*window)) : json(nullptr);
}

/// The value itself, once it is known to be an array: a string would be walked through as one
/// element.
const json& array_of(const json& value) {
  if (!value.is_array()) {
    throw std::invalid_argument("not a list where a list has to be");
  }
  return value;
}

std::optional<RetentionWindow> window_from(const json& value) {
  if (value.is_null()) {
    return std::nullopt;
  }
  const auto window = parse_window(value.get<std::string>());
  if (!window) {
    throw std::invalid_argument(window.error());
  }
  return *window;
}

// Names from the configuration are TOML and so UTF-8; they travel as arrays of pairs, because data
// is never a key.

template <typename Value, typename ToJson>
json pairs(const std::map<std::string, Value, std::less<>>& entries, ToJson to_json) {
  json list = json::array();
  for (const auto& [name, value] : entries) {
    list.push_back(json::array({name, to_json(value)}));
  }
  return list;
}

template <typename Value, typename FromJson>
std::map<std::string, Value, std::less<>> map_from(const json& list, FromJson from_json) {
  std::map<std::string, Value, std::less<>> entries;
  for (const json& pair : array_of(list)) {
    entries.emplace(pair.at(0).get<std::string>(), from_json(pair.at(1)));
  }
  return entries;
}

std::string text_from(const json& value) {
  return value.get<std::string>();
}

/// A number that no configuration can have said is damage: a delay beyond all time would overflow
/// and be over at once.
std::int64_t number_from(const json& value, std::int64_t most) {
  if (!value.is_number_integer() || value < 0 || value > most) {
    throw std::invalid_argument("a number that no configuration can have said");
  }
  return value.get<std::int64_t>();
}

milliseconds wait_from(const json& value) {
  return milliseconds{number_from(value, kLongestWait)};
}

json entry_json(const WindowEntry& entry) {
  return {{"window", window_json(entry.window)},
          {"at_least", window_json(entry.at_least)},
          {"locked", entry.locked},
          {"basis", entry.basis}};
}

WindowEntry entry_from(const json& value) {
  return {.window = window_from(value.at("window")),
          .at_least = window_from(value.at("at_least")),
          .locked = value.at("locked").get<bool>(),
          .basis = text_from(value.at("basis"))};
}

json tenant_json(const TenantEntries& tenant) {
  return {{"category", pairs(tenant.category, entry_json)},
          {"code", pairs(tenant.code, entry_json)}};
}

TenantEntries tenant_from(const json& value) {
  return {.category = map_from<WindowEntry>(value.at("category"), entry_from),
          .code = map_from<WindowEntry>(value.at("code"), entry_from)};
}

json preset_json(const PresetBinding& preset) {
  return {{"name", preset.name},
          {"categories", preset.categories},
          {"min", window_json(preset.min)},
          {"max", window_json(preset.max)},
          {"locked", preset.locked},
          {"citation", preset.citation}};
}

PresetBinding preset_from(const json& value) {
  return {.name = text_from(value.at("name")),
          .categories = value.at("categories").get<std::vector<std::string>>(),
          .min = window_from(value.at("min")),
          .max = window_from(value.at("max")),
          .locked = value.at("locked").get<bool>(),
          .citation = text_from(value.at("citation"))};
}

json retention_json(const RetentionPolicy& policy) {
  json presets = json::array();
  for (const PresetBinding& preset : policy.presets) {
    presets.push_back(preset_json(preset));
  }
  return {{"presets", std::move(presets)},
          {"category", pairs(policy.category, entry_json)},
          {"code", pairs(policy.code, entry_json)},
          {"tenant", pairs(policy.tenant, tenant_json)}};
}

RetentionPolicy retention_from(const json& value) {
  RetentionPolicy policy{.category = map_from<WindowEntry>(value.at("category"), entry_from),
                         .code = map_from<WindowEntry>(value.at("code"), entry_from),
                         .tenant = map_from<TenantEntries>(value.at("tenant"), tenant_from)};
  for (const json& preset : array_of(value.at("presets"))) {
    policy.presets.push_back(preset_from(preset));
  }
  return policy;
}

json safety_json(const SafetyPolicy& safety) {
  return {{"first_run_needs_approval", safety.first_run_needs_approval},
          {"max_category_share_ppm", safety.max_category_share_ppm},
          {"limit_min_rows", safety.limit_min_rows},
          {"max_bad_time_share_ppm", safety.max_bad_time_share_ppm},
          {"hold_release_grace_ms", safety.hold_release_grace.count()},
          {"policy_shorten_delay_ms", safety.policy_shorten_delay.count()},
          {"max_clock_step_ms", safety.max_clock_step.count()}};
}

SafetyPolicy safety_from(const json& value) {
  return {.first_run_needs_approval = value.at("first_run_needs_approval").get<bool>(),
          .max_category_share_ppm = number_from(value.at("max_category_share_ppm"), kWhole),
          .limit_min_rows =
              number_from(value.at("limit_min_rows"), std::numeric_limits<std::int64_t>::max()),
          .max_bad_time_share_ppm = number_from(value.at("max_bad_time_share_ppm"), kWhole),
          .hold_release_grace = wait_from(value.at("hold_release_grace_ms")),
          .policy_shorten_delay = wait_from(value.at("policy_shorten_delay_ms")),
          .max_clock_step = wait_from(value.at("max_clock_step_ms"))};
}

/// Whom a module asks about holds, and for which tables: the text that has versions.
std::string hold_source(const ErasureModule& module) {
  json holds = "none";
  if (!module.holds_sql.empty()) {
    holds = json::object({{"sql", module.holds_sql}});
  } else if (!module.holds_command.empty()) {
    holds = json::object({{"command", module.holds_command}});
  }
  std::set<std::string> tables;
  for (const ModuleTable& table : module.tables) {
    tables.insert(table.table);
  }
  return compact({{"holds", std::move(holds)}, {"tables", tables}});
}

ErasurePolicy erasure_policy(const Settings& settings) {
  ErasurePolicy erasure{.cool_off = settings.erasure.cool_off,
                        .trusted_services = settings.trusted_services,
                        .hold_sources = {}};
  for (const ErasureModule& module : settings.erasure.modules) {
    // Should two have the same name, a change of either still shows.
    erasure.hold_sources[module.name] += hold_source(module);
  }
  return erasure;
}

json same_text(const std::string& value) {
  return value;
}

json erasure_json(const ErasurePolicy& erasure) {
  return {{"cool_off_ms", erasure.cool_off.count()},
          {"trusted_services", erasure.trusted_services},
          {"hold_sources", pairs(erasure.hold_sources, same_text)}};
}

ErasurePolicy erasure_from(const json& value) {
  return {.cool_off = wait_from(value.at("cool_off_ms")),
          .trusted_services = value.at("trusted_services").get<std::set<std::string>>(),
          .hold_sources = map_from<std::string>(value.at("hold_sources"), text_from)};
}

json snapshot_json(const PolicySnapshot& snapshot) {
  json mapping = json::array();
  for (const auto& [key, value] : snapshot.mapping) {
    mapping.push_back(json::array({key, value}));
  }
  json document = {{"format", 1},
                   {"retention", retention_json(snapshot.retention)},
                   {"code_category", pairs(snapshot.code_category, same_text)},
                   {"aliases", pairs(snapshot.aliases, same_text)},
                   {"categories", snapshot.categories},
                   {"category_names", pairs(snapshot.category_names, same_text)},
                   {"mapping", std::move(mapping)},
                   {"safety", safety_json(snapshot.safety)},
                   {"administrators", snapshot.administrators},
                   {"identity_by_flag", snapshot.identity_by_flag}};
  // Only where it is set: documents from before this field keep their digest.
  if (snapshot.archive_wanted) {
    document["archive_wanted"] = true;
    document["archive_keep"] = window_json(snapshot.archive_keep);
  }
  // Left out where it says nothing, so that a policy from before there were erasures keeps its
  // document and digest. What a document without it means is part of format 1: 14 days, and nobody.
  if (!(snapshot.erasure == ErasurePolicy{})) {
    document["erasure"] = erasure_json(snapshot.erasure);
  }
  return document;
}

PolicySnapshot values_of(const json& value) {
  if (value.at("format") != 1) {
    throw std::invalid_argument("unknown format");
  }
  PolicySnapshot snapshot;
  snapshot.retention = retention_from(value.at("retention"));
  snapshot.code_category = map_from<std::string>(value.at("code_category"), text_from);
  snapshot.aliases = map_from<std::string>(value.at("aliases"), text_from);
  for (const json& slug : array_of(value.at("categories"))) {
    snapshot.categories.insert(text_from(slug));
  }
  snapshot.category_names = map_from<std::string>(value.at("category_names"), text_from);
  for (const json& pair : array_of(value.at("mapping"))) {
    snapshot.mapping.emplace(text_from(pair.at(0)), text_from(pair.at(1)));
  }
  snapshot.safety = safety_from(value.at("safety"));
  snapshot.administrators = value.at("administrators").get<std::set<std::string>>();
  snapshot.identity_by_flag = value.at("identity_by_flag").get<bool>();
  snapshot.archive_wanted =
      value.contains("archive_wanted") && value.at("archive_wanted").get<bool>();
  if (value.contains("archive_keep")) {
    snapshot.archive_keep = window_from(value.at("archive_keep"));
  }
  if (value.contains("erasure")) {
    snapshot.erasure = erasure_from(value.at("erasure"));
  }
  return snapshot;
}

/// Every document is kept exactly as to_document() made it, with its digest beside it. One that
/// says more than is understood, or has changed since, may have kept more than what is left of it.
PolicySnapshot snapshot_from(const StoredPolicy& stored) {
  if (!stored.digest.empty() && sha256_hex(stored.document) != stored.digest) {
    throw std::invalid_argument("it does not have the digest that it was stored with");
  }
  PolicySnapshot snapshot = values_of(json::parse(stored.document));
  if (compact(snapshot_json(snapshot)) != stored.document) {
    throw std::invalid_argument("it says something that this version does not understand");
  }
  return snapshot;
}

}  // namespace

PolicySnapshot make_snapshot(const Settings& settings, const LogShape& shape) {
  PolicySnapshot snapshot;
  snapshot.retention = settings.retention;
  copy_catalogue(settings.catalogue, snapshot);
  snapshot.mapping = shape.mapping;
  snapshot.mapping["earliest_plausible"] = to_rfc3339(settings.earliest_plausible);
  snapshot.safety = settings.safety;
  snapshot.administrators = settings.administrators;
  snapshot.identity_by_flag = settings.identity_by_flag;
  snapshot.archive_wanted = settings.archive.has_value();
  if (settings.archive) {
    snapshot.archive_keep = settings.archive->keep;
  }
  snapshot.erasure = erasure_policy(settings);
  return snapshot;
}

std::string to_document(const PolicySnapshot& snapshot) {
  return compact(snapshot_json(snapshot));
}

PolicyVersion from_document(const StoredPolicy& stored) {
  try {
    return {.number = stored.version,
            .in_force_from = stored.in_force_from,
            .snapshot = snapshot_from(stored)};
  } catch (const std::exception& error) {
    throw JobError(ExitStatus::failed,
                   "policy version " + std::to_string(stored.version) +
                       " in holdfast_policy cannot be read (" + error.what() +
                       "): what it keeps is unknown, so nothing is deleted; restore that line from "
                       "a backup");
  }
}

}  // namespace holdfast

// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_versions.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "policy/instant_shift.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

milliseconds delay_of(const PolicyVersion& version) {
  return version.snapshot.safety.policy_shorten_delay;
}

/// Until when each version but the last stays in force, by its place. None is replaced before it
/// was there, whatever the register says of the next one.
std::vector<Instant> ends_of_delay(std::span<const PolicyVersion> versions) {
  std::vector<Instant> ends;
  Instant replaced_at = versions.front().in_force_from;
  for (std::size_t next = 1; next < versions.size(); ++next) {
    replaced_at = std::max(replaced_at, versions[next].in_force_from);
    milliseconds delay = std::max(delay_of(versions[next]), delay_of(versions[next - 1]));
    for (std::size_t older = 0; older < ends.size(); ++older) {
      const bool in_force = !(ends[older] < replaced_at);
      delay = in_force ? std::max(delay, delay_of(versions[older])) : delay;
    }
    ends.push_back(later_by(replaced_at, delay));
  }
  return ends;
}

using Facts = std::map<std::string, std::string>;

void put(Facts& facts, const std::string& where, const std::optional<RetentionWindow>& window) {
  if (window) {
    facts[where] = to_string(*window);
  }
}

void put_entry(Facts& facts, const std::string& where, const WindowEntry& entry) {
  put(facts, where + ".window", entry.window);
  put(facts, where + ".at_least", entry.at_least);
  if (entry.locked) {
    facts[where + ".locked"] = "true";
  }
  if (!entry.basis.empty()) {
    facts[where + ".basis"] = entry.basis;
  }
}

void put_entries(Facts& facts, const std::string& where, const WindowEntries& entries) {
  for (const auto& [name, entry] : entries) {
    std::string full = where;
    full += '.';
    full += name;
    put_entry(facts, full, entry);
  }
}

void put_safety(Facts& facts, const SafetyPolicy& safety) {
  facts["safety.first_run_needs_approval"] = safety.first_run_needs_approval ? "true" : "false";
  facts["safety.max_category_share_ppm"] = std::to_string(safety.max_category_share_ppm);
  facts["safety.limit_min_rows"] = std::to_string(safety.limit_min_rows);
  facts["safety.max_bad_time_share_ppm"] = std::to_string(safety.max_bad_time_share_ppm);
  facts["safety.hold_release_grace_ms"] = std::to_string(safety.hold_release_grace.count());
  facts["safety.policy_shorten_delay_ms"] = std::to_string(safety.policy_shorten_delay.count());
  facts["safety.max_clock_step_ms"] = std::to_string(safety.max_clock_step.count());
}

/// Names in quotes, so that no two sets of them read the same.
std::string quoted_list(const std::set<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += list.empty() ? "\"" : ", \"";
    for (const char letter : name) {
      list += letter == '"' || letter == '\\' ? "\\" : "";
      list += letter;
    }
    list += '"';
  }
  return list;
}

void put_erasure(Facts& facts, const ErasurePolicy& erasure) {
  facts["erasure.cool_off"] = std::to_string(erasure.cool_off.count()) + " ms";
  if (!erasure.trusted_services.empty()) {
    facts["identity.services"] = quoted_list(erasure.trusted_services);
  }
  for (const auto& [module, source] : erasure.hold_sources) {
    facts["erasure.module." + module] = source;
  }
}

/// A policy as a flat list of places and values.
Facts flatten(const PolicySnapshot& snapshot) {
  Facts facts;
  for (const PresetBinding& preset : snapshot.retention.presets) {
    for (const std::string& category : preset.categories) {
      const std::string where = "retention.presets." + preset.name + "." + category;
      facts[where] = preset.locked ? "bound, locked" : "bound";
      put(facts, where + ".min", preset.min);
      put(facts, where + ".max", preset.max);
    }
  }
  put_entries(facts, "retention.category", snapshot.retention.category);
  put_entries(facts, "retention.code", snapshot.retention.code);
  for (const auto& [tenant, entries] : snapshot.retention.tenant) {
    put_entries(facts, "retention.tenant." + tenant + ".category", entries.category);
    put_entries(facts, "retention.tenant." + tenant + ".code", entries.code);
  }
  for (const auto& [code, category] : snapshot.code_category) {
    facts["catalogue.code." + code] = category;
  }
  for (const auto& [alias, code] : snapshot.aliases) {
    facts["catalogue.aliases." + alias] = code;
  }
  for (const auto& [key, value] : snapshot.mapping) {
    facts["events." + key] = value;
  }
  put_safety(facts, snapshot.safety);
  for (const std::string& name : snapshot.administrators) {
    facts["admins.principals." + name] = "administrator";
  }
  if (snapshot.archive_wanted) {
    facts["archive"] = "wanted";
    if (snapshot.archive_keep) {
      facts["archive.keep"] = to_string(*snapshot.archive_keep);
    }
  }
  facts["identity.trust_flag"] = snapshot.identity_by_flag ? "true" : "false";
  put_erasure(facts, snapshot.erasure);
  return facts;
}

/// Takes the names out of `common` that are not among `names`.
void keep_common(std::set<std::string>& common, const std::set<std::string>& names) {
  std::erase_if(common, [&](const std::string& name) { return !names.contains(name); });
}

/// The modules of `from` that `to` asks otherwise, or does not have.
std::vector<std::string> changed_modules(const ErasurePolicy& from, const ErasurePolicy& to) {
  std::vector<std::string> modules;
  for (const auto& [module, source] : from.hold_sources) {
    const auto now = to.hold_sources.find(module);
    if (now == to.hold_sources.end() || now->second != source) {
      modules.push_back(module);
    }
  }
  return modules;
}

bool shortened(const std::optional<RetentionWindow>& from,
               const std::optional<RetentionWindow>& to) {
  return from && (!to || ends_earlier_somewhere(*to, *from));
}

void check_locked(const WindowEntries& from,
                  const WindowEntries& to,
                  const std::string& where,
                  std::vector<PolicyProblem>& problems) {
  for (const auto& [name, entry] : from) {
    if (!entry.locked) {
      continue;
    }
    const auto found = to.find(name);
    const WindowEntry now = found == to.end() ? WindowEntry{} : found->second;
    if (shortened(entry.window, now.window) || shortened(entry.at_least, now.at_least)) {
      const RetentionWindow& had = entry.window ? *entry.window : *entry.at_least;
      problems.push_back({.weight = PolicyProblem::Weight::refused,
                          .where = std::string(where).append(".").append(name),
                          .message = "is locked at " + to_string(had) +
                                     " and may be extended, never shortened or removed: put it "
                                     "back; to change it, remove only \"locked\" and wait out "
                                     "policy_shorten_delay first"});
    }
  }
}

/// True where the policy still binds the preset to the category, for at least as long.
bool still_binds(const RetentionPolicy& policy,
                 const PresetBinding& preset,
                 const std::string& category) {
  return std::any_of(policy.presets.begin(), policy.presets.end(), [&](const auto& now) {
    return now.name == preset.name && !shortened(preset.min, now.min) &&
           std::find(now.categories.begin(), now.categories.end(), category) !=
               now.categories.end();
  });
}

void check_locked_preset(const PresetBinding& preset,
                         const RetentionPolicy& to,
                         std::vector<PolicyProblem>& problems) {
  for (const std::string& category : preset.categories) {
    if (preset.locked && !still_binds(to, preset, category)) {
      problems.push_back({.weight = PolicyProblem::Weight::refused,
                          .where = "retention.presets." + preset.name,
                          .message = "is locked on " + category +
                                     " and may not be removed or shortened there: put it back"});
    }
  }
}

/// A window of a code goes before that of its category: a new or shorter one would be a way around
/// the lock of the category.
void check_codes_of_locked(const PolicySnapshot& from,
                           const PolicySnapshot& to,
                           std::vector<PolicyProblem>& problems) {
  for (const auto& [code, entry] : to.retention.code) {
    const auto category = from.code_category.find(code);
    if (!entry.window || category == from.code_category.end()) {
      continue;
    }
    const auto locked = from.retention.category.find(category->second);
    if (locked == from.retention.category.end() || !locked->second.locked ||
        !locked->second.window || !ends_earlier_somewhere(*entry.window, *locked->second.window)) {
      continue;
    }
    const auto before = from.retention.code.find(code);
    if (before == from.retention.code.end() || !before->second.window ||
        ends_earlier_somewhere(*entry.window, *before->second.window)) {
      problems.push_back({.where = "retention.code." + code,
                          .message = "is shorter than the locked window of category " +
                                     category->second +
                                     ": a lock binds the codes of its category"});
    }
  }
}

}  // namespace

std::vector<const PolicyVersion*> versions_in_force(std::span<const PolicyVersion> versions,
                                                    Instant at) {
  const std::vector<Instant> ends = ends_of_delay(versions);
  std::vector<const PolicyVersion*> in_force{&versions.back()};
  for (std::size_t place = ends.size(); place-- > 0;) {
    if (!(ends[place] < at)) {
      in_force.push_back(&versions[place]);
    }
  }
  return in_force;
}

SafetyPolicy strictest_safety(std::span<const PolicyVersion* const> versions) {
  SafetyPolicy strictest = versions.front()->snapshot.safety;
  for (const PolicyVersion* version : versions) {
    const SafetyPolicy& safety = version->snapshot.safety;
    strictest.first_run_needs_approval |= safety.first_run_needs_approval;
    strictest.max_category_share_ppm =
        std::min(strictest.max_category_share_ppm, safety.max_category_share_ppm);
    strictest.limit_min_rows = std::min(strictest.limit_min_rows, safety.limit_min_rows);
    strictest.max_bad_time_share_ppm =
        std::min(strictest.max_bad_time_share_ppm, safety.max_bad_time_share_ppm);
    strictest.hold_release_grace =
        std::max(strictest.hold_release_grace, safety.hold_release_grace);
    strictest.policy_shorten_delay =
        std::max(strictest.policy_shorten_delay, safety.policy_shorten_delay);
    strictest.max_clock_step = std::min(strictest.max_clock_step, safety.max_clock_step);
  }
  return strictest;
}

std::set<std::string> common_administrators(std::span<const PolicyVersion* const> versions) {
  std::set<std::string> common = versions.front()->snapshot.administrators;
  for (const PolicyVersion* version : versions) {
    keep_common(common, version->snapshot.administrators);
  }
  return common;
}

milliseconds strictest_cool_off(std::span<const PolicyVersion* const> versions) {
  milliseconds longest = versions.front()->snapshot.erasure.cool_off;
  for (const PolicyVersion* version : versions) {
    longest = std::max(longest, version->snapshot.erasure.cool_off);
  }
  return longest;
}

std::set<std::string> common_services(std::span<const PolicyVersion* const> versions) {
  std::set<std::string> common = versions.front()->snapshot.erasure.trusted_services;
  for (const PolicyVersion* version : versions) {
    keep_common(common, version->snapshot.erasure.trusted_services);
  }
  return common;
}

std::set<std::string> waiting_hold_sources(std::span<const PolicyVersion* const> versions) {
  const ErasurePolicy& newest = versions.front()->snapshot.erasure;
  std::set<std::string> waiting;
  for (const PolicyVersion* version : versions) {
    for (const std::string& module : changed_modules(version->snapshot.erasure, newest)) {
      waiting.insert(module);
    }
  }
  return waiting;
}

std::vector<PolicyChange> changes(const PolicySnapshot& from, const PolicySnapshot& to) {
  const Facts before = flatten(from);
  const Facts after = flatten(to);
  std::vector<PolicyChange> result;
  for (const auto& [where, value] : before) {
    const auto found = after.find(where);
    if (found == after.end() || found->second != value) {
      result.push_back({.where = where,
                        .from = value,
                        .to = found == after.end() ? std::string{} : found->second});
    }
  }
  for (const auto& [where, value] : after) {
    if (!before.contains(where)) {
      result.push_back({.where = where, .from = {}, .to = value});
    }
  }
  std::sort(
      result.begin(), result.end(), [](const auto& a, const auto& b) { return a.where < b.where; });
  return result;
}

std::vector<PolicyProblem> lock_violations(const PolicySnapshot& from, const PolicySnapshot& to) {
  std::vector<PolicyProblem> problems;
  check_codes_of_locked(from, to, problems);
  check_locked(from.retention.category, to.retention.category, "retention.category", problems);
  check_locked(from.retention.code, to.retention.code, "retention.code", problems);
  for (const auto& [tenant, entries] : from.retention.tenant) {
    const auto found = to.retention.tenant.find(tenant);
    const TenantEntries now = found == to.retention.tenant.end() ? TenantEntries{} : found->second;
    const std::string where = "retention.tenant." + tenant;
    check_locked(entries.category, now.category, where + ".category", problems);
    check_locked(entries.code, now.code, where + ".code", problems);
  }
  for (const PresetBinding& preset : from.retention.presets) {
    check_locked_preset(preset, to.retention, problems);
  }
  return problems;
}

}  // namespace holdfast

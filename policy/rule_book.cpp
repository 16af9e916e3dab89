// SPDX-License-Identifier: Apache-2.0
#include "policy/rule_book.h"

#include <algorithm>
#include <utility>

#include "policy/disposition_cutoff.h"

namespace holdfast {

Instant Rule::window_cutoff() const {
  if (!has_window) {
    return kBeginningOfTime;
  }
  return own_window == nullptr ? window->cutoff : std::min(window->cutoff, own_window->cutoff);
}

Instant Rule::floor_cutoff() const {
  const Instant main = floors == nullptr ? kEndOfTime : floors->cutoff;
  return own_floors == nullptr ? main : std::min(main, own_floors->cutoff);
}

Instant Rule::code_floor_cutoff() const {
  return code_floor == nullptr ? kEndOfTime : code_floor->cutoff;
}

RuleBook::RuleBook(const PolicySnapshot& snapshot, Instant as_of)
    : snapshot_(&snapshot), as_of_(as_of) {
  for (const auto& [name, slug] : snapshot.category_names) {
    names_.try_emplace(slug, name);
  }
  add_categories();
  add_codes();
  add_tenants();
  find_latest_cutoffs();
}

Instant RuleBook::cutoff_of(const RetentionWindow& window) {
  const auto [entry, fresh] = cutoffs_.try_emplace({window.count, window.unit}, Instant{});
  if (fresh) {
    entry->second = disposition_cutoff(window, as_of_);
  }
  return entry->second;
}

const DatedWindow* RuleBook::dated(const RetentionWindow& window,
                                   std::string source,
                                   const std::string& basis) {
  windows_.push_back(
      {.window = window, .cutoff = cutoff_of(window), .source = std::move(source), .basis = basis});
  return &windows_.back();
}

void RuleBook::add_floor(const std::string& category, const DatedWindow* floor) {
  CategoryFloors& floors = categories_[category].floors;
  floors.floors.push_back(*floor);
  floors.cutoff = std::min(floors.cutoff, floor->cutoff);
}

void RuleBook::add_preset(const PresetBinding& preset) {
  if (!preset.min) {
    return;
  }
  for (const std::string& category : preset.categories) {
    add_floor(category, dated(*preset.min, "preset " + preset.name, preset.citation));
  }
}

void RuleBook::add_categories() {
  for (const std::string& slug : snapshot_->categories) {
    categories_.try_emplace(slug);
  }
  for (const PresetBinding& preset : snapshot_->retention.presets) {
    add_preset(preset);
  }
  for (const auto& [category, entry] : snapshot_->retention.category) {
    const std::string source = "retention.category." + category;
    if (entry.window) {
      categories_[category].window = dated(*entry.window, source, entry.basis);
    }
    if (entry.at_least) {
      add_floor(category, dated(*entry.at_least, source + ".at_least", entry.basis));
    }
  }
}

void RuleBook::add_codes() {
  for (const auto& [code, category] : snapshot_->code_category) {
    codes_.try_emplace(
        code, CodeRule{.code = code, .category = category, .category_name = name_of(category)});
  }
  for (const auto& [code, entry] : snapshot_->retention.code) {
    const auto found = codes_.find(code);
    if (found == codes_.end()) {
      continue;  // a code that the catalogue does not know keeps its rows anyway
    }
    const std::string source = "retention.code." + code;
    if (entry.window) {
      found->second.window = dated(*entry.window, source, entry.basis);
    }
    if (entry.at_least) {
      found->second.floor = dated(*entry.at_least, source + ".at_least", entry.basis);
    }
  }
  for (const auto& [alias, code] : snapshot_->aliases) {
    const auto found = codes_.find(code);
    if (found != codes_.end()) {
      const CodeRule rule = found->second;
      codes_.try_emplace(alias, rule);
    }
  }
}

TextMap<const DatedWindow*> RuleBook::dated_entries(const WindowEntries& entries,
                                                    const std::string& source) {
  TextMap<const DatedWindow*> windows;
  for (const auto& [name, entry] : entries) {
    if (entry.window) {
      std::string full = source;
      full += name;
      windows[name] = dated(*entry.window, std::move(full), entry.basis);
    }
  }
  return windows;
}

void RuleBook::add_tenants() {
  for (const auto& [tenant, entries] : snapshot_->retention.tenant) {
    TenantRule& rule = tenants_[tenant];
    const std::string source = "retention.tenant." + tenant;
    rule.category = dated_entries(entries.category, source + ".category.");
    rule.code = dated_entries(entries.code, source + ".code.");
  }
}

const RuleBook::CodeRule* RuleBook::find_code(std::string_view code) const {
  const auto found = codes_.find(code);
  return found == codes_.end() ? nullptr : &found->second;
}

const DatedWindow* RuleBook::pick_window(const TenantRule* tenant,
                                         const CodeRule& code,
                                         std::string_view category) const {
  if (tenant != nullptr) {
    if (const auto found = tenant->code.find(code.code); found != tenant->code.end()) {
      return found->second;
    }
    if (const auto found = tenant->category.find(category); found != tenant->category.end()) {
      return found->second;
    }
  }
  if (code.window != nullptr) {
    return code.window;
  }
  if (category == code.category) {
    return code.category_rule == nullptr ? nullptr : code.category_rule->window;
  }
  const auto found = categories_.find(category);
  return found == categories_.end() ? nullptr : found->second.window;
}

std::string_view RuleBook::slug_of(std::string_view own_category) const {
  const auto named = snapshot_->category_names.find(own_category);
  return named == snapshot_->category_names.end() ? own_category : std::string_view(named->second);
}

std::string_view RuleBook::name_of(std::string_view slug) const {
  const auto named = names_.find(slug);
  return named == names_.end() ? std::string_view{} : named->second;
}

Rule RuleBook::rule_for(std::optional<std::string_view> tenant,
                        std::optional<std::string_view> code,
                        std::optional<std::string_view> own_category) const {
  Rule rule;
  if (own_category && !own_category->empty()) {
    rule.own_category = slug_of(*own_category);
    rule.own_category_name = name_of(rule.own_category);
  }
  const CodeRule* known = code ? find_code(*code) : nullptr;
  if (known == nullptr) {
    return rule;
  }
  rule.code_known = true;
  rule.known_code = known->code;
  rule.category = known->category;
  rule.category_name = known->category_name;
  rule.code_floor = known->floor;
  const auto found_tenant = tenant ? tenants_.find(*tenant) : tenants_.end();
  const TenantRule* own_rules = found_tenant == tenants_.end() ? nullptr : &found_tenant->second;
  rule.window = pick_window(own_rules, *known, rule.category);
  if (known->category_rule != nullptr) {
    rule.floors = &known->category_rule->floors;
  }
  rule.has_window = rule.window != nullptr;
  if (!rule.own_category.empty() && rule.own_category != rule.category) {
    const std::string_view own = rule.own_category;
    const auto found = categories_.find(own);
    rule.category_differs = true;
    rule.own_window = found == categories_.end() ? nullptr : pick_window(own_rules, *known, own);
    rule.own_floors = found == categories_.end() ? nullptr : &found->second.floors;
    rule.has_window = rule.has_window && rule.own_window != nullptr;
  }
  return rule;
}

const DatedWindow* RuleBook::category_window(std::optional<std::string_view> tenant,
                                             std::string_view category) const {
  const auto found_tenant = tenant ? tenants_.find(*tenant) : tenants_.end();
  if (found_tenant != tenants_.end()) {
    const auto& own = found_tenant->second.category;
    if (const auto found = own.find(category); found != own.end()) {
      return found->second;
    }
  }
  const auto found = categories_.find(category);
  return found == categories_.end() ? nullptr : found->second.window;
}

Instant RuleBook::latest_cutoff(std::string_view code) const {
  const CodeRule* known = find_code(code);
  return known == nullptr ? kBeginningOfTime : known->latest;
}

Instant RuleBook::latest_cutoff() const {
  Instant latest = kBeginningOfTime;
  for (const auto& [name, rule] : codes_) {
    latest = std::max(latest, rule.latest);
  }
  return latest;
}

Instant RuleBook::earliest_cutoff(std::string_view code) const {
  const CodeRule* known = find_code(code);
  if (known == nullptr || known->category_rule == nullptr) {
    return kBeginningOfTime;
  }
  const Instant of_code = known->floor == nullptr ? kEndOfTime : known->floor->cutoff;
  return std::min({known->earliest, known->category_rule->floors.cutoff, of_code});
}

/// Asked for every row of a plan, so it is worked out once: only the tenants that say something
/// about a code or its category are looked at.
void RuleBook::find_latest_cutoffs() {
  TextMap<std::vector<CodeRule*>> of_category;
  TextMap<std::vector<CodeRule*>> of_code;
  const auto raise = [this](CodeRule& rule, const TenantRule* tenant) {
    const DatedWindow* window = pick_window(tenant, rule, rule.category);
    rule.latest = window == nullptr ? rule.latest : std::max(rule.latest, window->cutoff);
    rule.earliest = window == nullptr ? kBeginningOfTime : std::min(rule.earliest, window->cutoff);
  };
  for (auto& [name, rule] : codes_) {
    const auto category = categories_.find(rule.category);
    rule.category_rule = category == categories_.end() ? nullptr : &category->second;
    of_category[rule.category].push_back(&rule);
    of_code[rule.code].push_back(&rule);
    raise(rule, nullptr);
  }
  for (const auto& [name, tenant] : tenants_) {
    for (const auto& [entries, rules] :
         {std::pair{&tenant.category, &of_category}, std::pair{&tenant.code, &of_code}}) {
      for (const auto& [term, window] : *entries) {
        const auto found = rules->find(term);
        for (CodeRule* rule : found == rules->end() ? std::vector<CodeRule*>{} : found->second) {
          raise(*rule, &tenant);
        }
      }
    }
  }
}

std::vector<std::string> RuleBook::cutoffs() const {
  std::vector<std::string> lines;
  for (const auto& [window, cutoff] : cutoffs_) {
    lines.push_back(to_string(RetentionWindow{.count = window.first, .unit = window.second}) + "=" +
                    to_rfc3339(cutoff));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void RuleBook::list_entries(const std::optional<std::string>& tenant,
                            const WindowEntries& windows,
                            std::vector<Entry>& entries) {
  for (const auto& [category, entry] : windows) {
    if (entry.window) {
      entries.push_back({.tenant = tenant, .category = category});
    }
  }
}

std::vector<RuleBook::Entry> RuleBook::entries() const {
  std::vector<Entry> entries;
  list_entries(std::nullopt, snapshot_->retention.category, entries);
  for (const auto& [tenant, own] : snapshot_->retention.tenant) {
    list_entries(tenant, own.category, entries);
  }
  return entries;
}

}  // namespace holdfast

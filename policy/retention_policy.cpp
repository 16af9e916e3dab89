// SPDX-License-Identifier: Apache-2.0
#include "policy/retention_policy.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "policy/spelling.h"

namespace holdfast {
namespace {

using Weight = PolicyProblem::Weight;

/// A floor or a cap, and who asks for it.
struct Limit {
  RetentionWindow window;
  std::string where;  ///< of a floor that the configuration sets itself
  std::string setter;
};

/// What binds every window in one category.
struct CategoryLimits {
  std::vector<Limit> floors;
  std::vector<Limit> caps;
};

std::string quoted(std::string_view text) {
  return '"' + std::string{text} + '"';
}

template <typename Keyed>
std::vector<std::string> keys_of(const Keyed& keyed) {
  std::vector<std::string> keys;
  keys.reserve(keyed.size());
  for (const auto& [key, value] : keyed) {
    keys.push_back(key);
  }
  return keys;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto nearest = nearest_spelling(word, candidates);
  return nearest ? " (did you mean " + quoted(*nearest) + "?)" : std::string{};
}

/// Goes through a policy once and gathers what it finds.
class PolicyCheck {
 public:
  explicit PolicyCheck(const PolicySnapshot& snapshot) : snapshot_(snapshot) {}

  [[nodiscard]] std::vector<PolicyProblem> problems() && {
    check_catalogue();
    gather_limits();
    check_platform();
    check_tenants();
    check_coverage();
    return std::move(problems_);
  }

 private:
  void add(Weight weight, std::string where, std::string message) {
    problems_.push_back(
        {.weight = weight, .where = std::move(where), .message = std::move(message)});
  }

  void check_catalogue();
  void gather_limits();
  void bind_preset(const PresetBinding& preset, const std::string& category);
  void check_platform();
  void check_tenants();
  void check_coverage();

  [[nodiscard]] std::vector<std::string> known_categories() const {
    return {snapshot_.categories.begin(), snapshot_.categories.end()};
  }
  [[nodiscard]] bool knows_category(const std::string& category, const std::string& where);
  /// The category of the code, null where the code is unknown, which is then reported.
  [[nodiscard]] const std::string* category_of(const std::string& code, const std::string& where);
  void check_floor(const Limit& floor, const CategoryLimits& limits);
  void check_window(const RetentionWindow& window,
                    const std::string& where,
                    const CategoryLimits& limits);
  void check_window_against_floor(const RetentionWindow& window,
                                  const std::string& where,
                                  const Limit& floor);
  void check_code(const std::string& code, const WindowEntry& entry);
  void check_tenant(const std::string& tenant, const TenantEntries& entries);
  void refuse_tenant_floor(const WindowEntry& entry, const std::string& where);
  void check_category_coverage(const std::string& category, const std::set<std::string>& codes);
  [[nodiscard]] bool has_own_window(const std::string& category,
                                    const std::set<std::string>& codes) const;

  const PolicySnapshot& snapshot_;
  std::map<std::string, CategoryLimits, std::less<>> limits_;
  std::vector<PolicyProblem> problems_;
};

bool PolicyCheck::knows_category(const std::string& category, const std::string& where) {
  if (snapshot_.categories.contains(category)) {
    return true;
  }
  const auto name = snapshot_.category_names.find(category);
  add(Weight::refused,
      where,
      "no such category" +
          (name == snapshot_.category_names.end()
               ? did_you_mean(category, known_categories())
               : ": a category goes by its slug, which is " + quoted(name->second)));
  return false;
}

const std::string* PolicyCheck::category_of(const std::string& code, const std::string& where) {
  const auto found = snapshot_.code_category.find(code);
  if (found != snapshot_.code_category.end()) {
    return &found->second;
  }
  const auto alias = snapshot_.aliases.find(code);
  add(Weight::refused,
      where,
      alias == snapshot_.aliases.end()
          ? "no such code" + did_you_mean(code, keys_of(snapshot_.code_category))
          : quoted(code) + " is an alias: write the code that it stands for, " +
                quoted(alias->second));
  return nullptr;
}

void PolicyCheck::check_catalogue() {
  for (const auto& [alias, code] : snapshot_.aliases) {
    if (!snapshot_.code_category.contains(code)) {
      add(Weight::refused,
          "catalogue.aliases." + alias,
          "no such code as " + quoted(code) + did_you_mean(code, keys_of(snapshot_.code_category)));
    }
  }
}

void PolicyCheck::bind_preset(const PresetBinding& preset, const std::string& category) {
  const std::string where = "retention.presets." + preset.name;
  if (!snapshot_.categories.contains(category)) {
    add(Weight::refused,
        where,
        "no such category as " + quoted(category) + did_you_mean(category, known_categories()));
    return;
  }
  const std::string setter = "preset " + quoted(preset.name);
  if (preset.min) {
    limits_[category].floors.push_back({.window = *preset.min, .where = where, .setter = setter});
  }
  if (preset.max) {
    limits_[category].caps.push_back({.window = *preset.max, .where = where, .setter = setter});
  }
}

/// Gathers every floor and cap before anything is compared with them.
void PolicyCheck::gather_limits() {
  for (const PresetBinding& preset : snapshot_.retention.presets) {
    for (const std::string& category : preset.categories) {
      bind_preset(preset, category);
    }
  }
  for (const auto& [category, entry] : snapshot_.retention.category) {
    if (entry.at_least) {
      const std::string where = "retention.category." + category + ".at_least";
      limits_[category].floors.push_back(
          {.window = *entry.at_least, .where = where, .setter = where});
    }
  }
}

/// A conflict: the floor wins, because keeping too long can be mended and deleting cannot.
void PolicyCheck::check_floor(const Limit& floor, const CategoryLimits& limits) {
  for (const Limit& cap : limits.caps) {
    if (ends_earlier_somewhere(cap.window, floor.window)) {
      add(Weight::conflict,
          floor.where,
          "the floor of " + to_string(floor.window) + " is longer than the cap of " +
              to_string(cap.window) + " that " + cap.setter +
              " sets: the floor wins, and rows stay longer than the cap allows");
    }
  }
}

void PolicyCheck::check_window(const RetentionWindow& window,
                               const std::string& where,
                               const CategoryLimits& limits) {
  for (const Limit& cap : limits.caps) {
    if (ends_earlier_somewhere(cap.window, window)) {
      add(Weight::refused,
          where,
          "the window of " + to_string(window) + " is longer than the cap of " +
              to_string(cap.window) + " that " + cap.setter +
              " sets: shorten the window or unbind the preset");
    }
  }
  for (const Limit& floor : limits.floors) {
    check_window_against_floor(window, where, floor);
  }
}

void PolicyCheck::check_window_against_floor(const RetentionWindow& window,
                                             const std::string& where,
                                             const Limit& floor) {
  if (ends_earlier_somewhere(window, floor.window)) {
    add(Weight::doubt,
        where,
        "the window of " + to_string(window) + " ends before the floor of " +
            to_string(floor.window) + " that " + floor.setter +
            " sets: rows will be kept by the floor until that has passed too");
  }
}

void PolicyCheck::check_code(const std::string& code, const WindowEntry& entry) {
  const std::string where = "retention.code." + code;
  const std::string* const category = category_of(code, where);
  if (category == nullptr) {
    return;
  }
  const CategoryLimits& limits = limits_[*category];
  const std::string floor_where = where + ".at_least";
  if (entry.at_least) {
    check_floor({.window = *entry.at_least, .where = floor_where, .setter = floor_where}, limits);
  }
  if (!entry.window) {
    return;
  }
  check_window(*entry.window, where + ".window", limits);
  if (entry.at_least) {
    check_window_against_floor(
        *entry.window,
        where + ".window",
        {.window = *entry.at_least, .where = floor_where, .setter = floor_where});
  }
}

void PolicyCheck::check_platform() {
  for (const auto& [category, limits] : limits_) {
    for (const Limit& floor : limits.floors) {
      check_floor(floor, limits);
    }
  }
  for (const auto& [category, entry] : snapshot_.retention.category) {
    const std::string where = "retention.category." + category;
    if (knows_category(category, where) && entry.window) {
      check_window(*entry.window, where + ".window", limits_[category]);
    }
  }
  for (const auto& [code, entry] : snapshot_.retention.code) {
    check_code(code, entry);
  }
}

void PolicyCheck::refuse_tenant_floor(const WindowEntry& entry, const std::string& where) {
  if (entry.at_least) {
    add(Weight::refused,
        where + ".at_least",
        "a tenant may never touch a floor: leave at_least out, or set it for the platform");
  }
}

void PolicyCheck::check_tenant(const std::string& tenant, const TenantEntries& entries) {
  const std::string category_place = "retention.tenant." + tenant + ".category.";
  const std::string code_place = "retention.tenant." + tenant + ".code.";
  for (const auto& [category, entry] : entries.category) {
    const std::string where = category_place + category;
    refuse_tenant_floor(entry, where);
    if (knows_category(category, where) && entry.window) {
      check_window(*entry.window, where + ".window", limits_[category]);
    }
  }
  for (const auto& [code, entry] : entries.code) {
    const std::string where = code_place + code;
    refuse_tenant_floor(entry, where);
    const std::string* const category = category_of(code, where);
    if (category == nullptr || !entry.window) {
      continue;
    }
    check_window(*entry.window, where + ".window", limits_[*category]);
    const auto platform = snapshot_.retention.code.find(code);
    if (platform != snapshot_.retention.code.end() && platform->second.at_least) {
      const std::string floor_where = "retention.code." + code + ".at_least";
      check_window_against_floor(
          *entry.window,
          where + ".window",
          {.window = *platform->second.at_least, .where = floor_where, .setter = floor_where});
    }
  }
}

void PolicyCheck::check_tenants() {
  for (const auto& [tenant, entries] : snapshot_.retention.tenant) {
    check_tenant(tenant, entries);
  }
}

/// True where a window of a code or of a tenant lets some rows of the category go all the same.
bool PolicyCheck::has_own_window(const std::string& category,
                                 const std::set<std::string>& codes) const {
  const auto sets_window = [&](const WindowEntries& entries) {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
      return entry.second.window && (codes.contains(entry.first) || entry.first == category);
    });
  };
  const auto& tenants = snapshot_.retention.tenant;
  return sets_window(snapshot_.retention.code) ||
         std::any_of(tenants.begin(), tenants.end(), [&](const auto& tenant) {
           return sets_window(tenant.second.category) || sets_window(tenant.second.code);
         });
}

void PolicyCheck::check_category_coverage(const std::string& category,
                                          const std::set<std::string>& codes) {
  const auto& platform = snapshot_.retention;
  const auto entry = platform.category.find(category);
  if (entry != platform.category.end() && entry->second.window) {
    return;
  }
  const bool every_code = std::all_of(codes.begin(), codes.end(), [&](const std::string& code) {
    const auto found = platform.code.find(code);
    return found != platform.code.end() && found->second.window;
  });
  if (every_code) {
    return;
  }
  const std::string but_for = has_own_window(category, codes)
                                  ? ", but for those of codes and tenants that have one"
                                  : std::string{};
  add(Weight::doubt,
      "retention.category." + category,
      "no window is set: rows of this category are kept for ever" + but_for);
}

/// A category without a code has no rows to keep: a log of one's own codes leaves many like that.
void PolicyCheck::check_coverage() {
  std::map<std::string, std::set<std::string>, std::less<>> codes_of;
  for (const auto& [code, category] : snapshot_.code_category) {
    codes_of[category].insert(code);
  }
  for (const auto& [category, codes] : codes_of) {
    check_category_coverage(category, codes);
  }
}

}  // namespace

void copy_catalogue(const Catalogue& catalogue, PolicySnapshot& snapshot) {
  snapshot.code_category.clear();
  snapshot.categories.clear();
  snapshot.category_names.clear();
  for (const AuditCode& code : catalogue.codes()) {
    snapshot.code_category.emplace(code.code, code.category);
  }
  for (const AuditCategory& category : catalogue.categories()) {
    snapshot.categories.insert(category.slug);
    snapshot.category_names.emplace(category.name, category.slug);
  }
  snapshot.aliases = catalogue.aliases();
}

std::vector<PolicyProblem> validate(const PolicySnapshot& snapshot) {
  return PolicyCheck{snapshot}.problems();
}

}  // namespace holdfast

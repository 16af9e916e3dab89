// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/catalogue.h"
#include "policy/instant.h"
#include "policy/retention_window.h"

namespace holdfast {

/// What the policy says about one category or one code.
struct WindowEntry {
  std::optional<RetentionWindow> window;    ///< how long the owner wants it
  std::optional<RetentionWindow> at_least;  ///< a floor, which no tenant may touch
  bool locked = false;                      ///< may be extended, never shortened or removed
  std::string basis;                        ///< why, printed as written

  [[nodiscard]] bool operator==(const WindowEntry&) const = default;
};

using WindowEntries = std::map<std::string, WindowEntry, std::less<>>;

/// A tenant's own windows. They win over the platform's; floors and caps bind them all the same.
struct TenantEntries {
  WindowEntries category;
  WindowEntries code;

  [[nodiscard]] bool operator==(const TenantEntries&) const = default;
};

/// A preset bound to categories, with its floor and cap as they were when it was bound.
struct PresetBinding {
  std::string name;
  std::vector<std::string> categories;  ///< slugs, sorted
  std::optional<RetentionWindow> min;
  std::optional<RetentionWindow> max;
  bool locked = false;
  std::string citation;

  [[nodiscard]] bool operator==(const PresetBinding&) const = default;
};

/// The [retention] section: windows, floors and presets.
struct RetentionPolicy {
  std::vector<PresetBinding> presets;
  WindowEntries category;
  WindowEntries code;
  std::map<std::string, TenantEntries, std::less<>> tenant;

  [[nodiscard]] bool operator==(const RetentionPolicy&) const = default;
};

/// The [safety] section. Shares are parts per million, so that a policy has no rounding.
struct SafetyPolicy {
  bool first_run_needs_approval = true;
  std::int64_t max_category_share_ppm = 200'000;
  std::int64_t limit_min_rows = 1000;
  std::int64_t max_bad_time_share_ppm = 10'000;
  std::chrono::milliseconds hold_release_grace = std::chrono::hours{24 * 30};
  std::chrono::milliseconds policy_shorten_delay = std::chrono::hours{24 * 7};
  std::chrono::milliseconds max_clock_step = std::chrono::hours{24 * 8};

  [[nodiscard]] bool operator==(const SafetyPolicy&) const = default;
};

/// What the policy says about erasures: a shorter cool-off, a further trusted service and another
/// source of holds wait like any loosening.
struct ErasurePolicy {
  std::chrono::milliseconds cool_off = std::chrono::hours{24 * 14};
  std::set<std::string> trusted_services;  ///< may request an erasure in a subject's name
  /// Module to a text that says whom it asks about holds, and for which tables.
  std::map<std::string, std::string, std::less<>> hold_sources;

  [[nodiscard]] bool operator==(const ErasurePolicy&) const = default;
};

/// Everything that can let a row go sooner or later, as one value: this is what has versions, what
/// a plan is bound to, and what waits when it is loosened.
struct PolicySnapshot {
  RetentionPolicy retention;
  std::map<std::string, std::string, std::less<>> code_category;   ///< code to category slug
  std::map<std::string, std::string, std::less<>> aliases;         ///< alias to code
  std::set<std::string, std::less<>> categories;                   ///< every slug that exists
  std::map<std::string, std::string, std::less<>> category_names;  ///< display name to slug
  std::map<std::string, std::string> mapping;  ///< [events], key to value as text
  SafetyPolicy safety;
  std::set<std::string> administrators;
  bool identity_by_flag = false;
  bool archive_wanted = false;                  ///< no row goes before it is in an archive
  std::optional<RetentionWindow> archive_keep;  ///< how long archives live; none without one
  ErasurePolicy erasure;

  [[nodiscard]] bool operator==(const PolicySnapshot&) const = default;
};

/// Fills the catalogue's part of a snapshot.
void copy_catalogue(const Catalogue& catalogue, PolicySnapshot& snapshot);

/// One thing that is wrong with a policy, or worth knowing about it.
struct PolicyProblem {
  enum class Weight { refused, conflict, doubt };
  Weight weight = Weight::refused;
  std::string where;    ///< "retention.category.account.window"
  std::string message;  ///< a whole sentence: what, and what to do
};

/// Checks windows against caps, floors against caps, and names against the catalogue.
/// A window longer than a cap is refused; a floor longer than a cap is a conflict, which the floor
/// wins and every report prints; nothing is ever clamped. Source: policy/README.md.
[[nodiscard]] std::vector<PolicyProblem> validate(const PolicySnapshot& snapshot);

}  // namespace holdfast
